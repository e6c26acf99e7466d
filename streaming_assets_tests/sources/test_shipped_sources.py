"""Each shipped source on real rows of its format, against counts made with plain pandas, csv and json."""

import ast
import csv
import datetime as dt
import gzip
import hashlib
import json

import pandas as pd
import pytest

LASTFM = "userid-timestamp-artid-artname-traid-traname.tsv.gz"


@pytest.fixture
def read(landing, real_data):
    def read(name, landed_as=None):
        result = landing.read_one(landed_as or name, (real_data / name).read_bytes())
        assert result.file.status == "loaded", result.file.error
        return result

    return read


def summary(result):
    """plays, users, watch hours, first and last play, days with a play."""
    ((plays, users, hours, first, last, days),) = result.connection.execute(
        "SELECT count(*), count(DISTINCT user_id), sum(watch_seconds) / 3600, min(started_at), max(started_at),"
        f" count(DISTINCT event_date) FROM ({result.file.accepted['events']}) WHERE event_type = 'play'"
    ).fetchall()
    return plays, users, hours, first, last, days


def test_lastfm_plays(read, real_data):
    with gzip.open(real_data / "lastfm1k_sample_5000.tsv.gz", "rt", encoding="utf-8", newline="\n") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    times = [dt.datetime.strptime(line[1], "%Y-%m-%dT%H:%M:%SZ") for line in lines]
    result = read("lastfm1k_sample_5000.tsv.gz", LASTFM)
    assert result.file.source == "lastfm_1k"
    assert summary(result) == (
        len(lines),
        len({line[0] for line in lines}),
        None,
        min(times),
        max(times),
        len({time.date() for time in times}),
    )
    assert (len(lines), result.file.rejected) == (5000, 0)
    expected = [
        (line[0], time, line[4] or hashlib.md5(f"{line[3]}/{line[5]}".encode()).hexdigest(), line[5], line[3])
        for line, time in zip(lines, times, strict=True)
    ]
    assert result.rows("user_id", "started_at", "content_id", "title", "creator") == expected
    rules = ("content_type", "assume_until_next_seconds", "assume_last_seconds", "watch_seconds")
    assert set(result.rows(*rules)) == {("music", 600.0, 210.0, None)}


def test_lastfm_users(read, real_data):
    with (real_data / "lastfm1k_userid-profile.tsv").open(encoding="utf-8", newline="") as file:
        users = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    result = read("lastfm1k_userid-profile.tsv")
    assert (result.file.source, result.file.rows, result.file.rejected) == ("lastfm_1k_users", 992, 0)
    assert result.rows("user_id", "gender", "age", "country", "signed_up_at") == [
        (
            user["#id"],
            user["gender"] or None,
            int(user["age"]) if user["age"] else None,
            user["country"] or None,
            dt.datetime.strptime(user["registered"], "%b %d, %Y") if user["registered"] else None,
        )
        for user in users
    ]


def test_show_streaming_events_and_content_come_from_one_file(read, real_data):
    views = json.loads((real_data / "hoyt_emerson_streaming_data.json").read_text())
    times = [dt.datetime.fromisoformat(view["created_at"]) for view in views]
    result = read("hoyt_emerson_streaming_data.json")
    assert (result.file.source, result.file.table, result.file.rejected) == ("show_streaming", "events", 0)
    plays, users, hours, first, last, days = summary(result)
    assert (plays, users) == (len(views), len({view["user_id"] for view in views})) == (311, 297)
    assert hours == pytest.approx(sum(view["user_watch_duration_seconds"] for view in views) / 3600)
    assert (first, last, days) == (min(times), max(times), len({time.date() for time in times}))
    assert result.rows("user_id", "content_id", "content_seconds", "state", "timezone", "genre") == [
        (
            str(view["user_id"]),
            str(view["show_id"]),
            view["show_duration_seconds"],
            view["state"],
            view["timezone"],
            view["show_genre"],
        )
        for view in views
    ]
    assert set(result.rows("content_id", "title", "content_type", "rating", "description", table="content")) == {
        (str(view["show_id"]), view["show_name"], view["show_type"], view["show_rating"], view["show_description"])
        for view in views
    }


def test_netflix_viewing_activity(read, real_data):
    rows = pd.read_csv(real_data / "netflix_viewing_activity_anonymised.csv.gz", parse_dates=["Start Time"])
    plays = rows[rows["Supplemental Video Type"].isna()]
    result = read("netflix_viewing_activity_anonymised.csv.gz")
    assert (result.file.source, result.file.rows, result.file.rejected) == ("netflix_viewing_activity", 9992, 0)
    found = summary(result)
    assert found[:2] == (len(plays), plays["Profile Name"].nunique())
    assert found[0] == 8147
    assert found[2] == pytest.approx(pd.to_timedelta(plays["Duration"]).dt.total_seconds().sum() / 3600)
    assert found[3:] == (
        plays["Start Time"].min(),
        plays["Start Time"].max(),
        plays["Start Time"].dt.date.nunique(),
    )
    kinds = result.rows("event_type")
    assert (kinds.count("preview"), set(kinds)) == (len(rows) - len(plays), {"play", "preview"})
    assert result.rows("content_id", "country", "device") == [
        tuple(row) for row in zip(rows["Title"], rows["Country"].str[:2], rows["Device Type"], strict=True)
    ]
    is_series = rows["Title"].str.contains("Season") | rows["Title"].str.contains("Episode")
    assert [kind == "series" for kind in result.rows("content_type")] == is_series.tolist()


def test_live_sessions_become_plays_whose_sums_hold(read, real_data):
    logins = pd.read_csv(real_data / "livestreaming_user_sessions_dataset.csv.gz", parse_dates=["login_time"])
    logins["titles"] = logins["content_watched"].map(ast.literal_eval)
    result = read("livestreaming_user_sessions_dataset.csv.gz")
    assert (result.file.source, result.file.rows) == ("live_sessions", logins["titles"].str.len().sum())
    usable = logins[logins["total_watch_time"] >= 0]
    negative = logins[logins["total_watch_time"] < 0]
    assert {reason for _, reason in result.rejects()} == {"negative_watch_seconds"}
    assert result.file.rejected == negative["titles"].str.len().sum() == 67
    plays, users, hours, first, _, _ = summary(result)
    assert (plays, users) == (usable["titles"].str.len().sum(), usable["user_id"].nunique())
    assert hours == pytest.approx(usable["total_watch_time"].sum() / 60)
    assert first == usable["login_time"].min()
    assert sum(result.rows("pauses")) == usable["num_pauses"].sum()
    assert sum(result.rows("buffer_events")) == usable["buffer_events"].sum()
    assert result.rows("content_id") == [title for titles in usable["titles"] for title in titles]


def test_the_plays_of_a_login_follow_one_another_and_fill_its_minutes_exactly(landing):
    header = (
        "user_id,login_time,logout_time,content_watched,total_watch_time,num_pauses,buffer_events,was_recommended\n"
    )
    rows = [
        """u1,2025-05-21T18:53:00,2025-05-21T19:02:00,"['a', ""it's"", 'c']",10,2,1,True""",
        """u2,2025-05-21T18:53:00,2025-05-21T19:02:00,"['a', 'b', 'c', 'd', 'e', 'f', 'g']",1,3,0,False""",
        """u3,2025-05-21T18:53:00,2025-05-21T19:02:00,[],5,0,0,False""",
        """u4,2025-05-21T18:53:00,2025-05-21T19:02:00,"['a']",soon,0,0,False""",
        """u5,yesterday,2025-05-21T19:02:00,"['a']",5,0,0,False""",
    ]
    result = landing.read_one("logins.csv", header + "\n".join(rows) + "\n")
    start = dt.datetime(2025, 5, 21, 18, 53)
    columns = ("user_id", "started_at", "content_id", "watch_seconds", "pauses", "buffer_events", "was_recommended")
    assert result.rows(*columns)[:3] == [
        ("u1", start, "a", 200.0, 2, 1, True),
        ("u1", start + dt.timedelta(seconds=200), "it's", 200.0, 0, 0, True),
        ("u1", start + dt.timedelta(seconds=400), "c", 200.0, 0, 0, True),
    ]
    uneven = [row for row in result.rows("user_id", "started_at", "watch_seconds", "pauses") if row[0] == "u2"]
    assert sum(round(seconds * 1000) for _, _, seconds, _ in uneven) == 60_000
    assert sum(pauses for *_, pauses in uneven) == 3
    ends = [at + dt.timedelta(seconds=seconds) for _, at, seconds, _ in uneven]
    assert [at for _, at, _, _ in uneven][1:] == ends[:-1]
    assert result.rejects() == [(11, "missing_content_id"), (12, "malformed_row"), (13, "unparseable_timestamp")]


def test_live_users_have_no_address(read, real_data):
    users = pd.read_csv(real_data / "livestreaming_backup_users.csv", parse_dates=["registration_date"])
    result = read("livestreaming_backup_users.csv")
    assert (result.file.source, result.file.rows, result.file.rejected) == ("live_users", 100, 0)
    assert result.rows("user_id", "age", "country", "plan", "signed_up_at", "preferred_genre") == [
        (user.user_id, user.age, user.country, user.subscription_type, user.registration_date, genres[0])
        for user, genres in zip(users.itertuples(), users["preferred_genres"].map(ast.literal_eval), strict=True)
    ]
    hashes = result.rows("email")
    assert all(len(value) == 64 for value in hashes)
    assert len(set(hashes)) == users["email"].nunique()
    (parquet,) = (path for path in result.staging.rglob("*") if path.is_file())
    assert not any(address.encode() in parquet.read_bytes() for address in users["email"])


def test_live_shows_are_measured_in_minutes_and_an_impossible_date_is_refused(read, real_data):
    shows = pd.read_csv(real_data / "livestreaming_shows.csv")
    possible = shows[pd.to_datetime(shows["released_date"], errors="coerce").notna()]
    result = read("livestreaming_shows.csv")
    assert (result.file.source, result.file.rows) == ("live_shows", 200)
    assert result.rejects() == [(57, "malformed_row")]
    assert shows["released_date"][56] == "2025-02-29"
    assert result.rows("content_id", "title", "genre", "content_seconds", "released_on") == [
        (show.show_id, show.show_name, show.genre, show.duration * 60, dt.date.fromisoformat(show.released_date))
        for show in possible.itertuples()
    ]


def test_a_file_of_another_kind_is_claimed_by_none_of_them(landing, real_data):
    result = landing.read_one("twitch.csv", (real_data / "twitch_dreamsmp_hourly_2021-05.csv").read_bytes())
    assert result.file.status == "unclaimed"
    assert result.file.error == (
        "no source claims it; the nearest, canonical_events, misses the columns user_id, started_at, content_id; "
        "found date, hour, channel, viewers"
    )
