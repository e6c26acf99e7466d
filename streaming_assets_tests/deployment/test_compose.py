"""The files under deploy/ fit each other and the project: whoever fills in .env.example gets containers that start."""

import re
import shlex
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest
import yaml

from streaming_assets.automation.instance import ONE_PLANNED_EVENT_PER_ASSET
from streaming_assets.settings import PREFIX, Settings, bytes_of
from streaming_assets_tests.deployment import compose

EXAMPLE = compose.text(".env.example")
FILLED_IN = {
    "POSTGRES_PASSWORD": "a-password",
    "DATA_FOLDER": "/home/team/data",
    "LANDING_FOLDER": "/home/team/landing",
}
SERVICES = compose.services(FILLED_IN)
OURS = [name for name, service in SERVICES.items() if "build" in service]
LASTING = [name for name, service in SERVICES.items() if service["restart"] != "no"]


def references(config: Any) -> set[str]:
    """Names of environment variables that a Dagster YAML file refers to, as { env: NAME }."""
    if isinstance(config, dict):
        return {config["env"]} if set(config) == {"env"} else set().union(*map(references, config.values()))
    return set().union(*map(references, config)) if isinstance(config, list) else set()


def bytes_of_limit(service: str) -> int:
    limit = SERVICES[service]["deploy"]["resources"]["limits"]["memory"]
    return bytes_of(limit.replace("g", "GiB"))


def test_a_webserver_a_daemon_a_code_server_and_postgresql_are_served():
    assert set(SERVICES) == {"postgres", "storage", "code", "daemon", "webserver"}
    assert set(OURS) == set(SERVICES) - {"postgres"}


@pytest.mark.parametrize("required", FILLED_IN)
def test_what_has_no_default_is_asked_for_by_name(required):
    with pytest.raises(KeyError, match=required):
        compose.services({**FILLED_IN, required: ""})
    assert compose.lines_of_env_file(EXAMPLE)[required] == ""


def test_the_example_names_every_value_that_the_compose_file_takes_and_no_other():
    names = compose.variables(compose.text("compose.yaml"))
    named = compose.lines_of_env_file(EXAMPLE, commented=True)
    assert {name for name in named if not name.startswith(PREFIX)} == names
    assert set(compose.lines_of_env_file(EXAMPLE)) == set(FILLED_IN)


def test_the_defaults_that_the_example_shows_are_those_of_the_compose_file():
    shown = compose.lines_of_env_file(EXAMPLE, commented=True)
    defaults = {**shown, **FILLED_IN}
    assert compose.services(defaults) == SERVICES


def test_every_setting_of_the_example_is_accepted_as_it_stands_there():
    shown = compose.lines_of_env_file(EXAMPLE, commented=True)
    settings = Settings.from_env({name: value for name, value in shown.items() if name.startswith(PREFIX)})
    assert settings.ui_url == Settings().ui_url
    assert settings.memory_limit == Settings().memory_limit
    assert settings.alert_webhook
    assert settings.alert_smtp_password


@pytest.mark.parametrize("service", OURS)
def test_each_service_has_what_the_instance_and_the_workspace_refer_to(service):
    given = compose.environment(SERVICES[service], {})
    assert references(yaml.safe_load(compose.text("dagster.yaml"))) <= set(given)
    assert references(yaml.safe_load(compose.text("workspace.yaml"))) <= set(given)
    assert ONE_PLANNED_EVENT_PER_ASSET.items() <= given.items()
    mounted = {target for _, target in map(short_volume, SERVICES[service]["volumes"])}
    assert {given["DAGSTER_HOME"], f"{given['DAGSTER_HOME']}/dagster.yaml"} <= mounted


def short_volume(volume: str | dict[str, Any]) -> tuple[str, str]:
    """Source and target of a volume."""
    if isinstance(volume, dict):
        return volume["source"], volume["target"]
    source, target, *_ = volume.split(":")
    return source, target


def test_the_settings_reach_the_code_server_and_its_folders_are_mounted():
    code = SERVICES["code"]
    own = compose.environment(code, {f"{PREFIX}ALERT_WEBHOOK": "https://example.com/a", f"{PREFIX}DATA_DIR": "/else"})
    settings = Settings.from_env(own)
    assert settings.alert_webhook == "https://example.com/a"
    volumes = dict(map(short_volume, code["volumes"]))
    assert str(settings.data_dir) == volumes[FILLED_IN["DATA_FOLDER"]]
    assert str(settings.landing_dir) == volumes[FILLED_IN["LANDING_FOLDER"]]


def test_only_the_code_server_which_executes_the_runs_has_the_data_and_the_secrets():
    for name in OURS:
        holds = [source for source, _ in map(short_volume, SERVICES[name]["volumes"]) if source in FILLED_IN.values()]
        assert bool(holds) == (name == "code")
        assert ("env_file" in SERVICES[name]) == (name == "code")


@pytest.mark.parametrize("service", LASTING)
def test_each_service_that_lasts_is_restarted_and_has_a_health_check(service):
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert SERVICES[service]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_limits_of_memory_and_processor(service):
    limits = SERVICES[service]["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) >= 1
    assert bytes_of_limit(service) >= 10**9


def test_the_code_server_has_memory_for_the_engine_and_for_python():
    assert bytes_of_limit("code") >= bytes_of(Settings().memory_limit) + 3 * 10**9
    assert SERVICES["code"]["environment"][f"{PREFIX}THREADS"] == int(
        SERVICES["code"]["deploy"]["resources"]["limits"]["cpus"]
    )


def test_what_a_service_waits_for_tells_when_it_is_there():
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            lasts = name in LASTING
            assert how["condition"] == ("service_healthy" if lasts else "service_completed_successfully")


@pytest.mark.parametrize(
    "command",
    [
        *(SERVICES[name]["command"] for name in OURS),
        *(compose.health_command(SERVICES[name]) for name in OURS if name in LASTING),
    ],
    ids=" ".join,
)
def test_every_program_that_is_called_is_installed_and_knows_its_options(command, monkeypatch, capsys):
    program, *rest = shlex.split(command[2]) if command[0] == "sh" else command
    if program == "python":
        compile(rest[1], "health check", "exec")
        return
    (installed,) = entry_points(group="console_scripts", name=program)
    subcommands = [word for word in rest if re.fullmatch(r"[a-z][a-z-]*", word)]
    monkeypatch.setattr(sys, "argv", [program, *subcommands, "--help"])
    with pytest.raises(SystemExit) as left:
        installed.load()()
    assert left.value.code == 0
    assert {word for word in rest if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


@pytest.mark.parametrize("file", sorted(path.name for path in compose.DEPLOY.iterdir() if path.name != ".env"))
def test_no_secret_is_in_the_repository(file):
    assigned = re.findall(r"(?:PASSWORD|SECRET|TOKEN)\"?[:=] *(\S+)", compose.text(file))
    assert set(assigned) <= {"${POSTGRES_PASSWORD:?is", "secret"}


def test_the_image_runs_as_a_user_without_privileges_on_what_the_lock_says():
    dockerfile = compose.text("Dockerfile")
    assert re.findall(r"^FROM (.*)$", dockerfile, re.MULTILINE) == ["python:3.11-slim"]
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["streaming"]
    assert "--constraint /src/requirements.lock '/src[deploy]'" in dockerfile


def test_the_image_is_built_from_all_that_the_package_needs():
    ignored, *kept = compose.text("Dockerfile.dockerignore").splitlines()
    assert ignored == "*"
    assert {"pyproject.toml", "setup.py", "README.md", "requirements.lock", "streaming_assets"} <= {
        line.removeprefix("!") for line in kept
    }


def test_the_lock_holds_what_the_deployment_adds():
    lock = (compose.DEPLOY.parent / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    assert locked["dagster-postgres"] == locked["dagster-duckdb"]
    assert "psycopg2-binary" in locked
