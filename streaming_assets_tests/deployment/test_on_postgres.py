"""The deployment without its containers: a real PostgreSQL server, and the compose file's commands beside each other."""

import datetime as dt
import importlib.util
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from streaming_assets_tests.deployment.postgres import Server, free_port, programs, server
from streaming_assets_tests.deployment.processes import Deployment
from streaming_assets_tests.end_to_end.service import steady_week

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        programs() is None, reason="no PostgreSQL server is installed (Debian: apt-get install postgresql)"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("dagster_postgres") is None, reason="the extra `deploy` is not installed"
    ),
]
PASSWORD = "p@ss/word:of a test"
SECONDS_TO_BE_PUBLISHED = 900


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    installed = programs()
    assert installed
    with server(installed, "dagster", PASSWORD, "dagster") as started:
        yield started


@pytest.fixture(scope="module")
def deployment(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything is up, and one day's file has gone from landing to the published file."""
    settings = {"STREAMING_ASSETS_SETTLE_SECONDS": "0", "STREAMING_ASSETS_MEMORY_LIMIT": "1GB"}
    with Deployment(tmp_path_factory.mktemp("deployment"), postgres, settings).up() as running:
        yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
        for path, rows in steady_week(yesterday, 1).items():
            landed = running.landing / path
            landed.parent.mkdir(parents=True)
            landed.write_text(rows)
        running.until(lambda: "publish" in jobs_done(postgres), SECONDS_TO_BE_PUBLISHED)
        yield running


def jobs_done(postgres: Server) -> set[str]:
    return {job for (job,) in postgres.query("SELECT pipeline_name FROM runs WHERE status = 'SUCCESS'")}


def test_a_file_dropped_into_landing_is_published_without_anyone_touching_anything(deployment: Deployment):
    with duckdb.connect(str(deployment.data / "streaming.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT count(DISTINCT user_id), sum(plays) FROM core.sessions").fetchall()
    assert found == [(6, 18)]  # six users, each at 8, 13 and 21 o'clock


def test_the_webserver_answers_and_has_loaded_the_code(deployment: Deployment):
    address = f"http://127.0.0.1:{deployment.webserver_port}"
    with urllib.request.urlopen(f"{address}/server_info") as answer:
        assert "dagster_webserver_version" in json.load(answer)
    query = "{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } } }"
    asked = urllib.request.Request(
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked) as answer:
        found = json.load(answer)["data"]["workspaceOrError"]["locationEntries"]
    assert found == [
        {"name": "streaming_assets", "locationOrLoadError": {"__typename": "RepositoryLocation"}},
    ]


def test_runs_events_and_ticks_are_in_postgresql_and_in_no_file(deployment: Deployment, postgres: Server):
    assert {"ingest", "compute_days", "publish"} <= jobs_done(postgres)
    of_events = "FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    materialised = {key for (key,) in postgres.query(f"SELECT DISTINCT asset_key {of_events}")}
    assert {'["core", "sessions"]', '["published", "streaming_duckdb"]'} <= materialised
    assert postgres.query("SELECT count(*) > 0 FROM job_ticks WHERE status = 'SUCCESS'") == [("t",)]
    assert [path for path in deployment.home.rglob("*.db*") if path.is_file()] == []


def test_what_runs_print_is_where_the_webserver_looks(deployment: Deployment, postgres: Server):
    (run_id,) = postgres.query("SELECT run_id FROM runs WHERE pipeline_name = 'ingest' LIMIT 1")[0]
    assert [*(deployment.home / "storage" / run_id / "compute_logs").iterdir()]


def test_the_command_line_works_in_the_code_server_on_the_same_instance(deployment: Deployment, postgres: Server):
    deployment.call("code", "streaming-assets", "check")
    assert "check_everything" in jobs_done(postgres)


def test_the_password_is_in_nothing_that_is_printed_or_recorded(deployment: Deployment, postgres: Server):
    written = [path for folder in (deployment.logs, deployment.home) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in written if PASSWORD.encode() in path.read_bytes()] == []
    assert postgres.query(f"SELECT count(*) FROM event_logs WHERE position('{PASSWORD}' in event) > 0") == [("0",)]
    assert postgres.query(f"SELECT count(*) FROM runs WHERE position('{PASSWORD}' in run_body) > 0") == [("0",)]


def test_a_database_server_that_is_away_is_named_and_nothing_is_computed(tmp_path: Path):
    away = Server(Path(), free_port(), "dagster", PASSWORD, "dagster")
    nowhere = Deployment(tmp_path, away, {})
    with pytest.raises(subprocess.CalledProcessError) as ended:
        nowhere.call("code", "streaming-assets", "run")
    assert ended.value.returncode == 1
    told = nowhere.told().splitlines()
    assert f"Dagster's own storage, as {nowhere.home} has it, failed: " in nowhere.told()
    assert told[-1].endswith("see whether the disk is full, or the database server away")
    assert "Traceback" not in nowhere.told()
    assert not (nowhere.data / "lake").exists()
