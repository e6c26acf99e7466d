"""What is due: read from the lake's committed tables and the landing folder, and from nothing else.

The command line, sensors and schedules ask here, so that whoever runs next, after whatever crash, does the same.
"""

import datetime as dt
from collections.abc import Iterable, Mapping

from streaming_assets.assets import core
from streaming_assets.lake.days import Days, ranges_of
from streaming_assets.lake.failures import blocked_days, days_unseen, open_failures, unchecked
from streaming_assets.lake.fold import Fold
from streaming_assets.lake.ingest import LEDGER, ledger_rows, new_files, orphans, withdrawn_files
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.pending import achievable_versions, required_versions, stale_days
from streaming_assets.sources import Sources, scan

WORTH_BRIDGING = 10
"""Ranges this many days apart or less are computed in one run: a run costs more than the days between."""


def is_ingest_due(lake: Lake, sources: Sources, subjects: Mapping[str, str]) -> bool:
    """New files are waiting, broken ones were taken away, what was read has not been checked, or the lake is new."""
    landed, ledger = scan(lake.settings.landing_dir), ledger_rows(lake)
    return (
        not lake.snapshot("core/calendar").state.version
        or bool(new_files(landed, ledger, sources))
        or bool(withdrawn_files(landed, ledger))
        or bool(orphans(lake, ledger))
        or bool(unchecked(lake, subjects))
    )


def due_days(lake: Lake, known: Days, subjects: Mapping[str, str]) -> set[dt.date]:
    """Days that some daily table was not computed for since their rows changed, or not checked since it was.

    Days on which a blocking check of raw stands failed are left out. What depends on them is computed once without
    them, and again when they are corrected.
    """
    required = required_versions(lake.snapshot("raw/events").state, known)
    held = held_days(lake)
    events = lake.snapshot("core/events").state
    achievable = achievable_versions(required, events, held)
    due = stale_days(required, events)
    for declared in core.DAILY:
        due |= stale_days(achievable, lake.snapshot(declared.table.name).state)
    for subject, about in subjects.items():
        if lake.snapshot(about).table.day_column:
            due |= days_unseen(lake, subject, about)
    return due - held


def held_days(lake: Lake) -> set[dt.date]:
    """Days that wait for a correction: a blocking check of raw stands failed on them."""
    return blocked_days(open_failures(lake), "raw")


def runs_for(days: Iterable[dt.date], held: set[dt.date]) -> list[Days]:
    """The days as few ranges, each for one run; days in between are computed again where that saves a run."""
    runs: list[Days] = []
    for found in ranges_of(set(days) - held):
        if (
            runs
            and (found.first - runs[-1].last).days <= WORTH_BRIDGING
            and not held & set(Days(runs[-1].last, found.first))
        ):
            runs[-1] = Days(runs[-1].first, found.last)
        else:
            runs.append(found)
    return runs


def are_entities_due(lake: Lake, subjects: Mapping[str, str]) -> bool:
    """What users and content are made from has changed since, or what refers to them has not been checked."""
    for declared in core.ENTITIES:
        made_from = lake.snapshot(declared.table.name).state.inputs
        for source in declared.whole.values():
            name = source.over if isinstance(source, Fold) else source
            # The ledger only names the files' paths, which do not change.
            if name != LEDGER and made_from.get(name) != lake.snapshot(name).state.version:
                return True
    return bool(unchecked(lake, subjects))
