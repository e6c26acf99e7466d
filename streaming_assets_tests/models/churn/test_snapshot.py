"""Snapshots: who is in them, what is known of them at the cutoff, and what became of them, worked out by hand."""

import datetime as dt
import math

import pytest

from streaming_assets.models.churn.snapshot import known, label_kind, outcomes
from streaming_assets_tests.models.churn.known_days import (
    LAST_OF_LABEL,
    C,
    before,
    day,
    instant,
    known_at,
    played,
    record,
    session,
    tables,
    title,
)

ONE_DAY = dt.timedelta(days=1)


def regular(user_id, *more):
    """Days of somebody who is active: a play 60 days and 1 day before the cutoff."""
    return [day(user_id, 60), day(user_id, 1), *more]


def column(rows, name):
    return {user_id: row[name] for user_id, row in rows.items()}


# Who has a row, and which status

STATUSES = {
    "first play 14 days ago": ([14], "active"),
    "first play 13 days ago": ([13], "new"),
    "last play 28 days ago": ([60, 28], "active"),
    "last play 29 days ago": ([60, 29], "lapsed"),
    "played yesterday": ([60, 1], "active"),
    "left half a year ago": ([180], "lapsed"),
}


@pytest.fixture(scope="module")
def statuses():
    days = [day(name, back) for name, (backs, _status) in STATUSES.items() for back in backs]
    others = [
        day("first play on the day of the cutoff", 0),
        day("only skips", 1, plays=0, skips=3),
        *[day("skips since", back, plays=plays, skips=1) for back, plays in ((60, 1), (2, 0))],
    ]
    return known_at(tables([*days, *others]))


def test_users_with_a_play_before_the_cutoff_have_a_row_and_nobody_else(statuses):
    assert set(statuses) == {*STATUSES, "skips since"}


@pytest.mark.parametrize(("name", "status"), [(name, status) for name, (_days, status) in STATUSES.items()])
def test_status_follows_from_the_last_28_days_and_a_tenure_of_14(statuses, name, status):
    assert statuses[name]["status"] == status


def test_a_day_without_a_play_is_no_active_day(statuses):
    assert statuses["skips since"]["status"] == "lapsed"
    assert statuses["skips since"]["active_days_90"] == 1


def test_tenure_is_counted_from_the_first_play_however_long_ago(statuses):
    assert statuses["left half a year ago"]["tenure_days"] == 180
    assert statuses["first play 13 days ago"]["tenure_days"] == 13


def test_of_who_did_nothing_in_90_days_counts_are_0_and_the_rest_is_unknown(statuses):
    row = statuses["left half a year ago"]
    assert [row[name] for name in ("plays_90", "active_days_90", "watch_hours_90", "distinct_content_28")] == [
        0,
        0,
        0,
        0,
    ]
    unknown = ("recency_hours", "median_gap_days", "recency_per_gap", "pauses_per_play", "skip_rate", "genre_entropy")
    assert [row[name] for name in unknown] == [None] * 6
    assert row["watch_trend"] == 0


# Sums over windows


@pytest.fixture(scope="module")
def windows():
    powers = [day("ann", back, plays=10**n, hours=2.0**n) for n, back in enumerate([-1, 0, 1, 7, 8, 28, 29, 90, 91])]
    return known_at(
        tables(
            [
                *powers,
                day("bob", 60),
                *[day("bob", back, plays=2, hours=None if back == 3 else 0.5) for back in (3, 20)],
                day("cem", 60),
                day("cem", 5, plays=4),
            ]
        )
    )


def test_windows_end_with_the_day_before_the_cutoff_and_hold_7_28_and_90_days(windows):
    assert [windows["ann"][f"plays_{days}"] for days in (7, 28, 90)] == [1_100, 111_100, 11_111_100]
    assert [windows["ann"][f"active_days_{days}"] for days in (7, 28, 90)] == [2, 4, 6]
    assert [windows["ann"][f"watch_hours_{days}"] for days in (7, 28, 90)] == [4 + 8, 4 + 8 + 16 + 32, 252]


@pytest.mark.parametrize(
    ("observation_days", "plays", "gap"), [(28, 111_100, 6.0), (60, 1_111_100, 3.5), (90, 11_111_100, 6.0)]
)
def test_young_data_are_looked_back_on_as_far_as_they_go(observation_days, plays, gap):
    days = [day("ann", back, plays=10**n) for n, back in enumerate([-1, 0, 1, 7, 8, 28, 29, 90, 91])]
    found = known_at(tables(days), observation_days=observation_days)["ann"]
    assert (found["plays_90"], found["plays_28"], found["median_gap_days"]) == (plays, 111_100, gap)
    two = known_at(tables(days), cutoffs=(C, before(7)), observation_days=observation_days)
    assert two["ann", C]["plays_90"] == plays


def test_watch_hours_are_unknown_where_there_are_plays_and_of_none_it_is_known(windows):
    assert [windows["bob"][f"watch_hours_{days}"] for days in (7, 28, 90)] == [None, 0.5, 0.5]
    assert [windows["cem"][f"watch_hours_{days}"] for days in (7, 28, 90)] == [None, None, None]


def test_the_trend_compares_a_week_with_four(windows):
    assert windows["ann"]["watch_trend"] == pytest.approx(math.log((4 * 12 + 1) / (60 + 1)))
    assert windows["bob"]["watch_trend"] is None


def test_the_median_gap_is_of_neighbouring_active_days_of_the_90(windows):
    # Of ann's days 1, 7, 8, 28, 29 and 90 days before: gaps of 6, 1, 20, 1 and 61 days.
    assert column(windows, "median_gap_days") == {"ann": 6.0, "bob": 28.5, "cem": 55.0}


# What the plays were like


@pytest.fixture(scope="module")
def manners():
    known = {"plays_with_buffering": 1, "buffer_events": 0}
    days = [
        *regular(
            "stops",
            day("stops", 2, plays=4, hours=3.0, buffer_events=6, plays_with_buffering=4, pauses=2, sessions_started=1),
            day("stops", 3, plays=0, pauses=1, skips=12),
            *[day("stops", back, plays=0, sessions_started=1) for back in (5, 20, 28, 29)],
        ),
        *regular("never stops", day("never stops", 28, hours=1.0, sessions_started=1, **known)),
        *regular(
            "nobody counted",
            day("nobody counted", 2, hours=2.0, sessions_started=1),
            day("nobody counted", 29, hours=1.0, **known),
        ),
        *regular("watched nothing", day("watched nothing", 2, hours=0.0, buffer_events=3, plays_with_buffering=1)),
        day("left", 60, hours=1.0, buffer_events=3, plays_with_buffering=1),
        *regular(
            "completes",
            day(
                "completes",
                4,
                completion_pct_n=3,
                plays_under_10pct=1,
                watched_known_seconds=60.0,
                content_known_seconds=80.0,
            ),
            day("completes", 5, completion_pct_n=1, watched_known_seconds=20.0, content_known_seconds=20.0),
            day("completes", 29, completion_pct_n=9, plays_under_10pct=9, content_known_seconds=999.0),
        ),
        *regular(
            "recommended",
            day("recommended", 2, plays=9, recommended_plays=1, plays_with_recommendation=3),
            day("recommended", 3, plays=1, recommended_plays=0, plays_with_recommendation=1),
        ),
    ]
    sessions = [
        *[session("stops", back, stops) for back, stops in ((0, 1), (1, 1), (2, 1), (5, 3), (20, 0), (28, 0), (29, 1))],
        session("never stops", 28),
        session("nobody counted", 2),
        session("watched nothing", 1, 3),
    ]
    return known_at(tables(days, sessions=sessions))


def test_stops_are_per_hour_watched_and_unknown_where_either_is(manners):
    assert column(manners, "buffer_events_per_hour") == {
        "stops": 2.0,
        "never stops": 0.0,
        "nobody counted": None,
        "watched nothing": None,
        "left": None,
        "completes": None,
        "recommended": None,
    }


def test_sessions_of_the_eve_do_not_count_as_they_may_go_on_past_the_cutoff(manners):
    shares = column(manners, "buffered_session_share")
    assert {name: shares[name] for name in ("stops", "never stops", "nobody counted", "watched nothing")} == {
        "stops": 0.5,  # of those 2, 5, 20 and 28 days before, the first two
        "never stops": 0.0,
        "nobody counted": None,
        "watched nothing": None,  # its only session was on the eve
    }


def test_pauses_and_skips_of_days_without_a_play_count(manners):
    # Four plays and one on the eve.
    assert (manners["stops"]["pauses_per_play"], manners["stops"]["skip_rate"]) == (0.6, 2.4)


def test_completion_is_weighted_by_length_and_abandoned_plays_are_of_those_with_a_completion(manners):
    assert manners["completes"]["completion_share"] == pytest.approx(0.8)
    assert manners["completes"]["abandoned_share"] == pytest.approx(1 / 4)
    assert (manners["stops"]["completion_share"], manners["stops"]["abandoned_share"]) == (None, None)


def test_the_recommended_share_is_of_plays_of_which_it_is_known(manners):
    assert (manners["recommended"]["recommended_share"], manners["stops"]["recommended_share"]) == (0.25, None)


# What was played


@pytest.fixture(scope="module")
def titles():
    history = {
        # by title: on which days before the cutoff
        "seen before": (1, 40),
        "long forgotten": (2, 91),
        "every day": (1, 2, 3, 28, 29),
        "first seen": (28,),
        "only long ago": (60,),
    }
    listened = [played("ann", back, name) for name, backs in history.items() for back in backs]
    twice = [played("ann", 1, "seen before", platform="tv")]
    per_day = {back: len({name for name, backs in history.items() if back in backs}) for back in range(100)}
    ann = [day("ann", back, distinct_content=n) for back, n in per_day.items() if n]
    genres = [
        *[played("bob", 2, "western", plays=3), played("bob", 3, "musical"), played("bob", 4, "unnamed", plays=5)],
        played("bob", 5, "named by the play", genre="opera"),
        played("bob", 29, "musical", plays=100),
        played("cem", 2, "western", plays=2),
        played("dee", 2, "unnamed"),
        played("eve", 2, "musical"),
    ]
    days = [*ann, *[row for name in ("bob", "cem", "dee", "eve") for row in regular(name)]]
    content = [
        title("western", "western"),
        title("musical", "musical"),
        # What plays say of a title now, they may not have said at the cutoff.
        title("unnamed", "crime", is_derived=True),
        title("named by the play", "crime", is_derived=True),
    ]
    users = [
        record("bob", preferred_genre="western"),
        record("cem", preferred_genre="musical"),
        record("dee", preferred_genre="musical"),
    ]
    return known_at(tables(days, [*listened, *twice, *genres], users=users, content=content))


def test_a_title_is_new_where_it_was_not_played_in_the_62_days_before_the_28(titles):
    # In 28 days: seen before, long forgotten, every day and first seen; all but the first and third are new.
    assert titles["ann"]["distinct_content_28"] == 4
    assert titles["ann"]["new_title_share"] == 0.5
    assert titles["bob"]["new_title_share"] is None


def test_genres_are_those_of_records_else_those_that_the_plays_themselves_name(titles):
    # bob: western 3, musical 1, opera 1.
    assert titles["bob"]["distinct_genres_28"] == 3
    assert titles["bob"]["genre_entropy"] == pytest.approx(-(0.6 * math.log(0.6) + 2 * 0.2 * math.log(0.2)))
    assert (titles["cem"]["distinct_genres_28"], titles["cem"]["genre_entropy"]) == (1, 0.0)
    assert (titles["dee"]["distinct_genres_28"], titles["dee"]["genre_entropy"]) == (0, None)


def test_the_preferred_genre_has_a_share_of_the_plays_of_known_genre(titles):
    shares = column(titles, "preferred_genre_share")
    assert {name: shares[name] for name in ("bob", "cem", "dee", "eve")} == {
        "bob": pytest.approx(0.6),
        "cem": 0.0,
        "dee": None,  # no genre is known
        "eve": None,  # no genre is preferred
    }


# Records


@pytest.fixture(scope="module")
def recorded():
    names = ("changed plan", "no record", "record without a place", "of tomorrow", "free", "upper case")
    days = [row for name in names for row in regular(name, day(name, 2, hours=3.0))]
    users = [
        record("changed plan", 200, plan="free", age=30, country="DE", platform="web"),
        record("changed plan", 1, "23:59", plan="premium", age=31, country="FR", platform="tv"),
        record("changed plan", 0, plan="basic", age=99, country="US", platform="ios"),
        record("no record", 20_000, is_derived=True, home_country="later", home_platform="later"),
        record("record without a place", 9, plan="basic", home_country="later", home_platform="later"),
        record("of tomorrow", 0, plan="premium", country="US", platform="ios"),
        record("free", 9, plan="free", country="DE", platform="tv"),
        record("upper case", 9, plan="Premium", country="DE", platform="tv"),
    ]
    listened = [
        *[played(name, 1, country="wrong", platform="wrong") for name in ("changed plan", "free")],
        *[
            played("no record", back, platform=name, country="DE")
            for back, name in ((9, "tv"), (8, "ios"), (91, "web"))
        ],
        *[played("no record", back, platform="web", country=None) for back in (0, 91, 92)],
        played("record without a place", 3, platform="android", plays=2),
        played("record without a place", 2, platform="web"),
        played("of tomorrow", 5, platform="roku", country="SE"),
    ]
    return known_at(tables(days, listened, users=users))


def test_the_record_with_the_latest_start_before_the_cutoff_holds(recorded):
    row = recorded["changed plan"]
    assert [row[name] for name in ("plan", "age", "country", "platform")] == ["premium", 31, "FR", "tv"]
    assert (recorded["of tomorrow"]["plan"], recorded["of tomorrow"]["age"]) == (None, None)


def test_places_without_a_record_are_the_most_frequent_of_plays_before_the_cutoff_and_ties_the_latest(recorded):
    found = {name: (row["country"], row["platform"]) for name, row in recorded.items()}
    assert found["no record"] == ("DE", "ios")
    assert found["record without a place"] == (None, "android")
    assert found["of tomorrow"] == ("SE", "roku")


def test_a_plan_is_paid_unless_it_is_free_and_premium_is_unused_where_little_is_watched(recorded):
    plans = {name: [row[c] for c in ("is_paid", "is_premium", "premium_unused")] for name, row in recorded.items()}
    assert plans == {
        "changed plan": [1, 1, 0.25],
        "no record": [None, None, None],
        "record without a place": [1, 0, 0.0],
        "of tomorrow": [None, None, None],
        "free": [0, 0, 0.0],
        "upper case": [1, 1, 0.25],
    }


# The clock


def test_recency_is_in_hours_between_instants_also_where_clocks_change():
    # In Berlin the night to 30 March 2026 ends a day of 23 hours: the cutoff is at 22:00 UTC.
    cutoff = dt.date(2026, 3, 30)
    ago = (C - cutoff).days
    at = [(ago + 2, "23:30"), (ago + 1, "21:00"), (ago, "22:00")]
    days = [day("ann", back, last_event_at=instant(back, clock)) for back, clock in at]
    row = known_at(tables(days, timezone="Europe/Berlin"), [cutoff])["ann"]
    assert row["recency_hours"] == 1.0
    assert row["recency_per_gap"] == pytest.approx(1 / 24)


# What became of them


@pytest.fixture(scope="module")
def inactive():
    names = {"on the cutoff": [0], "on day 1": [-1], "on day 28": [-28], "on day 29": [-29], "never again": []}
    days = [row for name, backs in names.items() for row in regular(name, *[day(name, back) for back in backs])]
    others = [
        *regular("skips only", day("skips only", -5, plays=0, skips=1)),
        *[day("lapsed", back) for back in (60, -5)],
        *[day("new", back) for back in (3, -5)],
    ]
    return tables([*days, *others])


def test_no_play_in_the_28_days_after_the_day_of_the_cutoff_is_churn(inactive):
    assert column(known_at(inactive), "churned") == {
        "on the cutoff": True,
        "on day 1": False,
        "on day 28": False,
        "on day 29": True,
        "never again": True,
        "skips only": True,
        "lapsed": None,
        "new": None,
    }


def test_nothing_is_said_before_the_label_window_is_over(inactive):
    assert set(column(known_at(inactive, as_of=LAST_OF_LABEL - ONE_DAY), "churned").values()) == {None}


CANCELLED = {
    # when, by the record of when: what is said
    "before": ("record", instant(1, "23:59"), "lapsed", None),
    "in the gap": ("later", instant(0, "23:59"), "active", None),
    "when the window begins": ("later", instant(-1, "00:00"), "active", True),
    "when it ends": ("later", instant(-28, "23:59"), "active", True),
    "too late": ("later", instant(-29, "00:00"), "active", False),
    "told at once": ("record", instant(-5), "active", True),
    "told too late": ("later", instant(3), "active", None),
    "told after T": ("after T", instant(-5), "active", False),
    "came back": ("earlier", instant(30), "active", False),
    "stays": ("record", None, "active", False),
}


def test_where_records_tell_of_cancellations_they_are_the_churn_and_silence_is_not():
    started = {"earlier": 200, "record": 20, "later": -20, "after T": -29}
    users = [record("stays", 200), record("came back", 20)]
    users += [
        record(name, started[which], cancelled_at=at) for name, (which, at, _status, _churned) in CANCELLED.items()
    ]
    found = known_at(tables([row for name in CANCELLED for row in regular(name)], users=users))
    assert {name: (row["status"], row["churned"]) for name, row in found.items()} == {
        name: (status, churned) for name, (_which, _at, status, churned) in CANCELLED.items()
    }


@pytest.mark.parametrize(
    ("t", "kind"), [(6, "inactivity"), (5, "inactivity"), (4, "inactivity"), (3, "cancellation"), (0, "cancellation")]
)
def test_cancellations_are_the_churn_once_one_has_happened_and_is_told(t, kind):
    users = [record("stays"), record("leaves", 5, "10:00", cancelled_at=instant(3, "23:00"))]
    inputs = tables([], users=users)
    assert label_kind(known(inputs["users"], inputs["calendar"], before(t))).to_pyarrow().as_py() == kind


def test_without_records_silence_is_the_churn():
    inputs = tables([])
    assert label_kind(known(inputs["users"], inputs["calendar"], C)).to_pyarrow().as_py() == "inactivity"


@pytest.mark.parametrize(("label", "silent", "left"), [("cancellation", False, True), ("inactivity", True, False)])
def test_what_became_of_users_is_told_by_the_label_that_is_asked_for(label, silent, left):
    days = [*regular("silent"), *regular("left"), day("left", -10)]
    inputs = tables(days, users=[record("left", 20, cancelled_at=instant(-12))])
    asked = {name: inputs[name] for name in ("user_daily", "users", "calendar")}
    told = outcomes(C, as_of=LAST_OF_LABEL, label=label, **asked).to_pyarrow().to_pylist()
    assert {row["user_id"]: row["churned"] for row in told} == {"silent": silent, "left": left}


def test_a_lake_without_plays_has_nobody():
    assert known_at(tables([])) == {}
