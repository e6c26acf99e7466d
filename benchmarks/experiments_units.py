"""Units of an experiment that never was, of any number: tables as experiments/unit_metrics and unit_days have them."""

import datetime as dt
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from streaming_assets.contracts import Table
from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments.config import CONTROL, Experiment
from streaming_assets.experiments.metrics import GROWING, RETENTION_DAYS

SEED = 5
DAYS = 60
FIRST_DAY = dt.date(2026, 1, 1)
TREATMENT = "treatment"
DIMENSION_VALUES = {"platform": 4, "country": 20, "plan": 3}
EXPERIMENT = Experiment.model_validate(
    {
        "id": "speed",
        "start": FIRST_DAY,
        "end": FIRST_DAY + dt.timedelta(days=DAYS - 1),
        "assignment": {"salt": "speed", "variants": {CONTROL: 50, TREATMENT: 50}},
        "primary": "session_minutes",
        "guardrails": {"skip_rate": 0.02, "sessions_per_user": 0.02, "d1_retention": 0.05, "creator_diversity": 0.05},
        "secondary": ["watch_hours"],
        "min_lift": 0.02,
    }
)

_PART = f"experiment_id={EXPERIMENT.id}"
_UNITS_AT_ONCE = 250_000
_ROWS_PER_GROUP = 122_880
"""As DuckDB writes them."""

Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64]


def unit_tables(work: Path, units: int) -> Path:
    """The folder with unit_metrics and unit_days of so many units, made where it is not there yet."""
    folder = work / f"experiment-{units}-units"
    if not folder.exists():
        draft = folder.with_name(folder.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        rng = np.random.default_rng(SEED)
        for number, first in enumerate(range(0, units, _UNITS_AT_ONCE)):
            _write_chunk(draft, number, np.arange(first, min(first + _UNITS_AT_ONCE, units)), rng)
        draft.rename(folder)
    return folder


def files_of(folder: Path, table: Table) -> list[str]:
    """The table's files, relative to its folder in it."""
    own = folder / table.short_name
    return sorted(str(path.relative_to(own)) for path in own.rglob("*.parquet"))


def _write_chunk(folder: Path, number: int, units: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
    """What these units did: few do much, six days each on average, from a day of exposure on that comes early for most."""
    count = len(units)
    user_id = pa.array(units).cast(pa.string())
    variant = _texts(rng.integers(0, 2, count), (CONTROL, TREATMENT))
    exposed = np.minimum(rng.exponential(12.0, count), DAYS - 1).astype(np.int64)
    eagerness = rng.lognormal(0.0, 0.9, count)
    active = rng.random((count, DAYS), np.float32) < np.minimum(0.07 * eagerness, 0.9)[:, None].astype(np.float32)
    active &= np.arange(DAYS) >= exposed[:, None]
    active[np.arange(count), exposed] = True
    unit, day = np.nonzero(active)
    did = _deeds(eagerness[unit], rng)
    order = rng.permutation(len(unit))  # the engine writes them in no order
    _write(
        folder / contract.unit_days.short_name / _PART / f"part-{number}.parquet",
        contract.unit_days,
        {
            "user_id": user_id.take(pa.array(unit[order])),
            "variant": variant.take(pa.array(unit[order])),
            "date": _dates(day[order]),
            **{name: values[order] for name, values in did.items()},
        },
    )
    first_of_unit = np.searchsorted(unit, np.arange(count))
    has_pre = rng.random(count) < 0.8
    first_week = np.where(day - exposed[unit] < 7, did["sessions"], 0)
    before = {f"pre_{name}": values * has_pre for name, values in _deeds(3 * eagerness, rng).items()}
    _write(
        folder / contract.unit_metrics.short_name / _PART / f"part-{number}.parquet",
        contract.unit_metrics,
        {
            "user_id": user_id,
            "variant": variant,
            "exposed_date": _dates(exposed),
            **{
                name: _texts(rng.integers(0, size, count), _named(name, size))
                for name, size in DIMENSION_VALUES.items()
            },
            "user_kind": _texts(has_pre.astype(np.int64), ("new", "existing")),
            "has_pre_period": has_pre,
            "days_observed": DAYS - 1 - exposed,
            **{name: np.add.reduceat(values, first_of_unit) for name, values in did.items()},
            **{f"retained_d{n}": _is_active_after(active, exposed, n) for n in RETENTION_DAYS},
            "sessions_first_7d": np.add.reduceat(first_week, first_of_unit),
            **before,
            "pre_sessions_7d": before["pre_sessions"] // 4,
        },
    )


def _deeds(eagerness: npt.NDArray[np.float64], rng: np.random.Generator) -> dict[str, Numbers]:
    sessions = 1 + rng.poisson(0.3 * eagerness)
    minutes = sessions * rng.lognormal(3.0, 1.0, len(sessions))
    plays = sessions + rng.poisson(2.0 * sessions)
    creators = rng.binomial(plays, 0.3)
    found: dict[str, Numbers] = {
        "sessions": sessions,
        "session_minutes": minutes,
        "plays": plays,
        "skips": rng.binomial(plays, 0.2),
        "watch_hours": minutes * rng.random(len(minutes)) / 60,
        "creators": creators,
        "genres": rng.binomial(creators, 0.4),
    }
    assert tuple(sorted(found)) == tuple(sorted(GROWING))
    return found


def _is_active_after(active: npt.NDArray[np.bool_], exposed: npt.NDArray[np.int64], days: int) -> npt.NDArray[np.int64]:
    on = exposed + days
    return (active[np.arange(len(on)), np.minimum(on, DAYS - 1)] & (on < DAYS)).astype(np.int64)


def _texts(codes: npt.NDArray[np.int64], values: tuple[str, ...]) -> pa.Array:
    return pa.array(values).take(pa.array(codes))


def _named(name: str, size: int) -> tuple[str, ...]:
    return tuple(f"{name}_{number}" for number in range(size))


def _dates(days: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(np.datetime64(FIRST_DAY) + days)


def _write(path: Path, table: Table, columns: Mapping[str, pa.Array | Numbers]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = table.schema.to_pyarrow()
    own = pa.schema([field for field in schema if field.name not in table.partition_by])
    rows = pa.table({name: pa.array(columns[name]) for name in own.names}).cast(own)
    pq.write_table(rows, path, compression="zstd", compression_level=1, row_group_size=_ROWS_PER_GROUP)
