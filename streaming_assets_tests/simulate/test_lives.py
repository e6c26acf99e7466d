"""What is planted in the lives of users, found again in the files with plain pandas."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from streaming_assets.simulate import simulate
from streaming_assets.simulate.lifetimes import draw_lifetimes, share_longer_than

from .recount import event_rows, usable_events

ROOT = Path(__file__).parents[2]
WEEK = 7
DAYS = 12
EFFECTS = {"none": 0.0, "strong": 1.0}


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """One service without and with an effect."""
    out = tmp_path_factory.mktemp("services")
    for name, effect in EFFECTS.items():
        simulate(1500, DAYS, 3, out / name, format="parquet", genre_diversity_effect=effect)
    return {name: out / name for name in EFFECTS}


def planted(service):
    return json.loads((service / "truth.json").read_text(encoding="utf-8"))["planted"]


def plays_of(rows):
    """Distinct plays with the days since their user's first."""
    events = usable_events(rows)
    plays = events[events["event_type"] == "play"].assign(date=lambda played: pd.to_datetime(played["date"]))
    return plays.assign(age=(plays["date"] - plays.groupby("user_id")["date"].transform("min")).dt.days)


def returns(service):
    """Per user whose D0 + 7 is over: genres of the first three days, and whether there is a play on D0 + 7."""
    plays = plays_of(event_rows(service / "landing"))
    first_day = plays["date"].min()
    early = plays[plays["age"] < 3].groupby("user_id").agg(genres=("genre", "nunique"), date=("date", "min"))
    early["returned"] = early.index.isin(plays.loc[plays["age"] == WEEK, "user_id"])
    return early[(early["date"] - first_day).dt.days + WEEK < DAYS]


@pytest.fixture(scope="module")
def returned(services):
    return {name: returns(service) for name, service in services.items()}


@pytest.mark.parametrize("name", EFFECTS)
def test_as_many_users_as_the_truth_says_come_back_after_a_week(services, returned, name):
    told = planted(services[name])["genre_diversity"]
    found = returned[name]
    # Unusable rows now and then are a user's only ones of a day.
    assert len(found) == pytest.approx(told["users"], rel=0.005)
    assert found["returned"].sum() == pytest.approx(told["returned"], rel=0.01)


@pytest.mark.parametrize("name", EFFECTS)
def test_as_many_are_drawn_to_come_back_as_is_expected_by_their_chances(services, name):
    told = planted(services[name])["genre_diversity"]
    assert told["effect"] == EFFECTS[name]
    # A sum of Bernoulli draws has at most a quarter of their number as variance.
    assert abs(told["returned"] - told["expected"]) < 3 * np.sqrt(told["users"] / 4)


def test_nothing_is_planted_before_the_first_users_have_been_there_for_a_week(services):
    for day in range(WEEK):
        name = f"landing/events/{dt.date(2026, 3, 1) + dt.timedelta(days=day)}.parquet"
        assert (services["none"] / name).read_bytes() == (services["strong"] / name).read_bytes()


def test_the_effect_brings_back_who_explored_and_leaves_the_others_alone(returned):
    rates = {name: found.groupby(found["genres"].clip(upper=4))["returned"].mean() for name, found in returned.items()}
    more = rates["strong"] - rates["none"]
    assert more[1] == pytest.approx(0, abs=0.01)
    assert more[2] > 0.1
    assert (more[[3, 4]] > 0.25).all()


def test_more_genres_go_with_more_returns_even_without_an_effect_since_active_users_meet_more(returned):
    rate = returned["none"].groupby(returned["none"]["genres"].clip(upper=4))["returned"].mean()
    assert rate[4] > rate[1] + 0.1


def test_those_whom_the_effect_brings_back_come_when_people_watch(services):
    rows = {name: usable_events(event_rows(service / "landing")) for name, service in services.items()}
    seventh = {
        name: found[(found["date"] == dt.date(2026, 3, 8)) & (found["event_type"] == "play")]
        for name, found in rows.items()
    }
    new = seventh["strong"][~seventh["strong"]["user_id"].isin(seventh["none"]["user_id"])]
    first = new.drop_duplicates("user_id")
    hours = pd.concat(
        part["started_at"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.hour for zone, part in first.groupby("timezone")
    )
    assert len(first) > 100
    assert (hours >= 12).mean() > 0.6


def test_lifetimes_follow_the_stated_distribution():
    lifetimes = np.floor(draw_lifetimes(200_000, seed=3))
    assert lifetimes.min() == 14
    assert np.isinf(lifetimes).mean() == pytest.approx(0.5, abs=0.004)
    for day in (0, 13, 14, 15, 30, 60, 90, 200):
        assert share_longer_than(day) == pytest.approx((lifetimes > day).mean(), abs=0.004)


def test_shares_of_lifetimes_are_those_worked_out_by_hand():
    assert share_longer_than(13) == 1
    assert share_longer_than(14) == pytest.approx(0.5 + 0.5 * np.exp(-1 / 60))
    assert share_longer_than(73) == pytest.approx(0.5 + 0.5 * np.exp(-1))


@pytest.fixture(scope="module")
def sample(sample_rows):
    """Days of life of each play in the committed sample."""
    return plays_of(sample_rows)


@pytest.fixture(scope="module")
def frequent(sample):
    """Users who play on five of their first 14 days or more: first day and days until the last play."""
    often = sample[sample["age"] < 14].groupby("user_id")["date"].nunique() >= 5
    lives = sample.groupby("user_id").agg(first=("date", "min"), days=("age", "max"))
    return lives[often]


@pytest.mark.parametrize("days", [30, 60, 90])
def test_users_of_the_sample_play_on_for_as_long_as_planted(sample, frequent, days):
    # Three weeks later all who play often and have not gone have been there again.
    known = frequent[frequent["first"] + pd.Timedelta(days=days + 21) <= sample["date"].max()]
    found, truth = (known["days"] > days).mean(), share_longer_than(days)
    assert len(known) > 150
    assert abs(found - truth) < 3 * np.sqrt(truth * (1 - truth) / len(known))


def test_the_truth_of_the_sample_states_the_planted_shares_and_what_was_drawn():
    folder = ROOT / "streaming_assets_tests" / "data" / "sample"
    told = planted(folder)["lifetimes"]
    for days, share in told["longer_than_days"].items():
        assert share["planted"] == pytest.approx(share_longer_than(int(days)), abs=1e-6)
        assert abs(share["drawn"] - share["planted"]) < 3 * np.sqrt(0.25 / told["users"])
    assert 150 < told["ended"] < 300


def test_who_leaves_plays_on_the_last_day_and_never_after(sample):
    users = pd.read_json(ROOT / "data" / "sample" / "users" / "users.jsonl.gz", lines=True)
    cancelled = pd.to_datetime(users.set_index("user_id")["cancelled_at"].dropna()).dt.tz_localize(None).dt.normalize()
    last = sample.groupby("user_id")["date"].max()
    both = pd.concat([cancelled.rename("cancelled"), last.rename("last")], axis=1, join="inner")
    assert len(both) > 80
    # They cancel on the day after. A last play that cannot be used is missing.
    assert ((both["cancelled"] - both["last"]).dt.days == 1).mean() > 0.98
    assert (both["cancelled"] > both["last"]).all()


def test_a_simulation_of_any_size_says_what_it_planted(tmp_path):
    simulate(users=1, days=1, seed=4, out=tmp_path)
    told = planted(tmp_path)
    assert told["genre_diversity"]["users"] == told["lifetimes"]["ended"] == 0
    assert told["lifetimes"]["users"] in (0, 1)
