"""Who is champion, and in which words, where the simulated audiences do not lead."""

import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts.models.forecast import CANDIDATES
from streaming_assets.models.forecast.plan import Plan
from streaming_assets.models.forecast.verdict import champion_of, reasons

FULL = Plan(84, CANDIDATES, np.arange(56), 28, "mean_4w")


def told(**better: float):
    """The champion and all reasons where every candidate but these has a MASE of 1.2 and an error twice as large."""
    mase = pd.Series({name: better.get(name, 1.2) for name in CANDIDATES})
    figures = pd.DataFrame({"mase": mase, "mae": 2 * mase})
    champion = champion_of(figures.mae, FULL)
    return champion, dict(zip(CANDIDATES, reasons(figures, champion, FULL), strict=True))


def test_a_naive_that_no_model_beats_is_champion():
    champion, why = told(naive_168=1.0, ridge=1.1)
    assert champion == "naive_168"
    assert why[champion] == "No model beats it: MASE 1.000 against 1.100 of the best of them, ridge."
    assert why["ridge"] == (
        "Not used: MASE 1.100 against 1.000 of naive_168. It does not beat the best naive, naive_168."
    )


def test_a_model_that_only_equals_the_naive_is_not_used():
    assert told(naive_24=0.9, average=0.9)[0] == "naive_24"


def test_the_reference_is_champion_only_where_it_is_best_and_that_is_said():
    champion, why = told(random_forest_week=0.9, ridge=0.95)
    assert champion == "random_forest_week"
    assert why[champion].startswith("The reference itself misses by least: MASE 0.900, 25.0 % less than naive_24")
    assert why["ridge"] == "Not used: MASE 0.950 against 0.900 of random_forest_week."


def test_where_nothing_that_came_is_known_the_mean_of_the_weeks_stands_in():
    figures = pd.DataFrame(np.nan, index=list(CANDIDATES), columns=["mae", "mase"])
    champion = champion_of(figures.mae, FULL)
    assert champion == "mean_4w"
    assert "none of the last days is known" in reasons(figures, champion, FULL)[0]


@pytest.mark.parametrize("name", ["ridge", "average", "median_4w"])
def test_the_champion_names_what_it_beats(name):
    champion, why = told(**{name: 0.6})
    assert champion == name
    assert why[name] == (
        "Misses by least of 9 candidates: MASE 0.600, 50.0 % less than naive_24, the best naive, "
        "and 50.0 % less than random_forest_week, the reference."
    )
