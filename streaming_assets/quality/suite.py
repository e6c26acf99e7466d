"""Rules as a suite of Great Expectations, whatever the engine that has the rows. Importing this takes seconds."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import duckdb_engine  # noqa: F401 - see _NoFailingRows
import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent.interfaces import Batch

from streaming_assets.quality.expectations import SAMPLE_ROWS, Evaluation, EvaluationError, Rule

_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
_SAMPLES = {"result_format": "BASIC", "partial_unexpected_count": SAMPLE_ROWS, "include_unexpected_rows": True}


class _NoFailingRows(gxe.UnexpectedRowsExpectation):
    """Passes when the query finds nothing. It runs once: the rows carry the total that a second one would count."""

    # Great Expectations keeps the class, and so this module's names, until Python ends. With `duckdb_engine` among them DuckDB's binding
    # is still there to let go of its types; without, it prints them as leaked.
    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table", "table.row_count")

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        rows = metrics["unexpected_rows_query.table"]
        return {
            "success": not rows,
            "result": {
                "element_count": metrics["table.row_count"],
                "unexpected_count": rows[0]["failing_rows"] if rows else 0,
                "unexpected_rows": rows,
            },
        }


_EXPECTATIONS = {
    "not_null": gxe.ExpectColumnValuesToNotBeNull,
    "range": gxe.ExpectColumnValuesToBeBetween,
    "one_of": gxe.ExpectColumnValuesToBeInSet,
    "query": _NoFailingRows,
}


def context_in_memory() -> EphemeralDataContext:
    """A context that keeps nothing, tells nobody and draws no progress bars."""
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )


def judged(batch: Batch, rules: Sequence[Rule]) -> list[Evaluation]:
    """One evaluation per rule, in their order: a few queries for all of them, and one more per failing rule.

    Raises EvaluationError naming the rules that could not be evaluated, and why.
    """
    counted = _results(batch, rules, _COUNTS)
    failed = [rule for rule in rules if rule.kind != "query" and not counted[rule.expectation.name].success]
    sampled = _results(batch, failed, _SAMPLES) if failed else {}
    return [_evaluation(rule, {**counted, **sampled}[rule.expectation.name]) for rule in rules]


def _results(
    batch: Batch, rules: Sequence[Rule], result_format: dict[str, Any]
) -> dict[str, ExpectationValidationResult]:
    """By the rule's name."""
    expectations = [_EXPECTATIONS[rule.kind](**rule.arguments, meta={"name": rule.expectation.name}) for rule in rules]
    suite = gx.ExpectationSuite("contract", expectations=expectations)
    results = {_name_of(result): result for result in batch.validate(suite, result_format=result_format).results}
    errors = [f"{name}: {_reason(result.exception_info)}" for name, result in results.items() if not result.result]
    if errors:
        raise EvaluationError("; ".join(errors))
    return results


def _name_of(result: ExpectationValidationResult) -> str:
    config = result.expectation_config
    assert config is not None and config.meta is not None  # noqa: S101, PT018 - we gave both
    return str(config.meta["name"])


def _reason(exception_info: Mapping[str, Any]) -> str:
    """Either one exception, or one by metric."""
    by_metric = [info for info in exception_info.values() if isinstance(info, Mapping)]
    return ", ".join(dict.fromkeys(info["exception_message"] for info in by_metric or [exception_info]))


def _evaluation(rule: Rule, result: ExpectationValidationResult) -> Evaluation:
    # No rows have no sum.
    rows, failing = result.result["element_count"], int(result.result["unexpected_count"] or 0)
    sample = [
        {name: _json_value(value) for name, value in row.items() if name in rule.shown}
        for row in result.result.get("unexpected_rows", [])
    ]
    return Evaluation(
        name=rule.expectation.name,
        passed=bool(result.success),
        numbers={"rows": rows, "failing_rows": failing, "failing_share": failing / rows if rows else 0.0},
        sample=sample,
        advice=rule.advice,
    )


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return value
