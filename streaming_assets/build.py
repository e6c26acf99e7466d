"""Everything that Dagster loads, put together for given settings. No I/O happens here.

Assembled explicitly, so that an installed wheel, `dagster dev`, `dg` and tests load the same thing.
"""

import datetime as dt
import functools
import operator
import warnings
from collections.abc import Iterable, Mapping

import dagster as dg

from streaming_assets.assets import core, marts, predictions, raw
from streaming_assets.assets.checks import CheckSet, contract_checks, reference_checks
from streaming_assets.assets.experiments import EXPERIMENTS
from streaming_assets.assets.io import lake_io, lake_resource
from streaming_assets.assets.leakage import leakage_check
from streaming_assets.assets.published import KEY as PUBLISHED
from streaming_assets.assets.published import streaming_duckdb
from streaming_assets.assets.reconciliations import reconciliation_checks
from streaming_assets.assets.spec import asset_key, code_version, made_by_engine
from streaming_assets.automation.alerting import Advice, alerts_sensor
from streaming_assets.automation.clock import Clock
from streaming_assets.automation.freshness import fresh_each_morning
from streaming_assets.automation.jobs import (
    CHECK,
    COMPUTE_DAYS,
    COMPUTE_MARTS,
    DECIDE_EXPERIMENTS,
    INGEST,
    NIGHTLY,
    PUBLISH,
    REFRESH_ENTITIES,
    REFRESH_MODELS,
    STANDING_CHECKS,
    TRAIN_MODELS,
)
from streaming_assets.automation.partitions import daily_partitions, known_days
from streaming_assets.automation.retention import retention_sensor
from streaming_assets.automation.schedules import schedules
from streaming_assets.automation.sensors import sensors
from streaming_assets.automation.standing import STANDING, standing_checks
from streaming_assets.contracts import Table
from streaming_assets.lake.code import code_of_ingest, code_of_models
from streaming_assets.settings import Settings, rules_of

# Range backfills and their partition mappings are marked beta; the versions they were tried with are pinned.
warnings.filterwarnings("ignore", category=dg.BetaWarning)


def utc_now() -> dt.datetime:
    """Now, in UTC without zone."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def check_sets(settings: Settings) -> dict[str, list[CheckSet]]:
    """Every set of checks, by the job in which it runs."""
    daily = [declared.table for declared in core.DAILY]
    reconciled = reconciliation_checks(settings.max_rejected_share)
    of_marts = [declared.table for declared in marts.MARTS]
    of_experiments = [declared.table for declared in EXPERIMENTS]

    def of(tables: Iterable[Table]) -> list[CheckSet]:
        names = {table.name for table in tables}
        return [found for found in reconciled if found.asset in names]

    return {
        INGEST: [*map(contract_checks, (*raw.TABLES, core.CALENDAR.table)), *of(raw.TABLES)],
        COMPUTE_DAYS: [*map(contract_checks, daily), *of(daily)],
        REFRESH_ENTITIES: [
            *(contract_checks(declared.table) for declared in core.ENTITIES),
            *(found for table in daily for found in reference_checks(table)),
        ],
        COMPUTE_MARTS: [*map(contract_checks, of_marts), *of(of_marts)],
        DECIDE_EXPERIMENTS: [*map(contract_checks, of_experiments), *of(of_experiments)],
        REFRESH_MODELS: [*map(contract_checks, predictions.TABLES), *of(predictions.TABLES), leakage_check()],
    }


def subjects(settings: Settings) -> dict[str, str]:
    """Every set of checks as subject → table: what must have been checked before it is published."""
    return {found.subject: found.about for sets in check_sets(settings).values() for found in sets}


def advice(sets: Mapping[str, Iterable[CheckSet]]) -> Advice:
    """What to do when one of these checks fails, or a standing one, by (asset, check)."""
    found = {
        (found.asset, check.name): check.advice
        for found_sets in sets.values()
        for found in found_sets
        for check in found.checks
    }
    return found | {(one.asset, one.name): one.advice for one in STANDING}


def build_definitions(
    settings: Settings, clock: Clock = utc_now, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """Assets, checks, jobs, sensors and resources over the settings' data folder. Raises SettingError if no day can be in it."""
    known_days(settings, clock())
    partitions = daily_partitions(settings)
    rules = rules_of(settings)
    declared = [core.CALENDAR, *core.DAILY, *core.ENTITIES, *marts.MARTS]
    code_versions = {found.table.name: code_version(found.make) for found in declared}
    code_versions |= {found.table.name: code_version(found.made_by) for found in EXPERIMENTS}
    code_versions |= {table.name: code_of_models() for table in predictions.TABLES}
    code_versions |= dict.fromkeys((table.name for table in raw.TABLES), code_of_ingest())
    sets = check_sets(settings)
    checks = {job: [found.definition(clock) for found in found_sets] for job, found_sets in sets.items()}
    by_job = {job: {found.subject: found.about for found in found_sets} for job, found_sets in sets.items()}
    standing = standing_checks(by_job[COMPUTE_DAYS], clock).definition(clock)
    landed = raw.landed_files(settings, clock)
    published = streaming_duckdb(subjects(settings), code_versions, clock)
    selections = {
        INGEST: [table.name for table in raw.TABLES] + [core.CALENDAR.table.name],
        COMPUTE_DAYS: [found.table.name for found in core.DAILY],
        REFRESH_ENTITIES: [found.table.name for found in core.ENTITIES],
        COMPUTE_MARTS: [found.table.name for found in marts.MARTS],
        DECIDE_EXPERIMENTS: [found.table.name for found in EXPERIMENTS],
        REFRESH_MODELS: [table.name for table in predictions.TABLES],
    }
    selected: dict[str, dg.AssetSelection] = {
        job: dg.AssetSelection.assets(*map(asset_key, tables)).without_checks() | dg.AssetSelection.checks(*checks[job])
        for job, tables in selections.items()
    }
    every_check = [found for found_checks in checks.values() for found in found_checks]
    selected |= {
        TRAIN_MODELS: selected[REFRESH_MODELS],
        PUBLISH: dg.AssetSelection.assets(PUBLISHED),
        CHECK: dg.AssetSelection.checks(*every_check),
        STANDING_CHECKS: dg.AssetSelection.checks(standing),
    }
    selected[NIGHTLY] = functools.reduce(operator.or_, (selected[job] for job in _AT_NIGHT))
    tags = {TRAIN_MODELS: {predictions.TRAIN_NOW: "true"}}
    jobs = {
        job: dg.define_asset_job(job, selection=selection, description=_JOB_DESCRIPTIONS[job], run_tags=tags.get(job))
        for job, selection in selected.items()
    }
    assets = [
        landed,
        *(found.definition(partitions, rules) for found in declared),
        *(found.definition() for found in EXPERIMENTS),
        *predictions.definitions(),
    ]
    assets = [*(made_by_engine(asset, settings) for asset in assets), published]
    return dg.Definitions(
        assets=fresh_each_morning(assets, settings.timezone),
        asset_checks=[*every_check, standing],
        jobs=list(jobs.values()),
        sensors=[
            *sensors(settings, clock, by_job, jobs),
            alerts_sensor(settings, clock, advice(sets)),
            retention_sensor(clock),
        ],
        schedules=schedules(settings, clock, jobs),
        resources={"lake": lake_resource(settings), "io_manager": lake_io(settings, clock)},
        executor=dg.in_process_executor,
        loggers=loggers,
    )


def sensor_seconds(settings: Settings) -> dict[str, int]:
    """Every how many seconds each sensor is to be asked, by its name."""
    found = build_definitions(settings).sensors or ()
    return {sensor.name: seconds for sensor in found if (seconds := sensor.minimum_interval_seconds)}


_AT_NIGHT = (COMPUTE_DAYS, REFRESH_ENTITIES, COMPUTE_MARTS, DECIDE_EXPERIMENTS, REFRESH_MODELS, PUBLISH)

_JOB_DESCRIPTIONS = {
    INGEST: "Read whatever is new in landing, and check it.",
    COMPUTE_DAYS: "Make the daily core tables of some days, and check those days.",
    REFRESH_ENTITIES: "Make users and content from all records and days, and check what refers to them.",
    COMPUTE_MARTS: "Make what analysts read, as of T, and check it.",
    DECIDE_EXPERIMENTS: "Compute the experiments whose configuration or data changed, and check them.",
    REFRESH_MODELS: "Train the models that are due, score users, forecast the audience, and check all of it.",
    TRAIN_MODELS: "Train every model now, whether it is due or not; then as refresh_models.",
    PUBLISH: "Build streaming.duckdb from the checked versions and put it in place.",
    NIGHTLY: "The days that are asked for and all that follows from days, whether it is due or not.",
    CHECK: "Run every check on everything that is there.",
    STANDING_CHECKS: "Ask whether yesterday has landed, and whether a day was left behind.",
}
