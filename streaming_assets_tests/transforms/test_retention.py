"""Who comes back: D0, the segments of the first days, retention after n days and by cohort."""

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core, meta
from streaming_assets.contracts.marts import retention as contracts
from streaming_assets.transforms.daily import user_content_daily, user_daily
from streaming_assets.transforms.plays import plays
from streaming_assets.transforms.retention import cohort_retention, first_days, merge_first_days, retention
from streaming_assets_tests.transforms.situations import FIRST_DAY, calendar, event, rows_of, table

LAST_DAY = dt.date(2026, 12, 31)
# Every example is several queries: shrinking a failure would take minutes and tell little more.
UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]


def day(offset):
    return FIRST_DAY + dt.timedelta(days=offset)


def noon(offset):
    return dt.datetime.combine(day(offset), dt.time(12))


def play(user_id, offset, content_id="c", **columns):
    """What core/user_content_daily says of a user's plays of a title, `offset` days after the first day."""
    known = {
        "user_id": user_id,
        "content_id": content_id,
        "date": day(offset),
        "plays": 1,
        "watch_seconds": 0.0,
        "last_event_at": noon(offset),
    }
    return {**dict.fromkeys(core.user_content_daily.column_names), **known, **columns}


def listener(user_id, *offsets, **columns):
    return [play(user_id, offset, **columns) for offset in offsets]


def user_days(plays, others=()):
    """core/user_daily of the plays, and rows without plays of users who only searched."""
    days = {}
    for row in plays:
        known = days.setdefault(
            (row["user_id"], row["date"]), {"plays": 0, "watch_seconds": 0.0, "plays_with_watch_time": 0}
        )
        known["plays"] += row["plays"]
        known["watch_seconds"] += row["watch_seconds"]
        known["plays_with_watch_time"] += row["plays"] if row["watch_seconds"] else 0
    for user_id, offset in others:
        days.setdefault((user_id, day(offset)), {"plays": 0, "watch_seconds": 0.0, "plays_with_watch_time": 0})
    return [{"user_id": user_id, "date": date, **known} for (user_id, date), known in days.items()]


def titles(plays):
    """meta/user_titles of the plays."""
    first = {}
    for row in plays:
        key = (row["user_id"], row["content_id"], row["state"])
        first[key] = min(first.get(key, row["date"]), row["date"])
    return [
        {"user_id": user_id, "content_id": content_id, "state": state, "first_date": date}
        for (user_id, content_id, state), date in first.items()
    ]


def record(user_id, valid_from=None, **columns):
    """A landed record of a user; times are days after the first day."""
    times = {name: noon(value) for name, value in columns.items() if name == "signed_up_at" and value is not None}
    valid = dt.datetime(1970, 1, 1) if valid_from is None else valid_from
    return {"user_id": user_id, "is_derived": False, "valid_from": valid, **columns, **times}


def genres(**by_title):
    return [{"content_id": title, "genre": genre} for title, genre in by_title.items()]


@cache
def days_of(timezone="UTC"):
    return calendar(timezone, dt.date(2021, 1, 1), LAST_DAY)


def retained(plays, as_of, users=(), content=(), others=(), origin="first_play", timezone="UTC"):
    """marts/retention as {(breakdown, segment, mode, n): row}."""
    made = retention(
        user_daily=table(user_days(plays, others), core.user_daily),
        first_days=first_days(table(plays, core.user_content_daily)),
        user_titles=table(titles(plays), meta.user_titles),
        users=table(users, core.users),
        content=table(content, core.content),
        calendar=days_of(timezone),
        as_of=day(as_of),
        retention_origin=origin,
    )
    rows = rows_of(made, contracts.retention, list(contracts.retention.key))
    return {tuple(row[name] for name in contracts.retention.key): row for row in rows}


def cohorts(plays, as_of, users=(), others=(), origin="first_play"):
    """marts/cohort_retention as {(cohort_period, cohort, n): row}."""
    made = cohort_retention(
        user_daily=table(user_days(plays, others), core.user_daily),
        first_days=first_days(table(plays, core.user_content_daily)),
        users=table(users, core.users),
        calendar=days_of(),
        as_of=day(as_of),
        retention_origin=origin,
    )
    rows = rows_of(made, contracts.cohort_retention, list(contracts.cohort_retention.key))
    return {tuple(row[name] for name in contracts.cohort_retention.key): row for row in rows}


def outcome(row):
    return row["n_retained"], row["n_eligible"]


def outcomes(found, breakdown, mode="exact", n=1):
    """{segment: (retained, eligible)} of one breakdown."""
    return {key[1]: outcome(row) for key, row in found.items() if key[0] == breakdown and key[2:] == (mode, n)}


# First days


def test_the_first_day_is_where_most_of_its_plays_were_and_the_latest_where_they_are_even():
    plays = [
        play("ann", 0, "a", platform="tv", country="DE", plays=2),
        play("ann", 0, "b", platform="web", country="FR", plays=1),
        play("ann", 0, "c", platform="web", country="FR", plays=1, last_event_at=noon(0) + dt.timedelta(hours=1)),
        play("ann", 1, "c", platform="phone", country="IT", plays=9),
        play("ben", 3, platform=None, country=None, plays=5),
        play("ben", 3, platform=None, country="US", plays=1),
    ]
    found = rows_of(first_days(table(plays, core.user_content_daily)), meta.first_days, "user_id")
    assert found == [
        {"user_id": "ann", "first_date": day(0), "platform": "web", "country": "FR"},
        {"user_id": "ben", "first_date": day(3), "platform": None, "country": "US"},
    ]


PLACES = st.sampled_from([None, "x", "y"])


@st.composite
def some_plays(draw):
    keys = draw(
        st.sets(
            st.tuples(st.sampled_from(["ann", "ben", "cem"]), st.integers(0, 5), PLACES, PLACES, st.sampled_from("cd")),
            max_size=20,
        )
    )
    return [
        play(user_id, offset, title, platform=platform, country=country, plays=draw(st.integers(1, 2)))
        for user_id, offset, platform, country, title in sorted(keys, key=str)
    ]


@settings(max_examples=10, deadline=None, phases=UNSHRUNK)
@given(plays=some_plays(), split=st.integers(0, 6))
def test_first_days_of_two_stretches_merge_into_those_of_both(plays, split):
    def made(rows):
        return first_days(table(rows, core.user_content_daily)).select(*meta.first_days.column_names)

    early = [row for row in plays if row["date"] < day(split)]
    late = [row for row in plays if row["date"] >= day(split)]
    merged = merge_first_days(made(late).union(made(early)))
    assert rows_of(merged, meta.first_days, "user_id") == rows_of(made(plays), meta.first_days, "user_id")


# After n days


def test_exact_asks_for_a_play_on_the_day_and_rolling_for_one_then_or_later():
    plays = listener("ann", 0, 1) + listener("ben", 0, 5) + listener("cem", 0)
    found = retained(plays, as_of=40)
    assert {(mode, n): outcome(found["overall", "all", mode, n]) for mode in ("exact", "rolling") for n in (1, 3, 7)} == {
        ("exact", 1): (1, 3), ("exact", 3): (0, 3), ("exact", 7): (0, 3),
        ("rolling", 1): (2, 3), ("rolling", 3): (1, 3), ("rolling", 7): (0, 3),
    }  # fmt: skip


def test_who_joined_too_late_to_be_known_is_not_counted_and_the_day_is_not_complete():
    found = retained(listener("ann", 0, 7) + listener("ben", 1, 3), as_of=7)
    week = found["overall", "all", "exact", 7]
    assert (outcome(week), week["rate"], week["is_complete"]) == ((1, 1), 1.0, False)
    assert found["overall", "all", "exact", 3]["is_complete"] is True


def test_days_that_nobody_has_reached_have_rows_that_say_nothing():
    found = retained(listener("ann", 0), as_of=2)
    never = found["overall", "all", "rolling", 90]
    assert (outcome(never), never["rate"], never["rate_low"], never["rate_high"], never["is_complete"]) == (
        (0, 0), None, None, None, False,
    )  # fmt: skip
    assert sorted(key for key in found if key[0] == "overall") == sorted(
        ("overall", "all", mode, n) for mode in ("exact", "rolling") for n in (1, 3, 7, 14, 30, 60, 90)
    )


def test_the_interval_is_wilsons():
    plays = [row for number in range(100) for row in listener(f"user {number}", 0, *([1] if number < 10 else []))]
    row = retained(plays, as_of=1)["overall", "all", "exact", 1]
    assert (row["rate"], row["rate_low"], row["rate_high"]) == pytest.approx((0.1, 0.05522914, 0.17436566), abs=5e-9)


def test_a_search_is_no_return_and_no_beginning():
    found = retained(listener("ann", 1), as_of=10, others=[("ann", 0), ("ann", 2), ("ben", 0), ("ben", 1)])
    assert outcomes(found, "overall") == {"all": (0, 1)}
    assert outcomes(found, "overall", "rolling") == {"all": (0, 1)}


@pytest.mark.parametrize(
    ("start", "back"),
    [
        (dt.datetime(2025, 3, 14, 23, 45), dt.datetime(2025, 3, 15, 0, 1)),
        (dt.datetime(2021, 12, 1, 17, 59), dt.datetime(2021, 12, 2, 17, 0)),
        (dt.datetime(2026, 3, 2, 20, 0), dt.datetime(2026, 3, 3, 6, 0)),  # Monday, Tuesday
    ],
)
def test_a_return_on_the_next_calendar_day_is_day_one_however_few_hours_have_passed(start, back):
    assert back_on_day_one([event("ann", start), event("ann", back)]) == (1, 1)


def test_a_return_after_a_day_by_the_clock_but_on_the_second_calendar_day_is_not_day_one():
    start, back = dt.datetime(2026, 3, 2, 23, 50), dt.datetime(2026, 3, 4, 0, 10)
    assert back_on_day_one([event("ann", start), event("ann", back)]) == (0, 1)


@pytest.mark.parametrize(("zone", "expected"), [("UTC", (0, 1)), ("Europe/Berlin", (1, 1)), ("Asia/Tokyo", (0, 1))])
def test_the_same_moments_are_a_return_where_midnight_lies_between_them(zone, expected):
    moments = [dt.datetime(2026, 3, 2, 22, 30), dt.datetime(2026, 3, 2, 23, 30)]
    dates = [moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).date() for moment in moments]
    heard = [event("ann", moment, event_date=date) for moment, date in zip(moments, dates, strict=True)]
    assert back_on_day_one(heard, zone, as_of=dt.date(2026, 3, 5)) == expected


def back_on_day_one(events, timezone="UTC", as_of=None):
    """(retained, eligible) on day 1 of core/events, through the daily tables."""
    played = table(rows_of(plays(table(events), days_of(timezone), 30), core.plays, "started_at"), core.plays)
    by_title = user_content_daily(played)
    found = retention(
        user_daily=user_daily(played, table(events)),
        first_days=first_days(by_title),
        user_titles=by_title.select("user_id", "content_id", "state", first_date=by_title.date),
        users=table([], core.users),
        content=table([], core.content),
        calendar=days_of(timezone),
        as_of=as_of or max(row["event_date"] for row in events),
        retention_origin="first_play",
    )
    row = found.filter((found.breakdown == "overall") & (found["mode"] == "exact") & (found.n == 1)).to_pyarrow()
    return row["n_retained"][0].as_py(), row["n_eligible"][0].as_py()


# What users are split by


def test_platform_and_country_are_those_of_the_first_day_and_unknown_where_it_does_not_say():
    plays = [
        *listener("ann", 0, platform="tv", country="DE"),
        *listener("ann", 1, platform="web", country="FR"),
        *listener("ben", 0, 1),
    ]
    found = retained(plays, as_of=1)
    assert outcomes(found, "platform") == {"tv": (1, 1), "unknown": (1, 1)}
    assert outcomes(found, "country") == {"DE": (1, 1), "unknown": (1, 1)}


def test_the_country_of_the_users_record_comes_before_that_of_the_plays():
    plays = [*listener("ann", 0, country="DE"), *listener("ben", 0, country="DE"), *listener("cem", 0, country="DE")]
    known = [
        record("ann", country="AT"),
        record("ben", country=None),
        {**record("cem", country="CH"), "is_derived": True},
    ]
    assert outcomes(retained(plays, as_of=1, users=known), "country") == {"AT": (0, 1), "DE": (0, 2)}


def test_the_plan_is_the_one_held_at_the_end_of_the_first_day():
    midnight = dt.datetime.combine(day(1), dt.time())
    known = [
        record("ann", day_at(-50), plan="trial"),
        record("ann", midnight - dt.timedelta(microseconds=1), plan="premium"),
        record("ben", day_at(-50), plan="trial"),
        record("ben", midnight, plan="premium"),
    ]
    plays = listener("ann", 0, 1) + listener("ben", 0)
    assert outcomes(retained(plays, as_of=1, users=known), "plan") == {"premium": (1, 1), "trial": (0, 1)}


def test_the_first_day_ends_with_the_reporting_zones_day():
    evening = record("ann", dt.datetime.combine(day(0), dt.time(23)), plan="premium")  # midnight in Berlin
    known = [record("ann", day_at(-50), plan="trial"), evening]
    plays = listener("ann", 0)
    assert outcomes(retained(plays, as_of=1, users=known), "plan") == {"premium": (0, 1)}
    assert outcomes(retained(plays, as_of=1, users=known, timezone="Europe/Berlin"), "plan") == {"trial": (0, 1)}


def test_a_user_whose_records_begin_later_has_the_plan_of_the_earliest():
    known = [record("ann", day_at(9), plan="premium"), record("ann", day_at(5), plan="basic")]
    assert outcomes(retained(listener("ann", 0), as_of=1, users=known), "plan") == {"basic": (0, 1)}


def test_a_record_without_a_plan_hides_the_plan_of_the_one_before():
    known = [record("ann", day_at(-9), plan="premium"), record("ann", day_at(-5), plan=None)]
    plays = listener("ann", 0) + listener("ben", 0)
    assert outcomes(retained(plays, as_of=1, users=known), "plan") == {"unknown": (0, 2)}


def day_at(offset):
    return dt.datetime.combine(day(offset), dt.time())


def test_genres_of_the_first_week_are_those_of_titles_first_played_in_it():
    plays = [
        play("ann", 0, "jazz-1"), play("ann", 1, "jazz-2"), play("ann", 6, "rock-1"),
        play("ann", 7, "folk-1"), play("ann", 7, "soul-1"),
        *[play("ben", number, title) for number, title in enumerate(["jazz-1", "rock-1", "folk-1", "soul-1", "punk-1"])],
        play("cem", 0, "nameless"), play("cem", 2, "unheard of"),
        play("dan", 0, "jazz-1", state="BE"), play("dan", 3, "jazz-1", state=None), play("dan", 0, "nameless"),
    ]  # fmt: skip
    known = genres(
        **{f"{name}-{number}": name for name in ("jazz", "rock", "folk", "soul", "punk") for number in (1, 2)},
        nameless=None,
    )
    found = retained(plays, as_of=7, content=known)
    assert outcomes(found, "first_week_genres", n=7) == {"1": (0, 1), "2": (1, 1), "4+": (0, 1), "unknown": (0, 1)}
    assert {key[3] for key in found if key[0] == "first_week_genres"} == {7, 14, 30, 60, 90}


def test_a_title_met_before_the_sign_up_is_not_explored_in_the_first_week():
    plays = [play("ann", 0, "a", state="BE"), play("ann", 5, "a", state="HH"), play("ann", 6, "b")]
    found = retained(
        plays, as_of=20, users=[record("ann", signed_up_at=4)], content=genres(a="jazz", b="rock"), origin="signed_up"
    )
    assert outcomes(found, "first_week_genres", n=7) == {"1": (0, 1)}


def test_every_breakdown_counts_every_user_once():
    plays = [
        *listener("ann", 0, 1, 7, platform="tv", country="DE"),
        *listener("ben", 3, 10, platform=None, country="DE"),
        *listener("cem", 6, platform="web", country=None),
    ]
    found = retained(plays, as_of=12, users=[record("ann", plan="basic")], content=genres(c="jazz"))
    for mode in ("exact", "rolling"):
        for n in (7, 14):
            sums = {
                breakdown: tuple(map(sum, zip(*outcomes(found, breakdown, mode, n).values(), strict=True)))
                for breakdown in contracts.BREAKDOWNS
            }
            assert len(set(sums.values())) == 1, sums


# Days counted from the sign-up


def test_days_count_from_the_day_of_the_earliest_sign_up_where_a_record_tells_it():
    plays = listener("ann", 3, 7) + listener("ben", 3, 10) + listener("cem", 3, 4)
    known = [
        record("ann", day_at(0), signed_up_at=0),
        record("ann", day_at(2), signed_up_at=2),
        record("ben", signed_up_at=None),
        {**record("cem", signed_up_at=0), "is_derived": True},
    ]
    found = retained(plays, as_of=40, users=known, origin="signed_up")
    assert [outcomes(found, "overall", "exact", n) for n in (1, 3, 7)] == [
        {"all": (1, 3)},  # cem, whose first play counts
        {"all": (1, 3)},  # ann, three days after she signed up
        {"all": (2, 3)},  # ann and ben
    ]


def test_the_sign_up_is_dated_by_the_reporting_zone():
    late = {**record("ann"), "signed_up_at": dt.datetime.combine(day(0), dt.time(23, 30))}
    plays = listener("ann", 2)
    for zone, retained_on_day_one in (("UTC", 0), ("Europe/Berlin", 1)):
        found = retained(plays, as_of=3, users=[late], origin="signed_up", timezone=zone)
        assert outcomes(found, "overall") == {"all": (retained_on_day_one, 1)}


def test_a_sign_up_before_the_calendar_begins_leaves_the_first_play_as_the_first_day():
    found = retained(listener("ann", 2, 3), as_of=3, users=[record("ann", signed_up_at=-3000)], origin="signed_up")
    assert outcomes(found, "overall") == {"all": (1, 1)}


def test_who_signs_up_after_the_last_day_is_left_out():
    plays = listener("ann", 0, 1) + listener("ben", 0)
    found = retained(plays, as_of=3, users=[record("ann", signed_up_at=4)], origin="signed_up")
    assert outcomes(found, "overall") == {"all": (0, 1)}


# Cohorts


def pooled_example():
    """Cohorts of 1000, 500 and 700 users of whom 500, 400 and 10 play in their second week, the last not all known."""
    sizes = [(0, 1000, 500), (7, 500, 400), (14, 700, 10)]
    return [
        row
        for start, users, back in sizes
        for number in range(users)
        for row in listener(f"{start}-{number}", start, *([start + 7] if number < back else []))
    ]


def test_cohorts_are_pooled_by_their_users_and_without_those_not_known_yet():
    found = cohorts(pooled_example(), as_of=21)
    assert {key[1]: outcome(row) for key, row in found.items() if key[0] == "week" and key[2] == 1} == {
        "2026-W10": (500, 1000), "2026-W11": (400, 500), "all": (900, 1500),
    }  # fmt: skip
    pooled = found["week", "all", 1]
    assert pooled["rate"] == pytest.approx(0.60)  # neither 0.56, weighed twice, nor 0.4136 of users not known yet
    assert (pooled["size"], pooled["is_complete"]) == (2200, False)


def test_day_one_is_pooled_by_users_and_without_those_not_known_yet():
    """The example of Mixpanel's retention FAQ: day 1 of three days' newcomers, on the third of them."""
    sizes = [(0, 1000, 500), (1, 500, 400), (2, 700, 0)]
    plays = [
        row
        for start, users, back in sizes
        for number in range(users)
        for row in listener(f"{start}-{number}", start, *([start + 1] if number < back else []))
    ]
    row = retained(plays, as_of=2)["overall", "all", "exact", 1]
    assert (outcome(row), row["rate"], row["is_complete"]) == ((900, 1500), 0.6, False)


def test_period_n_spans_whole_weeks_and_thirty_days_from_the_first_day():
    found = cohorts(listener("ann", 0, 6, 7, 20, 29, 59, 60), as_of=200)
    weeks = {
        key[2]: row["avg_plays"] for key, row in found.items() if key[:2] == ("week", "2026-W10") and row["avg_plays"]
    }
    months = {
        key[2]: row["avg_plays"] for key, row in found.items() if key[:2] == ("month", "2026-03") and row["avg_plays"]
    }
    assert weeks == {0: 2, 1: 1, 2: 1, 4: 1, 8: 2}
    assert months == {0: 5, 1: 1, 2: 1}


def test_a_period_counts_once_it_has_ended():
    plays = listener("ann", 0, 7) + listener("ben", 1, 8)
    week = ("week", "2026-W10")
    assert not cohorts(plays, as_of=5)
    assert {key[2]: outcome(row) for key, row in cohorts(plays, as_of=13).items() if key[:2] == week} == {
        0: (2, 2), 1: (1, 1),
    }  # fmt: skip
    found = cohorts(plays, as_of=14)
    assert (outcome(found[*week, 1]), found[*week, 1]["is_complete"]) == ((2, 2), True)


def test_a_cohort_that_has_gone_silent_has_rows_of_zeros():
    silent = cohorts(listener("ann", 0), as_of=13)["week", "2026-W10", 1]
    assert silent == {
        "cohort_period": "week", "cohort": "2026-W10", "n": 1, "size": 1, "n_eligible": 1, "n_retained": 0,
        "rate": 0.0, "is_complete": True, "avg_watch_hours": 0.0, "avg_plays": 0.0,
    }  # fmt: skip


def test_hours_are_per_eligible_user_and_unknown_where_no_watch_time_is():
    plays = [
        play("ann", 0, watch_seconds=7200.0), play("ann", 7, "c"),
        play("ben", 0, "a", plays=3, watch_seconds=0.0), play("cem", 1, watch_seconds=3600.0),
    ]  # fmt: skip
    found = cohorts(plays, as_of=13)
    first, second = found["week", "2026-W10", 0], found["week", "2026-W10", 1]
    assert (first["avg_watch_hours"], first["avg_plays"]) == (1.0, pytest.approx(5 / 3))
    assert (second["avg_watch_hours"], second["avg_plays"]) == (None, 0.5)


def test_plays_before_the_sign_up_and_in_periods_not_yet_over_count_nowhere():
    plays = listener("ann", 0, 3, 4, 10)
    found = cohorts(plays, as_of=11, users=[record("ann", signed_up_at=3)], origin="signed_up")
    assert {key[2]: row["avg_plays"] for key, row in found.items() if key[:2] == ("week", "2026-W10")} == {0: 2.0}


def test_cohorts_are_named_by_iso_week_and_by_month():
    turns = [dt.date(year, 12, 26) + dt.timedelta(days=number) for year in range(2015, 2035) for number in range(12)]
    offsets = [(date - FIRST_DAY).days for date in turns]
    found = cohorts([play(f"{date}", offset) for date, offset in zip(turns, offsets, strict=True)], max(offsets) + 29)
    weeks = {f"{date.isocalendar().year}-W{date.isocalendar().week:02}" for date in turns}
    months = {f"{date:%Y-%m}" for date in turns}
    assert {"2015-W53", "2020-W53", "2025-W01", "2026-W53", "2027-W01"} <= weeks
    assert {key[1]: row["size"] for key, row in found.items() if key[0] == "week" and key[2] == 0} == {
        "all": len(turns), **{week: sum(cohort_of(offset, "week") == week for offset in offsets) for week in weeks},
    }  # fmt: skip
    assert {key[1]: row["size"] for key, row in found.items() if key[0] == "month" and key[2] == 0} == {
        "all": len(turns), **{month: sum(cohort_of(offset, "month") == month for offset in offsets) for month in months},
    }  # fmt: skip


# The borders of what there is


def test_a_service_without_plays_has_no_retention():
    assert retained([], as_of=0) == {}
    assert retained([], as_of=9, others=[("ann", 3)], users=[record("ann", signed_up_at=1)], origin="signed_up") == {}
    assert cohorts([], as_of=0) == {}


def test_one_user_on_one_day_is_told_without_rates():
    found = retained(listener("ann", 0), as_of=0)
    assert {(row["n_eligible"], row["n_retained"], row["rate"], row["rate_low"]) for row in found.values()} == {
        (0, 0, None, None)
    }
    assert len(found) == 4 * 14 + 10
    assert cohorts(listener("ann", 0), as_of=0) == {}


lives = st.dictionaries(
    st.sampled_from(["ann", "ben", "cem", "dan"]), st.sets(st.integers(0, 70), min_size=1, max_size=8), max_size=4
)


@settings(max_examples=8, deadline=None, phases=UNSHRUNK)
@given(days=lives, as_of=st.integers(70, 120))
def test_rates_are_counts_of_the_users_who_came_back(days, as_of):
    plays = [row for user_id, offsets in days.items() for row in listener(user_id, *offsets)]
    for (_, _, mode, n), row in retained(plays, as_of).items():
        known = [offsets for offsets in days.values() if min(offsets) + n <= as_of]
        if mode == "exact":
            back = [offsets for offsets in known if min(offsets) + n in offsets]
        else:
            back = [offsets for offsets in known if max(offsets) >= min(offsets) + n]
        assert (row["n_retained"], row["n_eligible"]) == (len(back), len(known))
        assert row["is_complete"] == (len(known) == len(days))
        assert row["rate"] is None or row["rate_low"] <= row["rate"] <= row["rate_high"]
    for (kind, cohort, n), row in cohorts(plays, as_of).items():
        length = {"week": 7, "month": 30}[kind]
        members = [offsets for offsets in days.values() if cohort in ("all", cohort_of(min(offsets), kind))]
        known = [offsets for offsets in members if min(offsets) + length * (n + 1) - 1 <= as_of]
        inside = [sum((one - min(offsets)) // length == n for one in offsets) for offsets in known]
        assert (row["size"], outcome(row)) == (len(members), (sum(map(bool, inside)), len(known)))
        assert row["avg_plays"] == pytest.approx(sum(inside) / len(known))


def cohort_of(offset, kind):
    year, week, _ = day(offset).isocalendar()
    return f"{year}-W{week:02}" if kind == "week" else f"{day(offset):%Y-%m}"
