"""Sessions of a day follow from the plays of two days before to one day after, and add up to one pass over everything."""

import datetime as dt
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core
from streaming_assets.transforms.plays import plays
from streaming_assets.transforms.sessions import sessions
from streaming_assets_tests.transforms.one_pass import one_pass
from streaming_assets_tests.transforms.situations import MIDNIGHT, calendar, event, rows_of, table

DAYS = 6
GAP = 30
CALENDAR = calendar()
USERS = [f"user {number}" for number in range(8)]


@st.composite
def logs(draw):
    """Logs of some users: scattered plays, long ones, and days without a stop, at a grain of 5 minutes."""
    rows = []
    for user in USERS:
        for start in draw(st.lists(st.integers(0, DAYS * 288 - 1), max_size=12)):
            minutes = draw(st.sampled_from([None, 0, 5, 25, 35, 120, 600, 1200, 1380]))
            rows.append((user, start * 5, minutes))
        for day in draw(st.sets(st.integers(0, DAYS - 1))):
            step = draw(st.sampled_from([10, 30, 60]))
            first = draw(st.integers(-8, 8)) * 5
            rows += [
                (user, max(day * 1440 + first + at, 0), step - draw(st.sampled_from([0, 5])))
                for at in range(0, 1440, step)
            ]
    unique = {(user, start): minutes for user, start, minutes in rows if start < DAYS * 1440}
    return [
        event(user, MIDNIGHT + dt.timedelta(minutes=start), watch_seconds=None if minutes is None else minutes * 60.0)
        for (user, start), minutes in unique.items()
    ]


def of_days(rows, first, before, after):
    low, high = first + dt.timedelta(days=-before), first + dt.timedelta(days=after)
    return [row for row in rows if low <= row["event_date"] <= high]


@settings(max_examples=5, deadline=None)
@given(logs())
def test_sessions_made_day_by_day_equal_one_pass_over_everything(log):
    found = []
    for number in range(DAYS):
        day = MIDNIGHT.date() + dt.timedelta(days=number)
        played = []
        for near in (day, day + dt.timedelta(days=1)):
            made = rows_of(plays(table(of_days(log, near, 2, 1)), CALENDAR, GAP), core.plays, "event_id")
            played += of_days(made, near, 0, 0)
        made = sessions(table(played, core.plays), table(of_days(log, day, 0, 1)), CALENDAR)
        found += [row for row in rows_of(made, core.sessions, "started_at") if row["session_date"] == day]
    as_told = sorted(
        (row["user_id"], row["started_at"], row["ended_at"], row["plays"], row["plays_next_day"], row["is_cut"])
        for row in found
    )
    assert as_told == one_pass(log, GAP)
    assert sum(plays_ for _, _, _, plays_, _, _ in as_told) == len(log)
    for before, after in pairwise(as_told):
        two_days_after = dt.datetime.combine(before[1].date(), dt.time()) + dt.timedelta(days=2)
        assert before[2] <= two_days_after
        assert before[0] != after[0] or before[2] <= after[1]
