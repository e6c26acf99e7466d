import csv
import json
import re

import pandas as pd
import pytest

from streaming_assets.simulate import simulate

LOG = "userid-timestamp-artid-artname-traid-traname.tsv"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
LINE = re.compile(rf"user_\d{{6}}\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ\t({UUID})?\t[^\t]+\t({UUID})?\t[^\t]+")
REGISTERED = re.compile(r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [1-9]\d?, \d{4}")
COLUMNS = ["user_id", "at", "artist_id", "artist", "track_id", "track"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = tmp_path_factory.mktemp("lastfm")
    simulate(users=150, days=60, seed=2, out=out, format="lastfm")
    return out


@pytest.fixture(scope="module")
def log(out):
    return pd.read_csv(
        out / "landing" / LOG,
        sep="\t",
        header=None,
        names=COLUMNS,
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        parse_dates=["at"],
    )


def test_every_line_has_the_format_of_the_data_set(out):
    text = (out / "landing" / LOG).read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert [line for line in text.removesuffix("\n").split("\n") if not LINE.fullmatch(line)] == []


def test_the_truth_agrees_with_a_recount(out, log):
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    distinct = log.drop_duplicates(["user_id", "at", "artist", "track"])
    by_day = distinct.groupby(distinct["at"].dt.date).size()
    assert truth["landed"]["rows"] == len(log)
    assert truth["landed"]["plays"] == len(distinct)
    assert truth["landed"]["users_with_a_play"] == distinct["user_id"].nunique()
    assert {day: counted["plays"] for day, counted in truth["landed"]["by_day"].items()} == {
        str(day): count for day, count in by_day.items()
    }
    assert truth["planted"]["copies_without_event_id"] == len(log) - len(distinct) > 0


def test_ids_are_missing_at_times_and_a_track_has_one_only_if_its_artist_has(log):
    assert 0.03 < (log["artist_id"] == "").mean() < 0.12
    assert 0.2 < (log["track_id"] == "").mean() < 0.36
    assert (log.loc[log["artist_id"] == "", "track_id"] == "").all()


def test_an_artist_and_a_title_name_one_track(log):
    tracks = log.drop_duplicates(["artist", "track", "track_id"])
    assert not tracks.duplicated(["artist", "track"]).any()


def test_names_go_beyond_ascii(log):
    assert not log["artist"].str.isascii().all()
    assert not log["track"].str.isascii().all()


def test_tracks_of_some_minutes_follow_one_another(log):
    ordered = log.sort_values(["user_id", "at"], kind="stable")
    gap = ordered.groupby("user_id")["at"].diff().dt.total_seconds()
    in_a_row = gap.between(1, 1200)
    assert in_a_row.mean() > 0.85
    assert 150 < gap[in_a_row].median() < 260


def test_a_thousand_users_over_1500_days_would_make_about_19_million_lines(log):
    assert 11 < len(log) / (150 * 60) < 16


def test_days_start_in_2005_unless_told_otherwise(log):
    assert (str(log["at"].min().date()), str(log["at"].max().date())) == ("2005-02-14", "2005-04-14")


def test_profiles_have_blanks_and_dates_as_in_the_data_set(out):
    header, *lines = (out / "landing" / "userid-profile.tsv").read_text(encoding="utf-8").splitlines()
    assert header == "#id\tgender\tage\tcountry\tregistered"
    profiles = pd.DataFrame([line.split("\t") for line in lines], columns=header.split("\t"))
    assert list(profiles["#id"]) == [f"user_{number:06d}" for number in range(1, 151)]
    assert set(profiles["gender"]) == {"m", "f", ""}
    assert 0.5 < (profiles["age"] == "").mean() < 0.9
    assert all(REGISTERED.fullmatch(day) for day in profiles["registered"] if day)
