"""The forecast as it is issued, and the log that is kept of it."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts.models import forecast as contracts
from streaming_assets.models.forecast import hours
from streaming_assets.models.forecast.backtest import Backtest, backtest
from streaming_assets.models.forecast.issue import issue, log
from streaming_assets_tests.models.forecast.situations import HOUR, activity, after, audience, fits
from streaming_assets_tests.transforms.situations import calendar

T = dt.date(2026, 4, 1)
DAY = dt.timedelta(days=1)
NO_LOG = pd.DataFrame(columns=contracts.forecast_log.column_names)


def chosen(made: Backtest, model: str) -> pd.DataFrame:
    """The summary as if this model were champion."""
    return made.summary.assign(is_champion=made.summary.model == model)


@pytest.fixture(scope="module")
def made() -> Backtest:
    return backtest(audience(27), T, seed=0)


@pytest.fixture(scope="module")
def issued(made) -> pd.DataFrame:
    history = audience(27)
    return issue(history, after(history), made.summary, made.rows, seed=0)


def test_an_issue_is_of_the_24_hours_after_what_is_known(issued):
    fits(issued, contracts.viewer_forecast)
    assert (issued.issued_at == dt.datetime(2026, 3, 29)).all()
    assert issued.hour_at.tolist() == list(pd.date_range("2026-03-29", periods=24, freq="h"))
    assert issued.local_hour.tolist() == list(range(24))
    assert (issued.model == "mean_4w").all()
    assert issued.low_history.all()


def test_beside_what_is_expected_stand_the_same_hours_of_the_weeks_before(issued):
    value = audience(27).value.to_numpy()
    assert issued.week_before_1.tolist() == value[20 * 24 : 21 * 24].tolist()
    assert issued.week_before_3.tolist() == value[6 * 24 : 7 * 24].tolist()
    assert issued.week_before_4.isna().all()
    assert issued.expected.tolist() == pytest.approx(
        issued[["week_before_1", "week_before_2", "week_before_3"]].mean(axis=1).tolist()
    )


def test_the_peak_is_the_hour_of_which_most_is_expected(issued):
    assert issued.is_peak.sum() == 1
    assert issued.expected[issued.is_peak].item() == issued.expected.max()


def test_intervals_are_from_what_the_champion_missed_by_in_the_backtest(made, issued):
    rows = made.rows[made.rows.model == "mean_4w"]
    missed_by = np.sort((rows.actual - rows.expected) / np.sqrt(np.maximum(rows.expected, 1)))
    assert len(missed_by) == 20 * 24
    assert ((issued.hi80 - issued.expected) / np.sqrt(issued.expected)).tolist() == pytest.approx([missed_by[-48]] * 24)
    assert ((issued.lo95 - issued.expected) / np.sqrt(issued.expected)).tolist() == pytest.approx([missed_by[11]] * 24)


@pytest.mark.parametrize("model", contracts.CANDIDATES)
def test_every_candidate_can_be_champion(made, model):
    history = audience(60)
    found = issue(history, after(history), chosen(made, model), made.rows, seed=0)
    fits(found, contracts.viewer_forecast)
    # A day of this audience differs from the median of four weeks by a fifth or so.
    usual = history.value.to_numpy().reshape(60, 24)[[32, 39, 46, 53]].mean(axis=0)
    assert np.abs(found.expected / usual - 1).mean() < 0.5


def test_the_same_data_and_seed_give_the_same_forecast(made):
    history = audience(60)
    once, again = (
        issue(rows, after(history), chosen(made, "average"), made.rows, seed=5)
        for rows in (history, history.sample(frac=1, random_state=1))
    )
    pd.testing.assert_frame_equal(once, again, rtol=1e-9)


def test_without_a_champion_or_a_known_hour_nothing_is_issued(made):
    history = audience(27)
    nobody = made.summary.assign(is_champion=False)
    unknown = history.assign(value=float("nan"))
    for found in (
        issue(history, after(history), nobody, made.rows, seed=0),
        issue(unknown, after(history), made.summary, made.rows, seed=0),
        issue(history[:0], after(history), made.summary, made.rows, seed=0),
    ):
        assert len(fits(found, contracts.viewer_forecast)) == 0


def test_from_the_lake_across_the_night_in_which_clocks_go_forward():
    first, last = dt.date(2026, 3, 10), dt.date(2026, 3, 28)
    played = [first + number * DAY for number in range(19)]
    rows = activity(played, lambda hour: 10 + hour.hour, "Europe/Berlin")
    days = calendar("Europe/Berlin")
    latest = dt.datetime(2026, 3, 28, 23, 20)
    history = hours.history(rows, days, latest, last).to_pandas()
    made = backtest(history, last, seed=0)
    found = issue(history, hours.ahead(days, latest, last).to_pandas(), made.summary, made.rows, seed=0)
    told = fits(found, contracts.viewer_forecast).to_pylist()
    assert [row["local_hour"] for row in told] == [0, 1, *range(3, 24), 0]
    assert {row["date"] for row in told} == {dt.date(2026, 3, 29), dt.date(2026, 3, 30)}
    # At the same hour of the clock a week before, Berlin was an hour behind UTC, not two.
    assert [row["week_before_1"] for row in told[:3]] == [33, 10, 12]


def test_the_log_keeps_every_issue_and_takes_in_what_came(issued):
    history = audience(28)
    first = log(NO_LOG, issued, audience(27))
    assert first.actual.isna().all()
    second = log(first, issued.assign(issued_at=issued.issued_at + DAY, hour_at=issued.hour_at + DAY), history)
    fits(second, contracts.forecast_log)
    assert second.horizon.tolist() == [*range(1, 25)] * 2
    assert second.actual[:24].tolist() == history.value[-24:].tolist()
    assert second.actual[24:].isna().all()
    assert second.expected[:24].tolist() == issued.expected.tolist()


def test_the_log_takes_an_issue_of_the_same_time_once(issued):
    once = log(NO_LOG, issued, audience(27))
    again = log(once, issued.assign(expected=issued.expected + 1), audience(27))
    assert again.expected.tolist() == (issued.expected + 1).tolist()


def test_what_came_of_hours_that_history_no_longer_holds_stays(issued):
    known = log(log(NO_LOG, issued, audience(27)), issued[:0], audience(28))
    later = audience(28).assign(hour_at=lambda rows: rows.hour_at + 1000 * HOUR)
    assert log(known, issued[:0], later).actual.tolist() == known.actual.tolist()
    assert known.actual.notna().all()


def test_a_log_of_nothing_is_empty(issued):
    assert len(fits(log(NO_LOG, issued[:0], audience(1)), contracts.forecast_log)) == 0
