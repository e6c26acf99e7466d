"""What sensors and the night's schedules do in one night, on a data folder: `python -m benchmarks.one_night DIR`.

Started by month_of_nights at a time of its own. Prints as JSON the seconds of all of it, and the jobs that ran.
"""

import argparse
import datetime as dt
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from streaming_assets.assets.io import RANGE_END, RANGE_START
from streaming_assets.automation.instance import local_instance
from streaming_assets.automation.jobs import NIGHTLY, STANDING_CHECKS
from streaming_assets.automation.retention import forget_old_runs
from streaming_assets.automation.schedules import last_two_days
from streaming_assets.build import build_definitions, utc_now
from streaming_assets.settings import Settings

SENSORS = ("landing_sensor", "pending_days_sensor")
"""What is left when the files are in, the nightly job makes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    settings = Settings.from_env(data_dir=parser.parse_args().data_dir)
    started = time.perf_counter()
    with local_instance(settings) as instance:
        jobs = list(_night(settings, instance))
        told = _tick(build_definitions(settings).resolve_sensor_def("alerts_sensor"), instance)
        forget_old_runs(instance, utc_now())
    took = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time()}
    print(json.dumps({**took, "jobs": jobs, "alerts": str(told.skip_message)}))


def _night(settings: Settings, instance: dg.DagsterInstance) -> Iterator[str]:
    definitions = build_definitions(settings)
    for name in SENSORS:
        for request in _tick(definitions.resolve_sensor_def(name), instance).run_requests or ():
            yield _run(definitions, instance, str(request.job_name), dict(request.tags))
    days = last_two_days(settings, utc_now())
    tags = {RANGE_START: str(days.first), RANGE_END: str(days.last)}
    yield _run(definitions, instance, NIGHTLY, tags)
    yield _run(definitions, instance, STANDING_CHECKS, {})


def _tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance) -> Any:
    return sensor.evaluate_tick(dg.build_sensor_context(instance))


def _run(definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, tags: dict[str, str]) -> str:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags=tags,
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        raise_on_error=False,
    )
    if not result.success:
        raise RuntimeError(f"{job} failed at {dt.datetime.now()}")
    return job


if __name__ == "__main__":
    main()
