"""The group raw: one asset step reads whatever is new in landing into five tables."""

import datetime as dt
from collections.abc import Callable, Iterator

import dagster as dg

from streaming_assets.assets.spec import asset_key, common_spec
from streaming_assets.automation.attempts import WORK
from streaming_assets.contracts import raw
from streaming_assets.lake.code import code_of_ingest
from streaming_assets.lake.keys import email_key
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings

TABLES = (raw.events, raw.users, raw.content, raw.rejected_rows, raw.event_files)


def landed_files(settings: Settings, clock: Callable[[], dt.datetime]) -> dg.AssetsDefinition:
    """The raw tables and the ledger."""
    code = code_of_ingest()

    @dg.multi_asset(
        name="read_landed_files",
        specs=[dg.AssetSpec(**common_spec(table, code)) for table in TABLES],
        required_resource_keys={"lake"},
    )
    def read_landed_files(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from streaming_assets.lake.ingest import ingest
        from streaming_assets.sources import load_sources

        lake: Lake = context.resources.lake
        # Who runs the command has landed the files; a sensor finds them in the middle of being written.
        taken = ingest(
            lake,
            load_sources(settings.sources_dir),
            email_key(settings),
            clock(),
            only_settled=WORK in context.run.tags,
        )
        for problem in taken.source_errors:
            context.log.error(problem)
        for row in taken.failures:
            context.log.error(f"{row['path']}: {row['status']}: {row['error']}")
        for table in TABLES:
            at = lake.snapshot(table.name)
            yield dg.MaterializeResult(
                asset_key=asset_key(table.name),
                metadata={
                    "dagster/row_count": at.rows,
                    "files_read": len(taken.files),
                    "files_failed": len(taken.failures),
                    "lake_version": at.state.version,
                },
            )

    return read_landed_files
