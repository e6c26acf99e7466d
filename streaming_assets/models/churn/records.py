"""What user records said at cutoffs, and what they said later of who left."""

import datetime as dt

import ibis
from ibis import _

PLACE = ("country", "platform")
ATTRIBUTES = (*PLACE, "plan", "age", "preferred_genre", "cancelled_at")


def known(users: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """The records of core/users that held by the end of T, without cancellations that were still to come then."""
    end = calendar.filter(_.date <= ibis.literal(as_of)).agg(end_of_t=_.ends_at.max())
    return (
        users.cross_join(end)
        .filter(_.valid_from < _.end_of_t)
        .mutate(cancelled_at=(_.cancelled_at < _.end_of_t).ifelse(_.cancelled_at, ibis.null("timestamp")))
        .drop("end_of_t")
    )


def label_kind(users: ibis.Table) -> ibis.Value:
    """How it is told that a user churned: "cancellation" where any of the `known` records carries cancelled_at, else "inactivity"."""
    return users.cancelled_at.notnull().any().coalesce(False).ifelse("cancellation", "inactivity")


def held(users: ibis.Table, clock: ibis.Table) -> ibis.Table:
    """The record of each user with the greatest valid_from before the cutoff.

    Grain: one row per user with such a record and cutoff. Columns: user_id, cutoff, valid_from and ATTRIBUTES.
    clock: (cutoff, starts_at).
    """
    in_order = ibis.window(group_by="user_id", order_by="valid_from")
    return (
        users.filter(~_.is_derived)
        .mutate(next_from=_.valid_from.lead().over(in_order))
        .join(clock, users.valid_from < clock.starts_at)
        .filter(_.next_from.isnull() | (_.next_from >= _.starts_at))
        .select("user_id", "cutoff", "valid_from", *ATTRIBUTES)
    )


def unplaced(users: ibis.Table, clock: ibis.Table) -> ibis.Table:
    """(user_id) of users whose records do not tell all of PLACE, every one of them and from before the first cutoff on."""
    is_told = [users[attribute].notnull().all() for attribute in PLACE]
    begins = users.valid_from.min() < clock.starts_at.min().as_scalar()
    return users.group_by("user_id").having(~ibis.and_(begins, *is_told)).agg(records=_.count()).select("user_id")


def cancellations(users: ibis.Table, held: ibis.Table, clock: ibis.Table) -> ibis.Table:
    """(user_id, cutoff, left_at): the earliest cancelled_at of the record held at the cutoff and of all later ones.

    What earlier records say is over: who cancelled and holds a record without a cancellation has come back.
    """
    cancelled = users.filter(_.cancelled_at.notnull()).select("user_id", "valid_from", "cancelled_at")
    standing = held.select("user_id", "cutoff", held_from="valid_from")
    return (
        cancelled.cross_join(clock.select("cutoff"))
        .left_join(standing, ["user_id", "cutoff"])
        .filter(_.held_from.isnull() | (_.valid_from >= _.held_from))
        .group_by("user_id", "cutoff")
        .agg(left_at=_.cancelled_at.min())
    )
