"""Who comes back: after so many days, and per cohort in the periods that follow."""

import datetime as dt
from typing import Literal

import ibis
from ibis import _

from streaming_assets.contracts.marts.retention import BREAKDOWNS, DAYS, MODES
from streaming_assets.transforms.columns import count_where, day_number, iso_week, microseconds, most_frequent
from streaming_assets.transforms.intervals import wilson

RetentionOrigin = Literal["first_play", "signed_up"]

FIRST_WEEK_DAYS = 7
PERIOD_DAYS = {"week": 7, "month": 30}


# First days


def first_days(user_content_daily: ibis.Table) -> ibis.Table:
    """Every user's first day over the days given, with where it was played. Columns: contract meta/first_days."""
    first = user_content_daily.group_by("user_id").agg(first_date=_.date.min())
    plays = user_content_daily.join(first, "user_id").filter(_.date == _.first_date)
    result = first
    for attribute in ("platform", "country"):
        result = result.left_join(most_frequent(plays, attribute), "user_id").drop("user_id_right")
    return result


def merge_first_days(parts: ibis.Table) -> ibis.Table:
    """One `first_days` of several that have no day in common."""
    earliest_first = ibis.window(group_by="user_id", order_by="first_date")
    return parts.mutate(place=ibis.row_number().over(earliest_first)).filter(_.place == 0).drop("place")


# D0


def day_zero(
    first_days: ibis.Table, users: ibis.Table, calendar: ibis.Table, as_of: dt.date, retention_origin: RetentionOrigin
) -> ibis.Table:
    """(user_id, d0, days_known): D0 of every user with a play, and the days from it to T.

    D0 is the day of the first play, or with the origin signed_up the day of the earliest signed_up_at among the user's
    records; a user whom no record dates, or one before core/calendar begins, keeps the first play. Users whose D0
    lies after T are left out.
    """
    found = first_days.select("user_id", d0=_.first_date)
    if retention_origin == "signed_up":
        found = (
            found.left_join(_sign_up_days(users, calendar), "user_id")
            .drop("user_id_right")
            .select("user_id", d0=_.signed_up_date.coalesce(_.d0))
        )
    begun = found.filter(_.d0 <= as_of)
    return begun.mutate(days_known=ibis.literal(as_of).delta(begun.d0, unit="day").cast("int64"))


def _sign_up_days(users: ibis.Table, calendar: ibis.Table) -> ibis.Table:
    """(user_id, signed_up_date) of users whose records tell when they registered."""
    signed_up = users.filter(~_.is_derived & _.signed_up_at.notnull()).group_by("user_id").agg(at=_.signed_up_at.min())
    return signed_up.join(calendar, [calendar.starts_at <= signed_up.at, signed_up.at < calendar.ends_at]).select(
        "user_id", signed_up_date=_.date
    )


def first_genres(zero: ibis.Table, user_titles: ibis.Table, content: ibis.Table, days: int) -> ibis.Table:
    """(user_id, genres): known genres of the titles that a user first played in the `days` days from D0.

    zero: `day_zero`. Users of whom no genre is known have no row.
    """
    early = (
        user_titles.join(zero, "user_id")
        .mutate(day=_.first_date.delta(_.d0, unit="day"))
        .filter(_.day < days)
        .group_by("user_id", "content_id")
        .agg(day=_.day.min())
        .filter(_.day >= 0)
    )
    genres = content.filter(_.genre.notnull()).select("content_id", "genre")
    return early.join(genres, "content_id").group_by("user_id").agg(genres=_.genre.nunique())


# Retention


def retention(
    user_daily: ibis.Table,
    first_days: ibis.Table,
    user_titles: ibis.Table,
    users: ibis.Table,
    content: ibis.Table,
    calendar: ibis.Table,
    as_of: dt.date,
    retention_origin: RetentionOrigin,
) -> ibis.Table:
    """Who plays again n days after D0, by segment. Grain and columns: contract marts/retention.

    Retained is who plays on D0 + n (exact), or then or later (rolling); eligible is whose D0 + n ≤ T. The interval is
    `intervals.wilson`.
    """
    zero = day_zero(first_days, users, calendar, as_of, retention_origin)
    seen = _seen_again(user_daily, zero)
    told = _segments(zero, first_days, first_genres(zero, user_titles, content, FIRST_WEEK_DAYS), users, calendar)
    found = _by_segment(seen.join(told, "user_id"))
    low, high = wilson(found.n_retained, found.n_eligible)
    return (
        found.mutate(rate=found.n_retained / found.n_eligible.nullif(0), rate_low=low, rate_high=high)
        .mutate(is_complete=_.n_eligible == _.users)
        .filter((_.breakdown != "first_week_genres") | (_.n >= FIRST_WEEK_DAYS))
        .drop("users")
    )


def days_of_life(user_daily: ibis.Table, zero: ibis.Table) -> ibis.Table:
    """Days with plays, numbered from the user's D0."""
    return user_daily.filter(_.plays > 0).join(zero, "user_id").mutate(day=_.date.delta(_.d0, unit="day").cast("int64"))


def _seen_again(user_daily: ibis.Table, zero: ibis.Table) -> ibis.Table:
    """One row per user: whether they can be and were seen after n days, in columns exact_n, rolling_n and eligible_n."""
    played = {f"played_{n}": (_.day == n).any() for n in DAYS}
    return (
        days_of_life(user_daily, zero)
        .group_by("user_id", "days_known")
        .agg(last_day=_.day.max(), **played)
        .select(
            "user_id",
            **{f"eligible_{n}": _.days_known >= n for n in DAYS},
            **{f"exact_{n}": _[f"played_{n}"] for n in DAYS},
            **{f"rolling_{n}": _.last_day >= n for n in DAYS},
        )
    )


def _segments(
    zero: ibis.Table, first_days: ibis.Table, genres: ibis.Table, users: ibis.Table, calendar: ibis.Table
) -> ibis.Table:
    """One row per user of `zero`: the segment in every breakdown."""
    records = _records_on_day_zero(zero, users, calendar)
    return (
        zero.select("user_id")
        .left_join(first_days, "user_id")
        .drop("user_id_right")
        .left_join(records, "user_id")
        .drop("user_id_right")
        .left_join(genres, "user_id")
        .drop("user_id_right")
        .select(
            "user_id",
            overall=ibis.literal("all"),
            platform=_.platform.coalesce("unknown"),
            country=_.record_country.coalesce(_.country, "unknown"),
            plan=_.plan.coalesce("unknown"),
            first_week_genres=(_.genres >= 4).ifelse("4+", _.genres.cast("string")).coalesce("unknown"),
        )
    )


def _records_on_day_zero(zero: ibis.Table, users: ibis.Table, calendar: ibis.Table) -> ibis.Table:
    """(user_id, plan, record_country) of the record that holds at the end of D0, else of the earliest one."""
    day_ends = calendar.select("date", "ends_at")
    records = (
        users.filter(~_.is_derived)
        .select("user_id", "plan", "valid_from", record_country=_.country)
        .join(zero, "user_id")
        .join(day_ends, _.d0 == day_ends.date)
        .mutate(holds=_.valid_from < _.ends_at, starts=microseconds(_.valid_from))
    )
    best_first = ibis.window(
        group_by="user_id", order_by=[ibis.desc("holds"), records.holds.ifelse(-records.starts, records.starts)]
    )
    return (
        records.mutate(place=ibis.row_number().over(best_first))
        .filter(_.place == 0)
        .select("user_id", "plan", "record_country")
    )


def _by_segment(everyone: ibis.Table) -> ibis.Table:
    """(breakdown, segment, users, mode, n, n_eligible, n_retained)."""
    segments = [ibis.struct({"breakdown": breakdown, "segment": _[breakdown]}) for breakdown in BREAKDOWNS]
    counts = {f"eligible_{n}": count_where(_[f"eligible_{n}"]) for n in DAYS} | {
        f"{mode}_{n}": count_where(_[f"eligible_{n}"] & _[f"{mode}_{n}"]) for mode in MODES for n in DAYS
    }
    outcomes = [
        ibis.struct({"mode": mode, "n": n, "n_eligible": _[f"eligible_{n}"], "n_retained": _[f"{mode}_{n}"]})
        for mode in MODES
        for n in DAYS
    ]
    return (
        everyone.mutate(split=ibis.array(segments).unnest())
        .unpack("split")
        .group_by("breakdown", "segment")
        .agg(users=_.count(), **counts)
        .select("breakdown", "segment", "users", outcome=ibis.array(outcomes).unnest())
        .unpack("outcome")
    )


# Cohorts


def cohort_retention(
    user_daily: ibis.Table,
    first_days: ibis.Table,
    users: ibis.Table,
    calendar: ibis.Table,
    as_of: dt.date,
    retention_origin: RetentionOrigin,
) -> ibis.Table:
    """Who plays in the periods that follow D0, by week and month of D0. Columns: contract marts/cohort_retention.

    The cohort all pools the counts of all cohorts: a mean of their rates would weigh a small cohort like a large one.
    """
    zero = day_zero(first_days, users, calendar, as_of, retention_origin)
    days = days_of_life(user_daily, zero)
    found = ibis.union(*[_cohorts(days, zero, kind) for kind in PERIOD_DAYS])
    hours = (_.known > 0).ifelse(_.watch_seconds / 3600 / _.n_eligible, ibis.null("float64"))
    return found.mutate(
        rate=_.n_retained / _.n_eligible,
        is_complete=_.n_eligible == _.size,
        avg_watch_hours=(_.plays == 0).ifelse(0.0, hours),
        avg_plays=_.plays / _.n_eligible,
    ).drop("plays", "watch_seconds", "known")


def _cohorts(days: ibis.Table, zero: ibis.Table, kind: str) -> ibis.Table:
    """(cohort_period, cohort, n, size, n_eligible, n_retained, plays, watch_seconds, known) of one kind of period."""
    length = PERIOD_DAYS[kind]
    cohort = _cohort(kind)
    whole_periods = ((_.days_known + 1) // length).cast("int64")
    ends = _with_all(zero.group_by(cohort=cohort, periods=whole_periods).agg(users=_.count()))
    size = ends.group_by("cohort").agg(size=_.users.sum())
    eligible = ends.mutate(n=ibis.range(0, ends.periods).unnest()).group_by("cohort", "n").agg(n_eligible=_.users.sum())
    per_user = (
        days.filter(_.day >= 0)
        .mutate(n=(_.day // length).cast("int64"))
        .filter(_.n < whole_periods)
        .group_by("user_id", "d0", "n")
        .agg(plays=_.plays.sum(), watch_seconds=_.watch_seconds.sum(), known=_.plays_with_watch_time.sum())
    )
    sums = {name: _[name].sum() for name in ("n_retained", "plays", "watch_seconds", "known")}
    retained = (
        _with_all(per_user.mutate(n_retained=1).group_by("n", cohort=cohort).agg(**sums))
        .group_by("cohort", "n")
        .agg(**sums)
    )
    return (
        eligible.join(size, "cohort")
        .left_join(retained, ["cohort", "n"])
        .select(
            "cohort",
            "n",
            "size",
            "n_eligible",
            cohort_period=ibis.literal(kind),
            **{name: _[name].coalesce(0) for name in sums},
        )
    )


def _with_all(by_cohort: ibis.Table) -> ibis.Table:
    """Rows of cohorts, and once more under the cohort all."""
    return by_cohort.union(by_cohort.mutate(cohort=ibis.literal("all")))


def _cohort(kind: str) -> ibis.Deferred:
    """The name of the period that d0 lies in: 2026-W09 or 2026-03. An ISO week is of the year of its Thursday."""
    if kind == "month":
        return _.d0.year().cast("string") + "-" + _.d0.month().cast("string").lpad(2, "0")
    thursday = _.d0 + (3 - day_number(_.d0) % 7).as_interval("D")
    return thursday.year().cast("string") + "-W" + iso_week(thursday).cast("string").lpad(2, "0")
