"""How many users come back after so many idle days: what the length of the label window is read from."""

import datetime as dt

import ibis
from ibis import _

from streaming_assets.transforms.columns import count_where
from streaming_assets.transforms.intervals import wilson

KNOWN_AFTER_DAYS = 90
"""A break is judged by whether it ended within so many days of its start; younger ones are not known yet."""
LONGEST_IDLE_DAYS = 60


def return_rate(user_daily: ibis.Table, as_of: dt.date) -> ibis.Table:
    """Grain: one row per number of idle days from 1 to 60. Columns: contract models/return_rate.

    user_daily: core/user_daily up to T, which is as_of. A break begins with an active day and ends with the next; of a
    user who never came back it is open. Its idle days are those between the two. Counted are breaks that began 90 days
    before T or earlier.
    """
    in_order = ibis.window(group_by="user_id", order_by="date")
    breaks = (
        user_daily.filter(_.plays > 0)
        .select("user_id", "date", next_date=_.date.lead().over(in_order))
        .filter(_.date <= ibis.literal(as_of - dt.timedelta(days=KNOWN_AFTER_DAYS)))
        .select(days=_.next_date.delta(_.date, unit="day"))
        .mutate(returned=(_.days <= KNOWN_AFTER_DAYS).coalesce(False), idle=_.days.coalesce(KNOWN_AFTER_DAYS + 1) - 1)
    )
    lengths = ibis.memtable({"idle_days": range(1, LONGEST_IDLE_DAYS + 1)}, schema={"idle_days": "int64"})
    counted = (
        lengths.left_join(breaks, lengths.idle_days <= breaks.idle)
        .group_by("idle_days")
        .agg(n_breaks=count_where(_.idle.notnull()), n_returned=count_where(_.returned.coalesce(False)))
    )
    low, high = wilson(counted.n_returned, counted.n_breaks)
    return counted.mutate(rate=_.n_returned / _.n_breaks.nullif(0), rate_low=low, rate_high=high)
