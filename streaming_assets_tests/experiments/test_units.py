"""What exposed units do: since exposure by day and in all, and before."""

import pytest

from streaming_assets.experiments.units import planned_units
from streaming_assets.experiments.window import window_of
from streaming_assets_tests.experiments.situations import (
    active_days,
    day,
    did,
    experiment,
    exposure,
    facts,
    logged_experiment,
    measured,
    play,
    record,
    search,
    session,
    skip,
    title,
)

PRE = (
    "pre_sessions", "pre_session_minutes", "pre_plays", "pre_skips", "pre_watch_hours", "pre_creators", "pre_genres",
    "pre_sessions_7d",
)  # fmt: skip


# From exposure on


def test_a_session_counts_when_it_starts_with_the_exposing_play_or_later_not_when_it_had_started_before():
    known = facts(
        play("ann", "-1d 23:50"), session("ann", "-1d 23:50", 40), play("ann", "00:10"), session("ann", "+1d 20:00", 5),
        play("ben", "20:00"), session("ben", "20:00", 30), session("ben", "+2d 20:00", 15),
    )  # fmt: skip
    found = measured(known)
    assert did(found["ann"]) == {"sessions": 1, "session_minutes": 5.0, "plays": 1}
    assert did(found["ben"]) == {"sessions": 2, "session_minutes": 45.0, "plays": 1}
    assert found["ann"]["pre_sessions"] == 1


def test_plays_and_skips_of_the_day_before_a_logged_exposure_do_not_count():
    known = facts(
        play("ann", "10:00", 30), skip("ann", "10:30"), session("ann", "10:00", 31),
        exposure("ann", "12:00", "control"),
        play("ann", "12:00", 60), play("ann", "13:00", 60), skip("ann", "14:00"), session("ann", "12:00", 120),
    )  # fmt: skip
    found = measured(known, logged_experiment())["ann"]
    assert did(found) == {"sessions": 1, "session_minutes": 120.0, "plays": 2, "skips": 1, "watch_hours": 2.0}
    # Nor do they belong to the days before.
    assert did(found, *PRE) == {}


def test_skips_are_skip_events_and_plays_that_the_source_calls_skips():
    known = facts(
        play("ann", "12:00", is_skip=True), play("ann", "12:01"), skip("ann", "12:02"), search("ann", "12:03")
    )
    assert did(measured(known)["ann"]) == {"plays": 2, "skips": 2}


def test_a_play_of_unknown_watch_time_counts_as_no_hours():
    known = facts(play("ann", "12:00", 45), play("ann", "13:00"), play("ben", "12:00"), play("ben", "13:00"))
    found = measured(known)
    assert (found["ann"]["watch_hours"], found["ann"]["plays"]) == (0.75, 2)
    assert (found["ben"]["watch_hours"], found["ben"]["plays"]) == (0.0, 2)


def test_what_happens_after_the_end_or_after_the_last_known_day_does_not_count():
    known = facts(
        play("ann", "12:00"), play("ann", "+5d 12:00"), play("ann", "+13d 23:59"), play("ann", "+14d 00:00"),
        session("ann", "+14d 00:00", 9), skip("ann", "+14d 00:01"),
    )  # fmt: skip
    assert did(measured(known)["ann"]) == {"plays": 3}
    assert did(measured(known, as_of=5)["ann"]) == {"plays": 2}
    assert did(measured(known, as_of=4)["ann"]) == {"plays": 1}


def test_a_session_that_runs_past_the_last_day_counts_whole_on_the_day_it_starts():
    known = facts(play("ann", "+13d 23:50", 20), session("ann", "+13d 23:50", 20))
    assert active_days(known) == {
        ("ann", 13): {"plays": 1, "watch_hours": pytest.approx(1 / 3), "sessions": 1, "session_minutes": 20.0}
    }


def test_days_without_anything_have_no_rows_and_all_columns_add_up():
    known = facts(
        play("ann", "12:00", 30, creator="x"), session("ann", "12:00", 30), skip("ann", "12:10"),
        search("ann", "+1d 12:00"),
        play("ann", "+3d 12:00", 30, creator="x"), play("ann", "+3d 13:00", 60, creator="y"),
    )  # fmt: skip
    assert active_days(known) == {
        ("ann", 0): {"sessions": 1, "session_minutes": 30.0, "plays": 1, "skips": 1, "watch_hours": 0.5, "creators": 1},
        ("ann", 3): {"plays": 2, "watch_hours": 1.5, "creators": 1},
    }
    assert did(measured(known)["ann"]) == {
        "sessions": 1, "session_minutes": 30.0, "plays": 3, "skips": 1, "watch_hours": 2.0, "creators": 2,
    }  # fmt: skip


def test_days_are_those_of_the_reporting_zone():
    # 14:59 UTC is the last minute of the day in Tokyo.
    known = facts(play("ann", "14:59"), play("ann", "15:00"), play("ann", "+13d 15:00"), timezone="Asia/Tokyo")
    assert active_days(known) == {("ann", 0): {"plays": 1}, ("ann", 1): {"plays": 1}}


def test_an_exposed_unit_that_does_nothing_has_zeros():
    known = facts(
        exposure("ann", "12:00", "control"),
        play("ann", "11:00", 10),
        session("ann", "11:00", 10),
        record("ben", signed_up="12:00"),
    )
    found = measured(known, logged_experiment())["ann"]
    assert did(found) == did(found, "retained_d1", "retained_d7", "retained_d30", "sessions_first_7d") == {}
    assert (found["days_observed"], found["variant"], found["exposed_date"]) == (13, "control", day(0))
    signed_up = measured(known, experiment(exposure="signup"))
    assert (list(signed_up), did(signed_up["ben"])) == (["ben"], {})


def test_nobody_exposed_is_no_rows():
    assert measured(facts()) == {}
    assert active_days(facts()) == {}
    assert measured(facts(play("ann", "12:00")), as_of=-1) == {}


def test_others_and_other_units_do_not_count():
    known = facts(play("ann", "12:00"), exposure("ben", "12:00", "control"), play("ben", "13:00"), skip("cem", "12:00"))
    assert list(measured(known, logged_experiment())) == ["ben"]
    assert active_days(known, logged_experiment()) == {("ben", 0): {"plays": 1}}


# Variety


def test_a_creator_met_on_two_days_counts_on_the_first_and_one_met_before_exposure_counts_again():
    known = facts(
        play("ann", "-1d 12:00", creator="x"), play("ann", "12:00", creator="x"), play("ann", "13:00", creator="x"),
        play("ann", "+1d 12:00", creator="x"), play("ann", "+1d 13:00", creator="y"), play("ann", "+1d 14:00", creator="z"),
        play("ben", "+1d 12:00", creator="x"),
    )  # fmt: skip
    assert {key: row.get("creators", 0) for key, row in active_days(known).items()} == {
        ("ann", 0): 1, ("ann", 1): 2, ("ben", 1): 1,
    }  # fmt: skip
    assert (measured(known)["ann"]["creators"], measured(known)["ann"]["pre_creators"]) == (3, 1)


def test_the_creator_is_the_plays_before_the_records_and_the_genre_the_records_before_the_plays():
    known = facts(
        title("told", creator="studio", genre="drama"),
        title("silent"),
        title("guessed", is_derived=True, creator="nobody", genre="nothing"),
        play("ann", "12:00", content_id="told", creator="channel", genre="comedy"),
        play("ann", "12:10", content_id="told"),  # studio, drama
        play("ann", "12:20", content_id="silent", creator="channel", genre="drama"),
        play("ann", "12:30", content_id="silent", creator="label", genre="jazz"),
        play("ann", "12:40", content_id="guessed"),
        play("ann", "12:50", content_id="nowhere", creator="label", genre="folk"),
    )
    found = measured(known)["ann"]
    assert (found["plays"], found["creators"], found["genres"]) == (6, 3, 3)


def test_plays_that_name_nobody_are_no_variety():
    assert did(measured(facts(play("ann", "12:00"), play("ann", "13:00")))["ann"]) == {"plays": 2}


def test_variety_before_exposure_is_counted_over_all_days_before():
    known = facts(
        title("song", genre="jazz"),
        play("ann", "-20d 12:00", content_id="song", creator="x"),
        play("ann", "-2d 12:00", content_id="song", creator="x"),
        play("ann", "-1d 12:00", content_id="film", creator="y", genre="drama"),
        play("ann", "12:00", content_id="song", creator="z"),
    )
    found = measured(known)["ann"]
    assert (found["pre_creators"], found["pre_genres"], found["creators"], found["genres"]) == (2, 2, 1, 1)


# Coming back


def test_who_plays_on_the_day_n_days_after_exposure_is_retained():
    known = facts(
        play("ann", "+1d 23:59"), play("ann", "+2d 00:00"), play("ann", "+8d 12:00"),
        play("ben", "12:00"), play("ben", "+2d 12:00"), play("ben", "+6d 12:00"), play("ben", "+30d 12:00"),
        play("cem", "12:00"), skip("cem", "+1d 12:00"), session("cem", "+7d 12:00", 5), search("cem", "+7d 12:00"),
    )  # fmt: skip
    of = experiment(end=day(40))
    retained = {name: tuple(row[f"retained_d{n}"] for n in (1, 7, 30)) for name, row in measured(known, of).items()}
    assert retained == {"ann": (1, 1, 0), "ben": (0, 0, 1), "cem": (0, 0, 0)}


def test_who_comes_back_after_the_end_is_not_known_to():
    known = facts(play("ann", "+12d 12:00"), play("ann", "+13d 12:00"), play("ann", "+19d 12:00"))
    found = measured(known)["ann"]
    assert (found["days_observed"], found["retained_d1"], found["retained_d7"]) == (1, 1, 0)


def test_days_observed_are_counted_from_the_day_of_exposure_to_the_last_known():
    known = facts(play("ann", "00:00"), play("ben", "+3d 23:59"), play("cem", "+13d 12:00"))
    assert {name: row["days_observed"] for name, row in measured(known).items()} == {"ann": 13, "ben": 10, "cem": 0}
    assert {name: row["days_observed"] for name, row in measured(known, as_of=3).items()} == {"ann": 3, "ben": 0}


def test_the_first_seven_days_are_the_day_of_exposure_and_six_more():
    known = facts(
        play("ann", "+1d 12:00"), session("ann", "+1d 12:00", 5), session("ann", "+1d 15:00", 5),
        session("ann", "+7d 23:59", 5), session("ann", "+8d 00:00", 5),
    )  # fmt: skip
    found = measured(known)["ann"]
    assert (found["sessions"], found["sessions_first_7d"]) == (4, 3)


# Before


def test_the_pre_period_is_the_28_days_before_the_day_of_exposure():
    known = facts(
        play("ann", "-26d 23:59", 6), session("ann", "-26d 23:59", 1), skip("ann", "-26d 23:59"),
        play("ann", "-25d 00:00", 60, creator="x", genre="jazz"), session("ann", "-25d 00:00", 60), skip("ann", "-25d 00:30"),
        play("ann", "+2d 23:59", 90, is_skip=True), session("ann", "+2d 23:59", 90), skip("ann", "+2d 23:59"),
        exposure("ann", "+3d 12:00", "control"),
        play("ann", "+3d 11:59", 6), session("ann", "+3d 11:59", 6), skip("ann", "+3d 11:59"),
    )  # fmt: skip
    assert did(measured(known, logged_experiment())["ann"], *PRE) == {
        "pre_sessions": 2, "pre_session_minutes": 150.0, "pre_plays": 2, "pre_skips": 3, "pre_watch_hours": 2.5,
        "pre_creators": 1, "pre_genres": 1, "pre_sessions_7d": 1,
    }  # fmt: skip


def test_the_last_week_before_is_the_seven_days_before_the_day_of_exposure():
    known = facts(
        play("ann", "12:00"), session("ann", "-8d 23:59", 1), session("ann", "-7d 00:00", 1), session("ann", "-1d 23:59", 1),
        session("ann", "12:00", 1),
    )  # fmt: skip
    found = measured(known)["ann"]
    assert (found["pre_sessions"], found["pre_sessions_7d"], found["sessions"]) == (3, 2, 1)


def test_every_unit_has_days_before_of_its_own():
    known = facts(
        play("ann", "12:00"),
        play("ben", "-20d 12:00"),
        play("ben", "+10d 12:00"),
        play("cem", "-20d 12:00"),
        play("cem", "12:00"),
    )
    assert {name: row["pre_plays"] for name, row in measured(known).items()} == {"ann": 0, "ben": 0, "cem": 1}
    # Seen before, though not in the days that are counted.
    assert {name: row["has_pre_period"] for name, row in measured(known).items()} == {
        "ann": False, "ben": True, "cem": True,
    }  # fmt: skip


def test_what_was_known_at_exposure_goes_with_the_unit():
    known = facts(
        record("ann", plan="basic", country="DE"), play("ann", "-1d 12:00"), play("ann", "12:00", platform="tv")
    )
    found = measured(known)["ann"]
    kept = ("experiment_id", "variant", "exposed_date", "platform", "country", "plan", "user_kind", "has_pre_period")
    assert tuple(found[name] for name in kept) == ("test", "control", day(0), "tv", "DE", "basic", "existing", True)


# What is planned


def test_the_planned_sample_are_the_users_who_played_in_as_many_days_before_the_start():
    known = facts(
        play("ann", "-14d 00:00"), play("ann", "-1d 12:00"), play("ben", "-1d 23:59"), play("cem", "-15d 23:59"),
        play("dee", "00:00"), search("eve", "-1d 12:00"),
    )  # fmt: skip
    found = planned_units(window_of(experiment(), day(99)), 14, known.plays)
    assert found.to_pyarrow().to_pylist() == [{"units": 2}]
