"""What is planted into calm days is found by the check that is for it, on its day; calm days are left alone."""

import datetime as dt
import math

import numpy as np
import pyarrow.compute as pc
import pytest

from streaming_assets.lake.days import ONE_DAY, Days
from streaming_assets_tests.quality.calm_days import (
    FIRST,
    Service,
    at,
    calm,
    keep,
    null_where,
    on,
    replace,
    with_events,
)

HALVED, MISSING, NULL_GENRE, IN_MINUTES, LATE = (FIRST + number * ONE_DAY for number in (66, 69, 71, 74, 77))


@pytest.fixture(scope="module")
def service() -> Service:
    return with_events(calm(days=82, level=1000, seed=7, growth_a_week=0.005), seed=8)


@pytest.fixture(scope="module")
def spoilt() -> Service:
    """The same with a fault of every kind, each on a day of its own."""
    service = with_events(calm(days=82, level=1000, seed=7, growth_a_week=0.005), seed=8)
    every_other = np.arange(service.events.num_rows) % 2 == 0
    keep(service, (~on(service, {HALVED}) | every_other) & ~on(service, {MISSING}))
    gone = on(service, {NULL_GENRE, NULL_GENRE + ONE_DAY})
    watched = service.events["watch_seconds"].to_numpy()
    replace(
        service,
        genre=null_where(np.full(len(gone), "x"), gone),
        watch_seconds=null_where(np.where(on(service, {IN_MINUTES}), watched / 60, watched), np.isnan(watched)),
    )
    service.landed[LATE] = at(LATE + 6 * ONE_DAY, 3)
    return service


class TestPlantedInCalmDays:
    def test_nothing_is_unusual_before(self, service):
        assert service.unusual() == {}

    def test_each_fault_is_found_by_its_own_check_on_its_own_day(self, spoilt):
        assert spoilt.unusual() == {
            "volume": [HALVED, MISSING],
            "nulls": [NULL_GENRE, NULL_GENRE + ONE_DAY],
            "watch times": [IN_MINUTES],
            "late": [LATE],
        }

    def test_a_day_with_half_of_its_events_is_below_the_band_and_one_without_any_has_none(self, spoilt):
        halved, missing = spoilt.found("volume")
        assert halved["events"] < halved["band_low"] < halved["expected"] < halved["band_high"]
        assert (halved["same_weekdays"], missing["events"]) == (8, 0)

    def test_a_column_that_goes_null_is_named_with_its_jump(self, spoilt):
        first, second = spoilt.found("nulls")
        assert [row["column"] for row in (first, second)] == ["genre", "genre"]
        assert (first["null_share"], first["usual_null_share"], first["null_share_jump"]) == (1.0, 0.0, 1.0)
        assert second["usual_null_share"] == pytest.approx(1 / 28, abs=0.015)

    def test_a_late_file_is_named_with_its_events(self, spoilt):
        (row,) = spoilt.found("late")
        events = spoilt.counts[(LATE - FIRST).days]
        assert (row["events"], row["late_events"], row["late_share"], row["late_files"]) == (events, events, 1.0, 1)
        assert row["example_path"] == f"events/{LATE}.jsonl"

    def test_only_the_days_asked_for_are_judged_by_all_days_before_them(self, spoilt):
        assert [row["date"] for row in spoilt.found("volume", Days(MISSING, MISSING))] == [MISSING]
        assert spoilt.found("volume", Days(MISSING + ONE_DAY, spoilt.days.last)) == []
        assert [row["date"] for row in spoilt.found("watch times", Days(IN_MINUTES, IN_MINUTES))] == [IN_MINUTES]

    def test_a_column_that_is_filled_from_a_day_on_is_no_fault(self):
        service = with_events(Service([300] * 40), seed=3)
        filled = on(service, set(Days(FIRST + 35 * ONE_DAY, service.days.last)))
        state = pc.fill_null(service.events["state"], "CA").to_numpy(zero_copy_only=False)
        replace(service, state=null_where(state, ~filled & service.events["state"].is_null().to_numpy()))
        assert service.found("nulls") == []


class TestVolume:
    def test_the_band_is_the_median_of_eight_same_weekdays_times_and_by_0_65(self):
        service = Service([10_000] * 57 + [3_000] * 5)
        figures = {row["date"]: row for row in service.figures("volume")}
        row = figures[FIRST + 57 * ONE_DAY]
        assert (row["expected"], row["band_low"]) == (10_000, pytest.approx(6_500))
        assert row["band_high"] == pytest.approx(10_000 / 0.65)
        assert row["limit_used"] == pytest.approx(math.log(0.3) / math.log(0.65))

    def test_a_day_whose_same_weekdays_scatter_has_a_wider_band(self):
        counts = [10_000] * 57
        for weeks, events in enumerate([10_000, 8_000, 12_500, 5_000, 20_000, 8_000, 12_500, 10_000]):
            counts[7 * weeks] = events
        (row,) = Service(counts).figures("volume", Days(FIRST + 56 * ONE_DAY, FIRST + 56 * ONE_DAY))
        # Against 10,000 they are off by factors of 1, 1, 1.25 four times, and 2 twice.
        assert row["band_low"] == pytest.approx(10_000 / 1.25 ** (3.5 * 1.4826))

    def test_small_counts_may_scatter_more(self):
        (row,) = Service([100] * 57).figures("volume", Days(FIRST + 56 * ONE_DAY, FIRST + 56 * ONE_DAY))
        assert row["band_low"] == pytest.approx(100 / math.e)

    def test_with_fewer_than_four_same_weekdays_a_day_is_not_judged(self):
        figures = Service([1000] * 30).figures("volume")
        assert [row["date"] for row in figures] == [FIRST + 28 * ONE_DAY, FIRST + 29 * ONE_DAY]
        assert [row["same_weekdays"] for row in figures] == [4, 4]

    def test_a_day_that_has_not_ended_is_not_judged(self):
        service = Service([1000] * 60 + [400])
        today = service.days.last
        service.landed[today] = at(today, 9)
        assert service.found("volume") == []
        service.landed[today] = at(today + ONE_DAY, 1)
        assert [row["date"] for row in service.found("volume")] == [today]

    def test_weekdays_without_any_events_expect_none(self):
        service = Service([0 if (FIRST + number * ONE_DAY).weekday() == 6 else 500 for number in range(70)])
        assert service.found("volume") == []

    @pytest.mark.parametrize("level", [150, 1000, 5000])
    def test_200_calm_days_raise_no_alarm(self, level):
        service = calm(days=256, level=level, seed=level)
        judged = Days(FIRST + 56 * ONE_DAY, service.days.last)
        assert len(service.figures("volume", judged)) == 200
        assert service.found("volume", judged) == []


class TestColumnsAndWatchTimes:
    def test_200_calm_days_raise_no_alarm(self):
        service = with_events(calm(days=228, level=280, seed=1, growth_a_week=0.0), seed=2)
        judged = Days(FIRST + 28 * ONE_DAY, service.days.last)
        assert len({row["date"] for row in service.figures("nulls", judged)}) == 200
        assert len({row["date"] for row in service.figures("watch times", judged)}) > 150
        assert (service.found("nulls", judged), service.found("watch times", judged)) == ([], [])

    def test_days_with_few_plays_and_the_first_week_are_not_judged(self):
        few = with_events(Service([99] * 40), seed=2)
        assert (few.figures("nulls"), few.figures("watch times")) == ([], [])
        young = with_events(Service([300] * 8), seed=2)
        assert {row["date"] for row in young.figures("nulls")} == {FIRST + 7 * ONE_DAY}
        assert {row["date"] for row in young.figures("watch times")} == {FIRST + 7 * ONE_DAY}

    def test_what_is_no_play_needs_no_watch_time(self):
        service = with_events(Service([300] * 40), seed=2)
        searches = on(service, {FIRST + 35 * ONE_DAY}) & (np.arange(service.events.num_rows) % 2 == 0)
        replace(
            service,
            event_type=null_where(np.where(searches, "search", "play"), np.zeros(len(searches), bool)),
            watch_seconds=null_where(service.events["watch_seconds"].to_numpy(), searches),
        )
        assert (service.found("nulls"), service.found("watch times")) == ([], [])

    def test_the_psi_is_that_of_its_formula(self):
        service = with_events(Service([1000] * 10), seed=2)
        last = service.days.last
        before = np.repeat([10.0, 1000.0], [4500, 4500])
        today = np.repeat([10.0, 1000.0], [750, 250])
        replace(service, watch_seconds=null_where(np.concatenate([before, today]), np.zeros(10_000, bool)))
        (row,) = service.figures("watch times", Days(last, last))
        p, q = np.array([750.5, 250.5]) / 1001, np.array([0.5, 0.5])
        assert row["psi"] == pytest.approx(((p - q) * np.log(p / q)).sum())
        assert (row["plays"], row["plays_before"]) == (1000, 9000)


class TestLateEvents:
    def test_the_first_load_of_a_source_is_its_history_in_however_many_parts(self):
        service = Service([500] * 60)
        loaded_at = at(FIRST + 50 * ONE_DAY, 3)
        service.landed = {
            FIRST + number * ONE_DAY: loaded_at + dt.timedelta(hours=7 * (number % 5)) for number in range(50)
        }
        assert service.found("late") == []
        assert {row["date"] for row in service.figures("late")} == set(Days(FIRST + 50 * ONE_DAY, service.days.last))

    def test_a_file_within_two_days_is_in_time_and_a_correction_is_not_late(self):
        service = Service([500] * 30)
        in_time, corrected = FIRST + 10 * ONE_DAY, FIRST + 15 * ONE_DAY
        service.landed = {in_time: at(in_time + 3 * ONE_DAY), corrected: at(corrected + 9 * ONE_DAY)}
        service.replaced = {corrected}
        assert service.found("late") == []

    def test_a_few_events_of_a_small_day_are_no_alarm(self):
        service = Service([20] * 30)
        service.landed = {FIRST + 10 * ONE_DAY: at(FIRST + 20 * ONE_DAY)}
        assert service.found("late") == []
        service.counts[10] = 21
        assert [row["date"] for row in service.found("late")] == [FIRST + 10 * ONE_DAY]
