"""The audience by where it plays and by what it plays."""

import ibis
from ibis import _

from streaming_assets.transforms.titles import figures, with_columns


def state_metrics(title_totals: ibis.Table, habits: ibis.Table) -> ibis.Table:
    """Plays and users of each state. Columns: contract marts/state_metrics."""
    return _metrics(title_totals, habits, "state")


def platform_metrics(title_totals: ibis.Table, habits: ibis.Table) -> ibis.Table:
    """Plays and users of each platform. Columns: contract marts/platform_metrics."""
    return _metrics(title_totals, habits, "platform")


def genre_metrics(title_totals: ibis.Table, user_titles: ibis.Table, content: ibis.Table) -> ibis.Table:
    """Plays and users of each genre. Columns: contract marts/genre_metrics."""
    return _metrics(_named(title_totals, content, "genre"), _named(user_titles, content, "genre"), "genre")


def content_type_metrics(title_totals: ibis.Table, user_titles: ibis.Table, content: ibis.Table) -> ibis.Table:
    """Plays and users of each type of content. Columns: contract marts/content_type_metrics."""
    of_type = "content_type"
    return _metrics(_named(title_totals, content, of_type), _named(user_titles, content, of_type), of_type)


def _metrics(totals: ibis.Table, players: ibis.Table, by: str) -> ibis.Table:
    """Figures of each value of a column, unknown ones together; players has one or more rows per user and value."""
    users = players.group_by(by).agg(users=_.user_id.nunique())
    return with_columns(figures(totals, by), users, by).mutate(plays_per_user=_.plays / _.users)


def _named(rows: ibis.Table, content: ibis.Table, attribute: str) -> ibis.Table:
    """Rows of titles with an attribute that core/content has of them."""
    return with_columns(rows, content.select("content_id", attribute), "content_id")
