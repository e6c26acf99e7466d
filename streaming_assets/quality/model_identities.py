"""What must hold of models before anybody acts on them, and what is to be looked at.

Only a leak, a broken table or a model worse than the baseline blocks; what grows old or is off by a little warns.
"""

from collections.abc import Callable, Sequence

import ibis
from ibis import _

from streaming_assets.contracts.models import churn, clusters, forecast
from streaming_assets.quality.reconciliation import Reconciliation

MOST_BELIEVABLE_AUC = 0.95
LARGEST_FEATURE_AUC = 0.80
LARGEST_PSI = 0.25
COVERAGE_80 = (0.72, 0.88)
FULL_BACKTEST_ORIGINS = 28
HOURS_AHEAD = 24
_STANDARD_ERRORS = 4.0
_LEAST_CHURNED = 10
_RECENT_CUTOFFS = 4
_REPORT = "Materialise this table again; report it if that does not help: by their definitions these numbers are equal."
_LEAK = (
    "Something in the features knows what came after the cutoff: look at models/churn_candidates and at the features that "
    "were added last. Scores keep their last state in the published file."
)
_TRAIN = "Launch the job train_models; if that does not help, look at models/churn_candidates, feature_drift and the checks of core."


def model_identities() -> list[Reconciliation]:
    """All of them, asked of whole tables."""
    return [*_of_churn(), *_of_scores(), *_of_forecast(), *_of_clusters()]


def _of_churn() -> list[Reconciliation]:
    champion, candidates = churn.churn_champion.name, churn.churn_candidates.name
    return [
        _check(
            "shuffled_labels_give_no_skill",
            [champion, candidates],
            f"The AUC of a model of shuffled outcomes is 0.5 within {_STANDARD_ERRORS:g} standard errors.",
            skill_without_labels,
            _LEAK,
        ),
        _check(
            "the_auc_of_the_challenger_is_believable",
            [candidates],
            f"Its AUC on held-out users is at most {MOST_BELIEVABLE_AUC}, where at least {_LEAST_CHURNED} of them churned.",
            unbelievable_candidates,
            _LEAK,
        ),
        _check(
            "the_champion_is_no_worse_than_the_base_rate",
            [champion, candidates],
            "log_loss of the champion ≤ log_loss of base_rate on the same held-out users.",
            champions_below_the_base_rate,
            _TRAIN,
        ),
        _check(
            "the_challenger_is_calibrated",
            [candidates],
            "Its expected calibration error is at most 0.03, or within what chance does at this number of users.",
            uncalibrated_challengers,
            _TRAIN,
            warns=True,
        ),
        _check(
            "no_single_feature_tells_too_much",
            [champion],
            f"No feature outside inactivity has an AUC above {LARGEST_FEATURE_AUC} by itself.",
            telling_features,
            "See whether the feature is cut short by what it predicts, as a tenure that ends with the cancellation is.",
            warns=True,
        ),
        _check(
            "features_are_distributed_as_in_training",
            [churn.feature_drift.name],
            f"The PSI of no feature is above {LARGEST_PSI}.",
            drifted_features,
            "See whether the service or its data changed; the job train_models learns the new state.",
            warns=True,
        ),
        _check(
            "scores_have_come_true_better_than_the_base_rate",
            [churn.realised_performance.name],
            f"Over the latest {_RECENT_CUTOFFS} cutoffs that are over, the log loss is at most that of the base rate.",
            scores_that_did_not_come_true,
            _TRAIN,
            warns=True,
        ),
    ]


def _of_scores() -> list[Reconciliation]:
    scores = churn.churn_scores.name
    return [
        _check(
            "every_user_of_the_snapshot_has_a_status",
            [scores, churn.churn_snapshots.name],
            "The users of models/churn_snapshots at the cutoff of the scores have a row with the same status, and nobody else.",
            users_with_another_status,
            _REPORT,
        ),
        _check(
            "users_add_up_to_the_scores",
            [churn.churn_summary.name, scores],
            "Σ users by status = users of models/churn_scores; Σ users by risk band = those with a probability.",
            breakdowns_with_other_users,
            _REPORT,
        ),
    ]


def _of_forecast() -> list[Reconciliation]:
    ahead, summary = forecast.viewer_forecast.name, forecast.forecast_summary.name
    return [
        _check(
            "the_next_24_hours_follow_each_other",
            [ahead],
            "There are 24 hours, each once, from issued_at on; or none, where there is too little history.",
            forecasts_with_gaps,
            _REPORT,
        ),
        _check(
            "intervals_enclose_what_is_expected",
            [ahead],
            "lo95 ≤ lo80 ≤ hi80 ≤ hi95.",
            crossed_intervals,
            _REPORT,
        ),
        _check(
            "the_champion_is_no_worse_than_the_naives",
            [summary],
            "MASE of the champion ≤ MASE of naive_24 and of naive_168, where there is history enough for the full backtest.",
            champions_below_a_naive,
            "Materialise this table again; report it if that does not help.",
        ),
        _check(
            "80_percent_intervals_hold_72_to_88_percent",
            [summary],
            f"Of the champion's evaluated hours, over at least {FULL_BACKTEST_ORIGINS} days.",
            uncovered_hours,
            "The audience behaves otherwise than in the weeks before: read the intervals as too narrow or too wide for a while.",
            warns=True,
        ),
        _check(
            "the_latest_issue_is_logged",
            [forecast.forecast_log.name, ahead],
            "Every hour of models/viewer_forecast stands in the log with the same number.",
            unlogged_hours,
            _REPORT,
        ),
    ]


def _of_clusters() -> list[Reconciliation]:
    users, profiles = clusters.user_clusters.name, clusters.cluster_profiles.name
    return [
        _check(
            "users_are_those_of_user_segments",
            [users, "marts/user_segments"],
            "Every user of marts/user_segments has a row with the same segments, and nobody else.",
            users_with_other_segments,
            _REPORT,
        ),
        _check(
            "clusters_add_up_to_the_users_trained_on",
            [profiles, clusters.cluster_summary.name],
            "Σ users of the clusters = users of models/cluster_summary, and there are k of them.",
            clusters_with_other_users,
            _REPORT,
        ),
    ]


def _check(
    name: str,
    tables: Sequence[str],
    description: str,
    violations: Callable[..., ibis.Table],
    advice: str,
    *,
    warns: bool = False,
) -> Reconciliation:
    return Reconciliation(
        name, tables[0], description, dict.fromkeys(tables), is_blocking=not warns, advice=advice, violations=violations
    )


def _challenger(candidates: ibis.Table) -> ibis.Table:
    return candidates.filter(_.is_challenger, _.fold == "test")


def skill_without_labels(champion: ibis.Table, candidates: ibis.Table) -> ibis.Table:
    """(shuffled_auc, standard_error): of an AUC without skill, √((n + 1) / 12·n₁·n₀) (Mann and Whitney 1947)."""
    counted = _challenger(candidates).select(
        standard_error=(
            (_.n + 1) / (12.0 * _.n_churned.cast("float64") * (_.n - _.n_churned).cast("float64")).nullif(0.0)
        ).sqrt()
    )
    return (
        champion.select("shuffled_auc")
        .cross_join(counted)
        .filter((_.shuffled_auc - 0.5).abs() > _STANDARD_ERRORS * _.standard_error)
    )


def unbelievable_candidates(candidates: ibis.Table) -> ibis.Table:
    """(candidate, auc, n_churned)."""
    return (
        _challenger(candidates)
        .filter(_.auc > MOST_BELIEVABLE_AUC, _.n_churned >= _LEAST_CHURNED)
        .select("candidate", "auc", "n_churned")
    )


def champions_below_the_base_rate(champion: ibis.Table, candidates: ibis.Table) -> ibis.Table:
    """(log_loss, base_rate_log_loss)."""
    base = candidates.filter(_.candidate == "base_rate", _.fold == "test").select(base_rate_log_loss=_.log_loss)
    return champion.select("log_loss").cross_join(base).filter(_.log_loss > _.base_rate_log_loss * (1 + 1e-9))


def uncalibrated_challengers(candidates: ibis.Table) -> ibis.Table:
    """(candidate, ece, ece_limit)."""
    return _challenger(candidates).filter(_.ece > 0.03, _.ece > _.ece_limit).select("candidate", "ece", "ece_limit")


def telling_features(champion: ibis.Table) -> ibis.Table:
    """(best_single_feature, best_single_feature_auc)."""
    return champion.filter(_.best_single_feature_auc > LARGEST_FEATURE_AUC).select(
        "best_single_feature", "best_single_feature_auc"
    )


def drifted_features(feature_drift: ibis.Table) -> ibis.Table:
    """(feature, psi), the largest first."""
    return feature_drift.filter(_.psi > LARGEST_PSI).select("feature", "psi").order_by(ibis.desc("psi"))


def scores_that_did_not_come_true(realised: ibis.Table) -> ibis.Table:
    """(log_loss, base_rate_log_loss): means over users of the latest cutoffs."""
    latest = realised.order_by(ibis.desc("cutoff")).limit(_RECENT_CUTOFFS)
    means = latest.agg(
        log_loss=(_.log_loss * _.n).sum() / _.n.sum(),
        base_rate_log_loss=(_.base_rate_log_loss * _.n).sum() / _.n.sum(),
    )
    return means.filter(_.log_loss > _.base_rate_log_loss)


def users_with_another_status(scores: ibis.Table, snapshots: ibis.Table) -> ibis.Table:
    """(user_id, status)."""
    here = scores.select("user_id", "status")
    there = snapshots.semi_join(scores, "cutoff").select("user_id", "status")
    return here.difference(there).union(there.difference(here))


def breakdowns_with_other_users(summary: ibis.Table, scores: ibis.Table) -> ibis.Table:
    """(breakdown, users, expected)."""
    found = summary.group_by("breakdown").agg(users=_.users.sum())
    expected = scores.agg(everybody=_.count(), scored=_.risk_band.notnull().sum())
    of_breakdown = {"status": _.everybody, "risk_band": _.scored}
    counted = found.cross_join(expected).mutate(
        expected=ibis.cases(*((_.breakdown == name, count) for name, count in of_breakdown.items()))
    )
    return counted.filter(_.users != _.expected).select("breakdown", "users", "expected")


def forecasts_with_gaps(viewer_forecast: ibis.Table) -> ibis.Table:
    """(hours, different): one row where they are not 24 in a row."""
    seconds = _.hour_at.epoch_seconds() - _.issued_at.epoch_seconds()
    found = viewer_forecast.mutate(place=seconds / 3600.0).agg(
        hours=_.count(), different=_.place.nunique(), first=_.place.min(), last=_.place.max()
    )
    is_whole = (_.hours == HOURS_AHEAD) & (_.different == HOURS_AHEAD) & (_.first == 0) & (_.last == HOURS_AHEAD - 1)
    return found.filter((_.hours > 0) & ~is_whole).select("hours", "different")


def crossed_intervals(viewer_forecast: ibis.Table) -> ibis.Table:
    """(hour_at, lo95, lo80, hi80, hi95)."""
    return viewer_forecast.filter((_.lo95 > _.lo80) | (_.lo80 > _.hi80) | (_.hi80 > _.hi95)).select(
        "hour_at", "lo95", "lo80", "hi80", "hi95"
    )


def champions_below_a_naive(summary: ibis.Table) -> ibis.Table:
    """(model, mase, naive). With little history nothing is compared, and who stands in may be worse."""
    best = summary.filter(_.model.isin(forecast.NAIVES)).agg(naive=_.mase.min())
    champion = summary.filter(_.is_champion, ~_.low_history.coalesce(False)).select("model", "mase")
    return champion.cross_join(best).filter(_.mase > _.naive * (1 + 1e-9))


def uncovered_hours(summary: ibis.Table) -> ibis.Table:
    """(model, coverage_80, n_hours)."""
    low, high = COVERAGE_80
    return summary.filter(
        _.is_champion, _.n_origins >= FULL_BACKTEST_ORIGINS, ~_.coverage_80.between(low, high)
    ).select("model", "coverage_80", "n_hours")


def unlogged_hours(log: ibis.Table, viewer_forecast: ibis.Table) -> ibis.Table:
    """(hour_at, expected)."""
    said = ["issued_at", "hour_at", "expected"]
    return viewer_forecast.select(*said).difference(log.select(*said)).select("hour_at", "expected")


def users_with_other_segments(user_clusters: ibis.Table, user_segments: ibis.Table) -> ibis.Table:
    """(user_id) of users that one of the two has, or has otherwise."""
    carried = ["user_id", "engagement", "completion", "lifecycle_stage", "rfm_segment"]
    here, there = user_clusters.select(*carried), user_segments.select(*carried)
    return here.difference(there).union(there.difference(here)).select("user_id")


def clusters_with_other_users(profiles: ibis.Table, summary: ibis.Table) -> ibis.Table:
    """(users, expected, k): one row where they differ; without clusters nothing is to add up."""
    found = profiles.select("cluster", "users").distinct().agg(users=_.users.sum().coalesce(0), clusters=_.count())
    expected = summary.select(expected=_.users, k=_.k)
    return found.cross_join(expected).filter(
        (_.k.notnull() & ((_.users != _.expected) | (_.clusters != _.k))) | (_.k.isnull() & (_.clusters > 0))
    )
