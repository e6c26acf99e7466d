"""How often the pipeline finds what is not there, and how often its intervals hold what is.

One simulated audience to whom nothing was done, an A/A experiment on it, and as many assignments as are asked for, each
by a salt of its own. Everything that decides is the pipeline's own code.
"""

import datetime as dt
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import pipeline_runs
from benchmarks.experiments_salts import Draw, Planted, Population, Sums
from streaming_assets.experiments.by_day import daily_sums
from streaming_assets.experiments.config import CONTROL, Experiment
from streaming_assets.experiments.decision import Evidence, decide
from streaming_assets.experiments.health import Logged, health
from streaming_assets.experiments.inference import Method, Result, one_result, results
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.multiplicity import holm
from streaming_assets.experiments.window import Window, window_of
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.studies import Study
from streaming_assets.settings import Settings
from streaming_assets.simulate import simulate
from streaming_assets.simulate.treatments import NO_EFFECTS

USERS, DAYS, SEED = 4_000, 90, 4
FIRST_DAY = dt.date(2026, 3, 1)
DAYS_BEFORE, LENGTH = 45, 40
MEMORY_LIMIT = "4GB"
TREATMENT = "treatment"
FACTORS = (1.03, 1.10)
TOGETHER = (("session_minutes", "plays_per_user", "watch_hours"), ("sessions_per_user",))
"""Metrics whose numerators are multiplied by a factor; sessions apart, since session_minutes divides by them."""

EXPERIMENT = Experiment.model_validate(
    {
        "id": "calibration",
        "start": FIRST_DAY + dt.timedelta(days=DAYS_BEFORE),
        "end": FIRST_DAY + dt.timedelta(days=DAYS_BEFORE + LENGTH - 1),
        "exposure": "first_play",
        "assignment": {"salt": "calibration", "variants": {CONTROL: 50, TREATMENT: 50}},
        "primary": "session_minutes",
        "guardrails": {"skip_rate": 0.05, "sessions_per_user": 0.05, "d1_retention": 0.05, "creator_diversity": 0.05},
    }
)
AS_AA = EXPERIMENT.model_copy(update={"kind": "aa"})
AS_SEQUENTIAL = EXPERIMENT.model_copy(update={"analysis": "sequential"})
GROWING = tuple(metric.name for metric in METRICS.values() if metric.matures_after is None)
DECIDING = (EXPERIMENT.primary, *EXPERIMENT.guardrails)

Alarms = dict[str, bool]


@dataclass(frozen=True)
class Outcome:
    """What one salt's assignment made of an audience to whom nothing was done; each alarm a false one.

    fixed, cuped: at the end, by metric. sequence, peeked: on any day, of the confidence sequence and of the fixed test.
    covered: whether the interval holds what was planted, by method, factor and metric.
    """

    fixed: Alarms
    cuped: Alarms
    sequence: Alarms
    peeked: Alarms
    by_sessions: bool
    sample_ratio: bool
    imbalance: bool
    rollback_at_end: bool
    rollback_on_any_day: bool
    is_calibrated: bool
    covered: Mapping[str, Mapping[str, Alarms]]


def run(work: Path, salts: int) -> dict[str, Any]:
    """The figures, as they go into last.json: shares of the salts."""
    data_dir = _core_tables(work / "calibration")
    settings = Settings(data_dir=data_dir, threads=pipeline_runs.THREADS, memory_limit=MEMORY_LIMIT)
    window = window_of(EXPERIMENT, EXPERIMENT.end)
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        try:
            study = Study(lake, EXPERIMENT, window)
            population = Population(study)
            draws = population.draws([f"aa_{number:04d}" for number in range(salts)], _planted())
            outcomes = [_outcome(draw, window, study.planned_units) for draw in draws]
            audience = {"units": population.units, "sessions": population.sessions}
        finally:
            lake.forget()
    return {"salts": salts, "users": USERS, "days": LENGTH, **audience, **_shares(outcomes)}


def _core_tables(folder: Path) -> Path:
    """A data folder with the core tables of the audience, made by the pipeline."""
    shutil.rmtree(folder, ignore_errors=True)
    simulated = folder / "simulated"
    simulate(USERS, DAYS, SEED, simulated, "parquet", FIRST_DAY, experiment_effects=NO_EFFECTS)
    pipeline_runs.run(simulated / "landing", folder / "data", MEMORY_LIMIT, groups=("raw", "core"))
    return folder / "data"


def _planted() -> list[Planted]:
    return [
        Planted(tuple(METRICS[name].numerator for name in names), factor) for factor in FACTORS for names in TOGETHER
    ]


def _outcome(draw: Draw, window: Window, planned_units: float) -> Outcome:
    found = results(EXPERIMENT, draw.sums, {}, planned_units)
    failed = {check.health_check for check in health(EXPERIMENT, draw.sums, Logged()) if not check.passed}
    by_day = dict(daily_sums(draw.growth, draw.exposed, window.start, window.last))
    sequences = {
        day: {name: _of(name, "sequential", sums, planned_units) for name in {*GROWING, *DECIDING}}
        for day, sums in by_day.items()
    }
    return Outcome(
        fixed=_alarms(found, "fixed"),
        cuped=_alarms(found, "cuped"),
        sequence={name: any(_excludes_zero(of_day[name]) for of_day in sequences.values()) for name in GROWING},
        peeked={name: any(_is_alarm(_of(name, "fixed", sums)) for sums in by_day.values()) for name in GROWING},
        by_sessions=_naive_p(draw) < EXPERIMENT.alpha,
        sample_ratio="units_fall_into_variants_by_their_weights" in failed,
        imbalance="variants_were_alike_before_exposure" in failed,
        rollback_at_end=_is_rolled_back(EXPERIMENT, window.last, found),
        rollback_on_any_day=any(
            _is_rolled_back(AS_SEQUENTIAL, day, _corrected([of_day[name] for name in DECIDING]))
            for day, of_day in sequences.items()
        ),
        is_calibrated=decide(Evidence(AS_AA, window.last, found, (), ())).is_calibrated is True,
        covered={"fixed": _covered(draw, "fixed"), "cuped": _covered(draw, "cuped")},
    )


def _of(metric: str, method: Method, sums: Sums, planned_units: float = math.inf) -> Result:
    return one_result(EXPERIMENT, METRICS[metric], TREATMENT, method, sums, planned_units)


def _corrected(found: Sequence[Result]) -> list[Result]:
    """With p_adjusted, as the results of primary and guardrails have it."""
    measured = [result for result in found if result.p_value is not None]
    corrected = holm([result.p_value for result in measured if result.p_value is not None])
    return [replace(result, p_adjusted=p) for result, p in zip(measured, corrected, strict=True)]


def _is_rolled_back(experiment: Experiment, as_of: dt.date, found: Sequence[Result]) -> bool:
    """Without health checks, which come first and would only hide a false alarm."""
    return decide(Evidence(experiment, as_of, found, (), ())).verdict == "ROLLBACK"


def _alarms(found: Sequence[Result], method: Method) -> Alarms:
    return {result.metric: _is_alarm(result) for result in found if result.method == method}


def _is_alarm(result: Result) -> bool:
    return result.p_value is not None and result.p_value < EXPERIMENT.alpha


def _excludes_zero(result: Result) -> bool:
    low, high = result.effect_low, result.effect_high
    return low is not None and high is not None and not low <= 0 <= high


def _naive_p(draw: Draw) -> float:
    """Welch's t over sessions, as if they and not users had been randomised."""
    from scipy import stats

    return float(stats.ttest_ind(draw.treated_minutes, draw.control_minutes, equal_var=False).pvalue)


def _covered(draw: Draw, method: Method) -> dict[str, Alarms]:
    """By factor and metric."""
    found: dict[str, Alarms] = {}
    for change, sums in draw.planted.items():
        own = {name: _of(name, method, sums) for names in TOGETHER for name in names}
        found.setdefault(str(change.factor), {}).update(
            {
                name: _holds(result, change.factor - 1)
                for name, result in own.items()
                if METRICS[name].numerator in change.columns
            }
        )
    return found


def _holds(result: Result, lift: float) -> bool:
    low, high = result.lift_low, result.lift_high
    return low is not None and high is not None and low <= lift <= high


def _shares(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {name: _share([vars(outcome)[name] for outcome in outcomes]) for name in Outcome.__dataclass_fields__}


def _share(values: Sequence[Any]) -> Any:
    """How many of them are true, of each entry where they are mappings."""
    if isinstance(values[0], Mapping):
        return {name: _share([value[name] for value in values]) for name in values[0]}
    return sum(values) / len(values)
