"""What the checks on experiments let pass, and what they find."""

import datetime as dt
from typing import Any

import ibis
import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.quality.identities import identities
from streaming_assets.quality.reconciliation import Reconciliation

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]
CHECKS = [found for found in identities() if found.asset.startswith("experiments/")]
SUNDAY, MONDAY = dt.date(2026, 3, 1), dt.date(2026, 3, 2)

UNITS = {"ann": "control", "ben": "control", "cem": "treatment"}
DAYS = [
    {"user_id": "ann", "date": SUNDAY, "sessions": 1, "session_minutes": 10.0, "plays": 2, "watch_hours": 0.1},
    {"user_id": "ann", "date": MONDAY, "sessions": 2, "session_minutes": 0.2, "plays": 3, "watch_hours": 0.2},
    {"user_id": "cem", "date": MONDAY, "sessions": 1, "session_minutes": 5.0, "plays": 1, "skips": 1, "genres": 1},
]
DID = {
    "ann": {"sessions": 3, "session_minutes": 10.2, "plays": 5, "watch_hours": 0.1 + 0.2},
    "cem": {"sessions": 1, "session_minutes": 5.0, "plays": 1, "skips": 1, "genres": 1},
}
NOTHING = {
    "sessions": 0, "session_minutes": 0.0, "plays": 0, "skips": 0, "watch_hours": 0.0, "creators": 0, "genres": 0
}  # fmt: skip


def units(**more: Any) -> Rows:
    return [{"experiment_id": "one", "user_id": user, "variant": variant, **more} for user, variant in UNITS.items()]


def compared(metric: str, method: str, n: tuple[int, int] = (2, 1), **effect: Any) -> dict[str, Any]:
    row = {"experiment_id": "one", "metric": metric, "variant": "treatment", "method": method, "mean_control": 4.0}
    return {**row, "n_control": n[0], "n_variant": n[1], **effect}


EFFECT = {"effect": 0.5, "effect_low": -0.5, "effect_high": 1.5}
TRUE: Tables = {
    "experiments/assignments": units(),
    "experiments/unit_days": [{"experiment_id": "one", "variant": UNITS[d["user_id"]], **NOTHING, **d} for d in DAYS],
    "experiments/unit_metrics": [{**row, **NOTHING, **DID.get(row["user_id"], {})} for row in units()],
    "experiments/results": [
        {**row, "dimension": dimension}
        for dimension, row in [
            ("all", compared("plays_per_user", "fixed", **EFFECT)),
            ("all", compared("plays_per_user", "sequential", effect=0.5)),
            ("all", compared("d7_retention", "fixed", n=(1, 0))),
            ("plan", compared("plays_per_user", "fixed", n=(1, 1), effect=9.0)),
        ]
    ],
    "experiments/daily_results": [
        {"date": SUNDAY, **compared("plays_per_user", "fixed", n=(1, 0), effect=3.0)},
        {"date": MONDAY, **compared("plays_per_user", "fixed", **{**EFFECT, "effect": 0.5 + 1e-12})},
        {"date": MONDAY, **compared("plays_per_user", "sequential", effect=0.5)},
        {"date": MONDAY, **compared("d7_retention", "fixed", n=(1, 0))},
    ],
}

BROKEN: list[tuple[str, str, int, dict[str, Any]]] = [
    ("units_are_those_of_assignments", "assignments", 0, {"user_id": "nobody"}),
    ("units_are_those_of_assignments", "unit_metrics", 2, {"variant": "control"}),
    ("days_add_up_to_units", "unit_days", 1, {"plays": 4}),
    ("days_add_up_to_units", "unit_days", 0, {"session_minutes": 10.1}),
    ("days_add_up_to_units", "unit_metrics", 0, {"watch_hours": 0.31}),
    ("days_add_up_to_units", "unit_metrics", 1, {"creators": 1}),
    ("days_add_up_to_units", "unit_days", 2, {"user_id": "nobody"}),
    ("exposed_units_are_counted_in_every_growing_metric", "results", 0, {"n_control": 3}),
    ("exposed_units_are_counted_in_every_growing_metric", "results", 1, {"n_variant": 0}),
    ("exposed_units_are_counted_in_every_growing_metric", "unit_metrics", 2, {"experiment_id": "two"}),
    ("the_last_day_is_the_result", "results", 0, {"effect": 0.6}),
    ("the_last_day_is_the_result", "results", 0, {"effect_high": 1.6}),
    ("the_last_day_is_the_result", "results", 1, {"effect_low": -7.0}),
    ("the_last_day_is_the_result", "daily_results", 1, {"effect": None}),
    ("the_last_day_is_the_result", "daily_results", 3, {"n_variant": 1}),
]  # fmt: skip


def violations(check: Reconciliation, tables: Tables) -> Rows:
    def read(table: str, _days: None) -> ibis.Table:
        schema = contracts.ALL[table].schema
        return ibis.memtable(pa.Table.from_pylist(tables.get(table, []), schema=schema.to_pyarrow()), schema=schema)

    return check.violated(read, None).to_pyarrow().to_pylist()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_numbers_that_agree_pass_and_so_do_empty_tables(check: Reconciliation):
    assert violations(check, TRUE) == []
    assert violations(check, {}) == []


@pytest.mark.parametrize(("name", "table", "row", "change"), BROKEN)
def test_a_number_that_does_not_is_found(name: str, table: str, row: int, change: dict[str, Any]):
    (check,) = [found for found in CHECKS if found.name == name]
    rows = TRUE[f"experiments/{table}"]
    damaged = [{**found, **change} if number == row else found for number, found in enumerate(rows)]
    found = violations(check, {**TRUE, f"experiments/{table}": damaged})
    assert found
    assert all("experiment_id" in violation for violation in found)


def test_there_is_a_broken_case_for_every_check():
    assert {name for name, *_ in BROKEN} == {check.name for check in CHECKS}


@pytest.mark.parametrize("metric", [metric for metric in METRICS.values() if metric.matures_after is None])
def test_every_metric_that_needs_no_time_is_asked_for_its_units(metric):
    (check,) = [found for found in CHECKS if found.name == "exposed_units_are_counted_in_every_growing_metric"]
    wrong = {**compared(metric.name, "fixed", n=(1, 1)), "dimension": "all"}
    assert violations(check, {**TRUE, "experiments/results": [wrong]})
