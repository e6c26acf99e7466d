"""What an experiment can measure: one entry per metric, from which moments, results and health checks follow."""

from dataclasses import dataclass
from typing import Literal

PRE_PERIOD_DAYS = 28
"""Days before the day of exposure in which the same metric is looked up for CUPED and for the balance of the arms."""


@dataclass(frozen=True)
class Metric:
    """A metric per exposed unit, over columns of experiments/unit_metrics.

    numerator, denominator: a mean of the numerator over units, or with a denominator the ratio of both sums, whose
    variance is over units since they are randomised. better: the good direction. is_share: the numerator is 0 or 1.
    matures_after: days after the day of exposure when a unit's value is known and final, so that only units observed
    that long are eligible; without it every exposed unit is, and its value grows with every day.
    pre_numerator, pre_denominator: the same in the pre-period, where the metric has a like there.
    """

    name: str
    meaning: str
    numerator: str
    denominator: str | None = None
    better: Literal["higher", "lower"] = "higher"
    is_share: bool = False
    matures_after: int | None = None
    pre_numerator: str | None = None
    pre_denominator: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose moments tell the unadjusted metric."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)

    @property
    def pre_columns(self) -> tuple[str, ...]:
        """The columns of the pre-period, none where there is no like of the metric."""
        return tuple(name for name in (self.pre_numerator, self.pre_denominator) if name is not None)

    @property
    def sign(self) -> int:
        """1 where more is better, −1 where less is."""
        return 1 if self.better == "higher" else -1


def _retention(days: int) -> Metric:
    return Metric(
        f"d{days}_retention",
        f"share of units with a play {days} day{'s' if days > 1 else ''} after the day of exposure",
        f"retained_d{days}",
        is_share=True,
        matures_after=days,
    )


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "session_minutes",
            "mean session duration in minutes: Σ minutes / Σ sessions",
            "session_minutes",
            "sessions",
            pre_numerator="pre_session_minutes",
            pre_denominator="pre_sessions",
        ),
        Metric(
            "skip_rate",
            "Σ skips / Σ plays",
            "skips",
            "plays",
            better="lower",
            pre_numerator="pre_skips",
            pre_denominator="pre_plays",
        ),
        Metric("sessions_per_user", "sessions per unit", "sessions", pre_numerator="pre_sessions"),
        Metric("plays_per_user", "plays per unit", "plays", pre_numerator="pre_plays"),
        Metric("watch_hours", "hours watched per unit", "watch_hours", pre_numerator="pre_watch_hours"),
        Metric("creator_diversity", "distinct creators played per unit", "creators", pre_numerator="pre_creators"),
        Metric("genre_diversity", "distinct genres played per unit", "genres", pre_numerator="pre_genres"),
        _retention(1),
        _retention(7),
        _retention(30),
        Metric(
            "sessions_in_first_7_days",
            "sessions per unit on the day of exposure and the six that follow",
            "sessions_first_7d",
            matures_after=6,
            pre_numerator="pre_sessions_7d",
        ),
    )
}


def capped_name(column: str) -> str:
    """The column that has no more of another than its cap."""
    return f"capped_{column}"


GROWING = tuple(
    dict.fromkeys(name for found in METRICS.values() if found.matures_after is None for name in found.columns)
)
"""Columns of experiments/unit_days: what a day can add to a unit."""

RETENTION_DAYS = tuple(found.matures_after for found in METRICS.values() if found.is_share and found.matures_after)
