"""Cleaned events: one row per key, whatever the order in which files came."""

import ibis
from ibis import _

from streaming_assets.transforms.columns import latest_row


def events(raw_events: ibis.Table, files: ibis.Table) -> ibis.Table:
    """raw/events with one row per (event_date, event_id), and completion_pct.

    Grain and columns: contract core/events. Of several rows with one key the one with the greatest
    (path, row_number) stays; files gives the path of each file_id.
    """
    key = ["event_date", "event_id"]
    repeated = raw_events.group_by(key).agg(copies=_.count()).filter(_.copies > 1)
    single = raw_events.anti_join(repeated, key)
    kept = latest_row(raw_events.semi_join(repeated, key), files, by=key)
    return ibis.union(single, kept).mutate(completion_pct=completion_pct(_.watch_seconds, _.content_seconds))


def completion_pct(watch_seconds: ibis.Value, content_seconds: ibis.Value) -> ibis.Value:
    """100 · min(watch, content) / content, in [0, 100]; NULL where either is unknown or the length is not positive."""
    length = (content_seconds > 0).ifelse(content_seconds, ibis.null("float64"))
    # In doubles 100 · x / x exceeds 100 by the last digit for one length in thirty.
    share = (100 * ibis.least(watch_seconds, length) / length).clip(upper=100.0)
    return (watch_seconds.isnull() | length.isnull()).ifelse(ibis.null("float64"), share)
