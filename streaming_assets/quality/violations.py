"""Where numbers that must agree do not: one row per file or day, with the numbers; no rows where they agree.

Pure: lazy tables in, a lazy table out. Columns: `date` and the numbers, or file_id, path,
event_dates where its rows have days, and the numbers.
Every day that is in the tables is judged, those at the edges from what of their neighbours is there.
"""

import ibis
from ibis import _

from streaming_assets.contracts.raw import NOT_READ
from streaming_assets.transforms.columns import total


def files_with_missing_rows(
    event_files: ibis.Table,
    raw_events: ibis.Table,
    raw_users: ibis.Table,
    raw_content: ibis.Table,
    rejected_rows: ibis.Table,
) -> ibis.Table:
    """Per file of the ledger: rows, accepted, rejected, loaded and kept_rejects, all of the table that it counts as."""
    accepted = [
        rows.group_by("file_id").agg(loaded=_.count()).mutate(table=ibis.literal(name))
        for name, rows in (("events", raw_events), ("users", raw_users), ("content", raw_content))
    ]
    loaded = ibis.union(*accepted)
    kept_rejects = rejected_rows.group_by("file_id", "table").agg(kept_rejects=_.count())
    return (
        event_files.select("file_id", "path", "event_dates", "table", "rows", "accepted", "rejected")
        .left_join(loaded, ["file_id", "table"])
        .drop("file_id_right", "table_right")
        .left_join(kept_rejects, ["file_id", "table"])
        .drop("file_id_right", "table_right")
        .mutate(loaded=_.loaded.coalesce(0), kept_rejects=_.kept_rejects.coalesce(0))
        .filter((_.rows != _.accepted + _.rejected) | (_.accepted != _.loaded) | (_.rejected != _.kept_rejects))
    )


def files_unknown_to_the_ledger(event_files: ibis.Table, raw_events: ibis.Table) -> ibis.Table:
    """Per file_id: loaded (rows of raw/events), first_date, last_date."""
    return (
        raw_events.group_by("file_id")
        .agg(loaded=_.count(), first_date=_.event_date.min(), last_date=_.event_date.max())
        .anti_join(event_files, "file_id")
    )


def files_not_read(event_files: ibis.Table) -> ibis.Table:
    """Per file that was landed and not loaded as it is: status, error. Its days are not known, or of what it was before."""
    return event_files.filter(_.status.isin(NOT_READ)).select("file_id", "path", "status", "error")


def files_with_many_rejected(event_files: ibis.Table, most: float) -> ibis.Table:
    """Per file with a larger share of rejected rows than `most`: rows, rejected, rejected_share."""
    return (
        event_files.select("file_id", "path", "event_dates", "rows", "rejected")
        .mutate(rejected_share=_share(_.rejected, _.rows))
        .filter(_.rejected_share > most)
    )


def days_with_many_rejected(accepted_rows: ibis.Table, rejected_rows: ibis.Table, most: float) -> ibis.Table:
    """Of rejected_shares, the days with a larger share than `most`."""
    return rejected_shares(accepted_rows, rejected_rows).filter(_.rejected_share > most)


def rejected_shares(accepted_rows: ibis.Table, rejected_rows: ibis.Table) -> ibis.Table:
    """Per day: rows (in all), rejected, rejected_share.

    accepted_rows: (date, rows). Rejects without a day, and those refused for their time, count to no day.
    """
    refused = rejected_rows.filter((_.table == "events") & _.event_date.notnull() & ~_.reason.startswith("timestamp_"))
    return (
        _side_by_side(accepted=_sum(accepted_rows, "date", "rows"), rejected=_count(refused, "event_date"))
        .select("date", "rejected", rows=_.accepted + _.rejected)
        .mutate(rejected_share=_share(_.rejected, _.rows))
    )


def days_with_lost_events(raw_events: ibis.Table, events: ibis.Table) -> ibis.Table:
    """Per day: raw_rows, kept, duplicates (raw rows beyond the first of each event_id), where they do not add up."""
    copies = raw_events.group_by("event_id", date="event_date").agg(copies=_.count())
    return _side_by_side(
        raw_rows=_sum(copies, "date", "copies"),
        kept=_count(events, "event_date"),
        duplicates=_sum(copies.mutate(more=_.copies - 1), "date", "more"),
    ).filter(_.raw_rows != _.kept + _.duplicates)


def days_with_many_duplicates(raw_events: ibis.Table, events: ibis.Table, most: float) -> ibis.Table:
    """Of duplicate_shares, the days with a larger share than `most`."""
    return duplicate_shares(raw_events, events).filter(_.duplicate_share > most)


def duplicate_shares(raw_events: ibis.Table, events: ibis.Table) -> ibis.Table:
    """Per day: raw_rows, duplicates (those not kept), duplicate_share."""
    return (
        _side_by_side(raw_rows=_count(raw_events, "event_date"), kept=_count(events, "event_date"))
        .select("date", "raw_rows", duplicates=_.raw_rows - _.kept)
        .mutate(duplicate_share=_share(_.duplicates, _.raw_rows))
    )


def days_that_share_event_ids(events: ibis.Table) -> ibis.Table:
    """Per day: event_ids that another of the days has too, and one of them as an example."""
    shared = (
        events.group_by("event_id")
        .agg(first_date=_.event_date.min(), last_date=_.event_date.max())
        .filter(_.first_date < _.last_date)
    )
    return _on_both_days(shared).group_by("date").agg(event_ids=_.count(), example_event_id=_.event_id.min())


def days_with_lost_plays(events: ibis.Table, plays: ibis.Table) -> ibis.Table:
    """Per day: play_events, plays, where they differ."""
    return _side_by_side(
        play_events=_count(events.filter(_.event_type == "play"), "event_date"), plays=_count(plays, "event_date")
    ).filter(_.play_events != _.plays)


def days_with_plays_outside_sessions(plays: ibis.Table, sessions: ibis.Table) -> ibis.Table:
    """Per day: plays, session_plays, where they differ. Sessions are needed from the day before on."""
    started = sessions.select(date="session_date", plays=_.plays - _.plays_next_day)
    carried = sessions.select(date=_next_day(_.session_date), plays="plays_next_day")
    return _side_by_side(
        plays=_count(plays, "event_date"), session_plays=_sum(ibis.union(started, carried), "date", "plays")
    ).filter(_.plays != _.session_plays)


def days_with_overlapping_sessions(sessions: ibis.Table) -> ibis.Table:
    """Per day: sessions that overlap with the user's previous or next one, and one such user as an example."""
    in_order = ibis.window(group_by="user_id", order_by=["started_at", "session_id"])
    overlapping = sessions.select(
        "user_id",
        "ended_at",
        first_date="session_date",
        next_starts=_.started_at.lead().over(in_order),
        last_date=_.session_date.lead().over(in_order),
    ).filter(_.ended_at > _.next_starts)
    return _on_both_days(overlapping).group_by("date").agg(overlaps=_.count(), example_user_id=_.user_id.min())


def days_with_other_sessions(sessions: ibis.Table, user_daily: ibis.Table) -> ibis.Table:
    """Per day: sessions, sessions_started (by users), where they differ."""
    return _side_by_side(
        sessions=_count(sessions, "session_date"), sessions_started=_sum(user_daily, "date", "sessions_started")
    ).filter(_.sessions != _.sessions_started)


def days_with_other_plays(plays: ibis.Table, daily: ibis.Table) -> ibis.Table:
    """Per day: plays, daily_plays (summed over a daily table), where they differ."""
    return _side_by_side(plays=_count(plays, "event_date"), daily_plays=_sum(daily, "date", "plays")).filter(
        _.plays != _.daily_plays
    )


def days_with_other_watch_time(plays: ibis.Table, daily: ibis.Table, tolerance: float) -> ibis.Table:
    """Per day: watch_seconds, daily_watch_seconds (summed over a daily table), where they differ by more than the
    tolerance, a share of the greater one.
    """
    return _side_by_side(
        watch_seconds=_sum(plays, "event_date", "watch_seconds"),
        daily_watch_seconds=_sum(daily, "date", "watch_seconds"),
    ).filter(
        (_.watch_seconds - _.daily_watch_seconds).abs()
        > tolerance * ibis.greatest(_.watch_seconds.abs(), _.daily_watch_seconds.abs())
    )


def _side_by_side(**measures: ibis.Table) -> ibis.Table:
    """One row per day that any measure has, with a column per measure, 0 where it has none; each is (date, value)."""
    long = [
        measure.select(
            "date",
            **{name: _.value if name == own else ibis.literal(0, of.value.type()) for name, of in measures.items()},
        )
        for own, measure in measures.items()
    ]
    return ibis.union(*long).group_by("date").agg(**{name: _[name].sum() for name in measures})


def _count(rows: ibis.Table, day: str) -> ibis.Table:
    return rows.group_by(date=day).agg(value=_.count())


def _sum(rows: ibis.Table, day: str, column: str) -> ibis.Table:
    return rows.group_by(date=day).agg(value=total(_[column]))


def _share(part: ibis.Value, whole: ibis.Value) -> ibis.Value:
    """NULL of nothing: an engine may raise on a division by zero."""
    return part / whole.nullif(0)


def _on_both_days(pairs: ibis.Table) -> ibis.Table:
    """What connects first_date and last_date, once for each of the two, as date."""
    first = pairs.mutate(date="first_date")
    last = pairs.filter(_.first_date != _.last_date).mutate(date="last_date")
    return ibis.union(first, last)


def _next_day(day: ibis.Value) -> ibis.Value:
    return (day + ibis.interval(days=1)).cast("date")
