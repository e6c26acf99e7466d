"""What users are told apart by."""

import ibis
from ibis import _

from streaming_assets.contracts.models.clusters import FEATURES

NAMES = tuple(column.name for column in FEATURES)

LEAST_PLAYS = 10
"""Of fewer plays a rate is chance: one play is skipped or not, and its user would be told apart by that."""


def features(user_metrics: ibis.Table) -> ibis.Table:
    """One row per user with at least 10 plays: user_id and the FEATURES of the contract, in their own units, NULL unknown.

    user_metrics: contract marts/user_metrics. Rates stand where totals could: totals tell old users from new ones.
    Figures that go with one of these, as sessions per day do with days per week, would count twice and are left out.
    """
    weeks = ibis.greatest(_.activity_span_days + ibis.literal(1, "int64"), ibis.literal(7, "int64")) / 7
    rates = {
        "active_days_per_week": _.active_days / weeks,
        "plays_per_session": _.total_plays / _.total_sessions.nullif(0),
        "distinct_genres": _.distinct_genres.nullif(0),
        "plays_per_title": _.total_plays / _.distinct_content,
    }
    described = user_metrics.filter(_.total_plays >= LEAST_PLAYS).mutate(**rates)
    return described.select("user_id", **{name: _[name].cast("float64") for name in NAMES})
