import datetime as dt

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.svm import SVC

from streaming_assets.contracts.models.churn import CANDIDATES
from streaming_assets.models.churn.artefact import UntrustedTypeError, dumps, loads, to_artefact
from streaming_assets.models.churn.calibration import Calibration
from streaming_assets.models.churn.candidates import fit
from streaming_assets.models.churn.design import design_of
from streaming_assets.models.churn.model import Fitted, Model
from streaming_assets_tests.models.churn.audiences import EVERY_FAMILY, audience, split

DAY = dt.date(2026, 3, 1)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return audience(400, split(1).train, EVERY_FAMILY).assign(is_paid=1.0)


def model(candidate: str, rows: pd.DataFrame) -> Model:
    design = design_of(rows)
    fitted = fit(candidate, design, design.matrix(rows), rows["churned"].to_numpy(), 1)
    scoring = Fitted(design, fitted, Calibration(0.1, 0.9), DAY)
    judged = Fitted(design, fitted, Calibration(0.2, 0.8), DAY - dt.timedelta(weeks=9))
    return Model(candidate, "inactivity", DAY, "0123456789abcdef", scoring, judged, pd.Series(design.medians))


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_a_stored_model_says_the_same_of_every_user(candidate, rows):
    before = model(candidate, rows)
    after = loads(dumps(before))
    np.testing.assert_array_equal(after.probabilities(rows), before.probabilities(rows))
    np.testing.assert_array_equal(after.judged.probabilities(rows), before.judged.probabilities(rows))
    assert (after.candidate, after.label, after.as_of, after.version) == (candidate, "inactivity", DAY, before.version)
    assert after.design == before.design
    assert (after.scoring.through, after.judged.through) == (before.scoring.through, before.judged.through)
    pd.testing.assert_series_equal(after.reference, before.reference)


@pytest.mark.parametrize(
    ("foreign", "name"),
    [
        (print, "builtins.print"),
        (Calibration(0.0, 1.0), "streaming_assets.models.churn.calibration.Calibration"),
    ],
)
def test_an_artefact_with_another_type_is_refused_by_its_name(foreign, name, rows):
    tampered = {**to_artefact(model("base_rate", rows)), "version": foreign}
    with pytest.raises(UntrustedTypeError, match=name):
        loads(skops.io.dumps(tampered))


@pytest.mark.parametrize("estimator", [SVC(), GaussianProcessClassifier()])
def test_an_estimator_that_no_candidate_has_is_refused(estimator, rows):
    tampered = to_artefact(model("random_forest", rows))
    tampered["scoring"]["fit"]["estimator"] = estimator
    with pytest.raises(UntrustedTypeError, match=type(estimator).__name__):
        loads(skops.io.dumps(tampered))
