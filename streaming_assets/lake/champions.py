"""The champion of churn: named by the lake, stored under DIR/models, loaded by an allow-list of types."""

import json
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from streaming_assets.contracts.models import churn as contract
from streaming_assets.errors import ModelRefusedError
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.model_store import ENVIRONMENT, MODEL, ModelStore

if TYPE_CHECKING:
    import pandas as pd

    from streaming_assets.models.churn.model import Model

CHAMPION = contract.churn_champion.name
_LIBRARIES = ("scikit-learn", "scipy", "numpy", "pandas")


def store_of(lake: Lake) -> ModelStore:
    """The stored versions of the model of churn."""
    return ModelStore(lake.settings.models_dir / "churn")


def champion_row(lake: Lake) -> dict[str, Any] | None:
    """What came of the last training; None where there was none."""
    return next(iter(lake.rows(CHAMPION)), None)


def usable_version(lake: Lake) -> str | None:
    """The champion's version, where it is stored and was made with the present minor version of scikit-learn."""
    row = champion_row(lake)
    if row is None or row["version"] is None:
        return None
    made_with = store_of(lake).environment(row["version"]).get("scikit-learn", "")
    return row["version"] if _minor(made_with) == _minor(version("scikit-learn")) else None


def load_champion(lake: Lake) -> "Model | None":
    """The model that scores; None where there is none that can be used. Raises ModelRefusedError."""
    from streaming_assets.models.churn.artefact import UntrustedTypeError, loads

    found = usable_version(lake)
    stored = store_of(lake).load(found) if found else None
    if stored is None:
        return None
    try:
        return loads(stored)
    except (UntrustedTypeError, zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError) as error:
        raise ModelRefusedError(
            f"{store_of(lake).folder / str(found) / MODEL} is not loaded: {error}. It is not what a training stored there; "
            "find out who wrote it, take the folder of this version away, and run again: the model is trained anew."
        ) from error


def store_champion(lake: Lake, model: "Model", card: str, candidates: "pd.DataFrame") -> None:
    """Put the model in place, with its card, figures, features and environment, and name it in champion.json."""
    from streaming_assets.models.churn.artefact import dumps

    store = store_of(lake)
    store.save(
        model.version,
        {
            MODEL: dumps(model),
            "card.md": card,
            "metrics.json": candidates.to_json(orient="records", indent=1),
            "features.json": json.dumps({"families": model.design.families, "dropped": model.design.dropped}, indent=1),
            ENVIRONMENT: json.dumps({name: version(name) for name in _LIBRARIES}, indent=1),
        },
    )
    store.crown(model.version)


def _minor(text: str) -> list[str]:
    return text.split(".")[:2]
