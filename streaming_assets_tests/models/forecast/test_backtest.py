"""The candidates on days that are over: a full backtest of 84 days, and what less of a history allows."""

import datetime as dt
import time

import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts.models import forecast as contracts
from streaming_assets.models.forecast.backtest import Backtest, backtest
from streaming_assets.models.forecast.candidates import expected
from streaming_assets.models.forecast.timeline import targets, timeline
from streaming_assets_tests.models.forecast.situations import audience, fits, hours

T = dt.date(2026, 5, 24)
NAN = float("nan")


@pytest.fixture(scope="module")
def full() -> Backtest:
    return backtest(audience(84), T, seed=0)


@pytest.fixture(scope="module")
def four_weeks() -> Backtest:
    return backtest(audience(28), T, seed=0)


def summary_of(history) -> pd.DataFrame:
    return backtest(history, T, seed=0).summary.set_index("model")


def champion_of(summary: pd.DataFrame) -> str:
    (name,) = summary.index[summary.is_champion]
    return name


def test_84_days_are_a_full_backtest(full):
    summary = full.summary.set_index("model")
    assert list(summary.index) == list(contracts.CANDIDATES)
    assert (summary.n_origins == 28).all()
    assert (summary.n_hours == 28 * 24).all()
    assert not summary.low_history.any()
    assert (summary.trained_as_of == T).all()


def test_tables_fit_their_contracts(full):
    fits(full.rows, contracts.forecast_backtest)
    fits(full.summary, contracts.forecast_summary)
    fits(full.coverage, contracts.forecast_coverage)


def test_the_champion_beats_the_naives_and_the_reference_and_says_by_how_much(full):
    summary = full.summary.set_index("model")
    champion = champion_of(summary)
    assert summary.mase.idxmin() == champion
    assert summary.mase[champion] < summary.mase[["naive_24", "naive_168", "random_forest_week"]].min()
    less = 100 * (1 - summary.mase[champion] / summary.mase[["naive_24", "naive_168"]].min())
    assert f"MASE {summary.mase[champion]:.3f}, {less:.1f} % less than" in summary.reason[champion]
    assert summary.index[summary.is_reference].tolist() == ["random_forest_week"]


def test_every_candidate_is_told_why_it_is_not_used(full):
    summary = full.summary.set_index("model")
    assert summary.reason["naive_24"].startswith(f"Not used: MASE {summary.mase['naive_24']:.3f} against ")
    assert summary.reason["random_forest_week"].endswith("It is the reference to beat.")


def test_figures_are_those_of_the_rows(full):
    summary = full.summary.set_index("model").loc["median_4w"]
    rows = full.rows[full.rows.model == "median_4w"]
    off = (rows.actual - rows.expected).abs()
    value = audience(84).value
    scale = (value - value.shift(168))[: 56 * 24].abs().mean()
    assert summary.mae == pytest.approx(off.mean())
    assert summary.mase == pytest.approx(off.mean() / scale)
    assert summary.wape == pytest.approx(off.sum() / rows.actual.sum())
    assert summary.bias == pytest.approx(rows.expected.sum() / rows.actual.sum() - 1)
    assert summary.coverage_80 == pytest.approx(((rows.actual >= rows.lo80) & (rows.actual <= rows.hi80)).mean())
    assert summary.width_80 == pytest.approx((rows.hi80 - rows.lo80).mean())


def test_intervals_cover_what_they_say_of_every_candidate(full):
    assert full.summary.coverage_80.between(0.72, 0.88).all()
    assert full.summary.coverage_95.between(0.90, 0.99).all()
    assert (full.rows.lo95.dropna() >= 0).all()


def test_coverage_by_hour_adds_up_to_the_champions(full):
    summary = full.summary.set_index("model")
    assert full.coverage.local_hour.tolist() == list(range(24))
    assert (full.coverage.n == 28).all()
    assert full.coverage.coverage_80.mean() == pytest.approx(summary.coverage_80[champion_of(summary)])


def test_the_champion_keeps_the_28_origins_that_only_lend_their_residuals(full):
    origins = full.rows.groupby(["model", "is_evaluated"]).origin_at.nunique().unstack()
    champion = champion_of(full.summary.set_index("model"))
    assert (origins[True] == 28).all()
    assert origins[False].dropna().to_dict() == {champion: 28}
    first = full.rows[full.rows.model == champion].origin_at.min()
    assert full.rows[full.rows.origin_at == first].lo80.isna().all()


def test_no_forecast_changes_with_what_comes_after_its_origin():
    history = audience(30)
    origins = 24 * np.arange(19, 30)
    cut = int(origins[2])
    later = history.assign(value=history.value.where(history.index < cut, 10_000 - history.value))
    found, other = (
        expected(line, targets(line, origins), contracts.CANDIDATES, 0) for line in (timeline(history), timeline(later))
    )
    before = targets(timeline(history), origins).origin <= cut
    for name in contracts.CANDIDATES:
        assert found[name][before].tolist() == other[name][before].tolist(), name
        assert found[name][~before].tolist() != other[name][~before].tolist(), name


def test_the_same_rows_in_another_order_give_the_same_figures(four_weeks):
    again = backtest(audience(28).sample(frac=1, random_state=1), T, seed=0)
    pd.testing.assert_frame_equal(four_weeks.rows, again.rows, rtol=1e-9)
    pd.testing.assert_frame_equal(four_weeks.summary, again.summary, rtol=1e-9)


def test_where_every_week_is_the_same_the_naive_is_champion():
    week = 50 + 40 * np.sin(np.arange(168) / 11)
    summary = summary_of(hours(np.tile(week, 4)))
    assert champion_of(summary) == "naive_168"
    assert summary.reason["naive_168"].startswith("No model beats it: MAE 0.000 against 0.000 of the best of them, ")
    assert summary.mase.isna().all()
    assert summary.reason["naive_24"].startswith("Not used: MAE ")


def test_from_28_days_on_candidates_are_compared_on_half_of_what_follows_two_weeks_of_lags(four_weeks):
    summary = four_weeks.summary.set_index("model")
    assert (summary.n_origins == 7).all()
    assert summary.mase.idxmin() == champion_of(summary)
    assert summary.low_history.all()
    assert four_weeks.rows.origin_at[four_weeks.rows.is_evaluated].min() == dt.datetime(2026, 3, 23)


@pytest.mark.parametrize(
    ("days", "champion", "evaluated"), [(27, "mean_4w", 10), (8, "mean_4w", 1), (7, "naive_24", 3), (1, "naive_24", 0)]
)
def test_with_less_something_simpler_stands_in_and_is_flagged(days, champion, evaluated):
    summary = summary_of(audience(days))
    short = f"{'1 day' if days == 1 else f'{days} days'} of history, 28 are needed"
    assert champion_of(summary) == champion
    assert summary.low_history.all()
    assert summary.n_origins[champion] == evaluated
    assert summary.reason[champion] == f"Stands in: {short}, so that candidates are not compared."
    assert summary.reason["ridge"] == f"Not used: {short}, and {champion} stands in."
    assert np.isnan(summary.mae["ridge"])


@pytest.mark.parametrize(
    "history", [audience(28)[:0], audience(1)[:23], hours([5, *[NAN] * 24 * 29])], ids=["none", "23 hours", "long ago"]
)
def test_without_a_day_of_history_there_is_no_champion_and_it_is_said_why(history):
    made = backtest(history, T, seed=0)
    assert not made.summary.is_champion.any()
    assert made.summary.reason.str.startswith(
        "No forecast: less than 24 hours of history, or none in the last 28"
    ).all()
    fits(made.summary, contracts.forecast_summary)
    assert len(fits(made.rows, contracts.forecast_backtest)) == 0
    assert len(fits(made.coverage, contracts.forecast_coverage)) == 0


def test_days_without_plays_are_neither_learnt_from_nor_judged():
    history = audience(30)
    gaps = history.index // 24 % 5 == 3
    made = backtest(history.assign(value=history.value.mask(gaps)), T, seed=0)
    judged = made.rows[made.rows.is_evaluated & (made.rows.model == "ridge")]
    assert judged.actual.isna().sum() == 24 * 2
    summary = made.summary.set_index("model")
    assert (summary.n_hours == judged.actual.count()).all()
    assert summary.mase.ridge < summary.mase[["naive_24", "naive_168"]].min()


def test_a_household_of_which_hardly_an_hour_is_known_is_forecast_all_the_same():
    rarely = np.full(24 * 29, NAN)
    rarely[:: 24 * 3] = 1
    summary = summary_of(hours(rarely))
    assert summary.n_hours.max() > 0
    assert champion_of(summary) in contracts.CANDIDATES


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "level"), [(1, 200.0), (2, 12.0), (3, 5_000.0)])
def test_140_days_cover_what_they_say_within_15_seconds_of_one_core(seed, level):
    history = audience(140, seed, level)
    started = time.process_time()
    summary = summary_of(history)
    assert time.process_time() - started < 15
    assert summary.coverage_80[champion_of(summary)] == pytest.approx(0.80, abs=0.08)
    assert summary.mase[champion_of(summary)] < summary.mase[["naive_24", "naive_168", "random_forest_week"]].min()
