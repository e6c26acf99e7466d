"""The models of churn through the whole pipeline, on simulated users of whom is known why they leave."""

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import pipeline_runs
from streaming_assets.automation.jobs import REFRESH_MODELS
from streaming_assets.models.churn.cutoffs import GAP_DAYS, LABEL_DAYS
from streaming_assets.simulate import simulate
from streaming_assets.simulate.churn_drivers import DRIVERS

DAYS = 160
FIRST_DAY = dt.date(2025, 3, 1)
MEMORY_LIMIT = "4GB"
UP_TO_MODELS = ("raw", "core", "marts", "models", "published")
_DAY = dt.timedelta(days=1)

Row = dict[str, Any]


def run(work: Path, users: int, seeds: Sequence[int]) -> dict[str, Any]:
    """The figures, as they go into last.json: those of one simulation and one run of the pipeline per seed."""
    return {"users": users, "days": DAYS, "simulations": [_simulation(work, users, seed) for seed in seeds]}


def _simulation(work: Path, users: int, seed: int) -> Row:
    folder = work / f"planted-{users}-users-seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    simulate(users, DAYS, seed, folder / "simulated", format="parquet", start=FIRST_DAY)
    data_dir = folder / "data"
    measured = pipeline_runs.run(folder / "simulated/landing", data_dir, MEMORY_LIMIT, groups=UP_TO_MODELS)
    of_models = [stage.seconds for stage in pipeline_runs.stages(data_dir) if stage.job == REFRESH_MODELS]
    truth = json.loads((folder / "simulated/truth.json").read_text(encoding="utf-8"))
    return {
        "seed": seed,
        "seconds": measured.seconds,
        "peak_bytes": measured.peak_bytes,
        "seconds_of_models": sum(of_models),
        **_learned(data_dir / "streaming.duckdb", truth["planted"]["churn_drivers"]["users"]),
    }


def _learned(database: Path, planted: Mapping[str, Mapping[str, Any]]) -> Row:
    """What the published tables say of the champion, of the drivers that it names, of the reasons and of the clusters."""
    (champion,) = _rows(database, "SELECT outcome, reason, candidate, label, shuffled_auc FROM models.churn_champion")
    (judged,) = _rows(
        database,
        """
        SELECT n, n_churned, log_loss, auc, ece, ece_limit, gain, gain_low, gain_high, auc_gain, auc_gain_low, auc_gain_high
        FROM models.churn_candidates WHERE fold = 'test' AND candidate = (SELECT candidate FROM models.churn_champion)
        """,
    )
    (baseline,) = _rows(
        database, "SELECT log_loss, auc FROM models.churn_candidates WHERE fold = 'test' AND candidate = 'recency_only'"
    )
    (reasons,) = _rows(database, "SELECT status, n, f1, baseline_f1 FROM models.churn_reasons WHERE reason = 'all'")
    (clusters,) = _rows(database, "SELECT status, k, reason FROM models.cluster_summary")
    riskiest = _rows(
        database, "SELECT user_id, cutoff, driver_1, driver_2 FROM models.churn_scores WHERE risk_band = 'high'"
    )
    return {
        "champion": champion,
        "judged": judged,
        "baseline": baseline,
        "reasons": reasons,
        "clusters": clusters,
        "drivers": drivers(riskiest, planted),
    }


def drivers(riskiest: Iterable[Row], planted: Mapping[str, Mapping[str, Any]]) -> Row:
    """How often the first driver of the riskiest users is the one that was planted.

    riskiest: user_id, cutoff, driver_1, driver_2; planted: by user, as in truth.json. Three groups, each a part of the one
    before: on, users whose driver is on at T, the day before the cutoff; leavers, those who leave for it and do not get
    over it; in_window, those who leave in the label window. Of each: users, named (driver_1 is theirs) and among_two
    (driver_1 or driver_2 is). over: users whose driver ended before T. first: by planted driver, how many of the users
    who have it on have which driver_1.
    """
    known = list(riskiest)
    begun = [{**row, **planted[row["user_id"]]} for row in known if _has_begun(row, planted)]
    on = [row for row in begun if _date(row["until"]) >= row["cutoff"] - _DAY]
    leavers = [row for row in on if not row["is_passing"]]
    in_window = [row for row in leavers if _leaves_in_window(row)]
    return {
        "riskiest": len(known),
        "over": len(begun) - len(on),
        **{name: _named(rows) for name, rows in (("on", on), ("leavers", leavers), ("in_window", in_window))},
        "first": {driver: Counter(row["driver_1"] for row in on if row["driver"] == driver) for driver in DRIVERS},
    }


def _has_begun(row: Row, planted: Mapping[str, Mapping[str, Any]]) -> bool:
    return row["user_id"] in planted and _date(planted[row["user_id"]]["onset"]) < row["cutoff"]


def _leaves_in_window(row: Row) -> bool:
    """Users leave on the day after the last one of their driver."""
    after = (_date(row["until"]) + _DAY - row["cutoff"]).days
    return GAP_DAYS <= after < GAP_DAYS + LABEL_DAYS


def _named(rows: Sequence[Row]) -> dict[str, int]:
    return {
        "users": len(rows),
        "named": sum(row["driver_1"] == row["driver"] for row in rows),
        "among_two": sum(row["driver"] in (row["driver_1"], row["driver_2"]) for row in rows),
    }


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _rows(database: Path, sql: str) -> list[Row]:
    with duckdb.connect(str(database), read_only=True) as connection:
        cursor = connection.execute(sql)
        names = [name for name, *_ in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
