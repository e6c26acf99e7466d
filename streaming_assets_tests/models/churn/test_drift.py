import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts.models.churn import feature_drift
from streaming_assets.models.churn.design import design_of
from streaming_assets.models.churn.drift import drift, population_stability
from streaming_assets_tests.models.churn.audiences import EVERY_FAMILY, audience, split


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return audience(400, split(1).train, EVERY_FAMILY)


def test_psi_of_a_shift_by_hand():
    # Ten bins of 100 each; at present the lower five have 150 and the upper five 50 users.
    now = np.concatenate([np.repeat(np.arange(5), 150), np.repeat(np.arange(5, 10), 50)])
    expected = 5 * (0.15 - 0.10) * np.log(0.15 / 0.10) + 5 * (0.05 - 0.10) * np.log(0.05 / 0.10)
    assert population_stability(np.repeat(np.arange(10.0), 100), now.astype(float)) == pytest.approx(expected, abs=0.01)


def test_what_becomes_unknown_counts_as_a_shift():
    known = np.arange(1000.0)
    assert population_stability(known, known) == pytest.approx(0)
    assert population_stability(known, np.where(known % 2 == 0, known, np.nan)) > 0.25


def test_psi_of_nobody_is_not_known():
    assert population_stability(np.arange(10.0), np.array([])) is None
    assert population_stability(np.array([]), np.arange(10.0)) is None


def test_the_same_users_do_not_drift_and_every_feature_of_the_design_has_a_row(reference):
    design = design_of(reference.assign(skip_rate=0.0))
    found = drift(reference, reference.sample(frac=1, random_state=1), design)
    assert tuple(found["feature"]) == design.features
    assert tuple(found.columns) == feature_drift.column_names
    np.testing.assert_allclose(found["psi"], 0, atol=1e-12)
    np.testing.assert_array_equal(found["mean_reference"], found["mean_current"])


def test_users_who_watch_twice_as_much_stand_out_by_that_feature(reference):
    gone_quiet = reference.assign(watch_hours_7=reference["watch_hours_7"] * 2, genre_entropy=np.nan)
    found = drift(reference, gone_quiet, design_of(reference)).set_index("feature")
    assert list(found.index[found["psi"] > 0.25]) == ["watch_hours_7", "genre_entropy"]
    assert found.loc["watch_hours_7", "family"] == "inactivity"
    assert found.loc["watch_hours_7", "mean_current"] == pytest.approx(2 * reference["watch_hours_7"].mean())
    assert found.loc["genre_entropy", "n_current"] == 0
    assert np.isnan(found.loc["genre_entropy", "mean_current"])


def test_without_present_users_the_rows_stand_and_say_nothing(reference):
    found = drift(reference, reference.head(0), design_of(reference))
    assert found["psi"].isna().all()
    assert (found["n_reference"] > 0).all()
