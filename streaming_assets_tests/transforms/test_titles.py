"""Totals of titles and of users' titles: what is kept up to a day and added to."""

import datetime as dt
from collections import Counter

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core, meta
from streaming_assets.transforms import titles
from streaming_assets_tests.transforms.situations import FIRST_DAY, at, rows_of, table

# Every example is several queries: shrinking a failure would take minutes and tell little more.
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]


def title_day(content_id="c", day=0, plays=1, completions=(), **columns):
    """A row of core/content_daily: so many plays, of which some have a completion."""
    known = {
        "content_id": content_id,
        "date": FIRST_DAY + dt.timedelta(days=day),
        "plays": plays,
        "unique_users": 1,
        "watch_seconds": 0.0,
        "plays_with_watch_time": 0,
        "completion_pct_sum": float(sum(completions)),
        "completion_pct_n": len(completions),
        "watched_known_seconds": 0.0,
        "content_known_seconds": 0.0,
        "completion_histogram": histogram(completions),
    }
    return {**dict.fromkeys(core.content_daily.column_names), **known, **columns}


def histogram(completions):
    counted = Counter(min(int(completion // 5), 19) for completion in completions)
    return [counted[number] for number in range(20)]


def user_day(user_id="ann", content_id="c", day=0, plays=1, last="12:00", **columns):
    """A row of core/user_content_daily."""
    known = {
        "user_id": user_id,
        "content_id": content_id,
        "date": FIRST_DAY + dt.timedelta(days=day),
        "plays": plays,
        "last_event_at": at(last) + dt.timedelta(days=day),
    }
    return {**dict.fromkeys(core.user_content_daily.column_names), **known, **columns}


def totals_of(rows):
    return kept(titles.title_totals(table(rows, core.content_daily)), meta.title_totals)


def user_titles_of(rows):
    return kept(titles.user_titles(table(rows, core.user_content_daily)), meta.user_titles)


def kept(result, contract):
    """The rows as the lake keeps them, in an order that NULL has no part in."""
    return sorted(
        rows_of(result, contract, list(contract.key)), key=lambda row: [str(row[name]) for name in contract.key]
    )


def shown(row, *names):
    return tuple(row[name] for name in names)


def test_a_titles_days_in_one_place_add_up():
    (found,) = totals_of(
        [
            title_day(day=1, plays=3, watch_seconds=90.0, plays_with_watch_time=2, completions=[100, 42], state="CA", platform="tv"),
            title_day(day=5, plays=2, watch_seconds=30.5, plays_with_watch_time=1, completions=[44], state="CA", platform="tv"),
        ]
    )  # fmt: skip
    assert found == {
        "content_id": "c", "state": "CA", "platform": "tv", "plays": 5, "watch_seconds": 120.5, "plays_with_watch_time": 3,
        "completion_pct_sum": 186.0, "completion_pct_n": 3,
        "completion_histogram": [2 if number == 8 else int(number == 19) for number in range(20)],
        "first_date": dt.date(2026, 3, 3), "last_date": dt.date(2026, 3, 7),
    }  # fmt: skip


def test_state_and_platform_known_or_not_make_totals_of_their_own():
    places = [("CA", "tv"), ("CA", None), (None, "tv"), (None, None)]
    rows = [
        title_day(day=day, plays=number + 1, completions=[5 * number], state=state, platform=platform)
        for number, (state, platform) in enumerate(places)
        for day in (0, 1)
    ]
    found = totals_of(rows)
    assert {shown(row, "state", "platform"): row["plays"] for row in found} == {
        ("CA", "tv"): 2, ("CA", None): 4, (None, "tv"): 6, (None, None): 8,
    }  # fmt: skip
    assert {shown(row, "state", "platform"): row["completion_histogram"].index(2) for row in found} == {
        place: number for number, place in enumerate(places)
    }


def test_a_title_of_which_no_completion_is_known_has_a_histogram_of_zeros():
    found = totals_of([title_day("a", plays=2), title_day("b", completions=[0])])
    assert [row["completion_histogram"] for row in found] == [[0] * 20, [1, *[0] * 19]]


def test_days_without_a_completion_change_nothing_of_the_histogram():
    (found,) = totals_of(
        [title_day(day=0, completions=[7]), title_day(day=1, plays=4), title_day(day=2, completions=[9])]
    )
    assert shown(found, "plays", "completion_pct_n", "completion_histogram") == (6, 2, [0, 2, *[0] * 18])


def test_a_users_days_of_a_title_are_one_row_per_state():
    found = user_titles_of(
        [
            user_day(day=3, plays=2, last="21:30", country="US", platform="tv", state="CA"),
            user_day(day=1, plays=1, last="23:00", country="US", platform="web", state="CA"),
            user_day(day=2, state=None),
            user_day(day=4, state=None),
            user_day("ben", day=5, state="CA"),
        ]
    )
    assert [shown(row, "user_id", "state", "plays", "first_date", "last_event_at") for row in found] == [
        ("ann", "CA", 3, dt.date(2026, 3, 3), at("+3d 21:30")),
        ("ann", None, 2, dt.date(2026, 3, 4), at("+4d 12:00")),
        ("ben", "CA", 1, dt.date(2026, 3, 7), at("+5d 12:00")),
    ]


def test_nothing_played_is_no_totals():
    assert (totals_of([]), user_titles_of([])) == ([], [])


DAYS = st.integers(0, 5)
PLACES = st.sampled_from([None, "x", "y"])
SECONDS = st.sampled_from([0.0, 30.0, 61.5])

title_days = st.builds(
    lambda content_id, day, state, platform, watch_seconds, completions, more: title_day(
        content_id, day, len(completions) + more, completions, state=state, platform=platform, watch_seconds=watch_seconds
    ),
    st.sampled_from(["c", "d"]), DAYS, PLACES, PLACES, SECONDS,
    st.lists(st.sampled_from([0, 4.5, 5, 62.5, 99, 100]), max_size=4), st.integers(1, 3),
)  # fmt: skip
user_days = st.builds(
    lambda user_id, content_id, day, plays, state: user_day(user_id, content_id, day, plays, state=state),
    st.sampled_from(["ann", "ben"]), st.sampled_from(["c", "d"]), DAYS, st.integers(1, 3), PLACES,
)  # fmt: skip


def plain_totals(rows):
    """meta/title_totals by looping over the rows."""
    found = {}
    for row in rows:
        place = shown(row, "content_id", "state", "platform")
        found.setdefault(place, []).append(row)
    return {
        place: (
            sum(row["plays"] for row in own),
            sum(row["watch_seconds"] for row in own),
            sum(row["completion_pct_n"] for row in own),
            [sum(row["completion_histogram"][number] for row in own) for number in range(20)],
            min(row["date"] for row in own),
            max(row["date"] for row in own),
        )
        for place, own in found.items()
    }


@settings(max_examples=15, deadline=None, phases=NO_SHRINKING)
@given(before=st.lists(title_days, max_size=8), after=st.lists(title_days, max_size=8))
def test_totals_of_two_spans_merged_are_the_totals_of_both(before, after):
    parts = table(totals_of(before) + totals_of(after), meta.title_totals)
    merged = kept(titles.merge_title_totals(parts), meta.title_totals)
    assert merged == totals_of(before + after)
    figures = ("plays", "watch_seconds", "completion_pct_n", "completion_histogram", "first_date", "last_date")
    assert {shown(row, "content_id", "state", "platform"): shown(row, *figures) for row in merged} == plain_totals(
        before + after
    )


@settings(max_examples=15, deadline=None, phases=NO_SHRINKING)
@given(before=st.lists(user_days, max_size=8), after=st.lists(user_days, max_size=8))
def test_users_titles_of_two_spans_merged_are_those_of_both(before, after):
    parts = table(user_titles_of(before) + user_titles_of(after), meta.user_titles)
    merged = kept(titles.merge_user_titles(parts), meta.user_titles)
    assert merged == user_titles_of(before + after)
    rows = before + after
    assert sum(row["plays"] for row in merged) == sum(row["plays"] for row in rows)
    assert [shown(row, "user_id", "content_id", "state") for row in merged] == sorted(
        {shown(row, "user_id", "content_id", "state") for row in rows}, key=lambda key: [str(part) for part in key]
    )
