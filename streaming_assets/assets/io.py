"""Between Dagster and the lake: the writer's lock and engine of a run, inputs, outputs, and the days a run is for."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator

import dagster as dg

from streaming_assets import contracts
from streaming_assets.assets.pictures import decision_pages, pictures
from streaming_assets.assets.spec import DailyRows, Input, PartRows, WholeRows, table_name
from streaming_assets.automation.partitions import known_days
from streaming_assets.lake.days import Days
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import blocked_days, blocking_upstream, open_failures
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.lock import writer_lock
from streaming_assets.lake.pending import required_versions, stamps, sufficient
from streaming_assets.settings import Settings

RANGE_START, RANGE_END, PARTITION = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)

HELD_BACK = "held_back_by_failed_checks"
"""Metadata of a failure that failed checks caused."""


def lake_resource(settings: Settings) -> dg.ResourceDefinition:
    """The lake for one run, which holds the writer's lock from its first read to its last commit."""

    def open_lake(_context: dg.InitResourceContext) -> Iterator[Lake]:
        with writer_lock(settings.lake_dir), duckdb_engine(settings) as engine:
            lake = Lake(settings, engine)
            try:
                yield lake
            finally:
                lake.close()

    return dg.ResourceDefinition(resource_fn=open_lake, description="Delta tables under the data folder")


def lake_io(settings: Settings, clock: Callable[[], dt.datetime]) -> dg.IOManagerDefinition:
    """The IO manager over the run's lake."""

    def build(context: dg.InitResourceContext) -> dg.IOManager:
        return _LakeIOManager(context.resources.lake, settings, clock)

    return dg.IOManagerDefinition(resource_fn=build, required_resource_keys={"lake"})


class _LakeIOManager(dg.IOManager):
    def __init__(self, lake: Lake, settings: Settings, clock: Callable[[], dt.datetime]) -> None:
        self._lake = lake
        self._settings = settings
        self._clock = clock

    def load_input(self, context: dg.InputContext) -> Input:
        return Input(self._lake, table_name(context.asset_key))

    def handle_output(self, context: dg.OutputContext, obj: DailyRows | WholeRows | PartRows) -> None:
        name = table_name(context.asset_key)
        if isinstance(obj, DailyRows):
            key_range = context.asset_partition_key_range
            days = Days(dt.date.fromisoformat(key_range.start), dt.date.fromisoformat(key_range.end))
            self._write_days(context, name, days, obj)
        elif isinstance(obj, PartRows):
            self._write_parts(context, name, obj)
        else:
            self._write_whole(context, name, obj)

    def _computing(self, name: str) -> Lake:
        return self._lake.computing(contracts.ALL[name].group)

    def _write_whole(self, context: dg.OutputContext, name: str, output: WholeRows) -> None:
        lake = self._computing(name)
        if output.shaped_by is not None:
            refuse_downstream(lake, output.reads)
        after = lake.snapshot(name)
        # A table made from settings alone stays as it is: other settings would have been refused.
        if output.reads or not after.state.version:
            after = lake.write(name, output.make(), output.reads, output.shaped_by)
        shown = pictures(lake, name) if output.shaped_by is not None else {}
        context.add_output_metadata({"dagster/row_count": after.rows, "lake_version": after.state.version, **shown})

    def _write_parts(self, context: dg.OutputContext, name: str, output: PartRows) -> None:
        refuse_downstream(self._lake, output.reads)
        after = self._lake.snapshot(name)
        if output.stale or output.gone or not after.state.version:
            after = self._computing(name).write_parts(name, output.stale, output.make, output.gone, output.notes)
        context.add_output_metadata(
            {
                "dagster/row_count": after.rows,
                "made": ", ".join(output.stale) or "nothing: all is as it was",
                "lake_version": after.state.version,
                **(decision_pages(self._lake) if name == "experiments/decisions" else {}),
            }
        )

    def _write_days(self, context: dg.OutputContext, name: str, days: Days, output: DailyRows) -> None:
        refuse_blocked(self._lake, days)
        raw = self._lake.snapshot("raw/events").state
        required = required_versions(raw, known_days(self._settings, self._clock()))
        inputs = [
            (self._lake.snapshot(table).state, window)
            for table, window in output.reads.items()
            if table != "raw/events"
        ]
        stamped = sufficient(stamps(days, raw.version, required, inputs), required)
        after = self._computing(name).write_days(name, days, output.build, stamped, weigh=next(iter(output.reads)))
        written = sum(file.rows for file in after.files if after.days_of(file) in days)
        context.add_output_metadata(
            {
                "dagster/row_count": after.rows,
                "rows_written": written,
                "days": str(days),
                "lake_version": after.state.version,
            }
        )


def refuse_blocked(lake: Lake, days: Days) -> None:
    """Raises dagster.Failure where a blocking check of raw stands failed on one of the days."""
    blocked = sorted(blocked_days(open_failures(lake), "raw") & set(days))
    if blocked:
        standing = [str(failure) for failure in open_failures(lake) if failure.is_blocking]
        raise held_back(
            f"Blocking checks of raw stand failed on {', '.join(map(str, blocked))}: {'; '.join(standing)}. "
            "Land corrected files under the same paths, or leave these days out."
        )


def refuse_downstream(lake: Lake, tables: Collection[str]) -> None:
    """Raises dagster.Failure where a blocking check stands failed on one of the tables, or anywhere in raw and core."""
    standing = blocking_upstream(lake, tables)
    if standing:
        raise held_back(
            f"Blocking checks stand failed: {'; '.join(map(str, standing))}. What is made from these tables keeps its last "
            "state until they pass; see each check's advice."
        )


def held_back(why: str) -> dg.Failure:
    """The failure of a step that only does what failed checks ask of it: the checks are what somebody is told of."""
    return dg.Failure(why, metadata={HELD_BACK: True}, allow_retries=False)


def run_days(run: dg.DagsterRun) -> Days | None:
    """The days that a run was asked for, None where it has no partition."""
    start = run.tags.get(RANGE_START, run.tags.get(PARTITION))
    end = run.tags.get(RANGE_END, run.tags.get(PARTITION))
    return Days(dt.date.fromisoformat(start), dt.date.fromisoformat(end)) if start and end else None
