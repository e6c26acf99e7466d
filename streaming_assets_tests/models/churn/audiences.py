"""Snapshots of audiences whose reasons to leave are known, drawn at once as rows of churn_snapshots."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from streaming_assets.contracts.models.churn import FAMILIES, churn_snapshots
from streaming_assets.models.churn.cutoffs import Split

FIRST = dt.date(2026, 1, 5)
EVERY_FAMILY = {"inactivity": 0.9, "playback": 0.6, "content_mismatch": 0.6, "discovery": 0.6, "plan": 0.5}
RECENCY_ALONE = {"inactivity": 0.9}


def split(train: int = 2, calibrate: int = 1, test: int = 2) -> Split:
    """Weekly cutoffs, five weeks from the last of a stage to the first of the next."""
    starts = (0, train + 4, train + calibrate + 8)
    return Split(
        *(
            tuple(FIRST + dt.timedelta(weeks=start + week) for week in range(length))
            for start, length in zip(starts, (train, calibrate, test), strict=True)
        )
    )


def cutoffs_of(stages: Split) -> tuple[dt.date, ...]:
    return (*stages.train, *stages.calibrate, *stages.test)


def audience(
    users: int,
    cutoffs: Sequence[dt.date],
    effects: Mapping[str, float],
    seed: int = 1,
    intercept: float = -1.2,
) -> pd.DataFrame:
    """One row per user and cutoff, every user active.

    The log-odds to churn are the intercept + Σ effect · trouble over the families; trouble has mean 0 and standard
    deviation 1 and shows in the features of its family. That of inactivity is standardised log1p(recency_hours), and
    what other features of inactivity know beyond it is noise.
    """
    random = np.random.default_rng(seed)
    lasting = {family: random.normal(size=users) for family in FAMILIES}
    tenure = random.integers(14, 800, users)
    context = {
        "country": random.choice(np.array(["de", "fr", "pl"]), users),
        "platform": random.choice(np.array(["android", "ios", "web"]), users),
        "plan": np.where(lasting["plan"] > 0, "premium", "free"),
        "age": np.where(random.random(users) < 0.1, np.nan, random.integers(14, 80, users)),
    }
    return pd.concat(
        [
            _at(cutoff, lasting, tenure + 7 * week, context, effects, intercept, random)
            for week, cutoff in enumerate(cutoffs)
        ],
        ignore_index=True,
    )


def _at(cutoff, lasting, tenure, context, effects, intercept, random) -> pd.DataFrame:
    users = len(tenure)
    trouble = {family: 0.8 * kept + 0.6 * random.normal(size=users) for family, kept in lasting.items()}
    trouble["plan"] = np.where(lasting["plan"] > 0, 1.0, -1.0)
    log_odds = intercept + sum(strength * trouble[family] for family, strength in effects.items())
    features = {
        **_inactivity(trouble["inactivity"], tenure, random),
        **_others(trouble, random),
        "is_paid": np.where(lasting["plan"] > 0, 1.0, 0.0),
        "is_premium": np.where(lasting["plan"] > 0, 1.0, 0.0),
    }
    features["premium_unused"] = features["is_premium"] / (1 + features["watch_hours_28"])
    return pd.DataFrame(
        {
            "cutoff": cutoff,
            "user_id": [f"u{number:06d}" for number in range(users)],
            "status": "active",
            "churned": random.random(users) < 1 / (1 + np.exp(-log_odds)),
            "tenure_days": tenure,
            "observation_days": 90,
            **context,
            **features,
        }
    )[[name for name in churn_snapshots.column_names if name != "distinct_content_28"]]


def _inactivity(trouble, tenure, random) -> dict[str, np.ndarray]:
    recency = np.clip(np.expm1(3.5 + trouble), 0.1, 27.9 * 24)
    rate = random.gamma(2.0, 0.15, len(tenure))
    days = {span: 1 + random.binomial(span - 1, np.minimum(rate, 0.9)) for span in (7, 28, 90)}
    plays = {span: found + random.poisson(2 * found) for span, found in days.items()}
    hours = {span: found * random.gamma(4.0, 0.15, len(tenure)) for span, found in plays.items()}
    gap = np.where(days[90] > 1, np.maximum(1.0, np.round(90 / days[90])), np.nan)
    return {
        "recency_hours": recency,
        **{f"active_days_{span}": found for span, found in days.items()},
        **{f"plays_{span}": found for span, found in plays.items()},
        **{f"watch_hours_{span}": found for span, found in hours.items()},
        "watch_trend": np.log((4 * hours[7] + 1) / (hours[28] + 1)),
        "median_gap_days": gap,
        "recency_per_gap": random.gamma(1.0, 1.0, len(tenure)),
    }


def _others(trouble, random) -> dict[str, np.ndarray]:
    def seen(family: str, direction: float = 1.0) -> np.ndarray:
        return direction * trouble[family] + 0.3 * random.normal(size=len(trouble[family]))

    def share(logit: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-logit))

    return {
        "buffer_events_per_hour": np.exp(seen("playback")),
        "buffered_session_share": share(seen("playback") - 1),
        "pauses_per_play": np.exp(seen("playback") - 1),
        "completion_share": share(seen("content_mismatch", -1)),
        "abandoned_share": share(seen("content_mismatch") - 1),
        "skip_rate": np.exp(seen("content_mismatch") - 1),
        "preferred_genre_share": share(seen("content_mismatch", -1)),
        "titles_per_play": share(seen("discovery", -1)),
        "distinct_genres_28": 1 + np.round(np.exp(0.5 * seen("discovery", -1))),
        "genre_entropy": np.exp(0.3 * seen("discovery", -1)),
        "new_title_share": share(seen("discovery", -1)),
        "recommended_share": share(seen("discovery", -1) - 1),
    }
