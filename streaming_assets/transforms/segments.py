"""Users put into segments, and the segments added up."""

from collections.abc import Sequence

import ibis
from ibis import _

from streaming_assets.contracts.marts.users import COMPLETION, ENGAGEMENT, LIFECYCLE_STAGES, RFM_SEGMENTS
from streaming_assets.transforms.columns import total
from streaming_assets.transforms.titles import with_columns

SEGMENTATIONS = {
    "engagement": ENGAGEMENT,
    "completion": COMPLETION,
    "lifecycle_stage": LIFECYCLE_STAGES,
    "rfm_segment": RFM_SEGMENTS,
}
SCORES = ("recency_score", "frequency_score", "monetary_score")

# Floats summed in another order differ in the last digit: unrounded, users with the same plays would score differently,
# and a mean of exactly 80 fall below 80, in one run and not in the next. Rounding merges no two different numbers of
# whole seconds: as hours they differ in the fourth decimal.
STABLE_DECIMALS = 9


def user_segments(
    user_metrics: ibis.Table,
    engagement_plays: Sequence[int],
    completion_pcts: Sequence[int],
    lifecycle_days: Sequence[int],
) -> ibis.Table:
    """One row per user. Columns: contract marts/user_segments.

    engagement_plays and completion_pcts: from which value on a user is in each segment but the last, falling.
    lifecycle_days: up to which span a user is in each stage between the first, of a span of 0, and the last, rising.
    """
    scored = with_scores(
        user_metrics,
        recency_score=-_.days_since_last_play,
        frequency_score=_.active_days,
        monetary_score=_.watch_hours.round(STABLE_DECIMALS),
    )
    return scored.select(
        "user_id",
        *SCORES,
        engagement=_from_on(_.total_plays, engagement_plays, ENGAGEMENT),
        completion=_from_on(_.avg_completion_pct.round(STABLE_DECIMALS), completion_pcts, COMPLETION),
        lifecycle_stage=_up_to(_.activity_span_days, (0, *lifecycle_days), LIFECYCLE_STAGES),
        rfm_code=_digit(_.recency_score) + _digit(_.frequency_score) + _digit(_.monetary_score),
        rfm_segment=rfm_segment(_.recency_score, _.frequency_score),
    )


def with_scores(users: ibis.Table, **values: ibis.Deferred) -> ibis.Table:
    """Users with a score from 1 to 5 of each value, the higher the better: 1 + min(4, ⌊5 · lower / others⌋).

    lower counts the other users with a lower value, so that equal values score equally. Users without a value are not
    counted and their score is NULL; who is the only one with a value scores 1.
    """
    fifths = users.mutate(**{name: _fifths_below(value) for name, value in values.items()})
    return fifths.mutate(**{name: _[name].clip(upper=4) + 1 for name in values})


def _fifths_below(value: ibis.Deferred) -> ibis.Deferred:
    has_value = value.notnull()
    lower = ibis.rank().over(ibis.window(group_by=has_value, order_by=value))
    others = value.count().over(ibis.window(group_by=has_value)) - 1
    # Engines divide as floats and round down. That is exact: a quotient of up to 5 that is no whole number differs from
    # the next one by 1 / others or more, which floats can tell apart for up to 10¹⁵ users.
    return has_value.ifelse(((lower * 5) // others.nullif(0)).coalesce(0), ibis.null("int64"))


def rfm_segment(recency: ibis.Value, frequency: ibis.Value) -> ibis.Value:
    """The segment of two scores: the first rule that holds; docs/metrics.md shows all 25 pairs."""
    return ibis.cases(
        ((recency >= 4) & (frequency >= 4), "champions"),
        ((recency >= 3) & (frequency >= 3), "loyal"),
        ((recency >= 4) & (frequency == 1), "new"),
        (recency >= 3, "promising"),
        (frequency >= 4, "at_risk"),
        (recency == 2, "hibernating"),
        else_="lost",
    )


def segment_summary(user_segments: ibis.Table, user_metrics: ibis.Table) -> ibis.Table:
    """One row per segmentation and value, without users too. Columns: contract marts/segment_summary.

    avg_completion_pct is the mean over the users' plays, not over users: a user weighs with plays_with_completion.
    """
    found = _by_segment(user_segments.join(user_metrics, "user_id"))
    return with_columns(_every_segment(user_segments), found, "segmentation", "segment").mutate(
        users=_.users.coalesce(0),
        plays=_.plays.coalesce(0),
        share=_.users.coalesce(0) / _.all_users.nullif(0),
        avg_completion_pct=_.completion_pct_sum / _.completion_pct_n.nullif(0),
    )


def _every_segment(user_segments: ibis.Table) -> ibis.Table:
    """(segmentation, segment, all_users): every value there is, also where nobody is in it or there is nobody at all."""
    values = [
        ibis.struct({"segmentation": segmentation, "segment": segment})
        for segmentation, segments in SEGMENTATIONS.items()
        for segment in segments
    ]
    everyone = user_segments.agg(all_users=_.count())
    return everyone.mutate(value=ibis.array(values).unnest()).unpack("value")


def _by_segment(users: ibis.Table) -> ibis.Table:
    """(segmentation, segment, users, plays, watch_hours, completion_pct_sum, completion_pct_n)."""
    values = [ibis.struct({"segmentation": name, "segment": _[name]}) for name in SEGMENTATIONS]
    return (
        users.mutate(value=ibis.array(values).unnest())
        .unpack("value")
        .group_by("segmentation", "segment")
        .agg(
            users=_.count(),
            plays=_.total_plays.sum(),
            watch_hours=_.watch_hours.sum(),
            completion_pct_sum=total(_.avg_completion_pct * _.plays_with_completion),
            completion_pct_n=_.plays_with_completion.sum(),
        )
    )


def _from_on(value: ibis.Deferred, least: Sequence[int], names: Sequence[str]) -> ibis.Deferred:
    """The first name whose least value is reached, else the next one; the last of all where there is no value."""
    reached = [(value >= limit, name) for limit, name in zip(least, names, strict=False)]
    return ibis.cases((value.isnull(), names[-1]), *reached, else_=names[len(least)])


def _up_to(value: ibis.Deferred, greatest: Sequence[int], names: Sequence[str]) -> ibis.Deferred:
    """The first name whose greatest value is not passed, else the last."""
    *before, last = names
    return ibis.cases(*((value <= limit, name) for limit, name in zip(greatest, before, strict=True)), else_=last)


def _digit(score: ibis.Deferred) -> ibis.Deferred:
    return score.cast("string").coalesce("-")
