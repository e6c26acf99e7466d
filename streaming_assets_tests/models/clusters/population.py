"""Populations of users with known kinds, as frames of features: heavy tails, unequal sizes, and nothing to find."""

import numpy as np
import pandas as pd

from streaming_assets.models.clusters.features import NAMES

USUAL = {
    "active_days_per_week": 2.0,
    "plays_per_session": 2.0,
    "avg_watch_minutes": 30.0,
    "avg_completion_pct": 70.0,
    "distinct_genres": 6.0,
    "plays_per_title": 1.5,
    "skip_rate": 0.08,
    "recommended_share": 0.3,
    "days_since_last_play": 6.0,
}
"""Medians of a user of no kind."""

KINDS: dict[str, dict[str, float]] = {
    "bingers": {"plays_per_session": 9.0, "distinct_genres": 2.0, "active_days_per_week": 1.0},
    "regulars": {"active_days_per_week": 6.0, "distinct_genres": 12.0},
    "samplers": {"avg_completion_pct": 25.0, "skip_rate": 0.6, "avg_watch_minutes": 8.0},
    "followers": {"recommended_share": 0.8, "plays_per_title": 1.05, "avg_watch_minutes": 55.0},
    "leavers": {"days_since_last_play": 80.0, "active_days_per_week": 0.5, "plays_per_title": 4.0},
    "newcomers": {"recommended_share": 0.05, "avg_completion_pct": 96.0, "plays_per_session": 5.0},
}
"""What the median of each kind is where it differs from the usual."""

FIVE = {"bingers": 0.38, "regulars": 0.26, "samplers": 0.18, "followers": 0.11, "leavers": 0.07}


def users(size: int, seed: int, kinds: dict[str, float]) -> pd.DataFrame:
    """A frame of features, and the kind of each user; kinds: the share of each.

    Multiplicative spread of ± 35 %, and of one user in fifty three times as much.
    """
    rng = np.random.default_rng(seed)
    kind = np.repeat(list(kinds), np.round(np.array(list(kinds.values())) * size).astype(int))
    medians = pd.DataFrame([{**USUAL, **KINDS[one]} for one in kind])[list(NAMES)]
    spread = np.where(rng.random((len(kind), 1)) < 0.02, 3.0, 1.0) * 0.35
    frame = medians * np.exp(spread * rng.standard_normal(medians.shape))
    for name, most in (("avg_completion_pct", 100), ("recommended_share", 1)):
        odds = medians[name] / (most - medians[name]) * (frame[name] / medians[name]) ** 2
        frame[name] = most * odds / (1 + odds)
    # Ids say nothing of the kind.
    ids = [f"u{number:06d}" for number in rng.permutation(len(kind))]
    return frame.assign(user_id=ids, kind=kind)


def five_kinds(size: int, seed: int) -> pd.DataFrame:
    """Five kinds of unequal size."""
    return users(size, seed, FIVE)


def of_no_kind(size: int, seed: int) -> pd.DataFrame:
    """Users who differ in every feature by chance alone, with heavy tails."""
    rng = np.random.default_rng(seed)
    values = {name: USUAL[name] * np.exp(0.6 * rng.standard_t(4, size)) for name in NAMES}
    return pd.DataFrame(values).assign(user_id=[f"u{number:06d}" for number in range(size)])
