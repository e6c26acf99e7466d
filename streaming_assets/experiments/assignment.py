"""Who takes part, since when, and in which arm."""

import datetime as dt
from dataclasses import dataclass

import ibis
from ibis import _

from streaming_assets.experiments.config import BUCKETS, Experiment
from streaming_assets.experiments.metrics import PRE_PERIOD_DAYS
from streaming_assets.experiments.window import Window
from streaming_assets.transforms.columns import MICROSECONDS, count_where, from_microseconds, microseconds

_DIGITS = "0123456789abcdef"
_HASH_DIGITS = 8
_DAY = 24 * 60 * 60 * MICROSECONDS


@dataclass(frozen=True)
class Facts:
    """Tables of the group core, of the days that the experiment looks at and those before."""

    plays: ibis.Table
    events: ibis.Table
    sessions: ibis.Table
    users: ibis.Table
    content: ibis.Table
    calendar: ibis.Table


def assignments(experiment: Experiment, window: Window, facts: Facts) -> ibis.Table:
    """Every exposed unit of the population in its arm. Grain and columns: contract experiments/assignments.

    A unit logged in several variants, or in one that is not configured, is left out; `logged_units` counts them.
    """
    placed = _placed(experiment, window, facts).filter(_.variant.notnull() & _.is_consistent)
    return placed.mutate(experiment_id=ibis.literal(experiment.id))


def logged_units(experiment: Experiment, window: Window, facts: Facts) -> ibis.Table:
    """One row (units, in_several, in_unknown): units of the population with exposure events, and those left out.

    in_several: logged in several variants; in_unknown: in one that is not configured, or that differs from the hash's. A
    unit in several variants is not counted among the unknown ones.
    """
    in_one = _.variants_logged <= 1
    return _placed(experiment, window, facts).agg(
        units=_.count(),
        in_several=count_where(_.variants_logged > 1),
        in_unknown=count_where(in_one & ~(_.variant.notnull() & _.is_consistent)),
    )


def _placed(experiment: Experiment, window: Window, facts: Facts) -> ibis.Table:
    """The population's exposed units with bucket and variant, NULL where it is not configured.

    is_consistent: nothing that was logged of the unit contradicts its variant.
    """
    taken = _of_population(experiment, _known_before(_exposures(experiment, window, facts), facts), facts)
    if experiment.is_logged:
        is_known = taken.logged_variant.isin(list(experiment.variants)).coalesce(False)
        return taken.mutate(
            bucket=ibis.null("int64"),
            variant=is_known.ifelse(taken.logged_variant, ibis.null("string")),
            is_consistent=(taken.variants_logged == 1).coalesce(False),
        )
    salt = str(experiment.assignment.salt)
    hashed = taken.mutate(bucket=bucket(salt, taken.user_id))
    placed = hashed.mutate(variant=variant_of(experiment, hashed.bucket))
    is_one = (placed.variants_logged <= 1).coalesce(True)
    return placed.mutate(is_consistent=is_one & (placed.logged_variant == placed.variant).coalesce(True))


def bucket(salt: str, unit: ibis.Value) -> ibis.Value:
    """0 … 9,999: the first 8 hex digits of md5(`salt:unit`), mod 10,000; alike on every engine and in every version."""
    digest = (ibis.literal(f"{salt}:") + unit).hexdigest("md5")
    # As floats, which hold 32 bits exactly: positions in a text are 32 bit integers on Spark, whose products overflow.
    digits = [
        ibis.literal(_DIGITS).find(digest.substr(place, 1)).cast("float64") * 16.0 ** (_HASH_DIGITS - 1 - place)
        for place in range(_HASH_DIGITS)
    ]
    return sum(digits[1:], digits[0]).cast("int64") % BUCKETS


def variant_of(experiment: Experiment, buckets: ibis.Value) -> ibis.Value:
    """The arm of a bucket, by the cumulated weights in the order of the file."""
    return ibis.cases(*((buckets < bound, name) for name, bound in experiment.bucket_bounds.items()))


def _exposures(experiment: Experiment, window: Window, facts: Facts) -> ibis.Table:
    """(user_id, exposed_at, exposed_date, at_platform, at_country, variants_logged, logged_variant) of all units."""
    if experiment.exposure == "signup":
        return _sign_ups(window, facts)
    if experiment.exposure == "logged":
        rows = facts.events.filter(
            _.event_type == "exposure",
            _.experiment_id == experiment.id,
            _.event_date.between(window.start, window.last),
        )
    else:
        days = facts.plays.filter(_.event_date.between(window.start, window.last))
        rows = days.mutate(variant=ibis.null("string"))
    in_order = ibis.window(group_by="user_id", order_by=["started_at", "event_id"])
    placed = rows.mutate(place=ibis.row_number().over(in_order))
    return placed.group_by("user_id").agg(
        exposed_at=_.started_at.min(),
        exposed_date=_.event_date.min(),
        at_platform=_.platform.max(where=_.place == 0),
        at_country=_.country.max(where=_.place == 0),
        variants_logged=_.variant.nunique(),
        logged_variant=_.variant.min(),
    )


def _sign_ups(window: Window, facts: Facts) -> ibis.Table:
    signed_up = _signed_up(facts.users)
    days = facts.calendar.filter(_.date.between(window.start, window.last))
    return signed_up.join(
        days, [days.starts_at <= signed_up.signed_up_at, signed_up.signed_up_at < days.ends_at]
    ).select(
        "user_id",
        exposed_at=_.signed_up_at,
        exposed_date=_.date,
        at_platform=ibis.null("string"),
        at_country=ibis.null("string"),
        variants_logged=ibis.null("int64"),
        logged_variant=ibis.null("string"),
    )


def _signed_up(users: ibis.Table) -> ibis.Table:
    """(user_id, signed_up_at) of users whose records tell when they registered."""
    told = users.filter(~_.is_derived & _.signed_up_at.notnull())
    return told.group_by("user_id").agg(signed_up_at=_.signed_up_at.min())


def _known_before(exposed: ibis.Table, facts: Facts) -> ibis.Table:
    """With what was known of the units at exposure: platform, country, plan, signed_up_at, has_pre_period, user_kind."""
    records = facts.users.filter(~_.is_derived).select(
        "user_id", "valid_from", "plan", record_country=_.country, record_platform=_.platform
    )
    held = records.join(exposed.select("user_id", "exposed_at"), "user_id").filter(_.valid_from <= _.exposed_at)
    newest_first = ibis.window(group_by="user_id", order_by=ibis.desc("valid_from"))
    record = held.mutate(place=ibis.row_number().over(newest_first)).filter(_.place == 0)
    seen = facts.users.group_by("user_id").agg(first_event_at=_.first_event_at.min())
    day_starts = facts.calendar.select("date", "starts_at")
    return (
        exposed.left_join(record.select("user_id", "plan", "record_country", "record_platform"), "user_id")
        .drop("user_id_right")
        .left_join(_signed_up(facts.users), "user_id")
        .drop("user_id_right")
        .left_join(seen, "user_id")
        .drop("user_id_right")
        .join(day_starts, _.exposed_date == day_starts.date)
        .mutate(
            platform=_.at_platform.coalesce(_.record_platform),
            country=_.record_country.coalesce(_.at_country),
            has_pre_period=(_.first_event_at < _.starts_at).coalesce(False),
        )
        .mutate(user_kind=_.has_pre_period.ifelse("existing", "new"))
    )


def _of_population(experiment: Experiment, known: ibis.Table, facts: Facts) -> ibis.Table:
    """Those who belong to the population, by what is known before exposure."""
    wanted = experiment.population
    found = known
    if wanted.plan is not None:
        found = found.filter(_.plan.isin(wanted.plan))
    if wanted.country is not None:
        found = found.filter(_.country.isin(wanted.country))
    if wanted.signed_up.first is not None:
        found = found.filter(_.signed_up_at >= _start_of(wanted.signed_up.first, facts.calendar))
    if wanted.signed_up.last is not None:
        following = wanted.signed_up.last + dt.timedelta(days=1)
        found = found.filter(_.signed_up_at < _start_of(following, facts.calendar))
    if wanted.min_pre_sessions:
        before = facts.sessions.join(found.select("user_id", "exposed_date"), "user_id").filter(
            _.session_date.between(
                _.exposed_date - ibis.interval(days=PRE_PERIOD_DAYS), _.exposed_date - ibis.interval(days=1)
            )
        )
        regular = before.group_by("user_id").agg(sessions=_.count()).filter(_.sessions >= wanted.min_pre_sessions)
        found = found.semi_join(regular, "user_id")
    return found


def _start_of(day: dt.date, calendar: ibis.Table) -> ibis.Value:
    """The first instant of a day; of one before the calendar as many times 24 hours before the calendar's first."""
    nearest = calendar.filter(_.date >= day).order_by("date").limit(1)
    too_late = nearest.date.delta(ibis.literal(day), unit="day").cast("int64") * ibis.literal(_DAY, "int64")
    return nearest.select(at=from_microseconds(microseconds(nearest.starts_at) - too_late)).at.as_scalar()


__all__ = ["BUCKETS", "Facts", "assignments", "bucket", "logged_units", "variant_of"]
