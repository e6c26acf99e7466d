"""What Dagster's event log costs a backfill: the same number of materialisations by assets that do nothing.

    python -m benchmarks.event_log --assets 7 --days 1503

Prints the seconds of one run over all the days as JSON, with the events in SQLite (as the pipeline has them) and in
memory; and in PostgreSQL, where --postgres names an empty database such as postgresql+psycopg2://dagster:…@localhost/dagster.
"""

import argparse
import datetime as dt
import json
import tempfile
import time
from pathlib import Path

import dagster as dg

FIRST_DAY = dt.date(2005, 1, 1)


def idle_assets(count: int) -> list[dg.AssetsDefinition]:
    """Daily assets, each after the one before, that record as much as a daily table does and compute nothing."""
    partitions = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat())

    def idle(number: int) -> dg.AssetsDefinition:
        @dg.asset(
            name=f"idle_{number}",
            deps=[f"idle_{number - 1}"] if number else [],
            partitions_def=partitions,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def record(context: dg.AssetExecutionContext) -> None:
            context.add_output_metadata({"dagster/row_count": 0, "rows_written": 0, "days": "none", "lake_version": 0})

        return record

    return [idle(number) for number in range(count)]


def seconds_of_backfill(count: int, days: int, instance: dg.DagsterInstance) -> float:
    """Seconds of one run of that many idle assets over that many days."""
    job = dg.Definitions(
        assets=idle_assets(count), jobs=[dg.define_asset_job("backfill")], executor=dg.in_process_executor
    ).get_job_def("backfill")
    last = FIRST_DAY + dt.timedelta(days=days - 1)
    started = time.perf_counter()
    job.execute_in_process(
        instance=instance,
        tags={
            "dagster/asset_partition_range_start": FIRST_DAY.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
        },
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
    )
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--work", type=Path, help="folder on the disk to measure (default: that of temporary files)")
    parser.add_argument("--postgres", metavar="URL", help="an empty database to measure as well")
    asked = parser.parse_args()
    seconds = {}
    with tempfile.TemporaryDirectory(dir=asked.work) as home, dg.DagsterInstance.local_temp(home) as instance:
        seconds["sqlite"] = seconds_of_backfill(asked.assets, asked.days, instance)
    with dg.DagsterInstance.ephemeral() as instance:
        seconds["memory"] = seconds_of_backfill(asked.assets, asked.days, instance)
    if asked.postgres:
        storage = {"storage": {"postgres": {"postgres_url": asked.postgres}}}
        with (
            tempfile.TemporaryDirectory(dir=asked.work) as home,
            dg.DagsterInstance.local_temp(home, overrides=storage) as instance,
        ):
            seconds["postgres"] = seconds_of_backfill(asked.assets, asked.days, instance)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
