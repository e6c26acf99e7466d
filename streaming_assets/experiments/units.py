"""What exposed units do: per day since exposure, in all, and in the days before."""

import ibis
from ibis import _

from streaming_assets.experiments.assignment import Facts
from streaming_assets.experiments.metrics import GROWING, PRE_PERIOD_DAYS, RETENTION_DAYS
from streaming_assets.experiments.moments import HAS_PRE
from streaming_assets.experiments.window import Window

FIRST_WEEK_DAYS = 7

_SECONDS_PER_HOUR = 3600
_COUNTED = ("sessions", "session_minutes", "plays", "skips", "watch_hours")
_TEXTS = {"creators": "creator", "genres": "genre"}
_ATTRIBUTES = ("platform", "country", "plan", "user_kind")


def unit_days(window: Window, assignments: ibis.Table, facts: Facts) -> ibis.Table:
    """What each day since exposure adds to a unit. Grain and columns: contract experiments/unit_days.

    Plays, skips and sessions that start at exposure or later, up to the window's last day. creators and genres count
    those that the unit had not played since exposure before the day, so that all columns add up over days.
    """
    after = _of_units(facts, assignments).filter(_.at >= _.exposed_at, _.date <= window.last)
    counted = (
        after.group_by("experiment_id", "user_id", "variant", "date")
        .agg(**{name: _[name].sum() for name in _COUNTED})
        .mutate(**_nothing(*_TEXTS))
    )
    parts = [counted, *(_first_time(after, name, text) for name, text in _TEXTS.items())]
    return (
        ibis.union(*(part.select("experiment_id", "user_id", "variant", "date", *GROWING) for part in parts))
        .group_by("experiment_id", "user_id", "variant", "date")
        .agg(**{name: _[name].sum() for name in GROWING})
    )


def unit_metrics(window: Window, assignments: ibis.Table, unit_days: ibis.Table, facts: Facts) -> ibis.Table:
    """Every exposed unit with what it did since and before. Grain and columns: contract experiments/unit_metrics."""
    days = unit_days.join(assignments.select("user_id", "exposed_date"), "user_id").mutate(
        day=_.date.delta(_.exposed_date, unit="day").cast("int64")
    )
    since = days.group_by("user_id").agg(
        **{name: _[name].sum() for name in GROWING},
        **{f"retained_d{n}": ((_.day == n) & (_.plays > 0)).any().cast("int64") for n in RETENTION_DAYS},
        sessions_first_7d=(_.day < FIRST_WEEK_DAYS).ifelse(_.sessions, 0).sum(),
    )
    before = _before(assignments, facts)
    observed = ibis.literal(window.last).delta(assignments.exposed_date, unit="day").cast("int64")
    told = ("experiment_id", "user_id", "variant", "exposed_date", *_ATTRIBUTES, HAS_PRE)
    measured = [name for found in (since, before) for name in found.columns if name != "user_id"]
    return (
        assignments.select(*told, days_observed=observed)
        .left_join(since, "user_id")
        .drop("user_id_right")
        .left_join(before, "user_id")
        .drop("user_id_right")
        .mutate(**{name: _[name].coalesce(0) for name in measured})
    )


def _of_units(facts: Facts, assignments: ibis.Table) -> ibis.Table:
    """Everything that counts of exposed units, before and after exposure.

    (experiment_id, user_id, variant, exposed_at, exposed_date, at, date, sessions … watch_hours, creator, genre).
    """
    records = facts.content.filter(~_.is_derived).select("content_id", own_creator=_.creator, own_genre=_.genre)
    units = assignments.select("experiment_id", "user_id", "variant", "exposed_at", "exposed_date")
    plays = (
        facts.plays.select(
            "user_id", "content_id", "creator", "genre", "watch_seconds", "is_skip", at=_.started_at, date=_.event_date
        )
        .left_join(records, "content_id")
        .select(
            "user_id",
            "at",
            "date",
            sessions=ibis.literal(0, "int64"),
            session_minutes=ibis.literal(0.0),
            plays=ibis.literal(1, "int64"),
            skips=_.is_skip.cast("int64"),
            watch_hours=(_.watch_seconds / _SECONDS_PER_HOUR).coalesce(0.0),
            creator=_.creator.coalesce(_.own_creator),
            genre=_.own_genre.coalesce(_.genre),
        )
    )
    skips = facts.events.filter(_.event_type == "skip").select(
        "user_id", at=_.started_at, date=_.event_date, **_nothing("sessions", "session_minutes", "plays"),
        skips=ibis.literal(1, "int64"), **_nothing("watch_hours", "creator", "genre"),
    )  # fmt: skip
    sessions = facts.sessions.select(
        "user_id", at=_.started_at, date=_.session_date, sessions=ibis.literal(1, "int64"),
        session_minutes=_.duration_seconds / 60, **_nothing("plays", "skips", "watch_hours", "creator", "genre"),
    )  # fmt: skip
    return ibis.union(plays, skips, sessions).join(units, "user_id")


def _nothing(*columns: str) -> dict[str, ibis.Value]:
    values = {
        "session_minutes": ibis.literal(0.0),
        "watch_hours": ibis.literal(0.0),
        "creator": ibis.null("string"),
        "genre": ibis.null("string"),
    }
    return {name: values.get(name, ibis.literal(0, "int64")) for name in columns}


def _first_time(after: ibis.Table, name: str, text: str) -> ibis.Table:
    """How many of the texts each unit plays for the first time since exposure, by day."""
    met = after.filter(_[text].notnull()).group_by("experiment_id", "user_id", "variant", text).agg(date=_.date.min())
    others = [other for other in GROWING if other != name]
    return (
        met.group_by("experiment_id", "user_id", "variant", "date").agg(**{name: _.count()}).mutate(**_nothing(*others))
    )


def _before(assignments: ibis.Table, facts: Facts) -> ibis.Table:
    """(user_id, pre_…) over the days before the day of exposure."""
    first = _.exposed_date - ibis.interval(days=PRE_PERIOD_DAYS)
    last_week = _.exposed_date - ibis.interval(days=FIRST_WEEK_DAYS)
    before = _of_units(facts, assignments).filter(_.date < _.exposed_date, _.date >= first)
    return before.group_by("user_id").agg(
        **{f"pre_{name}": _[name].sum() for name in _COUNTED},
        **{f"pre_{name}": _[text].nunique() for name, text in _TEXTS.items()},
        pre_sessions_7d=(_.date >= last_week).ifelse(_.sessions, 0).sum(),
    )


def planned_units(window: Window, end_after_days: int, plays: ibis.Table) -> ibis.Table:
    """One row (units): users with a play in as many days before the start as the experiment is to last."""
    first = ibis.literal(window.start) - ibis.interval(days=end_after_days)
    return plays.filter(_.event_date >= first, _.event_date < window.start).agg(units=_.user_id.nunique())
