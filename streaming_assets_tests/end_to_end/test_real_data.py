"""Real logs of four kinds in one landing folder, against what pandas and plain Python make of the same files.

STREAMING_REAL_DATA names their folder. The last weeks of every log are taken in, and in the slow test all of them.
"""

import ast
import csv
import gzip
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from streaming_assets_tests.end_to_end.data_folder import DataFolder, errors, failed_blocking

GAP = pd.Timedelta(minutes=30)
# A user who has no break of more than the gap on a day is in one session from its first half hour to its last.
SHORTEST_WITH_A_FULL_DAY = pd.Timedelta(hours=23)
ALL_TIME = "0000"

PROFILES = ("lastfm1k_userid-profile.tsv", "livestreaming_backup_users.csv", "livestreaming_shows.csv")


@dataclass(frozen=True)
class Log:
    """file: its name in the folder; lands_as: in landing; since: its last weeks begin here.

    cut: the bytes of the rows since a time. plays: from the file in landing to user_id, started_at, watch_seconds and
    what makes a play the same play, in the order of the file. assumed: watch time until the next play of the session
    at most, and of its last play, where the log has none.
    """

    file: str
    lands_as: str
    since: str
    cut: Callable[[Path, str], bytes]
    plays: Callable[[Path], pd.DataFrame]
    assumed: tuple[float, float] | None = None


def cut_lastfm(file: Path, since: str) -> bytes:
    lines = gzip.decompress(file.read_bytes()).split(b"\n")
    return gzip.compress(b"\n".join(line for line in lines if line and line.split(b"\t")[1].decode() >= since) + b"\n")


def plays_of_lastfm(file: Path) -> pd.DataFrame:
    rows = [line.split("\t") for line in gzip.decompress(file.read_bytes()).decode().split("\n") if line]
    return pd.DataFrame(
        {
            "user_id": user,
            "started_at": pd.Timestamp(time).tz_localize(None),
            "watch_seconds": float("nan"),
            "content_id": track_id or hashlib.md5(f"{artist}/{track}".encode()).hexdigest(),
        }
        for user, time, _, artist, track_id, track in rows
    )


def cut_shows(file: Path, since: str) -> bytes:
    return json.dumps([row for row in json.loads(file.read_text()) if row["created_at"] >= since]).encode()


def plays_of_shows(file: Path) -> pd.DataFrame:
    rows = pd.DataFrame(json.loads(file.read_text()))
    return pd.DataFrame(
        {
            "user_id": rows["user_id"].astype(str),
            "started_at": pd.to_datetime(rows["created_at"]),
            "watch_seconds": rows["user_watch_duration_seconds"].astype(float),
            "content_id": rows["show_id"],
        }
    )


def cut_netflix(file: Path, since: str) -> bytes:
    header, *rows = csv.reader(io.StringIO(gzip.decompress(file.read_bytes()).decode()))
    kept = io.StringIO()
    csv.writer(kept).writerows([header, *(row for row in rows if row[1] >= since)])
    return gzip.compress(kept.getvalue().encode())


def plays_of_netflix(file: Path) -> pd.DataFrame:
    rows = pd.read_csv(file)
    rows = rows[rows["Supplemental Video Type"].isna()]
    return pd.DataFrame(
        {
            "user_id": rows["Profile Name"],
            "started_at": pd.to_datetime(rows["Start Time"]),
            "watch_seconds": pd.to_timedelta(rows["Duration"]).dt.total_seconds(),
            "content_id": rows["Title"],
        }
    )


def cut_logins(file: Path, since: str) -> bytes:
    assert since == ALL_TIME, "the whole log is a few weeks"
    return file.read_bytes()


def plays_of_logins(file: Path) -> pd.DataFrame:
    """The titles of a login one after the other, its minutes split evenly to the millisecond; a negative time is no play."""
    found = []
    for row in pd.read_csv(file, dtype=str).itertuples():
        titles = ast.literal_eval(row.content_watched)
        watched = round(float(row.total_watch_time) * 60_000)
        bounds = [watched * number // len(titles) for number in range(len(titles) + 1)]
        for number, title in enumerate(titles):
            found.append(
                {
                    "user_id": row.user_id,
                    "started_at": pd.Timestamp(row.login_time) + pd.Timedelta(milliseconds=bounds[number]),
                    "watch_seconds": (bounds[number + 1] - bounds[number]) / 1000,
                    "content_id": title,
                    "login": "|".join((row.login_time, row.logout_time, row.content_watched, row.total_watch_time)),
                    "number": number,
                }
            )
    plays = pd.DataFrame(found)
    return plays[plays["watch_seconds"] >= 0]


LOGS = {
    "lastfm": Log(
        "lastfm1k_sample_5000.tsv.gz",
        "userid-timestamp-sample.tsv.gz",
        "2009-04-08",
        cut_lastfm,
        plays_of_lastfm,
        assumed=(600.0, 210.0),
    ),
    "shows": Log("hoyt_emerson_streaming_data.json", "views of shows.json", "2025-03-12", cut_shows, plays_of_shows),
    "netflix": Log(
        "netflix_viewing_activity_anonymised.csv.gz",
        "ViewingActivity.csv.gz",
        "2023-05-24",
        cut_netflix,
        plays_of_netflix,
    ),
    "logins": Log("livestreaming_user_sessions_dataset.csv.gz", "logins.csv.gz", ALL_TIME, cut_logins, plays_of_logins),
}


@pytest.fixture(scope="module")
def real_data() -> Path:
    folder = os.environ.get("STREAMING_REAL_DATA")
    if not folder:
        pytest.skip("STREAMING_REAL_DATA is not set: the real rows are not on this machine")
    return Path(folder)


@dataclass(frozen=True)
class TakenIn:
    landing: Path
    core: dict[str, pa.Table]

    def rows(self, table: str, users: Iterable[str]) -> pd.DataFrame:
        """The rows of some users."""
        rows = self.core[table].to_pandas()
        return rows[rows["user_id"].isin(set(users))]


@pytest.fixture(scope="module", params=["last weeks", pytest.param("everything", marks=pytest.mark.slow)])
def taken_in(request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> TakenIn:
    folder = DataFolder.at(tmp_path_factory.mktemp("real") / "data", start_date=pd.Timestamp("2005-01-01").date())
    for name in PROFILES:
        shutil.copy(real_data / name, folder.landing)
    for log in LOGS.values():
        since = log.since if request.param == "last weeks" else ALL_TIME
        whole = since == ALL_TIME
        content = (real_data / log.file).read_bytes() if whole else log.cut(real_data / log.file, since)
        folder.land({log.lands_as: content})
    steps = folder.run()
    assert (errors(steps), failed_blocking(steps)) == ([], [])
    return TakenIn(folder.landing, folder.core())


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest) -> Log:
    return LOGS[request.param]


@pytest.fixture
def expected(log: Log, taken_in: TakenIn) -> pd.DataFrame:
    """The distinct plays of the log, of several equal ones the last, with the start of their session."""
    return with_sessions(distinct(log.plays(taken_in.landing / log.lands_as)), log.assumed)


def distinct(plays: pd.DataFrame) -> pd.DataFrame:
    same = [name for name in plays.columns if name != "watch_seconds"]
    return plays.drop_duplicates(same, keep="last")


def with_sessions(plays: pd.DataFrame, assumed: tuple[float, float] | None) -> pd.DataFrame:
    plays = plays.sort_values(["user_id", "started_at"], ignore_index=True)
    plays["ends"] = plays["started_at"] + pd.to_timedelta(plays["watch_seconds"].fillna(0), unit="s")
    of_user = plays.groupby("user_id")
    busy_until = of_user["ends"].cummax().groupby(plays["user_id"]).shift()
    is_start = busy_until.isna() | (plays["started_at"] - busy_until > GAP)
    plays["session"] = plays["started_at"].where(is_start).groupby(plays["user_id"]).ffill()
    lasted = plays.groupby(["user_id", "session"])["ends"].max().reset_index()
    long = lasted[lasted["ends"] - lasted["session"] >= SHORTEST_WITH_A_FULL_DAY]
    assert long.empty, f"full days are possible, for which this pass has no rule: {long}"
    if assumed:
        until_next = (of_user["started_at"].shift(-1) - plays["started_at"]).dt.total_seconds()
        goes_on = plays["session"] == plays.groupby("user_id")["session"].shift(-1)
        plays["watch_seconds"] = until_next.clip(upper=assumed[0]).where(goes_on, assumed[1])
    return plays


def test_every_play_is_there_with_its_watch_time(log: Log, expected: pd.DataFrame, taken_in: TakenIn):
    found = taken_in.rows("core/plays", expected["user_id"])
    told = ["user_id", "started_at", "watch_seconds"]
    in_order = [plays.sort_values(told)[told].reset_index(drop=True) for plays in (found, expected)]
    assert len(found) == len(expected)
    pd.testing.assert_frame_equal(*in_order, check_dtype=False, rtol=1e-9)
    assert found["watch_is_assumed"].all() == bool(log.assumed)


def test_sessions_are_those_of_a_pass_over_the_whole_log(expected: pd.DataFrame, taken_in: TakenIn):
    by_hand = (
        expected.groupby(["user_id", "session"])
        .agg(plays=("ends", "size"), watched=("watch_seconds", "sum"))
        .reset_index()
    )
    found = taken_in.rows("core/sessions", expected["user_id"]).sort_values(["user_id", "started_at"])
    assert list(zip(found["user_id"], found["started_at"], found["plays"], strict=True)) == list(
        zip(by_hand["user_id"], by_hand["session"], by_hand["plays"], strict=True)
    )
    assert found["watch_seconds"].tolist() == pytest.approx(by_hand["watched"].tolist(), rel=1e-9)


def test_active_days_first_and_last_play_and_hours_are_those_of_the_log(expected: pd.DataFrame, taken_in: TakenIn):
    found = taken_in.rows("core/user_daily", expected["user_id"])
    active = found[found["plays"] > 0]
    days = expected.assign(date=expected["started_at"].dt.date).groupby(["user_id", "date"]).size()
    assert (
        dict(zip(zip(active["user_id"], active["date"], strict=True), active["plays"], strict=True)) == days.to_dict()
    )
    assert active["watch_seconds"].sum() / 3600 == pytest.approx(expected["watch_seconds"].sum() / 3600, rel=1e-9)
    plays = taken_in.rows("core/plays", expected["user_id"])["started_at"]
    assert (plays.min(), plays.max()) == (expected["started_at"].min(), expected["started_at"].max())


def test_no_play_is_of_a_user_outside_the_logs(taken_in: TakenIn):
    played = {user for log in LOGS.values() for user in log.plays(taken_in.landing / log.lands_as)["user_id"]}
    assert set(taken_in.core["core/plays"].column("user_id").to_pylist()) == played


def test_records_of_users_and_titles_are_taken_in_but_for_one_with_a_day_that_never_was(taken_in: TakenIn):
    users, content = (taken_in.core[name].to_pandas() for name in ("core/users", "core/content"))
    assert len(users[~users["is_derived"]]) == 992 + 100
    shows = {str(row["show_id"]) for row in json.loads((taken_in.landing / LOGS["shows"].lands_as).read_text())}
    # The show s056 is said to be of 29 February 2025; it was watched, so that it is derived from its plays.
    recorded = set(content[~content["is_derived"]]["content_id"])
    assert recorded == {f"s{number:03}" for number in range(200)} - {"s056"} | shows
