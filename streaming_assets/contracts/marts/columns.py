"""Columns that several marts share."""

from streaming_assets.contracts.table import Column

AS_OF = "As of T: the setting as_of, else the day of the latest event."

DATE = Column("date", "date", "day of the reporting zone", not_null=True)
ISO_YEAR = Column("iso_year", "int64", "year of the ISO week", not_null=True)
ISO_WEEK = Column("iso_week", "int64", "number of the ISO week", not_null=True, at_least=1, at_most=53)
WEEK_START = Column("week_start", "date", "its Monday", not_null=True)
USER_ID = Column("user_id", "string", "who", not_null=True)
CONTENT_ID = Column("content_id", "string", "show, film, episode or track", not_null=True)
TITLE = Column("title", "string", "its title; NULL where nobody names it")
IS_COMPLETE = Column("is_complete", "boolean", "false where T cuts the period short", not_null=True)


def count(name: str, description: str) -> Column:
    """A whole number of 0 or more, always known."""
    return Column(name, "int64", description, not_null=True, at_least=0)


def number(name: str, description: str) -> Column:
    """A figure of 0 or more, NULL where nothing can be said."""
    return Column(name, "float64", description, at_least=0)


def share(name: str, description: str) -> Column:
    """From 0 to 1, NULL where the denominator is 0."""
    return Column(name, "float64", description, at_least=0, at_most=1)


def percentage(name: str, description: str) -> Column:
    """From 0 to 100, NULL where nothing can be said."""
    return Column(name, "float64", description, at_least=0, at_most=100)


PLAYS = count("plays", "plays")
UNIQUE_USERS = count("unique_users", "users with a play")
USERS = count("users", "users with a play")
WATCH_HOURS = number("watch_hours", "hours watched; NULL where there are plays and no watch time is known")
AVG_COMPLETION_PCT = percentage("avg_completion_pct", "mean of the plays' completion_pct; NULL where no play has one")
PLAYS_PER_USER = number("plays_per_user", "plays / users; NULL without users")
