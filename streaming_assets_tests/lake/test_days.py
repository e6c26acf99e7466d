import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming_assets.lake.days import ONE_DAY, Days, DayVersions, ranges_of

from .rows import march

near_days = st.dates(dt.date(2024, 2, 20), dt.date(2024, 3, 20))


def test_a_range_of_days_holds_both_its_ends_and_the_leap_day():
    days = Days(dt.date(2024, 2, 28), march(1))
    assert list(days) == [dt.date(2024, 2, 28), dt.date(2024, 2, 29), march(1)]
    assert len(days) == 3
    assert march(1) in days
    assert march(2) not in days
    assert days.around(before=1, after=2) == Days(dt.date(2024, 2, 27), march(3))


def test_a_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="2024-03-02 to 2024-03-01"):
        Days(march(2), march(1))


def test_days_that_follow_each_other_are_one_range_whatever_their_order_and_repetition():
    assert ranges_of([march(5), march(1), march(2), march(2), march(3)]) == [
        Days(march(1), march(3)),
        Days(march(5), march(5)),
    ]
    assert ranges_of([]) == []


@given(st.sets(near_days))
def test_ranges_hold_exactly_the_days_and_are_as_few_as_can_be(days):
    ranges = ranges_of(days)
    assert [day for found in ranges for day in found] == sorted(days)
    assert all(after.first - before.last > ONE_DAY for before, after in itertools.pairwise(ranges))


@given(st.dictionaries(near_days, st.integers(0, 3)))
def test_versions_of_days_survive_being_written_as_runs(versions):
    assert DayVersions.from_runs(DayVersions(versions).to_runs()) == versions  # type: ignore[arg-type]


def test_a_thousand_days_of_one_version_are_one_run_and_a_missing_day_splits_it():
    days = DayVersions(dict.fromkeys(Days(dt.date(2021, 1, 1), dt.date(2023, 12, 31)), 7))
    assert days.to_runs() == [["2021-01-01", "2023-12-31", 7]]
    del days[dt.date(2022, 6, 1)]
    assert days.to_runs() == [["2021-01-01", "2022-05-31", 7], ["2022-06-02", "2023-12-31", 7]]
