"""Units of an experiment as numbers: tables of them as a service would have them, and the sums that results need."""

import datetime as dt

import numpy as np
import pandas as pd

from streaming_assets.experiments.config import Experiment
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.moments import UNITS, active_name, sum_name

START = dt.date(2026, 3, 2)
FIXED_COLUMNS = {"experiment_id": "trial", "platform": "tv", "country": "DE", "plan": "basic"}


def experiment(**changes):
    """An experiment on session_minutes in two halves, as its owner would write it."""
    written = {
        "id": "trial",
        "start": START,
        "end": START + dt.timedelta(days=40),
        "assignment": {"salt": "trial", "variants": {"control": 50, "treatment": 50}},
        "primary": "session_minutes",
        **changes,
    }
    return Experiment.model_validate(written)


def weighted(**weights):
    return {"salt": "trial", "variants": weights}


def listeners(seed, n, variants=("control", "treatment"), new=0.2):
    """Units in the order of the contract of unit_metrics, in arms by turns.

    Who listens much before exposure does so after it; a share `new` was not seen before; exposure is spread over 36 days,
    so that late units are not observed long enough for the metrics that mature.
    """
    rng = np.random.default_rng(seed)
    liking = rng.gamma(2.0, 2.0, n)
    has_pre = rng.random(n) >= new
    days = rng.integers(0, 36, n)
    now, before = _listening(rng, liking), _listening(rng, liking)
    units = pd.DataFrame({name: np.full(n, value) for name, value in FIXED_COLUMNS.items()})
    return units.assign(
        user_id=[f"u{number}" for number in range(n)],
        variant=[variants[number % len(variants)] for number in range(n)],
        exposed_date=[START + dt.timedelta(days=int(35 - observed)) for observed in days],
        has_pre_period=has_pre,
        user_kind=np.where(has_pre, "existing", "new"),
        days_observed=days,
        **now,
        **{
            f"retained_d{after}": ((rng.random(n) < 0.2 + 0.04 * np.minimum(liking, 10)) & (days >= after)).astype(int)
            for after in (1, 7, 30)
        },
        sessions_first_7d=rng.binomial(now["sessions"], 0.4),
        **{f"pre_{name}": np.where(has_pre, values, 0) for name, values in before.items()},
        pre_sessions_7d=np.where(has_pre, rng.binomial(before["sessions"], 0.25), 0),
    )


def _listening(rng, liking):
    sessions = 1 + rng.poisson(liking)
    minutes = rng.gamma(sessions * 2.0, 8.0 + liking)
    plays = sessions + rng.poisson(minutes / 10)
    return {
        "sessions": sessions,
        "session_minutes": minutes,
        "plays": plays,
        "skips": rng.binomial(plays, 0.25),
        "watch_hours": minutes / 60 * rng.uniform(0.7, 1.0, len(liking)),
        "creators": 1 + rng.binomial(plays - 1, 0.6),
        "genres": 1 + rng.binomial(np.minimum(plays - 1, 9), 0.5),
    }


def eligible(units, metric):
    """The units of whom the metric is known."""
    return units if metric.matures_after is None else units[units.days_observed >= metric.matures_after]


def sums_of(units):
    """{variant: sums by name}, of all metrics."""
    return {str(variant): _sums(own) for variant, own in units.groupby("variant")}


def _sums(units):
    found = {UNITS: float(len(units))}
    for metric in METRICS.values():
        own = eligible(units, metric)
        columns = [*metric.columns, *metric.pre_columns, "has_pre_period"]
        values = {name: own[name].to_numpy(float) for name in columns}
        found[sum_name(metric)] = float(len(own))
        for a in columns:
            found[sum_name(metric, a)] = float(values[a].sum())
            for b in columns:
                found[sum_name(metric, *sorted((a, b)))] = float(values[a] @ values[b])
        for denominator in {metric.denominator, metric.pre_denominator} - {None}:
            found[active_name(denominator)] = float((values[denominator] > 0).sum())
    return found


def sums_of_columns(metric, **columns):
    """The sums of one metric from its columns' values unit by unit."""
    values = {name: np.asarray(own, float) for name, own in columns.items()}
    found = {sum_name(metric): float(len(next(iter(values.values()))))}
    for a in values:
        found[sum_name(metric, a)] = float(values[a].sum())
        for b in values:
            found[sum_name(metric, *sorted((a, b)))] = float(values[a] @ values[b])
    if metric.denominator is not None:
        found[active_name(metric.denominator)] = float((values[metric.denominator] > 0).sum())
    return found


def sums_of_mean(metric, n, total, squares):
    """The sums of a metric without a denominator as published cases give them: n, Σ x, Σ x²."""
    (column,) = metric.columns
    return {sum_name(metric): n, sum_name(metric, column): total, sum_name(metric, column, column): squares}


def sums_of_share(metric, n, successes):
    return sums_of_mean(metric, n, successes, successes)


def of_arm(units, variant):
    return units[units.variant == variant]


def values(units, metric, variant):
    """The metric's numerator of the arm's eligible units."""
    return of_arm(eligible(units, metric), variant)[metric.numerator].to_numpy(float)
