"""A model as bytes and back, without pickle: plain data, arrays and two kinds of scikit-learn estimators, by skops."""

import datetime as dt
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from streaming_assets.models.churn.bg_nbd import BgNbd
from streaming_assets.models.churn.calibration import Calibration
from streaming_assets.models.churn.design import Design
from streaming_assets.models.churn.fits import Boosting, Fit, Forest, Linear, Visits
from streaming_assets.models.churn.model import Fitted, Model

TRUSTED_TYPES = frozenset(
    {
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
    }
)
"""What loading accepts besides the types that skops itself holds for safe: the nodes of fitted trees, which are arrays.

skops trusts plain Python and NumPy data and scikit-learn's public estimators; of those, `from_artefact` takes two.
"""


class UntrustedTypeError(ValueError):
    """A stored model holds a type that is not on the list; the message names all of them."""


def dumps(model: Model) -> bytes:
    """The model as a compressed skops archive."""
    import skops.io

    return skops.io.dumps(to_artefact(model), compression=zipfile.ZIP_DEFLATED)


def loads(stored: bytes) -> Model:
    """The model that `dumps` stored. Raises UntrustedTypeError before anything of a type off the list is made."""
    import skops.io

    found = skops.io.get_untrusted_types(data=stored)
    untrusted = sorted(set(found) - TRUSTED_TYPES)
    if untrusted:
        raise UntrustedTypeError(
            f"the stored model holds {', '.join(untrusted)}, which is not on the list of trusted types"
        )
    return from_artefact(skops.io.loads(stored, trusted=found))


def to_artefact(model: Model) -> dict[str, Any]:
    """Plain data, NumPy arrays and scikit-learn estimators."""
    return {
        "candidate": model.candidate,
        "label": model.label,
        "as_of": model.as_of.isoformat(),
        "version": model.version,
        "scoring": _plain(model.scoring),
        "judged": _plain(model.judged),
        "reference": {name: float(value) for name, value in model.reference.items()},
    }


def from_artefact(artefact: Mapping[str, Any]) -> Model:
    """The model. Raises UntrustedTypeError for an estimator that no candidate has."""
    import pandas as pd

    return Model(
        candidate=artefact["candidate"],
        label=artefact["label"],
        as_of=dt.date.fromisoformat(artefact["as_of"]),
        version=artefact["version"],
        scoring=_fitted(artefact["scoring"]),
        judged=_fitted(artefact["judged"]),
        reference=pd.Series(artefact["reference"]),
    )


def _plain(fitted: Fitted) -> dict[str, Any]:
    design = fitted.design
    return {
        "families": {family: list(names) for family, names in design.families.items()},
        "dropped": list(design.dropped),
        "medians": dict(design.medians),
        "kind": type(fitted.fit).__name__,
        "fit": _parts(fitted.fit),
        "calibration": vars(fitted.calibration),
        "through": fitted.through.isoformat(),
    }


def _fitted(plain: Mapping[str, Any]) -> Fitted:
    families = {family: tuple(names) for family, names in plain["families"].items()}
    return Fitted(
        Design(families, tuple(plain["dropped"]), plain["medians"]),
        FITS[plain["kind"]](plain["fit"]),
        Calibration(**plain["calibration"]),
        dt.date.fromisoformat(plain["through"]),
    )


def _parts(fit: Fit) -> dict[str, Any]:
    return vars(fit.process) if isinstance(fit, Visits) else vars(fit)


def _boosting(parts: Mapping[str, Any]) -> Boosting:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return Boosting(_of_type(parts["estimator"], HistGradientBoostingClassifier))


def _forest(parts: Mapping[str, Any]) -> Forest:
    from sklearn.ensemble import RandomForestClassifier

    return Forest(_of_type(parts["estimator"], RandomForestClassifier))


def _of_type(estimator: object, expected: type) -> Any:
    if type(estimator) is not expected:
        raise UntrustedTypeError(f"the stored model holds {type(estimator).__name__}, expected {expected.__name__}")
    return estimator


FITS: Mapping[str, Callable[[Mapping[str, Any]], Fit]] = {
    "Linear": lambda parts: Linear(**parts),
    "Visits": lambda parts: Visits(BgNbd(**parts)),
    "Boosting": _boosting,
    "Forest": _forest,
}
