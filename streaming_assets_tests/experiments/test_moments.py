"""Sufficient statistics: what the engine sums is what numpy finds unit by unit, and it adds up."""

import ibis
import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts import experiments as contracts
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.moments import moments_of, sum_name, unit_sums, units_of
from streaming_assets_tests.experiments.samples import (
    eligible,
    listeners,
    of_arm,
    sums_of,
    sums_of_columns,
    sums_of_mean,
    sums_of_share,
)

UNITS = listeners(7, 400, variants=("control", "treatment", "other"))
MEAN = METRICS["watch_hours"]


@pytest.fixture(scope="module")
def summed():
    """Makes sums in DuckDB: {group: sums}."""
    engine = ibis.duckdb.connect()

    def by(units, *names):
        rows = units[list(contracts.unit_metrics.column_names)]
        table = engine.create_table(ibis.util.gen_name("units"), rows, schema=contracts.unit_metrics.schema)
        found = unit_sums(table, names).to_pandas().set_index(list(names))
        return {group: dict(row) for group, row in found.to_dict("index").items()}

    return by


@pytest.fixture(scope="module")
def by_variant(summed):
    return summed(UNITS, "variant")


@pytest.mark.parametrize("adjustable", [False, True], ids=["alone", "with the pre-period"])
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_moments_from_the_engine_are_those_of_numpy(by_variant, metric, adjustable):
    for variant in ("control", "treatment", "other"):
        found = moments_of(metric, by_variant[variant], adjustable=adjustable)
        own = of_arm(eligible(UNITS, metric), variant)[list(found.columns)].to_numpy(float)
        assert found.n == len(own)
        assert found.mean == pytest.approx(own.mean(axis=0), rel=1e-12)
        expected = np.atleast_2d(np.cov(own, rowvar=False, ddof=0 if metric.is_share else 1))
        assert found.cov == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["d1_retention", "d7_retention", "d30_retention", "sessions_in_first_7_days"])
def test_units_that_were_not_observed_long_enough_are_left_out(summed, by_variant, name):
    metric = METRICS[name]
    late = UNITS[UNITS.days_observed < metric.matures_after]
    assert len(late)
    changed = UNITS.assign(**{metric.numerator: UNITS[metric.numerator].where(~UNITS.index.isin(late.index), 1)})
    again = summed(changed, "variant")
    for variant, sums in by_variant.items():
        assert units_of(metric, sums) == (of_arm(UNITS, variant).days_observed >= metric.matures_after).sum()
        assert moments_of(metric, again[variant]).mean == moments_of(metric, sums).mean


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_groups_add_up_to_the_whole(summed, metric):
    parts = summed(UNITS.assign(platform=np.where(UNITS.plays > 12, "tv", "web")), "variant", "platform")
    whole = UNITS.assign(variant="all")
    adjustable = bool(metric.pre_columns)
    found = moments_of(metric, *parts.values(), adjustable=adjustable)
    expected = moments_of(metric, sums_of(whole)["all"], adjustable=adjustable)
    assert found.n == expected.n
    assert found.mean == pytest.approx(expected.mean, rel=1e-12)
    assert found.cov == pytest.approx(expected.cov, rel=1e-9, abs=1e-9)


def test_an_engine_that_has_no_units_has_no_groups(summed):
    assert summed(UNITS[:0], "variant") == {}


def test_a_group_without_eligible_units_has_moments_of_nothing(summed):
    young = UNITS[UNITS.days_observed < 7]
    found = moments_of(METRICS["d7_retention"], summed(young, "variant")["control"])
    assert (found.n, found.mean.tolist(), found.cov.tolist()) == (0, [0.0], [[0.0]])


@pytest.mark.parametrize("value", [0.1, 1 / 3, 12.7, 1e-6, 1e6])
@pytest.mark.parametrize("n", [2, 3, 1000, 1_000_000])
def test_what_is_the_same_for_every_unit_does_not_vary(value, n):
    # Σ x² − (Σ x)² / n is not 0 here but for rounding.
    found = moments_of(MEAN, sums_of_columns(MEAN, watch_hours=np.full(n, value)))
    assert found.cov.tolist() == [[0.0]]
    assert found.mean[0] == pytest.approx(value, rel=1e-12)


def test_what_is_the_same_for_every_unit_does_not_vary_when_an_engine_sums_it(summed):
    tenths = pd.concat([UNITS] * 500, ignore_index=True).assign(watch_hours=0.1)
    assert moments_of(MEAN, summed(tenths, "variant")["control"]).cov.tolist() == [[0.0]]


@pytest.mark.parametrize("apart", [1, 9_999_999])
def test_one_unit_of_ten_million_that_is_not_like_the_others_is_seen(apart):
    metric = METRICS["d1_retention"]
    found = moments_of(metric, sums_of_share(metric, 10_000_000, apart))
    assert found.cov[0, 0] == pytest.approx(1e-7 * (1 - 1e-7), rel=1e-6)


def test_a_small_spread_around_a_large_mean_is_seen_among_ten_million():
    # 100 ± 0.01, half of the units on either side.
    n = 10_000_000
    found = moments_of(MEAN, sums_of_mean(MEAN, n, 100.0 * n, (100.0**2 + 0.01**2) * n))
    assert found.cov[0, 0] == pytest.approx(0.01**2, rel=1e-3)


def test_a_weighted_sum_that_is_the_same_for_every_unit_does_not_vary():
    # Skips are a tenth of plays for everybody, so that skips − plays / 10 is 0 but for rounding.
    metric = METRICS["skip_rate"]
    plays = np.array([3.0, 7.0, 11.0, 2.0, 9.0, 30.0])
    found = moments_of(metric, sums_of_columns(metric, skips=0.1 * plays, plays=plays))
    assert found.variance(np.array([1.0, -0.1])) == 0.0
    assert found.variance(np.array([1.0, -0.2])) > 0


def test_sums_that_several_metrics_need_are_made_once():
    names = [sum_name(METRICS[name], "sessions", "sessions") for name in ("session_minutes", "sessions_per_user")]
    assert names[0] == names[1]
    assert sum_name(METRICS["d1_retention"]) != sum_name(METRICS["d7_retention"])
