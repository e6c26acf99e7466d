import datetime as dt

import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts.models.churn import realised_performance
from streaming_assets.models.churn.realised import realised

MARCH, APRIL = dt.date(2026, 3, 1), dt.date(2026, 4, 1)


def scored(*rows: tuple[dt.date, str, float | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["cutoff", "user_id", "churn_probability"])
    return frame.assign(model_version=frame["cutoff"].map({MARCH: "first", APRIL: "second"}))


def came(*rows: tuple[dt.date, str, bool | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["cutoff", "user_id", "churned"])


def test_what_was_said_of_a_cutoff_is_held_against_what_came():
    found = realised(
        scored((MARCH, "ann", 0.8), (MARCH, "bob", 0.1), (MARCH, "cem", 0.3), (MARCH, "dan", 0.2)),
        came((MARCH, "ann", True), (MARCH, "bob", False), (MARCH, "cem", False), (MARCH, "dan", False)),
    )
    assert tuple(found.columns) == realised_performance.column_names
    (row,) = found.to_dict("records")
    assert (row["cutoff"], row["model_version"], row["n"], row["n_churned"]) == (MARCH, "first", 4, 1)
    assert row["mean_probability"] == pytest.approx(0.35)
    assert row["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.9) + np.log(0.7) + np.log(0.8)) / 4)
    assert row["base_rate_log_loss"] == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
    assert row["auc"] == 1


def test_cutoffs_and_users_without_an_outcome_or_a_probability_are_left_out():
    found = realised(
        scored((MARCH, "ann", 0.8), (MARCH, "bob", None), (MARCH, "cem", 0.5), (APRIL, "ann", 0.7)),
        came((MARCH, "ann", True), (MARCH, "bob", True), (MARCH, "cem", None), (MARCH, "eve", False)),
    )
    assert list(zip(found["cutoff"], found["n"], strict=True)) == [(MARCH, 1)]
    assert np.isnan(found["auc"].iloc[0])


def test_every_cutoff_has_its_own_row_with_the_model_that_scored_it():
    found = realised(
        scored((APRIL, "ann", 0.7), (MARCH, "ann", 0.2), (MARCH, "bob", 0.3)),
        came((MARCH, "ann", False), (APRIL, "ann", True), (MARCH, "bob", True)),
    )
    assert list(zip(found["cutoff"], found["model_version"], found["n"], strict=True)) == [
        (MARCH, "first", 2),
        (APRIL, "second", 1),
    ]


def test_without_closed_cutoffs_the_table_is_empty_and_typed():
    found = realised(scored((MARCH, "ann", 0.2)), came())
    assert len(found) == 0
    assert found["log_loss"].dtype == "float64"
