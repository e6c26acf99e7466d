"""The group published: the file that readers open."""

import datetime as dt
from collections.abc import Callable, Mapping

import dagster as dg

from streaming_assets.assets.io import held_back
from streaming_assets.assets.spec import asset_key, code_version
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.publish import HeldBackError, PublishRefusedError, clean_up, publish, published_tables

KEY = dg.AssetKey(["published", "streaming_duckdb"])


def streaming_duckdb(
    subjects: Mapping[str, str], code_versions: Mapping[str, str], clock: Callable[[], dt.datetime]
) -> dg.AssetsDefinition:
    """The database file for readers."""

    @dg.asset(
        key=KEY,
        group_name="published",
        deps=[asset_key(table.name) for table in published_tables()],
        description=(
            "**One file for readers: data/streaming.duckdb**\n\nTables for what is small, views over the exact Parquet "
            "files of the checked version for what grows by days. Replaced by rename after every blocking check has "
            "passed; who has the old file open keeps its state."
        ),
        owners=["team:data-platform"],
        kinds={"duckdb"},
        code_version=code_version(publish),
        required_resource_keys={"lake"},
    )
    def published_file(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        lake: Lake = context.resources.lake
        try:
            tables = publish(lake, subjects, code_versions, clock())
        except HeldBackError as refusal:
            raise held_back(str(refusal)) from refusal
        except PublishRefusedError as refusal:
            raise dg.Failure(str(refusal), allow_retries=False) from refusal
        return dg.MaterializeResult(
            metadata={
                "tables": tables,
                "path": dg.MetadataValue.path(str(lake.settings.database.resolve())),
                "megabytes": round(lake.settings.database.stat().st_size / 1e6, 1),
                "superseded_files_deleted": clean_up(lake, clock()),
            }
        )

    return published_file
