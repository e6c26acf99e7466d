"""What `streaming-assets experiment` answers: decisions that stand in the lake, and plans from the present data."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis

from streaming_assets.assets.pictures import pages
from streaming_assets.contracts import Table
from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments import assignment, by_day, planning, tables, units
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.window import window_of
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake, reporting_day
from streaming_assets.lake.studies import Study, load_experiments, stale_experiments
from streaming_assets.reporting.experiments import told
from streaming_assets.reporting.words import percent
from streaming_assets.settings import Settings

_SHOWN_LENGTHS = (7, 14, 28, 56)
_NOT_YET = "configured and not computed yet; `streaming-assets run` does it"


class UnknownError(ValueError):
    """What was asked for is not there; the message says what is."""


class NotDecidedError(RuntimeError):
    """The experiment is configured and was not computed yet, or cannot be."""


def show(settings: Settings, wanted: str | None, *, as_json: bool) -> str:
    """One decision with all rows on the experiment, or all decisions; for people or as JSON.

    Raises UnknownError, NotDecidedError.
    """
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        if wanted is None:
            return _all_of_them(lake, as_json=as_json)
        found = pages(lake)
        stale = set(stale_experiments(lake))
    if wanted not in found:
        raise _not_there(settings, wanted, found)
    page = found[wanted]
    is_current = wanted in {one.id for one in load_experiments(settings.experiments_file).valid} and wanted not in stale
    if not as_json:
        return told(page) + ("" if is_current else f"\n\n{_of_another_time(settings)}")
    return _json(
        {
            "is_current": is_current,
            "decision": _decision(page.decision),
            "results": page.results,
            "daily_results": page.daily_results,
            "health": page.health,
            "power": page.power,
        }
    )


def _all_of_them(lake: Lake, *, as_json: bool) -> str:
    """A line each; experiments that are configured only are named to people."""
    decided = sorted(lake.rows(contract.decisions.name), key=lambda row: row["experiment_id"])
    if as_json:
        return _json([_decision(row) for row in decided])
    lines = [f"{row['experiment_id']}: {row['decision']}. {row['reasons'][0]}" for row in decided]
    file = lake.settings.experiments_file
    known = {row["experiment_id"] for row in decided}
    configured = load_experiments(file)
    lines += [f"{one.id}: {_NOT_YET}" for one in configured.valid if one.id not in known]
    lines += [f"refused: {error}" for error in configured.errors]
    return "\n".join(lines) or f"No experiment is decided; {file} configures them."


def _of_another_time(settings: Settings) -> str:
    refused = "".join(f"\nrefused: {error}" for error in load_experiments(settings.experiments_file).errors)
    return (
        f"This decision follows from what was configured and known earlier: in {settings.experiments_file} the entry is "
        f"refused, gone or changed, or data came since. `streaming-assets run` computes what can be.{refused}"
    )


def _not_there(settings: Settings, wanted: str, decided: Iterable[str]) -> Exception:
    found = load_experiments(settings.experiments_file)
    configured = [one.id for one in found.valid]
    if wanted in configured:
        return NotDecidedError(f"{wanted} is {_NOT_YET}")
    names = ", ".join(sorted({*decided, *configured})) or "none"
    refused = "".join(f"\nrefused: {error}" for error in found.errors)
    return UnknownError(f"{wanted} is no experiment of {settings.experiments_file}; there are {names}{refused}")


def _decision(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with what is JSON in it as such."""
    effect = row["rollout_effect"]
    return {**row, "rollout_effect": effect and json.loads(effect)}


def plan(settings: Settings, metric: str | None, lift: float | None, alpha: float, power: float) -> str:
    """Sample size and days for a least detectable lift of a metric, as text. Raises UnknownError, NotDecidedError."""
    if metric is None or lift is None:
        raise UnknownError("plan needs --metric and --mde, such as --metric session_minutes --mde 0.02")
    if lift < 0.0001 or alpha >= 0.5 or power < 0.5:
        raise UnknownError("plan needs --mde of at least 0.0001, --alpha below 0.5 and --power of at least 0.5")
    if metric not in METRICS:
        raise UnknownError(f"--metric {metric}: expected one of {', '.join(METRICS)}")
    with duckdb_engine(settings) as engine:
        study = _rehearsal(Lake(settings, engine), metric)
        known, per_day = _rehearsed(study, metric)
    if not known:
        raise NotDecidedError(f"{metric} cannot be planned: no user who played lately differs from another in it")
    return "\n".join(_told(planning.plan(metric, lift, alpha, power, known, per_day), study))


def _rehearsal(lake: Lake, metric: str) -> Study:
    events = lake.snapshot("core/events")
    first = min((events.days_of(file) for file in events.files), default=None)
    if first is None:
        raise NotDecidedError("there are no events to plan with; `streaming-assets run` takes them in")
    experiment = planning.rehearsal(metric, first, reporting_day(lake))
    return Study(lake, experiment, window_of(experiment, experiment.end))


def _rehearsed(study: Study, metric: str) -> tuple[list[planning.Length], float]:
    """What every length of the rehearsal would have had, and how many new units joined per day lately."""
    window, engine = study.window, study.lake.engine
    # Not in the lake's own scratch folder, which a run that goes on meanwhile empties.
    with TemporaryDirectory() as scratch:

        def kept(rows: ibis.Table, table: Table) -> ibis.Table:
            folder = Path(scratch, table.short_name)
            return engine.scan(table, folder, [file.path for file in engine.write(rows, table, folder)])

        assigned = kept(assignment.assignments(study.experiment, window, study.facts), contract.assignments)
        days = kept(units.unit_days(window, assigned, study.facts), contract.unit_days)
        exposed = kept(units.unit_metrics(window, assigned, days, study.facts), contract.unit_metrics)
        growth = by_day.growth_by_day(days, {}).to_pandas()
        begun = by_day.exposed_by_day(exposed).to_pandas()
        per_day = tables.pace(window, tables.newly_exposed(exposed).to_pandas())
    daily = by_day.daily_sums(growth, begun, window.start, window.last)
    return planning.lengths(METRICS[metric], daily), per_day


def _told(plan: planning.Plan, study: Study) -> Iterator[str]:
    yield (
        f"To find a lift of {percent(plan.lift)} in {plan.metric.name} with {percent(plan.power, 0)} power "
        f"at alpha {plan.alpha:g}, with two arms of equal size, takes"
    )
    yield f"  {plan.units_needed:,} users, " + (
        "more than come: nobody new has played in the last seven days"
        if plan.days is None
        else f"who play within {plan.days:,} day{'s' if plan.days > 1 else ''}"
    )
    first = study.window.start
    yield (
        f"  from {first} to {first + dt.timedelta(days=plan.at.days - 1)}: {plan.at.units:,} users, {plan.metric.meaning} "
        f"{plan.at.mean:,.4g} (standard deviation of a user's part {plan.at.variance**0.5:,.4g})"
    )
    yield "Had an experiment run for so long, it could have shown"
    for length in plan.lengths:
        if length.days in _SHOWN_LENGTHS or length is plan.lengths[-1]:
            lift = length.detectable(plan.alpha, plan.power)
            yield f"  {length.days:>3} days  {length.units:>10,} users  a lift of {percent(lift)}"


def _json(content: object) -> str:
    return json.dumps(content, indent=1, default=str, ensure_ascii=False)
