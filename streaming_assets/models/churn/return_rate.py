"""How many users come back after days without a play: what the length of the label window is justified by."""

import datetime as dt

import ibis
from ibis import _

from streaming_assets.transforms.columns import count_where, total
from streaming_assets.transforms.intervals import wilson

MOST_IDLE_DAYS = 60
RETURN_DAYS = 90


def return_rate(user_daily: ibis.Table, as_of: dt.date) -> ibis.Table:
    """The share of breaks that end, by how long they have lasted. Grain and columns: contract models/return_rate.

    A break starts with an active day that no other follows at once; its idle days are those up to the next active day,
    of which there may be none up to T, which is as_of. Counted are breaks that started RETURN_DAYS or more before T, and
    as returned those whose next active day is at most RETURN_DAYS after their start. The interval is `intervals.wilson`.
    """
    breaks = _breaks(user_daily, as_of)
    by_length = breaks.group_by(lasted=ibis.least(_.idle_days, MOST_IDLE_DAYS)).agg(
        breaks=_.count(), returned=count_where(_.days_to_return <= RETURN_DAYS)
    )
    days = ibis.memtable([(day,) for day in range(1, MOST_IDLE_DAYS + 1)], schema={"idle_days": "int64"})
    found = (
        days.left_join(by_length, days.idle_days <= by_length.lasted)
        .group_by("idle_days")
        .agg(n_breaks=total(_.breaks), n_returned=total(_.returned))
    )
    low, high = wilson(found.n_returned, found.n_breaks)
    return found.mutate(rate=found.n_returned / found.n_breaks.nullif(0), rate_low=low, rate_high=high)


def _breaks(user_daily: ibis.Table, as_of: dt.date) -> ibis.Table:
    """(idle_days, days_to_return) of every break that counts; days_to_return is NULL where nobody has come back."""
    in_order = ibis.window(group_by="user_id", order_by="date")
    last_start = ibis.literal(as_of - dt.timedelta(days=RETURN_DAYS))
    return (
        user_daily.filter(_.plays > 0, _.date <= ibis.literal(as_of))
        .select("user_id", "date", following=_.date.lead().over(in_order))
        .filter(_.date <= last_start)
        .select(
            days_to_return=_.following.delta(_.date, unit="day"),
            idle_days=_.following.coalesce(ibis.literal(as_of + dt.timedelta(days=1))).delta(_.date, unit="day") - 1,
        )
        .filter(_.idle_days > 0)
    )
