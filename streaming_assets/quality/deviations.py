"""How far a day is from what was usual before it: one row per day that can be judged, with the numbers.

Pure: lazy tables in, a lazy table out. Columns: `date`, the numbers, and `limit_used`, the part of what is allowed that
the day takes up: beyond 1 it is unusual. Days without enough behind them, or not enough in them, have no row.
"""

import math
from collections.abc import Callable

import ibis
from ibis import _

from streaming_assets.transforms.columns import count_where, day_number, total

DAYS_BEFORE = 28
LEAST_DAYS_BEFORE = 7

SAME_WEEKDAYS = 8
LEAST_SAME_WEEKDAYS = 4
LEAST_EXPECTED = 50.0
BAND_SPREADS = 3.5
BAND_LEAST_FACTOR = 1 / 0.65
BAND_SMALL_COUNTS = 10.0
_NORMAL_SPREAD = 1.4826

NULLABLE = (
    "watch_seconds", "content_seconds", "platform", "device", "country", "state", "was_recommended", "title", "creator",
    "genre", "content_type",
)  # fmt: skip
"""Columns of core/events that marts and models are made from and that may be NULL."""
LARGEST_NULL_JUMP = 0.10
NULL_SPREADS = 3.0
LEAST_PLAYS_FOR_NULLS = 100

LARGEST_PSI = 0.25
LEAST_PLAYS_FOR_PSI = 200
_QUANTILES = 10
_BINS_PER_DOUBLING = 8

LATE_AFTER_DAYS = 2
MOST_LATE = 0.05
MOST_LATE_EVENTS = 20


def beyond_limit(figures: Callable[..., ibis.Table]) -> Callable[..., ibis.Table]:
    """The days among the figures that are unusual."""

    def violations(*tables: ibis.Table) -> ibis.Table:
        found = figures(*tables)
        return found.filter(found.limit_used > 1)

    return violations


def volume(events_per_day: ibis.Table, calendar: ibis.Table, event_files: ibis.Table) -> ibis.Table:
    """Per day: events, expected, band_low, band_high, same_weekdays.

    expected is the median of the last 8 same weekdays. On the scale of logarithms, where growth and campaigns add up, the
    band is expected ± the greatest of: 3.5 robust standard deviations of these days (1.4826 · median absolute deviation;
    Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers), the logarithm of 1/0.65, as the deviation of eight
    numbers can be tiny by chance and their median lags behind growth, and 10/√expected, as events come in sessions and
    small counts scatter by more than √n.

    Judged are days from the first with events to the last, empty ones between them too, that had ended when a file was
    last taken in: the present day is still growing. Not judged are days with fewer than 4 same
    weekdays before them, or where fewer than 50 events are expected, as in the log of a single person.

    Measured on 60 simulated services × 200 calm days, scattering by 8 % besides sessions of three, weekdays apart by 40 %,
    growing by 0 to 2 % a week: per 200 days at most 0.2 false alarms at 100 and 300 events a day, 0.07 at 1,000 and 0.02
    at 5,000. A day that lost half of its events is found in about 1 of 6 cases at 100 events a day, 7 of 10 at 300, and 89
    to 99 of 100 from 1,000 on.
    """
    days = _every_day(events_per_day, calendar)
    earlier = days.view().select("weekday", earlier_number="number", earlier_events="events")
    pairs = days.inner_join(earlier, "weekday").filter((_.number - _.earlier_number).between(7, 7 * SAME_WEEKDAYS))
    expected = pairs.mutate(expected=_.earlier_events.median().over(ibis.window(group_by="date")).cast("float64"))
    bands = expected.group_by("date", "events", "ends_at", "expected").agg(
        same_weekdays=_.count(), deviation=(_log(_.earlier_events) - _log(_.expected)).abs().median()
    )
    width = ibis.greatest(
        BAND_SPREADS * _NORMAL_SPREAD * bands.deviation,
        math.log(BAND_LEAST_FACTOR),
        BAND_SMALL_COUNTS / bands.expected.sqrt(),
    )
    last_taken_in = _event_files(event_files).agg(last_taken_in=_.ingested_at.max())
    return (
        bands.filter(_.same_weekdays >= LEAST_SAME_WEEKDAYS, _.expected >= LEAST_EXPECTED)
        .mutate(width=width)
        .cross_join(last_taken_in)
        .filter(_.ends_at <= _.last_taken_in)
        .select(
            "date",
            "events",
            "expected",
            "same_weekdays",
            band_low=_.expected / _.width.exp(),
            band_high=_.expected * _.width.exp(),
            limit_used=(_log(_.events) - _log(_.expected)).abs() / _.width,
        )
    )


def null_shares(events: ibis.Table) -> ibis.Table:
    """Per day and column: plays, null_share, usual_null_share, null_share_jump.

    null_share is of the day's plays, usual_null_share of all plays of the 28 days before. Allowed is a jump of 10 points
    and 3 standard deviations of the shares of those days: a column that few users' files fill swings from day to day.
    Judged are days of 100 plays on, with 7 days before them. That fewer are NULL than before is no fault.
    Measured on 200 calm days of 300 plays, 11 columns that are NULL in 0 to 60 %: none is unusual (test_deviations).
    """
    plays = events.filter(_.event_type == "play")
    counted = plays.group_by(date="event_date").agg(
        plays=_.count(), **{name: count_where(plays[name].isnull()) for name in NULLABLE}
    )
    shares = counted.pivot_longer(list(NULLABLE), names_to="column", values_to="nulls").mutate(
        number=day_number(_.date), null_share=_.nulls / _.plays
    )
    before = _days_before(group_by="column")
    usual = shares.mutate(
        days_before=_.plays.count().over(before),
        usual_null_share=_.nulls.sum().over(before) / _.plays.sum().over(before),
        spread=_.null_share.std().over(before).coalesce(0.0),
    ).filter(_.plays >= LEAST_PLAYS_FOR_NULLS, _.days_before >= LEAST_DAYS_BEFORE)
    jump = usual.null_share - usual.usual_null_share
    return usual.select(
        "date",
        "column",
        "plays",
        "null_share",
        "usual_null_share",
        null_share_jump=jump,
        limit_used=ibis.greatest(jump, 0.0) / (LARGEST_NULL_JUMP + NULL_SPREADS * usual.spread),
    )


def watch_time_drift(events: ibis.Table) -> ibis.Table:
    """Per day: plays (of known watch time), plays_before (in the 28 days before), psi.

    PSI = Σ (pᵢ − qᵢ)·ln(pᵢ/qᵢ) over ten quantile bins of watch_seconds of the 28 days before, half a play added to every
    bin; above 0.25 the distribution is another one (Siddiqi 2006, Credit Risk Scorecards, chapter 8). Quantiles are taken
    to an eighth of a doubling, so that one pass over the days serves them all. Judged are days of 200 such plays on, where
    chance alone gives about 0.05, with 7 days before them.
    Measured on 200 calm days of 250 plays: none is above 0.25 (test_deviations).
    """
    known = events.filter(_.event_type == "play", _.watch_seconds.notnull())
    binned = known.mutate(bin=((_.watch_seconds + 1.0).log2() * _BINS_PER_DOUBLING).floor().cast("int64"))
    counted = binned.group_by(date="event_date", bin=_.bin).agg(plays=_.count())
    quantiles = _quantiles(counted)
    width = ibis.window(group_by="date")
    shares = quantiles.mutate(bins=_.plays.count().over(width), n=_.plays.sum().over(width)).mutate(
        n_before=_.plays_before.sum().over(width)
    )
    p = (shares.plays + 0.5) / (shares.n + 0.5 * shares.bins)
    q = (shares.plays_before + 0.5) / (shares.n_before + 0.5 * shares.bins)
    found = (
        shares.mutate(term=(p - q) * (p / q).ln())
        .group_by("date")
        .agg(plays=_.plays.sum(), plays_before=_.plays_before.sum(), psi=_.term.sum())
    )
    return (
        found.inner_join(_with_enough_before(counted), "date")
        .select("date", "plays", "plays_before", "psi", limit_used=_.psi / LARGEST_PSI)
        .filter(_.plays >= LEAST_PLAYS_FOR_PSI)
    )


def late_events(events_per_file: ibis.Table, calendar: ibis.Table, event_files: ibis.Table) -> ibis.Table:
    """Per day: events, late_events, late_share, late_files, example_path (one of these files).

    events_per_file: (date, file_id, rows). Late are events whose file was taken in more than 2 days after their day had
    ended. Allowed are 5 % of the day's, and 20 of a small day's. A day is judged by the sources that had landed something
    before it ended: what a source landed first, all at once or in parts, is its history, and comes late by nature; so
    does everything in a lake that was made anew. A file that replaced an earlier one is a correction and not late: when
    its rows came first is not known any more.
    """
    files = _event_files(event_files)
    since = files.group_by("source").agg(since=_.ingested_at.min())
    rows = (
        events_per_file.inner_join(files, "file_id")
        .inner_join(since, "source")
        .inner_join(calendar.select("date", "ends_at"), "date")
        .filter(_.ends_at > _.since)
        .mutate(
            is_late=(_.status == "loaded") & (_.ingested_at > _.ends_at + ibis.interval(days=LATE_AFTER_DAYS)),
        )
    )
    late = rows.filter("is_late")
    of_late = late.group_by("date").agg(
        late_events=total(late.rows), late_files=late.file_id.nunique(), example_path=late.path.min()
    )
    return (
        rows.group_by("date")
        .agg(events=total(rows.rows))
        .left_join(of_late, "date")
        .drop("date_right")
        .mutate(late_events=_.late_events.coalesce(0), late_files=_.late_files.coalesce(0))
        .mutate(
            late_share=_.late_events / _.events,
            limit_used=_.late_events / ibis.greatest(MOST_LATE * _.events, float(MOST_LATE_EVENTS)),
        )
    )


def _log(events: ibis.Value) -> ibis.Value:
    """Of no events, the logarithm of half of one."""
    return ibis.greatest(events.cast("float64"), 0.5).ln()


def _every_day(events_per_day: ibis.Table, calendar: ibis.Table) -> ibis.Table:
    """(date, ends_at, number, weekday, events) from the first day with events to the last, empty days too."""
    counted = events_per_day.group_by("date").agg(events=_.rows.sum())
    known = counted.agg(first_date=_.date.min(), last_date=_.date.max())
    return (
        calendar.select("date", "ends_at")
        .cross_join(known)
        .filter(_.date.between(_.first_date, _.last_date))
        .left_join(counted, "date")
        .select("date", "ends_at", number=day_number(_.date), events=_.events.coalesce(0))
        .mutate(weekday=_.number % 7)
    )


def _event_files(event_files: ibis.Table) -> ibis.Table:
    """Files that gave events."""
    return event_files.filter(_.table == "events", _.raw_version.notnull()).select(
        "file_id", "path", "source", "ingested_at", "status"
    )


def _days_before(group_by: str | None = None) -> ibis.expr.builders.WindowBuilder:
    return ibis.window(group_by=group_by, order_by="number", range=(-DAYS_BEFORE, -1))


def _with_enough_before(counted: ibis.Table) -> ibis.Table:
    """(date) of days that enough others with plays are before."""
    days = counted.select("date", number=day_number(_.date)).distinct()
    return (
        days.mutate(days_before=_.date.count().over(_days_before()))
        .filter(_.days_before >= LEAST_DAYS_BEFORE)
        .select("date")
    )


def _quantiles(counted: ibis.Table) -> ibis.Table:
    """(date, quantile, plays, plays_before): the plays of fine bins, and of those of the days before, by ten quantiles."""
    offsets = ibis.memtable({"offset": list(range(1, DAYS_BEFORE + 1))}, schema={"offset": "int64"})
    before = counted.cross_join(offsets).select(
        "bin",
        date=(_.date + _.offset.as_interval("D")).cast("date"),
        plays=ibis.literal(0, "int64"),
        plays_before=_.plays,
    )
    both = (
        ibis.union(
            counted.select("bin", "date", "plays", plays_before=ibis.literal(0, "int64")),
            before,
        )
        .group_by("date", "bin")
        .agg(plays=_.plays.sum(), plays_before=_.plays_before.sum())
    )
    below = ibis.window(group_by="date", order_by="bin", rows=(None, -1))
    placed = both.mutate(
        below=_.plays_before.sum().over(below).coalesce(0),
        all_before=_.plays_before.sum().over(ibis.window(group_by="date")),
        all_plays=_.plays.sum().over(ibis.window(group_by="date")),
    ).filter(_.all_before > 0, _.all_plays > 0)
    quantile = ibis.least((placed.below * _QUANTILES / placed.all_before).floor().cast("int64"), _QUANTILES - 1)
    return (
        placed.mutate(quantile=quantile)
        .group_by("date", "quantile")
        .agg(plays=_.plays.sum(), plays_before=_.plays_before.sum())
    )
