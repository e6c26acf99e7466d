"""`streaming-assets …`: what a person runs. Exit codes: 0 fine, 1 a blocking check, a step or a file failed, 2 wrong use."""

import argparse
import datetime as dt
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from streaming_assets.automation.jobs import GROUPS
from streaming_assets.errors import (
    ConflictError,
    ContractMismatchError,
    EngineError,
    InstanceError,
    LakeSettingsError,
    LandingMissingError,
)
from streaming_assets.lake.days import Days
from streaming_assets.settings import ENGINES_EXPECTED, SettingError, Settings, engines

if TYPE_CHECKING:
    from dagster import DagsterInstance

FINE, FAILED, WRONG_USE = 0, 1, 2
FORMATS = ("jsonl", "parquet", "lastfm")
EXPORT_FORMATS = ("csv", "parquet")
OUTLOOK_FORMATS = ("text", "csv", "json")
ADVICE_TO_DEVELOPERS = "Function `dev_command` is superseded"
"""How a warning begins that Dagster would greet everybody with who opens the UI; `dg dev` needs one more package."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        code: int = asked.command(asked)
    except (SettingError, LakeSettingsError, EngineError) as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    except (ContractMismatchError, ConflictError, InstanceError, LandingMissingError) as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("stopped; run it again to go on where it was", file=sys.stderr)
        return FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="streaming-assets", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = _command(commands, "run", _run, "take in what is new in landing, compute what it changes, check, publish")
    run.add_argument("--landing", type=Path, help="folder with landed files (default: DIR/landing)")
    run.add_argument(
        "--from", dest="first", type=_date, metavar="DATE", help="compute this day and the following again"
    )
    run.add_argument("--to", dest="last", type=_date, metavar="DATE", help="last day to compute again")
    run.add_argument(
        "--groups", type=_groups, default=GROUPS, metavar="GROUP,…", help=f"only these of {','.join(GROUPS)}"
    )

    _with_engine(run)

    simulate = _command(
        commands, "simulate", _simulate, "write a simulated landing folder with planted truth", data=False
    )
    simulate.add_argument("--users", type=_positive, required=True)
    simulate.add_argument("--days", type=_positive, required=True)
    simulate.add_argument("--seed", type=int, default=1)
    simulate.add_argument("--out", type=Path, required=True, help="new or empty folder")
    simulate.add_argument("--format", choices=FORMATS, default="jsonl")

    _command(commands, "status", _status, "files, days, stale tables, checks that stand failed")
    export = _command(commands, "export", _export, "write a published table as CSV or Parquet")
    export.add_argument("table", metavar="TABLE", help="group/name such as marts/retention, or all")
    export.add_argument("--format", choices=EXPORT_FORMATS, default="csv")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write; with all, a folder")
    _command(commands, "check", _check, "run every check on everything that is there")
    experiment = _command(
        commands, "experiment", _experiment, "print a decision with its evidence, or plan an experiment"
    )
    experiment.add_argument("id", nargs="?", metavar="ID", help="of experiments.yaml; `plan`; all where it is left out")
    experiment.add_argument("--json", action="store_true", help="for machines: all rows on the experiment")
    experiment.add_argument("--metric", metavar="NAME", help="plan: what is to change")
    experiment.add_argument("--mde", type=_fraction, metavar="SHARE", help="plan: least lift to find, such as 0.02")
    experiment.add_argument("--power", type=_fraction, default=0.8, metavar="SHARE", help="plan: chance to find it")
    experiment.add_argument(
        "--alpha", type=_fraction, default=0.05, metavar="SHARE", help="plan: chance of a false alarm"
    )
    at_risk = _command(commands, "at-risk", _at_risk, "list the users most likely to leave, with reasons and remedies")
    at_risk.add_argument("--top", type=_up_to_a_million, default=20, metavar="N", help="how many users (default: 20)")
    at_risk.add_argument(
        "--driver", metavar="DRIVER", help="only those whose risk is associated most with it, such as playback"
    )
    at_risk.add_argument("--format", choices=OUTLOOK_FORMATS, default="text")
    forecast = _command(commands, "forecast", _forecast, "print the audience of the next 24 hours, with intervals")
    forecast.add_argument("--format", choices=OUTLOOK_FORMATS, default="text")
    ui = _command(commands, "ui", _ui, "open the Dagster UI on this data folder: webserver and daemon")
    ui.add_argument("--port", type=_positive, default=3000)
    rebuild = _command(commands, "rebuild", _rebuild, "put the lake aside and make it anew from the landed files")
    rebuild.add_argument("--landing", type=Path, help="folder with landed files (default: DIR/landing)")
    rebuild.add_argument(
        "--forget-missing", action="store_true", help="go on though loaded files are no longer in landing"
    )
    _with_engine(rebuild)
    return parser


def _with_engine(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--engine",
        type=_engine,
        metavar="ENGINE",
        help="duckdb or spark, or an engine for some groups such as spark,marts=duckdb (default: STREAMING_ASSETS_ENGINE)",
    )


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: Callable[[argparse.Namespace], int],
    help_: str,
    data: bool = True,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".")
    command.set_defaults(command=function)
    if data:
        command.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of the lake (default: data)")
    return command


def _run(asked: argparse.Namespace) -> int:
    from streaming_assets.automation.instance import local_instance
    from streaming_assets.automation.pipeline import Pipeline
    from streaming_assets.automation.report import report, watch

    settings = _settings_to_compute(asked)
    _require_landing(settings)
    days = _asked_days(asked, settings)
    with local_instance(settings) as instance:
        steps = Pipeline(settings, instance, watch=watch).run(days, asked.groups)
        is_fine = report(settings, steps)
        _tell(settings, instance)
    return FINE if is_fine else FAILED


def _simulate(asked: argparse.Namespace) -> int:
    from streaming_assets.simulate import simulate

    try:
        made = simulate(asked.users, asked.days, asked.seed, asked.out, asked.format)
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    print(
        f"{made.files:,} files with {made.rows:,} event rows ({made.rejected:,} of them broken on purpose) in "
        f"{made.out / 'landing'}\n{made.plays:,} plays by {made.users_with_a_play:,} users, {made.first_day} to {made.last_day}\n"
        f"Corrected files to land later: {made.out / 'corrections'}; what was planted: {made.out / 'truth.json'}\n"
        f"Next: streaming-assets run --data-dir {made.out}"
    )
    return FINE


def _status(asked: argparse.Namespace) -> int:
    from streaming_assets.automation.report import status

    print(status(_settings(asked)))
    return FINE


def _check(asked: argparse.Namespace) -> int:
    from streaming_assets.automation.instance import local_instance
    from streaming_assets.automation.pipeline import Pipeline
    from streaming_assets.automation.report import checks_report, watch

    settings = _settings_to_compute(asked)
    _require_lake(settings)
    with local_instance(settings) as instance:
        steps = Pipeline(settings, instance, watch=watch).check()
        _tell(settings, instance)
    return FINE if checks_report(steps) else FAILED


def _tell(settings: Settings, instance: "DagsterInstance") -> None:
    """Alerts of what stands failed. That they cannot go out changes nothing about what was computed."""
    from streaming_assets.alerts.record import RecordUnreadableError
    from streaming_assets.automation.alerting import tell, troubles
    from streaming_assets.build import advice, check_sets, utc_now

    try:
        record = tell(settings, instance, utc_now, advice(check_sets(settings)))
    except (OSError, RecordUnreadableError) as error:
        print(f"alerts were not sent: {error}", file=sys.stderr)
        return
    for trouble in troubles(record):
        print(f"alerts: {trouble}", file=sys.stderr)


def _export(asked: argparse.Namespace) -> int:
    from streaming_assets.export import ExportFailedError, ExportRefusedError, export

    try:
        for table, rows, file in export(_settings(asked), asked.table, asked.format, asked.out):
            print(f"{table}: {rows:,} rows in {file}")
    except ExportRefusedError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    except ExportFailedError as error:
        print(error, file=sys.stderr)
        return FAILED
    return FINE


def _experiment(asked: argparse.Namespace) -> int:
    from streaming_assets.automation import decisions

    settings = _settings(asked)
    _require_lake(settings)
    try:
        if asked.id == "plan" and asked.json:
            raise decisions.UnknownError("--json is for decisions; a plan is text")
        if asked.id != "plan" and (asked.metric is not None or asked.mde is not None):
            raise decisions.UnknownError("--metric and --mde are for `experiment plan`")
        if asked.id == "plan":
            print(decisions.plan(settings, asked.metric, asked.mde, asked.alpha, asked.power))
        else:
            print(decisions.show(settings, asked.id, as_json=asked.json))
    except decisions.UnknownError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    except decisions.NotDecidedError as error:
        print(error, file=sys.stderr)
        return FAILED
    return FINE


def _at_risk(asked: argparse.Namespace) -> int:
    from streaming_assets.automation.outlook import at_risk

    return _outlook(asked, lambda settings: at_risk(settings, asked.top, asked.driver, asked.format))


def _forecast(asked: argparse.Namespace) -> int:
    from streaming_assets.automation.outlook import forecast

    return _outlook(asked, lambda settings: forecast(settings, asked.format))


def _outlook(asked: argparse.Namespace, tell: Callable[[Settings], str]) -> int:
    from streaming_assets.automation.outlook import NoModelError, UnknownDriverError

    settings = _settings(asked)
    _require_lake(settings)
    try:
        print(tell(settings))
    except UnknownDriverError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    except NoModelError as error:
        print(error, file=sys.stderr)
        return FAILED
    return FINE


def _ui(asked: argparse.Namespace) -> int:
    from streaming_assets.automation.instance import (
        ONE_PLANNED_EVENT_PER_ASSET,
        prepare_home,
        require_config_found_by_dagster,
    )

    settings = _settings(asked)
    home = prepare_home(settings)
    require_config_found_by_dagster(home)
    environment = {
        **ONE_PLANNED_EVENT_PER_ASSET,
        "STREAMING_ASSETS_UI_URL": f"http://localhost:{asked.port}",
        "PYTHONWARNINGS": f"ignore:{ADVICE_TO_DEVELOPERS}",
        **os.environ,
        "DAGSTER_HOME": home,
        "STREAMING_ASSETS_DATA_DIR": str(settings.data_dir.resolve()),
        "STREAMING_ASSETS_LANDING": str(settings.landing_dir.resolve()),
    }
    program = Path(sys.executable).with_name("dagster")
    command = [str(program), "dev", "--module-name", "streaming_assets.definitions", "--port", str(asked.port)]
    # In a folder with a dagster.yaml of its own, Dagster would warn that it does not use that one.
    os.chdir(home)
    os.execve(program, command, environment)  # noqa: S606 - the UI takes this process's place


def _rebuild(asked: argparse.Namespace) -> int:
    from streaming_assets.automation.rebuild import MissingFilesError, put_aside

    settings = _settings_to_compute(asked)
    _require_landing(settings)
    _require_lake(settings)
    try:
        kept = put_aside(settings, asked.forget_missing)
    except MissingFilesError as error:
        print(error, file=sys.stderr)
        return FAILED
    print(f"the lake so far is kept in {kept}; delete it when the new one is as you want it")
    asked.first = asked.last = None
    asked.groups = GROUPS
    return _run(asked)


def _settings(asked: argparse.Namespace) -> Settings:
    """The settings that a command computes with, or reads what was computed. engine: of commands that let one choose."""
    return Settings.from_env(
        data_dir=asked.data_dir, landing=getattr(asked, "landing", None), engine=getattr(asked, "engine", None)
    )


def _settings_to_compute(asked: argparse.Namespace) -> Settings:
    """`_settings`, of a command that needs the engines which they name. Raises EngineError before anything is touched."""
    from streaming_assets.lake.engine import require_engines

    settings = _settings(asked)
    require_engines(settings)
    return settings


def _require_landing(settings: Settings) -> None:
    if not settings.landing_dir.is_dir():
        raise SettingError(
            f"landing folder {settings.landing_dir} is not there; make it and put files into it, or name one with --landing"
        )


def _require_lake(settings: Settings) -> None:
    if not settings.lake_dir.is_dir():
        raise SettingError(f"there is no lake in {settings.data_dir}; `streaming-assets run` makes one")


def _asked_days(asked: argparse.Namespace, settings: Settings) -> Days | None:
    from streaming_assets.automation.partitions import known_days
    from streaming_assets.build import utc_now

    if asked.first is None and asked.last is None:
        return None
    first, last = asked.first or asked.last, asked.last or asked.first
    if first > last:
        raise SettingError(f"--from {first} is later than --to {last}")
    known = known_days(settings, utc_now())
    if first not in known or last not in known:
        raise SettingError(f"--from {first} --to {last}: expected days from {known.first} to {known.last}")
    return Days(first, last)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-03-01") from None


def _engine(text: str) -> str:
    try:
        return engines(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected {ENGINES_EXPECTED}") from None


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number


def _up_to_a_million(text: str) -> int:
    number = _positive(text)
    if number > 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is more than 1,000,000; `export models/churn_scores` has everybody")
    return number


def _fraction(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return number


def _groups(text: str) -> tuple[str, ...]:
    wanted = tuple(text.split(","))
    unknown = [name for name in wanted if name not in GROUPS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{','.join(unknown)} is no group; the groups are {','.join(GROUPS)}")
    return wanted


def command(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program: `main`, then out at once, as everything is closed and written by then.

    An orderly end of the interpreter would let DuckDB's binding complain of types that Ibis still refers to.
    """
    try:
        code = main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read, as `head` does, has seen enough.
        code = FINE
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    command()
