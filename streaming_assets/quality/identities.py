"""What must hold within and between the marts, by definition."""

from collections.abc import Callable
from functools import partial

import ibis
from ibis import _

from streaming_assets.quality.reconciliation import Reconciliation

_REPORT = "Materialise this table again; report it if that does not help: by their definitions these numbers are equal."


def identities() -> list[Reconciliation]:
    """All of them; each is blocking, and asked of whole tables."""
    return [
        _identity(
            "plays_reconcile_with_user_daily",
            "marts/platform_daily",
            "Plays of a day = Σ plays of its users in core/user_daily.",
            ["core/user_daily"],
            days_with_other_plays,
        ),
        _identity(
            "weeks_add_up_to_days",
            "marts/platform_weekly",
            "Plays, sessions and new users of a week = Σ over its days in marts/platform_daily.",
            ["marts/platform_daily"],
            weeks_with_other_sums,
        ),
        _identity(
            "dau_is_the_active_users_of_the_day",
            "marts/active_users",
            "dau = active_users of marts/platform_daily, on the same days.",
            ["marts/platform_daily"],
            days_with_other_users,
        ),
        *(
            found
            for table, order in (("marts/lifecycle_daily", "date"), ("marts/lifecycle_weekly", "week_start"))
            for found in _of_lifecycle(table, order)
        ),
        *(
            _identity(
                "plays_add_up_to_those_of_the_platform",
                table,
                f"Σ {plays} = Σ plays of marts/platform_daily.",
                ["marts/platform_daily"],
                partial(other_total, plays=plays),
            )
            for table, plays in {
                "marts/state_metrics": "plays",
                "marts/platform_metrics": "plays",
                "marts/genre_metrics": "plays",
                "marts/content_type_metrics": "plays",
                "marts/content_performance": "plays",
                "marts/content_by_state": "plays",
                "marts/user_metrics": "total_plays",
            }.items()
        ),
        _identity(
            "users_are_those_of_user_metrics",
            "marts/user_segments",
            "Every user of marts/user_metrics has a row, and nobody else.",
            ["marts/user_metrics"],
            users_on_one_side,
        ),
        _identity(
            "every_user_is_in_one_segment_of_each_kind",
            "marts/segment_summary",
            "Σ users of each segmentation = users of marts/user_metrics.",
            ["marts/user_metrics"],
            segmentations_with_other_users,
        ),
        _identity(
            "retained_users_are_eligible_and_rolling_is_at_least_exact",
            "marts/retention",
            "n_retained ≤ n_eligible, and who plays on a day is also retained by then or later.",
            [],
            impossible_retention,
        ),
        _identity(
            "segments_add_up_to_all_users",
            "marts/retention",
            "n_eligible and n_retained of the segments of platform, country and plan add up to those of all.",
            [],
            breakdowns_with_other_users,
        ),
        _identity(
            "cohorts_add_up_to_all_users",
            "marts/cohort_retention",
            "n_eligible and n_retained of the cohorts add up to those of cohort all.",
            [],
            periods_with_other_users,
        ),
        _identity(
            "who_is_no_longer_at_risk_was_lost_or_censored",
            "marts/survival",
            "n_at_risk of a day = that of the day before − n_lost − n_censored of it; survival never rises.",
            [],
            days_with_other_risk,
        ),
    ]


def _identity(
    name: str, asset: str, description: str, others: list[str], violations: Callable[..., ibis.Table]
) -> Reconciliation:
    return Reconciliation(
        name,
        asset,
        description,
        dict.fromkeys([asset, *others]),
        is_blocking=True,
        advice=_REPORT,
        violations=violations,
    )


def _of_lifecycle(table: str, order: str) -> list[Reconciliation]:
    return [
        _identity(
            "active_users_are_new_returning_or_resurrecting",
            table,
            "active = new + returning + resurrecting.",
            [],
            partial(periods_with_other_actives, order=order),
        ),
        _identity(
            "users_of_the_period_before_return_or_are_dormant",
            table,
            "returning + dormant = active of the period before.",
            [],
            partial(periods_that_lose_users, order=order),
        ),
    ]


def days_with_other_plays(platform_daily: ibis.Table, user_daily: ibis.Table) -> ibis.Table:
    """(date, plays, of_users)."""
    of_users = user_daily.group_by("date").agg(of_users=_.plays.sum())
    return (
        platform_daily.left_join(of_users, "date")
        .select("date", "plays", of_users=_.of_users.coalesce(0))
        .filter(_.plays != _.of_users)
    )


def weeks_with_other_sums(platform_weekly: ibis.Table, platform_daily: ibis.Table) -> ibis.Table:
    """(week_start, plays, of_days)."""
    of_days = (
        platform_daily.mutate(week_start=_.date.truncate("W").cast("date"))
        .group_by("week_start")
        .agg(of_days=_.plays.sum(), sessions_of_days=_.sessions.sum(), new_of_days=_.new_users.sum())
    )
    return (
        platform_weekly.left_join(of_days, "week_start")
        .filter(
            (_.plays != _.of_days.coalesce(0))
            | (_.sessions != _.sessions_of_days.coalesce(0))
            | (_.new_users != _.new_of_days.coalesce(0))
        )
        .select("week_start", "plays", "of_days")
    )


def days_with_other_users(active_users: ibis.Table, platform_daily: ibis.Table) -> ibis.Table:
    """(date, dau, active_users)."""
    return (
        active_users.left_join(platform_daily, "date")
        .select("date", "dau", "active_users")
        .filter(_.dau != _.active_users.coalesce(-1))
    )


def periods_with_other_actives(lifecycle: ibis.Table, order: str) -> ibis.Table:
    """The period and its figures."""
    return lifecycle.filter(_.active != _.new + _.returning + _.resurrecting).select(
        order, "active", "new", "returning", "resurrecting"
    )


def periods_that_lose_users(lifecycle: ibis.Table, order: str) -> ibis.Table:
    """The period, its figures, and the active users of the period before."""
    return (
        lifecycle.mutate(active_before=_.active.lag().over(ibis.window(order_by=order)).coalesce(0))
        .filter(_.returning + _.dormant != _.active_before)
        .select(order, "returning", "dormant", "active_before")
    )


def other_total(table: ibis.Table, platform_daily: ibis.Table, plays: str) -> ibis.Table:
    """(found, expected): one row where the sums differ."""
    found = table.agg(found=_[plays].sum().coalesce(0))
    expected = platform_daily.agg(expected=_.plays.sum().coalesce(0))
    return found.cross_join(expected).filter(_.found != _.expected)


def users_on_one_side(user_segments: ibis.Table, user_metrics: ibis.Table) -> ibis.Table:
    """(user_id)."""
    segmented, measured = user_segments.select("user_id"), user_metrics.select("user_id")
    return segmented.difference(measured).union(measured.difference(segmented))


def segmentations_with_other_users(segment_summary: ibis.Table, user_metrics: ibis.Table) -> ibis.Table:
    """(segmentation, users, expected)."""
    expected = user_metrics.agg(expected=_.count())
    return (
        segment_summary.group_by("segmentation")
        .agg(users=_.users.sum())
        .cross_join(expected)
        .filter(_.users != _.expected)
    )


def impossible_retention(retention: ibis.Table) -> ibis.Table:
    """(breakdown, segment, n, exact, rolling, n_eligible)."""
    keys = ["breakdown", "segment", "n"]
    exact = retention.filter(_.mode == "exact").select(*keys, "n_eligible", exact=_.n_retained)
    rolling = retention.filter(_.mode == "rolling").select(*keys, rolling=_.n_retained)
    return (
        exact.left_join(rolling, keys)
        .select(*keys, "exact", "rolling", "n_eligible")
        .filter((_.exact > _.rolling) | (_.rolling > _.n_eligible))
    )


def breakdowns_with_other_users(retention: ibis.Table) -> ibis.Table:
    """(breakdown, mode, n, n_eligible, expected)."""
    keys = ["mode", "n"]
    expected = retention.filter(_.breakdown == "overall").select(*keys, expected=_.n_eligible, retained=_.n_retained)
    return (
        retention.filter(_.breakdown.isin(["platform", "country", "plan"]))
        .group_by("breakdown", *keys)
        .agg(n_eligible=_.n_eligible.sum(), n_retained=_.n_retained.sum())
        .left_join(expected, keys)
        .filter((_.n_eligible != _.expected) | (_.n_retained != _.retained))
        .select("breakdown", *keys, "n_eligible", "expected")
    )


def periods_with_other_users(cohort_retention: ibis.Table) -> ibis.Table:
    """(cohort_period, n, n_eligible, expected)."""
    keys = ["cohort_period", "n"]
    pooled = cohort_retention.filter(_.cohort == "all").select(*keys, expected=_.n_eligible, retained=_.n_retained)
    return (
        cohort_retention.filter(_.cohort != "all")
        .group_by(*keys)
        .agg(n_eligible=_.n_eligible.sum(), n_retained=_.n_retained.sum())
        .left_join(pooled, keys)
        .filter((_.n_eligible != _.expected.coalesce(-1)) | (_.n_retained != _.retained.coalesce(-1)))
        .select(*keys, "n_eligible", "expected")
    )


def days_with_other_risk(survival: ibis.Table) -> ibis.Table:
    """(day, n_at_risk, expected)."""
    in_order = ibis.window(order_by="day")
    return (
        survival.mutate(
            expected=(_.n_at_risk - _.n_lost - _.n_censored).lag().over(in_order),
            survival_before=_.survival.lag().over(in_order),
        )
        .filter((_.n_at_risk != _.expected) | (_.survival > _.survival_before))
        .select("day", "n_at_risk", "expected")
    )
