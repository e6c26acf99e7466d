"""What makes simulated users leave, found again in what they do, in their records and in what the truth says of them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from streaming_assets.simulate import simulate
from streaming_assets.simulate.churn_drivers import DRIVERS, draw_churn_drivers
from streaming_assets.simulate.lifetimes import draw_lifetimes
from streaming_assets.simulate.population import PREMIUM, STAYS, populate
from streaming_assets.simulate.user_records import user_records

from .clean_lives import START, Lived, lived
from .recount import sessions, usable_events

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"
SAMPLE_TRUTH = json.loads((ROOT / "streaming_assets_tests/data/sample/truth.json").read_text(encoding="utf-8"))
USERS, DAYS, SEED = 1500, 75, 6
REASONS = {
    "inactivity": "lost interest",
    "playback": "technical problems",
    "content_mismatch": "nothing to watch",
    "discovery": "always the same",
    "plan": "too expensive",
}
REASONS_WITHOUT_DRIVER = {"using another service", "moving away"}


def ages(one: Lived) -> np.ndarray:
    """Of each row the days since its user's first play."""
    return one.rows["day"].to_numpy() - one.users["first_day"].to_numpy()[one.rows["user"]]


def days_on(one: Lived, driven: Lived) -> pd.Series:
    """Of each row whether its user, that day, has a driver or watches little without one, in the world with drivers."""
    onset, until = (of[one.rows["user"]] for of in (driven.drivers.onset, driven.drivers.until))
    return pd.Series((ages(one) >= onset) & (ages(one) <= until), one.rows.index)


@pytest.fixture(scope="module")
def driven():
    return lived(USERS, DAYS, SEED, DRIVERS)


@pytest.fixture(scope="module")
def undriven(driven):
    """The same users without drivers."""
    return lived(USERS, DAYS, SEED, ())


# Who has which


@pytest.fixture(scope="module")
def drawn():
    """Drivers of many users: one row per user."""
    people = populate(
        100_000, START, 140, 3, prefix="u", genres=14, median_sessions_per_day=0.5, leavers=0.0
    )  # fmt: skip
    lifetimes = draw_lifetimes(len(people), 3)
    found = draw_churn_drivers(people, lifetimes, DRIVERS, 3)
    return pd.DataFrame(
        {
            **vars(found),
            "last": np.floor(lifetimes),
            "stays": np.isinf(lifetimes),
            "is_non_stop": people.is_non_stop,
            "is_premium": people.plan == PREMIUM,
        }
    )


def test_four_of_five_who_leave_do_so_for_a_driver_and_one_in_ten_who_stay_gets_over_one(drawn):
    has = (drawn["driver"] >= 0)[~drawn["is_non_stop"]].groupby(drawn["stays"]).mean()
    assert has[False] == pytest.approx(0.8, abs=0.01)
    assert has[True] == pytest.approx(0.1, abs=0.01)
    assert drawn["is_passing"].equals(drawn["stays"] & (drawn["driver"] >= 0))
    assert (drawn.loc[drawn["is_non_stop"], "driver"] == -1).all()


def test_each_driver_is_as_likely_as_another(drawn):
    shares = drawn.loc[drawn["driver"] >= 0].groupby("is_passing")["driver"].value_counts(normalize=True)
    assert len(shares) == 10
    assert shares.to_numpy() == pytest.approx(0.2, abs=0.025)


def test_a_driver_begins_weeks_before_the_last_play_but_not_before_the_ninth_day(drawn):
    leavers = drawn[~drawn["stays"] & (drawn["driver"] >= 0)]
    assert (leavers["until"] == leavers["last"]).all()
    assert leavers["onset"].min() == 8
    lead = (leavers["last"] - leavers["onset"])[leavers["onset"] > 8]
    assert lead[leavers["driver"] == 0].agg(["min", "max"]).tolist() == [21, 34]
    assert lead[leavers["driver"] > 0].agg(["min", "max"]).tolist() == [40, 70]


def test_who_gets_over_a_driver_has_it_for_thirty_days(drawn):
    passing = drawn[drawn["is_passing"]]
    assert (passing["until"] - passing["onset"] + 1 == 30).all()
    assert passing["onset"].agg(["min", "max"]).tolist() == [8, 120]


def test_some_with_neither_driver_nor_premium_watch_little_all_the_same(drawn):
    could = ~drawn["is_non_stop"] & (drawn["driver"] < 0) & ~drawn["is_premium"]
    assert not drawn.loc[~could, "is_light"].any()
    assert drawn.loc[could].groupby("stays")["is_light"].mean().to_numpy() == pytest.approx(0.06, abs=0.015)


# What it does


def test_without_a_driver_or_before_it_begins_everybody_does_the_same_as_in_a_world_without_drivers(driven, undriven):
    same, others = (one.rows[~days_on(one, driven)].reset_index(drop=True) for one in (driven, undriven))
    assert 0.5 < len(same) / len(driven.rows) < 0.95
    pd.testing.assert_frame_equal(same, others)
    assert (driven.users["first_day"] == undriven.users["first_day"]).all()


def habits(one: Lived, driven: Lived, driver: int) -> pd.Series:
    """What its users do from two weeks after the onset on until the day before the last: ratios over all of them."""
    user, age = one.rows["user"], ages(one)
    settled = (age >= driven.drivers.onset[user] + 14) & (age < driven.drivers.until[user])
    rows = one.rows[settled & driven.drivers.of(driver)[user]]
    plays = rows[rows["event_type"] == "play"]
    runs = sessions(
        plays.assign(user_id=plays["user"], started_at=plays["at"], watch_seconds=plays["hours"] * 3600)[
            ["user_id", "started_at", "watch_seconds"]
        ]
    )
    by_user = plays.groupby("user")
    often = by_user.size()[lambda count: count >= 10].index
    return pd.Series(
        {
            "sessions": len(runs),
            "plays_per_session": len(plays) / len(runs),
            "hours_per_session": plays["hours"].sum() / len(runs),
            "rebufferings_per_hour": plays["rebufferings"].sum() / plays["hours"].sum(),
            "pauses_per_hour": plays["pauses"].sum() / plays["hours"].sum(),
            "abandoned": (plays["watched"] < 0.10).mean(),
            "completed": (plays["watched"] > 0.90).mean(),
            "skips_per_play": (rows["event_type"] == "skip").sum() / len(plays),
            "recommended": plays["is_recommended"].mean(),
            "items_per_play": (by_user["item"].nunique() / by_user.size()).reindex(often).mean(),
            "genres": by_user["genre"].nunique().reindex(often).mean(),
        }
    )


@pytest.fixture(scope="module")
def changes(driven, undriven):
    """By driver how many times as large, with it, each habit of its users is."""
    return pd.DataFrame(
        {name: habits(driven, driven, driver) / habits(undriven, driven, driver) for driver, name in enumerate(DRIVERS)}
    )


SIGNS = {
    "inactivity": {"sessions": (0.0, 0.12)},
    "playback": {"rebufferings_per_hour": (8, 12), "pauses_per_hour": (2.6, 3.4)},
    "content_mismatch": {
        "abandoned": (2.8, 5), "completed": (0.3, 0.55), "skips_per_play": (2.8, 5),
        "plays_per_session": (1.2, 1.6), "hours_per_session": (0.5, 1.0),
    },
    "discovery": {"recommended": (0.0, 0.15), "items_per_play": (0.0, 0.25), "genres": (0.1, 0.5)},
    "plan": {
        "sessions": (0.95, 1.25), "plays_per_session": (0.3, 0.5), "hours_per_session": (0.0, 0.1), "genres": (0.3, 1.0),
        "rebufferings_per_hour": (0.5, 1.6), "pauses_per_hour": (0.5, 1.6),
    },
}  # fmt: skip
"""What changes, and between which multiples of the usual. Rates per hour are of few hours where little is watched, and long
sessions run into each other, so that short ones are more."""


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_shows_in_what_it_is_about(changes, name):
    for habit, (low, high) in SIGNS[name].items():
        assert low <= changes.loc[habit, name] <= high, habit


@pytest.mark.parametrize("name", sorted(set(DRIVERS) - {"inactivity"}))
def test_a_driver_leaves_alone_what_it_is_not_about(changes, name):
    others = changes[name].drop(list(SIGNS[name]))
    assert others.to_numpy() == pytest.approx(1, abs=0.3)
    assert others.get("sessions", 1) == pytest.approx(1, abs=0.08)


def test_inactivity_declines_over_two_weeks(driven, undriven):
    with_it = driven.drivers.of(DRIVERS.index("inactivity"))

    def plays_by_week(one: Lived) -> pd.Series:
        user, age = one.rows["user"], ages(one)
        counted = with_it[user] & (one.rows["event_type"] == "play") & (age < driven.drivers.until[user])
        return pd.Series((age - driven.drivers.onset[user])[counted] // 7).value_counts()

    left = plays_by_week(driven) / plays_by_week(undriven)
    assert left[-1] == 1
    # The mean of 0.03 to the powers of 1/14 … 7/14 and of 8/14 … 14/14.
    assert left[0] == pytest.approx(0.415, abs=0.12)
    assert left[1] == pytest.approx(0.072, abs=0.06)
    assert left[2] < 0.09


def test_content_mismatch_is_of_other_genres_than_usual(driven, undriven):
    favourite = undriven.plays.groupby(["user", "genre"]).size().unstack(fill_value=0).idxmax(axis=1)
    with_it = driven.drivers.of(DRIVERS.index("content_mismatch"))

    def share_of_favourite(one: Lived) -> float:
        plays = one.plays[days_on(one, driven)[one.plays.index] & with_it[one.plays["user"]]]
        return (plays["genre"] == favourite.reindex(plays["user"]).to_numpy()).mean()

    assert share_of_favourite(undriven) > 0.35
    assert share_of_favourite(driven) < 0.15


def test_discovery_is_two_items_of_one_title_at_most(driven):
    with_it = driven.drivers.of(DRIVERS.index("discovery"))
    plays = driven.plays[days_on(driven, driven)[driven.plays.index] & with_it[driven.plays["user"]]]
    assert plays.groupby("user")["item"].nunique().max() == 2
    assert plays.groupby("user")["genre"].nunique().max() == 1


def test_who_leaves_plays_on_the_last_day_with_a_driver_too_and_never_after(driven):
    users = driven.users[(driven.drivers.driver >= 0) & (driven.users["first_day"] + driven.users["last_age"] < DAYS)]
    last = driven.plays.groupby("user")["day"].max()
    assert len(users) > 200
    assert (last.reindex(users.index) == users["first_day"] + users["last_age"]).all()


def test_who_gets_over_a_driver_goes_back_to_what_was_usual(driven, undriven):
    later = []
    for one in (driven, undriven):
        user = one.rows["user"]
        is_over = driven.drivers.is_passing[user] & (ages(one) > driven.drivers.until[user])
        later.append(one.rows[is_over].reset_index(drop=True))
    assert later[0]["user"].nunique() > 5
    pd.testing.assert_frame_equal(*later)


def test_only_the_drivers_that_are_named_are_planted(tmp_path):
    simulate(150, 15, 2, tmp_path / "some", format="parquet", churn_drivers=("discovery", "playback"))
    simulate(150, 15, 2, tmp_path / "none", format="parquet", churn_drivers=())
    planted = {
        name: json.loads((tmp_path / name / "truth.json").read_text(encoding="utf-8"))["planted"]["churn_drivers"]
        for name in ("some", "none")
    }
    assert {told["driver"] for told in planted["some"]["users"].values()} == {"discovery", "playback"}
    assert planted["some"]["light_users"] == planted["none"]["light_users"] == 0
    assert planted["none"]["users"] == {}


def test_the_same_seed_plants_the_same(tmp_path):
    for name in ("first", "again"):
        simulate(80, 20, 9, tmp_path / name)
    files = [file.relative_to(tmp_path / "first") for file in (tmp_path / "first").rglob("*") if file.is_file()]
    assert len(json.loads((tmp_path / "first" / "truth.json").read_text())["planted"]["churn_drivers"]["users"]) > 3
    assert [
        file for file in files if (tmp_path / "first" / file).read_bytes() != (tmp_path / "again" / file).read_bytes()
    ] == []


# The truth and the records of the committed sample


@pytest.fixture(scope="module")
def told():
    """What the truth says of the sample's users with a driver."""
    return pd.DataFrame.from_dict(SAMPLE_TRUTH["planted"]["churn_drivers"]["users"], orient="index")


@pytest.fixture(scope="module")
def records():
    users = pd.read_json(SAMPLE / "users" / "users.jsonl.gz", lines=True)
    return users.assign(cancelled_on=pd.to_datetime(users["cancelled_at"]).dt.strftime("%Y-%m-%d"))


def test_the_truth_lists_drivers_that_have_begun_by_the_last_day(told):
    assert set(told["driver"]) == set(DRIVERS)
    assert told["onset"].between("2026-03-09", "2026-07-18").all()
    assert (told["onset"] <= told["until"]).all()
    days_after = (pd.to_datetime(told["left"]) - pd.to_datetime(told["until"])).dt.days
    assert set(days_after.dropna()) == {1}
    assert (told["left"].isna() == (told["is_passing"] | (told["until"] >= "2026-07-18"))).all()


def test_who_leaves_cancels_on_the_day_that_the_truth_tells_whatever_the_plan(told, records):
    cancelled = records.dropna(subset="cancelled_at").set_index("user_id")
    assert cancelled.index.is_unique
    left = told["left"].dropna()[lambda of: of.index.isin(records["user_id"])]
    assert cancelled["cancelled_on"].reindex(left.index).equals(left.rename("cancelled_on"))
    assert set(cancelled["plan"]) == {"free", "basic", "premium"}
    # Users without a record cannot cancel.
    assert len(cancelled) == pytest.approx(SAMPLE_TRUTH["planted"]["lifetimes"]["ended"], rel=0.06)
    assert not cancelled.index.isin(told.index[told["left"].isna()]).any()


def test_whom_the_plan_drives_away_is_on_premium_all_along(told, records):
    plans = records[records["user_id"].isin(told.index[told["driver"] == "plan"])].groupby("user_id")["plan"].agg(set)
    assert len(plans) > 20
    assert all(found == {"premium"} for found in plans)


def test_most_who_cancel_say_why_and_mostly_it_is_their_driver():
    people = populate(20_000, START, 140, 3, prefix="u", genres=14, median_sessions_per_day=0.5, leavers=0.5)
    leaves = people.left != STAYS
    drivers = draw_churn_drivers(people, np.where(leaves, 100.0, np.inf), DRIVERS, 3)
    found = user_records(people, drivers, tuple("abcdefghijklmn"), int(people.left[leaves].max()) + 1, 3).to_pandas()
    driver = pd.Series(np.array([*DRIVERS, None])[drivers.driver], people.user_ids.to_pylist())
    cancelled = found.dropna(subset="cancelled_at").set_index("user_id")
    said = cancelled["cancel_reason"].dropna()
    expected = driver.map(REASONS)[said.index]
    assert abs(len(said) / len(cancelled) - 0.7) < 4 * np.sqrt(0.7 * 0.3 / len(cancelled))
    assert set(said) == {*REASONS.values(), *REASONS_WITHOUT_DRIVER}
    assert abs((said == expected)[expected.notna()].mean() - 0.9) < 4 * np.sqrt(0.9 * 0.1 / expected.notna().sum())
    assert said[expected.isna()].isin(REASONS_WITHOUT_DRIVER).mean() > 0.9
    assert found.loc[found["cancelled_at"].isna(), "cancel_reason"].isna().all()


def test_drivers_show_in_the_files_of_the_sample_from_the_onset_on(told, sample_rows):
    events = usable_events(sample_rows)
    plays = events[events["event_type"] == "play"].join(told, on="user_id", how="inner")
    is_on = plays["date"].astype(str).between(plays["onset"], plays["until"]).rename("is_on")
    watched = plays["watch_seconds"] / plays["content_seconds"]
    hours = plays["watch_seconds"].clip(lower=0).fillna(0) / 3600
    groups = [plays["driver"], is_on]
    rebufferings = plays["buffer_events"].groupby(groups).sum() / hours.groupby(groups).sum()
    abandoned = (watched < 0.10).groupby(groups).mean()
    recommended = plays["was_recommended"].astype(float).groupby(groups).mean()
    assert rebufferings["playback", True] > 6 * rebufferings["playback", False]
    assert abandoned["content_mismatch", True] > 2.5 * abandoned["content_mismatch", False]
    assert recommended["discovery", True] < 0.2 * recommended["discovery", False]
    assert hours.groupby(groups).mean()["plan", True] < 0.25 * hours.groupby(groups).mean()["plan", False]


# What can be learned from it


SIGNALS = {
    "inactivity": ["days_ago", "days_ago_per_gap", "active_days", "trend"],
    "playback": ["rebufferings", "pauses"],
    "content_mismatch": ["abandoned", "completed"],
    "discovery": ["items_per_play", "genres_per_play", "recommended"],
    "plan": ["premium_unused"],
}


def signals(one: Lived, cutoff: int) -> pd.DataFrame:
    """Of each user with a play in the four weeks before the cutoff what those weeks tell."""
    plays = one.plays[one.plays["day"].between(cutoff - 28, cutoff - 1)]
    by_user = plays.groupby("user")
    count, active, hours = by_user.size(), by_user["day"].nunique(), by_user["hours"].sum()
    lately = plays[plays["day"] >= cutoff - 7].groupby("user")["day"].nunique().reindex(count.index).fillna(0)
    days_ago = cutoff - 1 - by_user["day"].max()
    return pd.DataFrame(
        {
            "days_ago": np.log1p(days_ago),
            "days_ago_per_gap": np.log1p(days_ago * active / 28),
            "active_days": np.log1p(active),
            "trend": np.log((4 * lately + 1) / (active + 1)),
            "rebufferings": np.log1p(by_user["rebufferings"].sum() / hours.clip(lower=0.1)),
            "pauses": np.log1p(by_user["pauses"].mean()),
            "abandoned": (plays["watched"] < 0.10).groupby(plays["user"]).mean(),
            "completed": (plays["watched"] > 0.90).groupby(plays["user"]).mean(),
            "items_per_play": by_user["item"].nunique() / count,
            "genres_per_play": np.log(by_user["genre"].nunique() / count),
            "recommended": by_user["is_recommended"].mean(),
            "premium_unused": one.users["is_premium"].reindex(count.index) / (1 + hours),
        }
    )


@pytest.mark.slow
def test_a_plain_regression_separates_who_leaves_and_tells_the_drivers_of_the_riskiest():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    cutoff = 100
    one = lived(8000, cutoff, 1, DRIVERS)
    found = signals(one, cutoff)
    days_left = (one.users["first_day"] + one.users["last_age"] + 1 - cutoff).reindex(found.index)
    judged = (days_left >= 1) & (cutoff - one.users["first_day"].reindex(found.index) >= 14)
    found, leaves = found[judged], days_left[judged] <= 28
    scaled = (found - found.mean()) / found.std()
    learned_from = found.index % 2 == 0
    model = LogisticRegression().fit(scaled[learned_from], leaves[learned_from])
    asked, truth = scaled[~learned_from], leaves[~learned_from]
    log_odds = model.decision_function(asked)
    weighted = (asked - scaled[learned_from & ~leaves].median()) * model.coef_[0]
    named = np.column_stack([weighted[columns].sum(axis=1) for columns in SIGNALS.values()]).argmax(axis=1)

    assert roc_auc_score(truth, log_odds) > 0.74
    assert roc_auc_score(truth, asked["days_ago"]) < 0.65
    driver = one.drivers.driver[asked.index]
    riskiest = truth.to_numpy() & (driver >= 0) & (log_odds >= np.quantile(log_odds, 0.9))
    assert riskiest.sum() > 80
    assert (named == driver)[riskiest].mean() > 0.85
