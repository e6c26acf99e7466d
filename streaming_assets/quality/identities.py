"""What must hold within and between the marts, by definition."""

from collections.abc import Callable
from functools import partial

import ibis
from ibis import _

from streaming_assets.experiments.config import CONTROL
from streaming_assets.experiments.metrics import GROWING, METRICS
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
        _identity(
            "units_are_those_of_assignments",
            "experiments/unit_metrics",
            "Every assigned unit has a row in its variant, and nobody else.",
            ["experiments/assignments"],
            units_on_one_side,
        ),
        _identity(
            "days_add_up_to_units",
            "experiments/unit_metrics",
            "What units do = Σ over their days in experiments/unit_days, and no day is of anybody else.",
            ["experiments/unit_days"],
            units_with_other_sums,
        ),
        _identity(
            "exposed_units_are_counted_in_every_growing_metric",
            "experiments/results",
            "n_control and n_variant of metrics that every unit is eligible for are the units of experiments/unit_metrics.",
            ["experiments/unit_metrics"],
            results_with_other_units,
        ),
        _identity(
            "the_last_day_is_the_result",
            "experiments/daily_results",
            "Units, effects and their intervals on an experiment's last day are those of experiments/results.",
            ["experiments/results"],
            last_days_with_other_effects,
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


_IN_AN_EXPERIMENT = ["experiment_id", "user_id", "variant"]
_COMPARED = ("n_control", "n_variant", "effect", "effect_low", "effect_high")
_ROUNDING = 1e-6


def units_on_one_side(unit_metrics: ibis.Table, assignments: ibis.Table) -> ibis.Table:
    """Units of one table that the other does not have in the same variant."""
    return _only(unit_metrics, assignments, "unit_metrics").union(_only(assignments, unit_metrics, "assignments"))


def _only(here: ibis.Table, there: ibis.Table, where: str) -> ibis.Table:
    return here.anti_join(there, _IN_AN_EXPERIMENT).select(*_IN_AN_EXPERIMENT, only_in=ibis.literal(where))


def units_with_other_sums(unit_metrics: ibis.Table, unit_days: ibis.Table) -> ibis.Table:
    """Units that did something else than their days say, and days of nobody."""
    days = unit_days.group_by(*_IN_AN_EXPERIMENT).agg(**{f"{name}_of_days": _[name].sum() for name in GROWING})
    both = unit_metrics.outer_join(days, _IN_AN_EXPERIMENT)
    both = both.mutate(
        **{name: both[name].coalesce(both[f"{name}_right"]) for name in _IN_AN_EXPERIMENT},
        **{name: both[name].coalesce(0) for found in GROWING for name in (found, f"{found}_of_days")},
    )
    differs = [_differ(both[name], both[f"{name}_of_days"]) for name in GROWING]
    return both.filter(ibis.or_(*differs)).select(
        *_IN_AN_EXPERIMENT, *(name for found in GROWING for name in (found, f"{found}_of_days"))
    )


def results_with_other_units(results: ibis.Table, unit_metrics: ibis.Table) -> ibis.Table:
    """Results over all units that count others than there are in control and the variant."""
    units = unit_metrics.group_by("experiment_id", "variant").agg(units=_.count())
    in_control = units.filter(_.variant == CONTROL).select("experiment_id", in_control=_.units)
    every_unit_counts = [metric.name for metric in METRICS.values() if metric.matures_after is None]
    found = (
        results.filter(_.dimension == "all", _.metric.isin(every_unit_counts))
        .left_join(units, ["experiment_id", "variant"])
        .drop("experiment_id_right", "variant_right")
        .left_join(in_control, "experiment_id")
        .drop("experiment_id_right")
        .mutate(units=_.units.coalesce(0), in_control=_.in_control.coalesce(0))
    )
    return found.filter((_.n_variant != _.units) | (_.n_control != _.in_control)).select(
        "experiment_id", "metric", "variant", "method", "n_control", "in_control", "n_variant", "units"
    )


def last_days_with_other_effects(daily_results: ibis.Table, results: ibis.Table) -> ibis.Table:
    """Results that differ from the cumulated ones of the last day."""
    key = ["experiment_id", "metric", "variant", "method"]
    newest = ibis.window(group_by=key, order_by=ibis.desc("date"))
    last = daily_results.mutate(place=ibis.row_number().over(newest)).filter(_.place == 0)
    of_last = last.select(*key, **{f"{name}_of_day": _[name] for name in _COMPARED})
    both = results.filter(_.dimension == "all").inner_join(of_last, key)
    # Effects are differences of means: what rounding leaves of them is measured by these.
    scale = both.mean_control.abs().coalesce(0.0)
    differs = [_differ(both[name], both[f"{name}_of_day"], scale) for name in _COMPARED]
    return both.filter(ibis.or_(*differs)).select(
        *key, *(name for found in _COMPARED for name in (found, f"{found}_of_day"))
    )


def _differ(here: ibis.Value, there: ibis.Value, scale: ibis.Value | float = 0.0) -> ibis.Value:
    """Apart by more than sums in another order are, or known on one side only."""
    most = ibis.greatest(here.abs(), there.abs(), scale) * _ROUNDING
    return ((here - there).abs() > most).coalesce(here.isnull() != there.isnull())
