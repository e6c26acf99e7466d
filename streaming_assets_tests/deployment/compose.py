"""deploy/compose.yaml as Compose reads it, and the environment that its containers get."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
_VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")

Service = dict[str, Any]


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def services(values: Mapping[str, str]) -> dict[str, Service]:
    """The services by name, with the values of an .env put in. Raises KeyError for a value that is required and missing."""
    return yaml.safe_load(_filled_in(text("compose.yaml"), values))["services"]


def variables(template: str) -> set[str]:
    """Names of what is to be filled in."""
    return {found["name"] for found in _VARIABLE.finditer(template)}


def lines_of_env_file(env: str, *, commented: bool = False) -> dict[str, str]:
    """What an .env file sets; those too that stand in it as comments, if asked."""
    start = "#?" if commented else ""
    return dict(re.findall(rf"^{start}([A-Z_]+)=(.*)$", env, re.MULTILINE))


def image_environment() -> dict[str, str]:
    """What the Dockerfile sets for every container."""
    (instruction,) = re.findall(r"^ENV ((?:.*\\\n)*.*)$", text("Dockerfile"), re.MULTILINE)
    return dict(pair.split("=", 1) for pair in instruction.replace("\\\n", " ").split())


def environment(service: Service, env: Mapping[str, str]) -> dict[str, str]:
    """The image's, then what the .env file sets for a service that reads it, then the service's own."""
    from_file = dict(env) if service.get("env_file") == ".env" else {}
    return {**image_environment(), **from_file, **service["environment"]}


def health_command(service: Service) -> list[str]:
    """The command that tells whether the service is well."""
    kind, *words = service["healthcheck"]["test"]
    return ["sh", "-c", words[0].replace("$$", "$")] if kind == "CMD-SHELL" else words


def _filled_in(template: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        given = values.get(found["name"])
        return given or (found["rest"] if found["kind"] == "-" else values[found["name"]] or _missing(found["name"]))

    return _VARIABLE.sub(value, template)


def _missing(name: str) -> str:
    raise KeyError(name)
