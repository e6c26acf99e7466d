"""Scores of many users, with drivers and remedies: by the champion of a training, and by each candidate that it could be.

Run as a script, this module is that scoring, in a process of its own.
"""

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from benchmarks.measuring import measure
from streaming_assets.models.churn.candidates import fit, offered
from streaming_assets.models.churn.cutoffs import MOST_CUTOFFS, STAGE_DAYS
from streaming_assets.models.churn.model import Model
from streaming_assets.models.churn.scores import scores
from streaming_assets.models.churn.training import train
from streaming_assets_tests.models.churn.audiences import EVERY_FAMILY, audience, cutoffs_of, split

USERS = 100_000
TRAINED_USERS = 20_000
"""As many snapshots of them as there are cutoffs are more than any candidate's trees are grown from."""
GENRES, TITLES = 12, 3
SEED = 1


def run(users: int = USERS) -> dict[str, Any]:
    """The figures, as they go into last.json: seconds by candidate, from the snapshots to the rows of churn_scores.

    load_before: processes that wanted a core in the minute before; above 0 the seconds are too many.
    """
    load = os.getloadavg()[0]
    measured = measure([sys.executable, "-m", "benchmarks.churn_scoring", str(users)])
    return {**json.loads(measured.output), "peak_bytes": measured.peak_bytes, "load_before": load}


def _scoring(users: int) -> dict[str, Any]:
    stages = split(**MOST_CUTOFFS)
    cutoff = stages.test[-1] + dt.timedelta(days=STAGE_DAYS)
    trained_users = min(users, TRAINED_USERS)
    known = audience(trained_users, cutoffs_of(stages), EVERY_FAMILY, SEED)
    as_of = cutoff - dt.timedelta(days=1)
    champion = train(known, stages, None, as_of=as_of, label="inactivity", code="benchmark", seed=SEED).model
    assert champion is not None
    active = audience(users, [cutoff], EVERY_FAMILY, SEED + 1).assign(churned=None)
    liked, titles = _favourites(active.user_id), _titles()
    seconds, cpu_seconds = {}, {}
    for model in _each(champion, known):
        wall, cpu = time.perf_counter(), time.process_time()
        scored = scores(active, model, liked, titles)
        seconds[model.candidate] = time.perf_counter() - wall
        cpu_seconds[model.candidate] = time.process_time() - cpu
        assert scored.churn_probability.notna().all()
    return {
        "users": users,
        "trained_users": trained_users,
        "snapshots": len(cutoffs_of(stages)),
        "features": len(champion.design.features),
        "families": len(champion.design.families),
        "champion": champion.candidate,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
    }


def _each(champion: Model, known: pd.DataFrame) -> Iterator[Model]:
    """The champion, and what the other candidates fitted to its rows would be in its place."""
    yield champion
    design, matrix = champion.design, champion.design.matrix(known)
    for name in offered(design):
        if name != champion.candidate:
            fitted = fit(name, design, matrix, known.churned.to_numpy(bool), SEED)
            yield replace(champion, candidate=name, scoring=replace(champion.scoring, fit=fitted))


def _favourites(user_ids: pd.Series) -> pd.DataFrame:
    """As of `catalogue.favourites`: everybody knows three genres, and half of the users say which one they prefer."""
    genres = [[_genre(number + further) for further in range(3)] for number in range(len(user_ids))]
    return pd.DataFrame(
        {
            "user_id": user_ids,
            "favourite_genre": [known[0] for known in genres],
            "preferred_genre": [known[1] if number % 2 else None for number, known in enumerate(genres)],
            "genres_seen": [sorted(known) for known in genres],
        }
    )


def _titles() -> pd.DataFrame:
    """As of `catalogue.titles_by_genre`: titles of which each leads every list of its genre."""
    lists = ("best_completed", "most_played", "shorter", "newest")
    return pd.DataFrame(
        [
            {"genre": _genre(genre), "title": f"Title {genre}.{place}", "genre_plays": 100 - genre}
            | dict.fromkeys(lists, place)
            for genre in range(GENRES)
            for place in range(1, TITLES + 1)
        ]
    )


def _genre(number: int) -> str:
    return f"genre {number % GENRES}"


if __name__ == "__main__":
    print(json.dumps(_scoring(int(sys.argv[1]))))
