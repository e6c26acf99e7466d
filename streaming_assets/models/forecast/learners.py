"""The fitted candidates.

Direct: one model for all 24 horizons, which says by how much an hour differs from its usual level.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from streaming_assets.models.forecast.baselines import median_4w, naive_168
from streaming_assets.models.forecast.features import features
from streaming_assets.models.forecast.timeline import Floats, Targets, Timeline, targets
from streaming_assets.models.threads import one_thread

FIT_DAYS = 56
_EXAMPLES_EVERY_HOURS = 6
"""Origins to learn from are closer than those of the backtest: else the horizon would be the hour of the day."""
_FEWEST_EXAMPLES = 168
_WEEK_TREES = 30


class Regressor(Protocol):
    """What scikit-learn's regressors have in common."""

    def fit(self, x: Floats, y: Floats) -> object: ...

    def predict(self, x: Floats) -> Floats: ...


def _ridge(seed: int) -> Regressor:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    # A ratio that is not known is taken to be the usual one, whose log is 0.
    return make_pipeline(FunctionTransformer(np.nan_to_num), Ridge(alpha=10.0))


def _hist_gradient_boosting(seed: int) -> Regressor:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=60, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=60, l2_regularization=10.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip


def _random_forest(seed: int) -> Regressor:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(
        n_estimators=30, min_samples_leaf=20, max_features=0.4, max_samples=0.5, n_jobs=1, random_state=seed
    )


DIRECT: dict[str, Callable[[int], Regressor]] = {
    "ridge": _ridge,
    "hist_gradient_boosting": _hist_gradient_boosting,
    "random_forest": _random_forest,
}


@dataclass(frozen=True)
class Examples:
    """Past hours as seen from past origins, and the log of (value + 1) / (median_4w + 1) that came of them."""

    targets: Targets
    features: Floats
    log_ratio: Floats

    def known_at(self, origin: int) -> tuple[Floats, Floats]:
        """Features and outcomes of the 56 days before an origin; hours before it only."""
        chosen = (self.targets.hour < origin) & (self.targets.origin >= origin - 24 * FIT_DAYS)
        return self.features[chosen], self.log_ratio[chosen]


def examples(line: Timeline, last_origin: int) -> Examples:
    """From an origin every six hours, as many as have a value and a median to compare it with."""
    every = targets(line, np.arange(last_origin % _EXAMPLES_EVERY_HOURS, last_origin, _EXAMPLES_EVERY_HOURS))
    log_ratio = np.log1p(line.value[every.hour]) - np.log1p(median_4w(line, every))
    known = ~np.isnan(log_ratio)
    kept = every.where(known)
    return Examples(kept, features(line, kept), log_ratio[known])


def direct(name: str, line: Timeline, asked: Targets, past: Examples, seed: int) -> Floats:
    """Forecasts of a candidate of DIRECT, fitted to what is known at the earliest origin asked for.

    No log ratio goes beyond those learnt from. Where they are fewer than a week of hours: the median itself.
    """
    x, y = past.known_at(int(asked.origin.min()))
    usual = median_4w(line, asked)
    if len(y) < _FEWEST_EXAMPLES:
        return usual
    told = ~np.isnan(x).all(axis=0)
    model = DIRECT[name](seed)
    with one_thread():
        model.fit(x[:, told], y)
        log_ratio = np.clip(model.predict(features(line, asked)[:, told]), y.min(), y.max())
    return np.maximum(np.expm1(np.log1p(usual) + log_ratio), 0.0)


def random_forest_week(line: Timeline, asked: Targets, seed: int) -> Floats:
    """The reference: a plain RandomForest on hour and weekday, fitted to the 168 hours before the one origin asked for.

    naive_168 where none of them is known.
    """
    from sklearn.ensemble import RandomForestRegressor

    origin = int(asked.origin[0])
    clock = np.column_stack([line.local_hour, line.day_of_week])
    week = np.arange(max(origin - 168, 0), origin)
    known = week[~np.isnan(line.value[week])]
    if not len(known):
        return naive_168(line, asked)
    forest = RandomForestRegressor(n_estimators=_WEEK_TREES, n_jobs=1, random_state=seed)
    forest.fit(clock[known], line.value[known])
    return forest.predict(clock[asked.hour])
