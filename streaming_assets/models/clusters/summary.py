"""What came of a training, in figures and in words."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from streaming_assets.models.clusters.candidates import LEAST_ARI, LEAST_FEATURES, LEAST_SHARE, LEAST_USERS, Candidate
from streaming_assets.models.clusters.features import LEAST_PLAYS, NAMES
from streaming_assets.models.clusters.profiles import Clusters
from streaming_assets.models.clusters.space import Space

_BY_RULE = "The rule-based segments stand alone."


def summary(
    users: int,
    space: Space,
    tried: Sequence[Candidate],
    best: Candidate | None,
    found: Clusters | None,
    last: Clusters | None,
    as_of: dt.date,
) -> dict[str, Any]:
    """The row of models/cluster_summary. found: the clusters of the best candidate, named; last: those before them."""
    status, reason = _status(users, space, tried, best)
    names, before = (() if clusters is None else clusters.names for clusters in (found, last))
    return {
        "trained_as_of": as_of,
        "status": status,
        "reason": reason,
        "users": users,
        "k": best and best.k,
        "ari": best and best.agreement.ari,
        "recurrence": best and best.agreement.recurrence,
        "smallest_share": best and best.smallest_share,
        "candidates": [_told(candidate) for candidate in tried],
        "features": list(space.features),
        "features_left_out": [name for name in NAMES if name not in space.features],
        "kept": [name for name in names if name in before],
        "new": [name for name in names if name not in before],
        "retired": [name for name in before if name not in names],
    }


def _status(users: int, space: Space, tried: Sequence[Candidate], best: Candidate | None) -> tuple[str, str]:
    """One of the contract's STATUSES, and why."""
    if users < LEAST_USERS:
        reason = f"{users:,} users with at least {LEAST_PLAYS} plays; kinds of users are looked for among {LEAST_USERS} or more."
        return "too_few_users", f"{reason} {_BY_RULE}"
    if not tried:
        reason = f"Users differ in {len(space.features)} features; kinds of users are looked for in {LEAST_FEATURES} or more."
        return "no_stable_segmentation", f"{reason} {_BY_RULE}"
    if best is None:
        return "no_stable_segmentation", f"{_unstable(tried)} {_BY_RULE}"
    return "stable", _stable(users, best)


def _stable(users: int, best: Candidate) -> str:
    return (
        f"{best.k} kinds of users, on which random halves of the {users:,} users agree: adjusted Rand index "
        f"{best.agreement.ari:.2f}, where {best.least_ari:.2f} is asked for. The smallest has "
        f"{_percent(best.smallest_share)} of them."
    )


def _unstable(tried: Sequence[Candidate]) -> str:
    closest = max(tried, key=lambda candidate: candidate.agreement.ari)
    return (
        f"No number of kinds from {tried[0].k} to {tried[-1].k} is agreed on by random halves of the users (adjusted Rand index "
        f"of {LEAST_ARI} or more; the highest is {closest.agreement.ari:.2f}, with {closest.k}) without a kind that does not "
        f"recur or has fewer than {_percent(LEAST_SHARE)} of them."
    )


def _told(candidate: Candidate) -> str:
    return (
        f"{candidate.k} clusters: adjusted Rand index {candidate.agreement.ari:.2f}, least recurrence "
        f"{candidate.agreement.recurrence:.2f}, smallest cluster {_percent(candidate.smallest_share)} of the users"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
