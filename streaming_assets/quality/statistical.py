"""Which days are unusual: what is held against the days before, by how much it may differ, and what to do if it does.

They warn and stop nothing: an unusual day can be true. How a day is measured is in `deviations`.
"""

from collections.abc import Callable, Mapping

import ibis

from streaming_assets.quality import deviations
from streaming_assets.quality.reconciliation import ROWS_PER_DAY, Around, Reconciliation, RowsPerDay

ASSET = "core/events"
_BEFORE = Around(before=deviations.DAYS_BEFORE)


def statistical_checks() -> list[Reconciliation]:
    """All of them, of days of core/events."""
    return [
        _check(
            "daily_volume_is_within_the_seasonal_band",
            (
                f"Events of an ended day are near the median of its last {deviations.SAME_WEEKDAYS} same weekdays: within "
                f"{deviations.BAND_SPREADS:g} robust standard deviations of these, and {100 / deviations.BAND_LEAST_FACTOR:g} % to "
                f"{100 * deviations.BAND_LEAST_FACTOR:.0f} % at the least."
            ),
            {"core/events": ROWS_PER_DAY, "core/calendar": None, "raw/event_files": None},
            deviations.volume,
            (
                "Below the band: see in raw/event_files which files of the day are missing or smaller than usual, and ask "
                "their producer. Above it: look for a file of another period, or a new source. A holiday or a campaign "
                "needs nothing."
            ),
        ),
        _check(
            "null_shares_are_those_of_the_28_days_before",
            (
                f"No column of a day's plays is NULL in {100 * deviations.LARGEST_NULL_JUMP:g} points (and "
                f"{deviations.NULL_SPREADS:g} standard deviations of the days) more than over the days before."
            ),
            {"core/events": _BEFORE},
            deviations.null_shares,
            (
                "Look at the column in a landed file of the day: it was renamed, or its producer stopped filling it. Adapt "
                "the source's YAML, which reads the files again, or have corrected files landed."
            ),
        ),
        _check(
            "watch_times_are_distributed_as_in_the_28_days_before",
            f"The PSI of watch_seconds of a day's plays against those of the days before is at most {deviations.LARGEST_PSI:g}.",
            {"core/events": _BEFORE},
            deviations.watch_time_drift,
            (
                "Compare the watch times of the day with those before: a producer that changed its unit is off by 60 or "
                "1,000. Adapt the source's YAML, or have corrected files landed."
            ),
        ),
        _check(
            "at_most_5_percent_of_a_days_events_are_late",
            (
                f"At most {100 * deviations.MOST_LATE:g} % of a day's raw events (or {deviations.MOST_LATE_EVENTS} of a "
                f"small day's) were taken in more than {deviations.LATE_AFTER_DAYS} days after it; a source's first load is "
                "its history, and a correction is not late."
            ),
            {"raw/events": ROWS_PER_DAY, "core/calendar": None, "raw/event_files": None},
            deviations.late_events,
            (
                "The numbers of the day have changed after they were read: tell who uses them, and ask the producer of the "
                "named file why it came late. If it was here in time, see why no run took it in."
            ),
        ),
    ]


def _check(
    name: str,
    description: str,
    reads: Mapping[str, Around | RowsPerDay | None],
    figures: Callable[..., ibis.Table],
    advice: str,
) -> Reconciliation:
    return Reconciliation(
        name,
        ASSET,
        description,
        reads,
        is_blocking=False,
        advice=advice,
        violations=deviations.beyond_limit(figures),
        figures=figures,
    )
