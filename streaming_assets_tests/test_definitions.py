"""What Dagster loads: every asset, check and job, and that every way in loads the same.

`UPDATE_SNAPSHOT=1 python -m pytest streaming_assets_tests/test_definitions.py` writes definitions.txt anew.
"""

import datetime as dt
import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest
import yaml

from streaming_assets import contracts
from streaming_assets.build import build_definitions
from streaming_assets.settings import Settings

PROJECT = Path(__file__).parents[1]
SNAPSHOT = Path(__file__).with_name("definitions.txt")
BIN = Path(sys.executable).parent
ENTRY_POINT = "streaming_assets.definitions"

LOADED = build_definitions(Settings())
SPECS = {
    spec.key.to_user_string(): spec for spec in sorted(LOADED.resolve_all_asset_specs(), key=lambda spec: spec.key.path)
}
CHECKS = [spec for found in LOADED.asset_checks or () for spec in found.check_specs]
TABLES = [table for table in contracts.ALL.values() if table.group != "meta"]

# They tell, and stop nothing: what they see is odd, and yet can be true.
WARNINGS = {
    ("raw/event_files", "every_landed_file_was_read"),
    ("raw/events", "at_most_1_percent_of_a_days_rows_are_rejected"),
    ("core/events", "at_most_5_percent_of_a_days_rows_are_duplicates"),
    ("core/events", "every_event_id_is_on_one_day"),
    ("core/events", "daily_volume_is_within_the_seasonal_band"),
    ("core/events", "null_shares_are_those_of_the_28_days_before"),
    ("core/events", "watch_times_are_distributed_as_in_the_28_days_before"),
    ("core/events", "at_most_5_percent_of_a_days_events_are_late"),
    ("core/events", "yesterday_has_landed"),
    ("core/events", "no_partition_is_left_failed"),
    ("models/churn_candidates", "the_challenger_is_calibrated"),
    ("models/churn_champion", "no_single_feature_tells_too_much"),
    ("models/feature_drift", "features_are_distributed_as_in_training"),
    ("models/realised_performance", "scores_have_come_true_better_than_the_base_rate"),
    ("models/forecast_summary", "80_percent_intervals_hold_72_to_88_percent"),
}


def snapshot() -> str:
    """Assets by group with their days and checks, then what is launched, one per line."""
    checks = Counter(spec.asset_key.to_user_string() for spec in CHECKS)
    lines = ["# Made by UPDATE_SNAPSHOT=1 python -m pytest streaming_assets_tests/test_definitions.py", ""]
    for name, spec in SPECS.items():
        days = f"partitions {spec.partitions_def}" if spec.partitions_def else "no partitions"
        lines.append(f"asset {name} | group {spec.group_name} | {days} | {checks[name]} checks")
    lines.append("")
    lines += [
        f"check {spec.asset_key.to_user_string()}: {spec.name}" + ("" if spec.blocking else " (warns)")
        for spec in sorted(CHECKS, key=lambda spec: spec.key)
    ]
    lines.append("")
    lines += sorted(f"job {job.name}: {job.description}" for job in LOADED.jobs or ())
    lines += sorted(f"schedule {schedule.name}" for schedule in LOADED.schedules or ())
    lines += sorted(f"sensor {sensor.name}" for sensor in LOADED.sensors or ())
    return "\n".join(lines) + "\n"


def test_the_definitions_are_those_of_the_committed_snapshot():
    if os.environ.get("UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(snapshot(), encoding="utf-8")
    assert snapshot() == SNAPSHOT.read_text(encoding="utf-8"), "see the first line of definitions.txt"


def test_every_table_of_the_contracts_is_an_asset_but_for_what_the_lake_remembers_of_itself():
    assert set(SPECS) == {table.name for table in TABLES} | {"published/streaming_duckdb"}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_asset_says_what_it_is_whose_it_is_and_of_which_code(spec: dg.AssetSpec):
    assert spec.description
    assert spec.owners
    assert spec.kinds
    assert spec.code_version
    assert spec.group_name == spec.key.path[0]


def test_an_asset_names_the_engine_that_makes_it():
    mixed = build_definitions(Settings(engine="spark,marts=duckdb"))
    kinds = {spec.key.to_user_string(): spec.kinds for spec in mixed.resolve_all_asset_specs()}
    assert kinds["core/plays"] == {"ibis", "deltalake", "spark"}
    assert kinds["marts/retention"] == {"ibis", "deltalake", "duckdb"}
    assert kinds["published/streaming_duckdb"] == {"duckdb"}
    assert SPECS["core/plays"].kinds == {"ibis", "deltalake", "duckdb"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_ui_shows_grain_key_and_columns_of_the_contract(table: contracts.Table):
    spec = SPECS[table.name]
    columns = spec.metadata["dagster/column_schema"].columns
    assert [(column.name, column.type, column.description) for column in columns] == [
        (column.name, column.type, column.description) for column in table.columns
    ]
    assert {column.name for column in columns if not column.constraints.nullable} == {
        column.name for column in table.columns if column.not_null
    }
    assert table.grain in spec.description
    assert ", ".join(table.key) in spec.description


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_tables_that_are_computed_by_days_share_one_calendar_of_partitions(table: contracts.Table):
    partitions = SPECS[table.name].partitions_def
    if table.group != "core" or table.day_column is None:
        assert partitions is None  # landed files come when they come; entities are made of all days
    else:
        assert partitions == dg.DailyPartitionsDefinition("2005-01-01", timezone="UTC", end_offset=2)


def test_a_range_of_days_is_one_run():
    daily = [asset for asset in LOADED.assets or () if isinstance(asset, dg.AssetsDefinition) and asset.partitions_def]
    assert daily
    assert {asset.backfill_policy for asset in daily} == {dg.BackfillPolicy.single_run()}


def test_events_and_the_published_file_are_to_be_made_each_night_of_the_reporting_zone():
    specs = build_definitions(Settings(timezone="Asia/Kolkata")).resolve_all_asset_specs()
    policies = {spec.key.to_user_string(): spec.freshness_policy for spec in specs if spec.freshness_policy}
    night = dg.FreshnessPolicy.cron("0 7 * * *", dt.timedelta(hours=7), "Asia/Kolkata")
    assert policies == {"core/events": night, "published/streaming_duckdb": night}


def test_partitions_follow_the_settings():
    settings = Settings(timezone="Asia/Kolkata", start_date=Settings().start_date.replace(year=2020))
    found = {
        spec.partitions_def for spec in build_definitions(settings).resolve_all_asset_specs() if spec.partitions_def
    }
    assert found == {dg.DailyPartitionsDefinition("2020-01-01", timezone="Asia/Kolkata", end_offset=2)}


def test_no_asset_has_two_checks_of_one_name():
    repeated = {key: count for key, count in Counter(spec.key for spec in CHECKS).items() if count > 1}
    assert repeated == {}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_a_check_of_its_key_and_of_each_column_that_is_always_known(table: contracts.Table):
    names = {spec.name for spec in CHECKS if spec.asset_key == SPECS[table.name].key}
    verb = "is" if len(table.key) == 1 else "are"
    expected = {f"{'_and_'.join(table.key)}_{verb}_unique"}
    expected |= {f"{column.name}_is_not_null" for column in table.columns if column.not_null}
    assert expected <= names


def test_every_reference_of_a_contract_is_checked_on_the_table_that_is_referred_to():
    expected = {
        (
            column.refers_to.table,
            f"{table.name.replace('/', '_')}_{column.name}_exists_in_{column.refers_to.table.replace('/', '_')}",
        )
        for table in TABLES
        for column in table.columns
        if column.refers_to
    }
    assert expected
    assert expected <= {(spec.asset_key.to_user_string(), spec.name) for spec in CHECKS}


def test_every_check_stops_what_is_downstream_but_for_those_that_warn():
    assert {(spec.asset_key.to_user_string(), spec.name) for spec in CHECKS if not spec.blocking} == WARNINGS


def test_checks_say_what_they_hold_for_true():
    assert [spec.key for spec in CHECKS if not spec.description] == []


def test_no_asset_is_read_before_it_is_made():
    known = set(SPECS)
    for spec in SPECS.values():
        assert {dep.asset_key.to_user_string() for dep in spec.deps} <= known
    assert {dep.asset_key.to_user_string() for dep in SPECS["published/streaming_duckdb"].deps} == {
        table.name for table in TABLES if table.name not in ("raw/events", "raw/users", "raw/content")
    }


def test_every_way_in_names_one_entry_point():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    workspace = yaml.safe_load((PROJECT / "workspace.yaml").read_text(encoding="utf-8"))
    (location,) = workspace["load_from"]
    assert project["tool"]["dagster"]["module_name"] == ENTRY_POINT
    assert project["tool"]["dg"]["project"]["code_location_target_module"] == ENTRY_POINT
    assert location["python_module"]["module_name"] == ENTRY_POINT


def command(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the environment, run as its user would, in a Dagster home that sends nothing anywhere."""
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMING_ASSETS_")}
    environment |= {"DAGSTER_HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [str(BIN / arguments[0]), *arguments[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_dagster_finds_the_definitions_in_the_projects_folder(tmp_path):
    done = command(PROJECT, tmp_path, "dagster", "definitions", "validate")
    assert done.returncode == 0, done.stderr
    assert "All code locations passed validation" in done.stderr + done.stdout


def test_dg_finds_the_definitions_in_the_projects_folder(tmp_path):
    pytest.importorskip("dagster_dg_cli", reason="dagster-dg-cli is not in this environment")
    done = command(PROJECT, tmp_path, "dg", "check", "defs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout
