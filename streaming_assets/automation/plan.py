"""What is due: read from the lake's committed tables and the landing folder, and from nothing else.

The command line, sensors and schedules ask here, so that whoever runs next, after whatever crash, does the same.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from streaming_assets.assets import core, marts, predictions
from streaming_assets.automation.jobs import (
    COMPUTE_MARTS,
    DECIDE_EXPERIMENTS,
    PUBLISH,
    REFRESH_ENTITIES,
    REFRESH_MODELS,
)
from streaming_assets.errors import LandingMissingError
from streaming_assets.lake.days import Days, ranges_of
from streaming_assets.lake.failures import blocking_upstream, days_behind, days_unseen, held_days, unchecked
from streaming_assets.lake.ingest import ledger_rows, new_files, orphans, waiting_files, withdrawn_files
from streaming_assets.lake.lake import LEDGER, Lake
from streaming_assets.lake.publish import is_stale
from streaming_assets.lake.snapshots import Cutoffs
from streaming_assets.lake.studies import stale_experiments
from streaming_assets.lake.training import stale_tables
from streaming_assets.settings import rules_of
from streaming_assets.sources import Sources, scan
from streaming_assets.sources.landing import LandedFile

WORTH_BRIDGING = 10
"""Ranges this many days apart or less are computed in one run: a run costs more than the days between."""


def is_ingest_due(lake: Lake, sources: Sources, subjects: Mapping[str, str]) -> bool:
    """New files are waiting, broken ones were taken away, what was read has not been checked by the present settings, or
    the lake is new.
    """
    return not lake.snapshot("core/calendar").state.version or any(ingest_work(lake, sources, subjects))


def ingest_work(
    lake: Lake,
    sources: Sources,
    subjects: Mapping[str, str],
    is_ready: Callable[[LandedFile], bool] = lambda file: True,
) -> Iterator[str]:
    """What an ingest would do now, a line each, the same while it is not done. is_ready: which new files it may read."""
    landed, ledger = scan(lake.settings.landing_dir), ledger_rows(lake)
    for file in filter(is_ready, new_files(landed, ledger, sources)):
        yield f"{file.file_id} {file.size} {file.modified_at} {sources.fingerprint}"
    yield from (f"{row['file_id']} is gone" for row in withdrawn_files(landed, ledger))
    yield from (f"{file_id} is not in the ledger" for file_id in sorted(orphans(lake, ledger)))
    if lake.snapshot("core/calendar").state.version:
        yield from (f"{subject} is not checked" for subject in unchecked(lake, subjects))


def what_waits(lake: Lake, sources: Sources) -> str:
    """How many files an ingest would read now, and of which folder; or that there is none to look in."""
    try:
        return f"{len(waiting_files(lake, sources)):,} files in {lake.settings.landing_dir}"
    except LandingMissingError as missing:
        return f"unknown: {missing}"


def due_days(lake: Lake, known: Days, subjects: Mapping[str, str]) -> set[dt.date]:
    """Days that some daily table was not computed for since their rows changed, or not checked since it was.

    Days on which a blocking check of raw stands failed are left out. What depends on them is computed once without
    them, and again when they are corrected.
    """
    due = days_behind(lake, [declared.table.name for declared in core.DAILY], known)
    for subject, about in subjects.items():
        if lake.snapshot(about).table.day_column:
            due |= days_unseen(lake, subject, about)
    return due - held_days(lake)


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
        for name in declared.reads:
            # The ledger only names the files' paths, which do not change.
            if name != LEDGER and made_from.get(name) != lake.snapshot(name).state.version:
                return True
    return bool(unchecked(lake, subjects))


def stale_marts(lake: Lake) -> list[str]:
    """Marts made from other versions of their inputs, another T, other settings or other code than the present ones."""
    rules = rules_of(lake.settings)
    found: list[str] = []
    for declared in marts.MARTS:
        state = lake.snapshot(declared.table.name).state
        is_behind = any(
            name in found or state.inputs.get(name) != lake.snapshot(name).state.version for name in declared.reads
        )
        if is_behind or dict(state.notes) != declared.shaped_by(lake, rules):
            found.append(declared.table.name)
    return found


def are_marts_due(lake: Lake, subjects: Mapping[str, str]) -> bool:
    """A mart is stale or unchecked, and no blocking check of raw or core stands failed, which would hold them all."""
    return not blocking_upstream(lake, ()) and bool(stale_marts(lake) or unchecked(lake, subjects))


def are_experiments_due(lake: Lake, subjects: Mapping[str, str]) -> bool:
    """An experiment is to be computed or checked, and no blocking check of raw or core holds them all."""
    return not blocking_upstream(lake, ()) and bool(stale_experiments(lake) or unchecked(lake, subjects))


def due_trainings(lake: Lake) -> list[str]:
    """Models to be trained."""
    return [found.training.name for found in predictions.TRAINED if found.training.is_due(lake)]


def stale_models(lake: Lake) -> list[str]:
    """Tables of models made from something else than there is now: snapshots, scores, forecasts."""
    for_training = predictions.CHURN.is_due(lake)
    snapshots = [predictions.SNAPSHOTS] if Cutoffs(lake, for_training).stale() else []
    return snapshots + stale_tables(lake, {found.table.name: found.reads for found in predictions.REFRESHED})


def are_models_due(lake: Lake, subjects: Mapping[str, str]) -> bool:
    """A model is to be trained, to score or to be checked, and no blocking check of raw or core holds them all."""
    return not blocking_upstream(lake, ()) and bool(
        due_trainings(lake) or stale_models(lake) or unchecked(lake, subjects)
    )


@dataclass(frozen=True)
class Refresh:
    """A job over whole tables: which group asks for it, and when it is due, from the lake and the job's check subjects."""

    job: str
    group: str
    is_due: Callable[[Lake, Mapping[str, str]], bool]


REFRESHES = (
    Refresh(REFRESH_ENTITIES, "core", are_entities_due),
    Refresh(COMPUTE_MARTS, "marts", are_marts_due),
    Refresh(DECIDE_EXPERIMENTS, "experiments", are_experiments_due),
    Refresh(REFRESH_MODELS, "models", are_models_due),
    Refresh(PUBLISH, "published", lambda lake, _subjects: is_stale(lake)),
)
"""What follows the days, in the order in which data walks through it; every one is asked for when those before are done."""

__all__ = [
    "REFRESHES",
    "Refresh",
    "are_entities_due",
    "are_experiments_due",
    "are_marts_due",
    "are_models_due",
    "due_days",
    "due_trainings",
    "held_days",
    "ingest_work",
    "is_ingest_due",
    "runs_for",
    "stale_experiments",
    "stale_marts",
    "stale_models",
    "what_waits",
]
