"""Run the benchmarks and rewrite docs/benchmarks.md.

At another size than the default the figures and the page go into the work folder instead.
"""

import argparse
import datetime as dt
import json
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import (
    churn_features,
    churn_planted,
    churn_scoring,
    churn_training,
    driver_memory,
    engines,
    engines_page,
    experiments_calibration,
    experiments_lastfm,
    experiments_page,
    experiments_speed,
    forecast_backtest,
    imports,
    models_page,
    month_of_nights,
    nineteen_million,
    one_new_day,
    operations_page,
    page,
)

ROOT = Path(__file__).resolve().parents[1]
SIZES = {
    "users": (1_000, "of the log"),
    "days": (1_500, "of the log"),
    "salts": (1_000, "re-randomisations of experiments_calibration"),
    "units": (5_000_000, "users of experiments_speed"),
    "scored": (100_000, "users of churn_features, churn_training and churn_scoring"),
    "planted": (5_000, "users of churn_planted"),
    "seeds": (3, "simulations of churn_planted"),
    "engine_days": (100, "of the log of engines"),
    "nights": (30, "nights of month_of_nights, at least 10"),
}
BENCHMARKS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "imports": lambda asked: imports.run(),
    "nineteen_million": lambda asked: nineteen_million.run(asked.work, asked.users, asked.days),
    "one_new_day": lambda asked: one_new_day.run(asked.work, asked.users, asked.days),
}
EXPERIMENTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "experiments_calibration": lambda asked: experiments_calibration.run(asked.work, asked.salts),
    "experiments_speed": lambda asked: experiments_speed.run(asked.work, asked.units),
    "experiments_lastfm": lambda asked: experiments_lastfm.run(asked.work, asked.users, asked.days),
}
MODELS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "churn_features": lambda asked: churn_features.run(asked.scored),
    "churn_training": lambda asked: churn_training.run(asked.scored),
    "churn_scoring": lambda asked: churn_scoring.run(asked.scored),
    "churn_planted": lambda asked: churn_planted.run(asked.work, asked.planted, range(1, asked.seeds + 1)),
    "forecast_backtest": lambda asked: forecast_backtest.run(),
}
OPERATIONS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "month_of_nights": lambda asked: month_of_nights.run(asked.work, asked.nights),
}
SCALING: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "engines": lambda asked: engines.run(asked.work, asked.users, asked.engine_days, engines.UP_TO_MARTS, (2, 1)),
    "engines_at_length": lambda asked: engines.run(asked.work, asked.users, asked.days, engines.UP_TO_CORE, (2,)),
    "driver_memory": lambda asked: driver_memory.run(asked.work),
}
ALL = {**BENCHMARKS, **EXPERIMENTS, **MODELS, **OPERATIONS, **SCALING}
PAGES = (page.render, experiments_page.render, models_page.render, operations_page.render, engines_page.render)


def main() -> None:
    asked = _arguments()
    asked.work.mkdir(parents=True, exist_ok=True)
    is_full_size = all(getattr(asked, name) == size for name, (size, _about) in SIZES.items())
    figures_file = ROOT / "benchmarks/last.json" if is_full_size else asked.work / "last.json"
    page_file = ROOT / "docs/benchmarks.md" if is_full_size else asked.work / "benchmarks.md"
    for name in asked.benchmarks or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        measured = {**_provenance(), **ALL[name](asked)}
        figures = json.loads(figures_file.read_text(encoding="utf-8")) if figures_file.exists() else {}
        figures[name] = measured
        figures_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        page_file.write_text("".join(render(figures) for render in PAGES), encoding="utf-8")
    print(page_file.read_text(encoding="utf-8"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "benchmarks",
        nargs="*",
        metavar="NAME",
        help=f"these of {', '.join(ALL)}; the first {len(BENCHMARKS)} where none is named",
    )
    for name, (size, about) in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=size, help=f"{about}; {size:,} where not given")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "benchmarks/work", help="folder for logs and lakes, some 20 GB"
    )
    asked = parser.parse_args()
    unknown = [name for name in asked.benchmarks if name not in ALL]
    if unknown:
        parser.error(f"{', '.join(unknown)} is no benchmark; they are {', '.join(ALL)}")
    return asked


def _provenance() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory / 2**30:.0f} GiB of memory",
        "versions": {
            "Python": platform.python_version(),
            **{
                package: version(package)
                for package in ("dagster", "duckdb", "ibis-framework", "deltalake", "scikit-learn")
            },
        },
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
