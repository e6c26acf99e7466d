"""The check that snapshots know nothing of what came after their cutoff."""

import datetime as dt
from collections.abc import Iterable, Mapping

import ibis
from ibis import _

from streaming_assets.assets.checks import CheckSet, Finding, Named
from streaming_assets.lake.failures import Verdict
from streaming_assets.lake.lake import Lake, parts_of, reporting_day
from streaming_assets.lake.snapshots import TABLE, is_closed, tables_at

NAME = "features_are_equal_from_the_log_cut_at_the_cutoff"
DESCRIPTION = "Features computed from all rows equal those computed without the rows of the cutoff's day and later."
_SHOWN = 20
ADVICE = (
    "A feature of the columns shown sees days or records from after the cutoff: its function in models/churn must filter them. "
    "Until then nothing is trained or scored."
)


def leakage_check() -> CheckSet:
    """Of the latest cutoff whose label is known: its features, computed from all that is there and from what was there."""
    return CheckSet(
        subject=f"{TABLE} leakage",
        asset=TABLE,
        about=TABLE,
        checks=[
            Named(NAME, DESCRIPTION, advice=ADVICE),
        ],
        find=_find,
    )


def _find(lake: Lake, _days: list[dt.date] | None) -> Iterable[Finding]:
    from streaming_assets.models.churn.differences import differing_rows
    from streaming_assets.models.churn.snapshot import snapshot

    as_of = reporting_day(lake)
    closed = [cutoff for cutoff in map(dt.date.fromisoformat, parts_of(lake, TABLE)) if is_closed(cutoff, as_of)]
    rows = []
    for cutoff in closed[-1:]:
        everything = tables_at(lake, [cutoff])
        known = snapshot(cutoff, as_of=as_of, **everything)
        rows = differing_rows(known, snapshot(cutoff, as_of=as_of, **_cut(everything, cutoff))).to_pyarrow().to_pylist()
    numbers = {"differing": len(rows), "cutoff": str(closed[-1]) if closed else "none is closed yet"}
    yield Finding(Verdict(NAME, not rows, True, numbers), [_texts(row) for row in rows[:_SHOWN]], ADVICE)


def _cut(tables: Mapping[str, ibis.Table], cutoff: dt.date) -> dict[str, ibis.Table]:
    """The tables as they were at the start of the cutoff's day."""
    starts = tables["calendar"].filter(_.date == cutoff).select("starts_at")
    records = tables["users"].cross_join(starts).filter(_.valid_from < _.starts_at).drop("starts_at")
    return {
        **tables,
        "user_daily": tables["user_daily"].filter(_.date < cutoff),
        "user_content_daily": tables["user_content_daily"].filter(_.date < cutoff),
        "sessions": tables["sessions"].filter(_.session_date < cutoff),
        "plays": tables["plays"].filter(_.event_date < cutoff),
        "users": records,
    }


def _texts(row: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}
