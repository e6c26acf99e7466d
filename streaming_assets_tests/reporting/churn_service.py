"""The tables of churn of a service of some thousand users, without chance: what pictures and sentences are tried on."""

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any

import ibis
import pyarrow as pa

from streaming_assets.contracts import Table
from streaming_assets.contracts.models.churn import CANDIDATES, FAMILIES, FEATURES, NO_DRIVER

T = dt.date(2026, 7, 18)
Rows = list[dict[str, Any]]


def table_of(contract: Table, rows: Iterable[dict[str, Any]] = ()) -> ibis.Table:
    """Rows as a lazy table of the contract; a column that is not given is zero or empty where it must not be NULL, else NULL."""
    empty = {"int64": 0, "boolean": False, "string": "", "date": T}
    blank = {column.name: empty.get(column.type, []) if column.not_null else None for column in contract.columns}
    made = pa.Table.from_pylist([{**blank, **row} for row in rows], schema=contract.schema.to_pyarrow())
    return ibis.memtable(made, schema=contract.schema)


def candidates() -> Rows:
    """Six candidates on two folds; logistic regression is put forward."""
    losses = dict(zip(CANDIDATES, (0.4102, 0.3544, 0.3702, 0.3318, 0.3331, 0.3402), strict=True))
    return [
        {
            "candidate": candidate, "fold": fold, "n": 5_210, "n_churned": 730, "prevalence": 0.1401, "log_loss": loss, "brier": 0.1,
            "ece": 0.012, "auc": 0.5 + (0.4102 - loss) * 4, "pr_auc": 0.14 + (0.4102 - loss) * 4, "lift_10": 3.4,
            "capacity": 521, "precision_at_capacity": 0.476, "recall_at_capacity": 0.34, "gain": 1 - loss / 0.3544,
            "gain_low": 1 - loss / 0.3544 - 0.0121, "gain_high": 1 - loss / 0.3544 + 0.013, "ece_limit": 0.021,
            "is_challenger": candidate == "logistic_regression",
        }
        for candidate, loss in losses.items()
        for fold in ("calibrate", "test")
    ]  # fmt: skip


def reliability() -> Rows:
    """Ten tenths of 521 users × cutoffs, nearly as said."""
    said = (0.512, 0.291, 0.183, 0.124, 0.090, 0.067, 0.049, 0.035, 0.023, 0.011)
    came = (0.476, 0.302, 0.196, 0.121, 0.098, 0.061, 0.055, 0.036, 0.019, 0.008)
    return [
        {
            "bin": place, "candidate": "logistic_regression", "n": 521, "n_churned": round(521 * rate),
            "mean_probability": probability, "observed_rate": rate, "rate_low": max(0.0, rate - 0.02 - 0.05 * rate),
            "rate_high": rate + 0.02 + 0.05 * rate, "lift": rate / 0.1401,
        }
        for place, (probability, rate) in enumerate(zip(said, came, strict=True), 1)
    ]  # fmt: skip


def slices() -> Rows:
    """Plans and countries, one slice too small for figures, and more countries than are listed."""
    rows: Rows = [
        {"dimension": "plan", "slice": plan, "n": n, "prevalence": left, "mean_probability": said, "log_loss": 0.33, "auc": 0.8, "ece": 0.02}
        for plan, n, left, said in (("free", 3_100, 0.171, 0.166), ("basic", 1_400, 0.102, 0.108), ("premium", 710, 0.081, 0.112))
    ]  # fmt: skip
    rows += [
        {"dimension": "country", "slice": f"C{place:02d}", "n": 900 - place, "prevalence": 0.14, "mean_probability": 0.139, "log_loss": 0.34,
         "auc": 0.79, "ece": 0.03}
        for place in range(20)
    ]  # fmt: skip
    return [*rows, {"dimension": "age", "slice": "unknown", "n": 12}]


def summary() -> Rows:
    """Statuses, risk bands and drivers."""
    users = dict(zip((*FAMILIES, NO_DRIVER), (412, 121, 266, 198, 64, 139), strict=True))
    rows: Rows = [
        {"breakdown": "driver", "value": value, "users": count, "share": count / 1_200, "expected_leavers": 0.3 * count, "mean_probability": 0.3}
        for value, count in users.items()
    ]  # fmt: skip
    rows += [
        {"breakdown": "risk_band", "value": band, "users": n, "share": n / 4_000, "expected_leavers": n * p, "mean_probability": p}
        for band, n, p in (("low", 2_800, 0.052), ("high", 400, 0.503), ("medium", 800, 0.231))
    ]  # fmt: skip
    return [
        *rows,
        {"breakdown": "status", "value": "active", "users": 4_000, "share": 0.8, "expected_leavers": 531.6, "mean_probability": 0.13},
        {"breakdown": "status", "value": "lapsed", "users": 1_000, "share": 0.2},
    ]  # fmt: skip


def champion() -> Rows:
    """A champion with its card."""
    return [
        {"outcome": "trained", "reason": "the first", "candidate": "logistic_regression", "card": "## Card\n\n- one"}
    ]


def reasons() -> Rows:
    """A model of three reasons, and one that too few users state."""
    status = "trained: macro-F1 0.47, where always the most frequent reason has 0.14 and the first driver alone 0.31"
    overall = {"reason": "all", "status": status, "n": 480, "f1": 0.47, "baseline_f1": 0.14}
    stated = (
        ("too_expensive", 90, "plan"),
        ("nothing_to_watch", 190, "content_mismatch"),
        ("technical", 80, "playback"),
    )
    return [
        overall,
        *(
            {
                "reason": reason, "status": "trained", "n": n, "precision": 0.52, "recall": 0.44, "f1": 0.48, "baseline_f1": 0.0,
                "usual_driver": driver, "usual_driver_share": 0.61,
            }
            for reason, n, driver in stated
        ),
        {"reason": "other", "status": "left out: 30 users are needed", "n": 12, "usual_driver": "plan", "usual_driver_share": 0.5},
    ]  # fmt: skip


def drift() -> Rows:
    """Every feature, a few of them shifted; one that has no users to compare."""
    features = [(column.name, family) for family, columns in FEATURES.items() for column in columns]
    return [
        {
            "feature": feature, "family": family, "n_reference": 31_000, "n_current": 4_000,
            "psi": None if feature == "is_paid" else 0.36 * math.exp(-place / 6),
        }
        for place, (feature, family) in enumerate(features)
    ]  # fmt: skip


def realised() -> Rows:
    """Twenty cutoffs, a week apart."""
    return [
        {
            "cutoff": T - dt.timedelta(days=29 + 7 * place), "model_version": "a1b2c3", "n": 4_000, "n_churned": 560, "prevalence": 0.14,
            "log_loss": 0.335 + 0.012 * math.sin(place), "base_rate_log_loss": 0.405 + 0.01 * math.sin(place + 1),
        }
        for place in range(20)
    ]  # fmt: skip


def returns() -> Rows:
    """Days 1 to 89."""
    return [
        {
            "idle_days": days, "n_breaks": 90_000 // days, "n_returned": 1, "rate": 0.97 * math.exp(-days / 22),
            "rate_low": 0.94 * math.exp(-days / 22), "rate_high": min(1.0, 1.02 * math.exp(-days / 22)),
        }
        for days in range(1, 90)
    ]  # fmt: skip
