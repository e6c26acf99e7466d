"""Users and content: what records say, and what plays say of those without one."""

import ibis
from ibis import _

from streaming_assets.contracts import core
from streaming_assets.transforms.columns import EPOCH, latest_row, most_frequent

ATTRIBUTES = ("title", "creator", "genre", "content_type", "rating")
HOMES = ("country", "state", "platform")


def users(raw_users: ibis.Table, files: ibis.Table, seen: ibis.Table, habits: ibis.Table) -> ibis.Table:
    """User records in time, with a derived one for users who have none. Columns: contract core/users.

    seen: `user_first_seen`; habits: `user_habits`, both over all days.
    """
    dated = raw_users.mutate(valid_from=_.valid_from.coalesce(_.signed_up_at, EPOCH))
    records = latest_row(dated, files, by=["user_id", "valid_from"]).drop("file_id", "row_number")
    unrecorded = seen.anti_join(records, "user_id")
    unknown = {
        name: ibis.null(type_)
        for name, type_ in records.schema().items()
        if name not in ("user_id", "valid_from", "signed_up_at")
    }
    derived = unrecorded.select(
        "user_id", valid_from=EPOCH, signed_up_at=_.first_event_at, is_derived=ibis.literal(True), **unknown
    )
    everyone = records.mutate(is_derived=ibis.literal(False)).select(*derived.columns).union(derived)
    latest_first = ibis.window(group_by="user_id", order_by=ibis.desc("valid_from"))
    result = (
        everyone.mutate(is_current=ibis.row_number().over(latest_first) == 0)
        .left_join(seen, "user_id")
        .drop("user_id_right")
    )
    for attribute in HOMES:
        result = result.left_join(most_frequent(habits, attribute, f"home_{attribute}"), "user_id").drop(
            "user_id_right"
        )
    return result.select(*core.users.column_names)


def user_first_seen(user_daily: ibis.Table) -> ibis.Table:
    """(user_id, first_event_at) over the days given; can be merged with `merge_first_seen`."""
    return user_daily.group_by("user_id").agg(first_event_at=_.first_event_at.min())


def merge_first_seen(parts: ibis.Table) -> ibis.Table:
    """One `user_first_seen` of several."""
    return parts.group_by("user_id").agg(first_event_at=_.first_event_at.min())


def user_habits(user_content_daily: ibis.Table) -> ibis.Table:
    """(user_id, country, state, platform, plays, last_event_at) over the days given."""
    return merge_habits(user_content_daily)


def merge_habits(parts: ibis.Table) -> ibis.Table:
    """One `user_habits` of several."""
    return parts.group_by("user_id", *HOMES).agg(plays=_.plays.sum(), last_event_at=_.last_event_at.max())


def content(raw_content: ibis.Table, files: ibis.Table, seen: ibis.Table) -> ibis.Table:
    """The latest record of every title, else what its plays say. Columns: contract core/content.

    seen: `content_seen` over all days.
    """
    records = latest_row(raw_content, files, by=["content_id"]).drop("file_id", "row_number")
    unrecorded = seen.anti_join(records, "content_id")
    named = unrecorded.select("content_id").distinct()
    for attribute in ATTRIBUTES:
        named = named.left_join(_latest(unrecorded, attribute), "content_id").drop("content_id_right")
    unknown = {name: ibis.null(type_) for name, type_ in records.schema().items() if name not in named.columns}
    derived = named.mutate(is_derived=ibis.literal(True), **unknown)
    columns = core.content.column_names
    return records.mutate(is_derived=ibis.literal(False)).select(*columns).union(derived.select(*columns))


def content_seen(user_content_daily: ibis.Table) -> ibis.Table:
    """(content_id, attributes, last_event_at): every combination that plays named, over the days given."""
    return merge_content_seen(user_content_daily)


def merge_content_seen(parts: ibis.Table) -> ibis.Table:
    """One `content_seen` of several."""
    return parts.group_by("content_id", *ATTRIBUTES).agg(last_event_at=_.last_event_at.max())


def _latest(seen: ibis.Table, attribute: str) -> ibis.Table:
    latest_first = ibis.window(group_by="content_id", order_by=[ibis.desc("last_event_at"), ibis.desc(attribute)])
    return (
        seen.filter(_[attribute].notnull())
        .mutate(place=ibis.row_number().over(latest_first))
        .filter(_.place == 0)
        .select("content_id", attribute)
    )
