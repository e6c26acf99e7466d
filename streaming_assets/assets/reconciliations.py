"""Reconciliations and statistical checks as check sets: one of each kind per asset that has some."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import ibis
import pyarrow as pa

from streaming_assets import contracts
from streaming_assets.assets.checks import CheckSet, Finding, Named
from streaming_assets.lake.days import Days, ranges_of
from streaming_assets.lake.failures import Verdict
from streaming_assets.lake.lake import Lake
from streaming_assets.quality.identities import identities
from streaming_assets.quality.model_identities import model_identities
from streaming_assets.quality.reconciliation import Around, Reconciliation, reconciliations
from streaming_assets.quality.statistical import ASSET as STATISTICAL_ASSET
from streaming_assets.quality.statistical import statistical_checks

_SAMPLE_ROWS = 20
_PATHS_NAMED = 5
_LONGEST_TEXT = 500


def reconciliation_checks(max_rejected_share: float) -> list[CheckSet]:
    """What must agree from stage to stage, by the asset that it is a check of."""
    together: dict[tuple[str, str], list[Reconciliation]] = {}
    for found in [*reconciliations(max_rejected_share), *identities(), *model_identities()]:
        together.setdefault((found.asset, found.about or found.asset), []).append(found)
    return [
        *(_check_set(asset, about, "reconciliation", found) for (asset, about), found in together.items()),
        _check_set(STATISTICAL_ASSET, STATISTICAL_ASSET, "statistics", statistical_checks()),
    ]


def _check_set(asset: str, about: str, kind: str, found: Sequence[Reconciliation]) -> CheckSet:
    def find(lake: Lake, days: list[dt.date] | None) -> Iterable[Finding]:
        return [_finding(lake, reconciliation, days) for reconciliation in found]

    around = [read for one in found if one.is_blocking for read in one.reads.values() if isinstance(read, Around)]
    return CheckSet(
        subject=f"{about} {kind}" if about == asset else f"{about} {kind} of {asset}",
        asset=asset,
        about=about,
        checks=[Named(one.name, one.description, one.is_blocking, one.advice) for one in found],
        find=find,
        # The raw tables come of one step: waiting for one of them would only wait for its checks.
        after=sorted({t for one in found for t in one.reads if t != asset and not t.startswith("raw/")}),
        before_day=max((read.before for read in around), default=0),
        after_day=max((read.after for read in around), default=0),
        judged_by=sorted({one.judged_by for one in found if one.judged_by}),
    )


def _finding(lake: Lake, reconciliation: Reconciliation, days: list[dt.date] | None) -> Finding:
    is_daily = contracts.ALL[reconciliation.about or reconciliation.asset].day_column is not None
    spans: list[Days | None] = list(ranges_of(days or ())) if is_daily else [None]
    count = partial(_rows_per_day, lake)
    if reconciliation.figures is None:
        found = [reconciliation.violated(lake.read, span, count) for span in spans]
        violations = [row for rows in found for row in rows.limit(10_000).to_pyarrow().to_pylist()]
        violations.sort(key=lambda row: str(row.get("path")))
        numbers = {"violations": len(violations)} | _numbers_in(violations)
    else:
        measured = [reconciliation.measured(lake.read, span, count) for span in spans]
        figures = [row for rows in measured for row in rows.to_pyarrow().to_pylist()]
        violations = sorted((row for row in figures if row["limit_used"] > 1), key=lambda row: -row["limit_used"])
        numbers = {"violations": len(violations)} | _trend_of(figures, violations)
    verdict = Verdict(
        reconciliation.name,
        not violations,
        reconciliation.is_blocking,
        numbers,
        frozenset(_days_in(violations)) if violations else None,
    )
    return Finding(verdict, [_shown(row) for row in violations[:_SAMPLE_ROWS]], reconciliation.advice)


def _trend_of(figures: Sequence[Mapping[str, Any]], violations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of the day that is furthest off, else of the latest: in a nightly run, of the day."""
    latest = sorted(figures, key=lambda row: (row["date"], row["limit_used"]))
    told = [*violations[:1], *latest[-1:]]
    judged = len({row["date"] for row in figures})
    return {"days_judged": judged} | (_shown(told[0]) if told else {})


def _rows_per_day(lake: Lake, name: str) -> ibis.Table:
    """(date, file_id, rows), as the table's last commit says it; file_id is NULL where its partitions are of days alone."""
    at = lake.snapshot(name)
    rows = [
        {"date": at.days_of(file), "file_id": file.partition.get("file_id"), "rows": file.rows} for file in at.files
    ]
    schema = ibis.schema({"date": "date", "file_id": "string", "rows": "int64"})
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema.to_pyarrow()), schema=schema)


def _days_in(violations: Iterable[Mapping[str, Any]]) -> Iterable[dt.date]:
    for row in violations:
        if row.get("date") is not None:
            yield row["date"]
        yield from row.get("event_dates") or ()


def _numbers_in(violations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Which files they are of, and what is said of the first violation, as an example. Whose rows they are is not told."""
    first = violations[0] if violations else {}
    paths = [row["path"] for row in violations if row.get("path") is not None]
    more = f" and {len(paths) - _PATHS_NAMED} more" if len(paths) > _PATHS_NAMED else ""
    files = {"files": _on_one_line(", ".join(paths[:_PATHS_NAMED]) + more)} if paths else {}
    texts = {name: _on_one_line(first[name]) for name in ("status", "error") if first.get(name)}
    return files | texts | {name: value for name, value in first.items() if isinstance(value, int | float)}


def _on_one_line(text: str) -> str:
    """As a message can take it: the path of a file may hold anything."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]} …"


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | None) else str(value) for name, value in row.items()}
