"""Contracts of the models of churn: snapshots, how candidates did, the champion, scores with reasons, and what came true."""

from streaming_assets.contracts.marts.columns import USER_ID, count, number, share
from streaming_assets.contracts.table import Column, Table

FAMILIES = ("inactivity", "playback", "content_mismatch", "discovery", "plan")
NO_DRIVER = "no dominant driver"
STATUSES = ("active", "new", "lapsed")
RISK_BANDS = ("high", "medium", "low")
CANDIDATES = (
    "base_rate",
    "recency_only",
    "bg_nbd",
    "logistic_regression",
    "hist_gradient_boosting",
    "random_forest",
)
OUTCOMES = (
    "trained",
    "kept",
    "not_enough_history",
    "too_few_users",
    "one_class",
)
"""What came of the last training: a new champion, the old one, or why there is none."""
SETTLED = ("trained", "kept")
"""Outcomes that stand until the next training is due."""
LABELS = ("cancellation", "inactivity")

CUTOFF = Column(
    "cutoff", "date", "day at whose start (00:00) the clock stands: only what came before is known", not_null=True
)
CANDIDATE = Column("candidate", "string", "kind of model", not_null=True, one_of=CANDIDATES)


def _figure(name: str, description: str) -> Column:
    """A number of either sign, NULL where nothing can be said."""
    return Column(name, "float64", description)


FEATURES: dict[str, tuple[Column, ...]] = {
    "inactivity": (
        number(
            "recency_hours",
            "hours from the last event of the latest day with a play, of the observation_days, to the cutoff",
        ),
        count("active_days_7", "days with a play among the 7 before the cutoff"),
        count("active_days_28", "days with a play among the 28 before"),
        count("active_days_90", "days with a play in the observation_days before"),
        count("plays_7", "plays in the 7 days before"),
        count("plays_28", "plays in the 28 days before"),
        count("plays_90", "plays in the observation_days before"),
        number("watch_hours_7", "hours watched in the 7 days before"),
        number("watch_hours_28", "hours watched in the 28 days before"),
        number("watch_hours_90", "hours watched in the observation_days before"),
        _figure("watch_trend", "log((4 · watch_hours_7 + 1) / (watch_hours_28 + 1)): below 0 where watching declines"),
        number(
            "median_gap_days",
            "median of the days between neighbouring active days, observation_days; NULL with one active day",
        ),
        number("recency_per_gap", "recency in days / median_gap_days"),
    ),
    "playback": (
        number("buffer_events_per_hour", "rebuffering stops per hour watched, 28 days; NULL where neither is known"),
        share(
            "buffered_session_share",
            "sessions with a rebuffering stop / sessions, 28 days; NULL where stops are not known",
        ),
        number("pauses_per_play", "pauses / plays, 28 days"),
    ),
    "content_mismatch": (
        share("completion_share", "Σ watched / Σ length over plays whose length is known, 28 days"),
        share("abandoned_share", "plays left before 10 % / plays with a known completion, 28 days"),
        number("skip_rate", "skips / plays, 28 days; can exceed 1"),
        share("preferred_genre_share", "plays of the user's preferred_genre / plays whose genre is known, 28 days"),
    ),
    "discovery": (
        share("titles_per_play", "distinct_content_28 / plays_28: near 1 where hardly a title is played again"),
        count("distinct_genres_28", "genres played in 28 days"),
        number("genre_entropy", "−Σ p·ln p over the genres of the plays, 28 days; NULL where no genre is known"),
        share(
            "new_title_share",
            "titles of the 28 days that were not played before within the observation_days / titles of the 28 days",
        ),
        share("recommended_share", "plays from a recommendation / plays of which that is known, 28 days"),
    ),
    "plan": (
        Column("is_paid", "int64", "1 for a plan other than free; NULL where no plan is known", at_least=0, at_most=1),
        Column("is_premium", "int64", "1 for the plan premium; NULL where no plan is known", at_least=0, at_most=1),
        share("premium_unused", "is_premium / (1 + watch_hours_28): near 1 where a premium plan is hardly used"),
    ),
}
"""Features by family, in the order in which they are told. Context (tenure, country, platform, age) is never a reason."""

churn_snapshots = Table(
    "models/churn_snapshots",
    grain="one row per cutoff and user with a play in the 90 days before it, or a first play before it",
    key=("cutoff", "user_id"),
    partition_by=("cutoff",),
    source=(
        "core/user_daily, core/user_content_daily, core/sessions, core/plays of the eve, core/users, core/content and core/calendar "
        "before the cutoff"
    ),
    caveats=(
        "Cutoffs are those that the present champion was trained on, and the day after T. Features see days before the "
        "cutoff only, and the user record that held then; of the last play of the eve no skip and no watch time that depend on when "
        "the user plays next. churned: where users have cancelled by T, a cancellation in "
        "[cutoff + 1, cutoff + 29); else no play in it. NULL while that window is not over, for users who are not active, and "
        "for those who cancelled on the day between."
    ),
    columns=(
        CUTOFF,
        USER_ID,
        Column(
            "status", "string",
            "active: ≥ 1 play in the 28 days before and tenure ≥ 14 days; new: shorter tenure; lapsed: no play in 28 days, or cancelled",
            not_null=True, one_of=STATUSES,
        ),
        Column("churned", "boolean", "what came of an active user; NULL where it is not known"),
        count("tenure_days", "days from the first play to the cutoff"),
        Column(
            "observation_days", "int64",
            "days before the cutoff that features over 90 days look at: fewer where the data begin later, and as many at every cutoff of a training",
            not_null=True, at_least=28, at_most=90,
        ),
        Column("country", "string", "of the record that held, else the most frequent over the plays before"),
        Column("platform", "string", "of the record that held, else the most frequent over the plays before"),
        Column("plan", "string", "of the record that held; NULL where none is known"),
        Column("age", "int64", "of the record that held; for slices of fairness only, never a feature"),
        count("distinct_content_28", "titles played in 28 days; no feature, for it goes with plays_28: titles_per_play is one"),
        *(column for family in FEATURES.values() for column in family),
    ),
)  # fmt: skip

_METRICS = (
    count("n", "users × cutoffs that were judged"),
    count("n_churned", "those who churned"),
    share("prevalence", "n_churned / n"),
    number("log_loss", "mean −log of the probability given to what came true"),
    number("brier", "mean squared difference of probability and outcome"),
    share("ece", "expected calibration error over 10 quantile bins: Σ nᵇ/n · |mean probability − observed rate|"),
    share("auc", "chance that a churned user was ranked above one who stayed; NULL with one class"),
    share("pr_auc", "average precision; to be read beside prevalence"),
    number("lift_10", "observed rate among the 10 % with the highest probability / prevalence"),
)

churn_candidates = Table(
    "models/churn_candidates",
    grain="one row per candidate and fold",
    key=("candidate", "fold"),
    source="models/churn_snapshots: fitted on the train cutoffs, calibrated on the next, judged on the last",
    caveats="The intervals are of 200 bootstrap samples of users, all of their cutoffs together.",
    columns=(
        CANDIDATE,
        Column("fold", "string", "calibrate or test", not_null=True, one_of=("calibrate", "test")),
        *_METRICS,
        count("capacity", "users that can be contacted: 10 % of n"),
        share("precision_at_capacity", "churned among the `capacity` riskiest / capacity"),
        share("recall_at_capacity", "churned among the `capacity` riskiest / n_churned"),
        _figure("gain", "1 − log_loss / log_loss of recency_only: above 0 is better"),
        _figure("gain_low", "lower end of its 90 % interval"),
        _figure("gain_high", "upper end"),
        _figure("auc_gain", "auc − auc of recency_only"),
        _figure("auc_gain_low", "lower end of its 90 % interval"),
        _figure("auc_gain_high", "upper end"),
        number("ece_limit", "95th percentile of the ece of outcomes drawn from the candidate's own probabilities"),
        Column("is_challenger", "boolean", "the one put forward by the rules of the gate", not_null=True),
    ),
)

churn_reliability = Table(
    "models/churn_reliability",
    grain="one row per tenth of the test users by the challenger's probability, 1 the highest",
    key=("bin",),
    source="models/churn_snapshots of the test cutoffs",
    columns=(
        Column("bin", "int64", "1 the riskiest tenth … 10", not_null=True, at_least=1, at_most=10),
        CANDIDATE,
        count("n", "users × cutoffs"),
        count("n_churned", "those who churned"),
        share("mean_probability", "mean of what was said"),
        share("observed_rate", "n_churned / n"),
        share("rate_low", "lower end of the 95 % Wilson interval"),
        share("rate_high", "upper end"),
        number("lift", "observed_rate / prevalence"),
    ),
)

churn_slices = Table(
    "models/churn_slices",
    grain="one row per dimension and slice of the test users",
    key=("dimension", "slice"),
    source="models/churn_snapshots of the test cutoffs, the challenger's probabilities",
    caveats="To see whether the model serves some users worse than others. Slices of fewer than 30 rows have NULL figures.",
    columns=(
        Column(
            "dimension", "string", "by what they are sliced", not_null=True,
            one_of=("plan", "country", "platform", "tenure", "age"),
        ),
        Column("slice", "string", "its value; 'unknown' where it is not known", not_null=True),
        *_METRICS,
        share("mean_probability", "mean of what was said; to be read beside prevalence"),
    ),
)  # fmt: skip

churn_champion = Table(
    "models/churn_champion",
    grain="one row: what came of the last training, and which model scores",
    key=("outcome",),
    source="models/churn_candidates, and the champion before on the same held-out cutoffs",
    caveats="The model itself is stored under models/churn/<version>/ of the data folder, without pickle; card.md there tells of it.",
    columns=(
        Column("outcome", "string", "of the last training", not_null=True, one_of=OUTCOMES),
        Column("reason", "string", "in words, with figures", not_null=True),
        Column("version", "string", "of the model that scores; NULL where there is none"),
        Column("candidate", "string", "its kind", one_of=CANDIDATES),
        Column("label", "string", "what it predicts: cancellation or inactivity", one_of=LABELS),
        Column("trained_as_of", "date", "T at the last training", not_null=True),
        Column("model_as_of", "date", "T at which the model that scores was trained"),
        Column(
            "observation_days",
            "int64",
            "days before a cutoff that the model that scores looks at",
            at_least=28,
            at_most=90,
        ),
        Column("train_cutoffs", "array<date>", "cutoffs of the last training", not_null=True),
        Column("calibrate_cutoffs", "array<date>", "cutoffs on which its probabilities were calibrated", not_null=True),
        Column("test_cutoffs", "array<date>", "held-out cutoffs, on which candidates were compared", not_null=True),
        Column("model_cutoffs", "array<date>", "all cutoffs that the model that scores was fitted to", not_null=True),
        Column("families", "array<string>", "families of features that the data has", not_null=True),
        Column("dropped", "array<string>", "features that the data lacks", not_null=True),
        number("log_loss", "of the model that scores, on the held-out cutoffs"),
        number("baseline_log_loss", "of recency_only on the same"),
        share("shuffled_auc", "auc of a model fitted to shuffled labels: about 0.5 unless features leak"),
        share("best_single_feature_auc", "largest auc of a single feature outside inactivity"),
        Column("best_single_feature", "string", "which one"),
        Column("card", "string", "the model's card, as Markdown", not_null=True),
    ),
)

churn_reasons = Table(
    "models/churn_reasons",
    grain="one row per stated reason, and one for all of them",
    key=("reason",),
    source="models/churn_snapshots, and cancel_reason of core/users",
    caveats=(
        "A RandomForest on the same features tells which reason users will state; trained where at least 200 users state one and "
        "30 each. Judged on held-out users, against the most frequent reason and against the drivers."
    ),
    columns=(
        Column("reason", "string", "cancel_reason; 'all' for all of them", not_null=True),
        Column("status", "string", "trained, or why not", not_null=True),
        count("n", "held-out users who state it"),
        share("precision", "of those for whom it is predicted, the share who state it"),
        share("recall", "of those who state it, the share for whom it is predicted"),
        share("f1", "harmonic mean of the two; for all: macro-F1"),
        share("baseline_f1", "f1 of always saying the most frequent reason; for all: macro-F1"),
        Column("usual_driver", "string", "driver_1 that users who state it have most often"),
        share("usual_driver_share", "share of them who have it"),
    ),
)

churn_scores = Table(
    "models/churn_scores",
    grain="one row per user who ever played before the cutoff, the day after T",
    key=("user_id",),
    source="models/churn_snapshots of that cutoff, and the champion",
    caveats=(
        "Drivers are what the risk is associated with, compared with users who stay; they are no proof of a cause. Only active users have a "
        "probability, and nobody has one while there is no champion: see models/churn_champion."
    ),
    columns=(
        USER_ID,
        CUTOFF,
        Column("status", "string", "as in models/churn_snapshots", not_null=True, one_of=STATUSES),
        share("churn_probability", "calibrated probability to churn in the 28 days from the day after the cutoff"),
        Column(
            "risk_band",
            "string",
            "high: the riskiest 10 % of the active users; medium: the next 20 %; low",
            one_of=RISK_BANDS,
        ),
        Column("driver_1", "string", "family that raises the risk most", one_of=(*FAMILIES, NO_DRIVER)),
        Column(
            "driver_2", "string", "family that raises it second most; NULL where no other raises it", one_of=FAMILIES
        ),
        number("margin", "contribution of driver_1 − that of the next family that raises the risk, or − 0; log-odds"),
        *(
            _figure(f"{family}_contribution", f"what {family} adds to the log-odds, against a user who stays")
            for family in FAMILIES
        ),
        Column("remedy", "string", "what may help, with concrete titles where some are known"),
        Column("plan", "string", "plan of the user"),
        Column("country", "string", "country of the user"),
        number("recency_hours", "hours since the last event of the latest day with a play"),
        number("watch_hours_28", "hours watched in 28 days"),
        Column("model_version", "string", "model that scored"),
    ),
)

churn_summary = Table(
    "models/churn_summary",
    grain="one row per breakdown and value",
    key=("breakdown", "value"),
    source="models/churn_scores",
    columns=(
        Column("breakdown", "string", "by what", not_null=True, one_of=("status", "risk_band", "driver")),
        Column("value", "string", "its value; drivers are those of the high and medium bands", not_null=True),
        count("users", "users"),
        share("share", "users / users of the breakdown"),
        number("expected_leavers", "sum of their probabilities; NULL without a champion"),
        share("mean_probability", "expected_leavers / users"),
    ),
)

return_rate = Table(
    "models/return_rate",
    grain="one row per number of idle days",
    key=("idle_days",),
    source="core/user_daily up to T",
    caveats=(
        "Of the breaks between plays that have lasted so many days, how many ended with a play within 90 days of their start. The 28 days of the churn window are "
        "read from here: where few come back after that, silence means that they left."
    ),
    columns=(
        Column("idle_days", "int64", "days without a play", not_null=True, at_least=1),
        count("n_breaks", "breaks of at least so many days whose 90 days are over"),
        count("n_returned", "those that ended with a play within 90 days"),
        share("rate", "n_returned / n_breaks"),
        share("rate_low", "lower end of the 95 % Wilson interval"),
        share("rate_high", "upper end"),
    ),
)

feature_drift = Table(
    "models/feature_drift",
    grain="one row per feature of the champion",
    key=("feature",),
    source="models/churn_snapshots: active users of the cutoffs that the model that scores was fitted to, and of the day after T",
    caveats="PSI over 10 quantile bins of the reference: below 0.1 no change, above 0.25 a shift to look at.",
    columns=(
        Column("feature", "string", "which one", not_null=True),
        Column("family", "string", "its family", not_null=True, one_of=FAMILIES),
        count("n_reference", "users × cutoffs that it was trained on, with a value"),
        count("n_current", "active users at present, with a value"),
        number("psi", "Σ (pᵢ − qᵢ)·ln(pᵢ/qᵢ), unknown values a bin of their own; NULL where either has no users"),
        _figure("mean_reference", "mean where known"),
        _figure("mean_current", "mean where known"),
    ),
)

realised_performance = Table(
    "models/realised_performance",
    grain="one row per cutoff at which users were scored and whose label window is over",
    key=("cutoff",),
    source="the scores as they were given (meta/churn_score_log), and what core says came of the users",
    columns=(
        CUTOFF,
        Column("model_version", "string", "model that had scored", not_null=True),
        *_METRICS,
        share("mean_probability", "mean of what was said; to be read beside prevalence"),
        number("base_rate_log_loss", "log loss of the prevalence itself, the least that a model without knowledge has"),
    ),
)

churn_score_log = Table(
    "meta/churn_score_log",
    grain="one row per cutoff and user who was scored, until the label window is over",
    key=("cutoff", "user_id"),
    partition_by=("cutoff",),
    source="models/churn_scores as they were given",
    columns=(
        CUTOFF,
        USER_ID,
        share("churn_probability", "as it was given"),
        Column("model_version", "string", "model that scored", not_null=True),
        Column("label", "string", "what it had learned to tell, by which it is judged", not_null=True, one_of=LABELS),
    ),
)

TABLES = (
    return_rate,
    churn_snapshots,
    churn_candidates,
    churn_reliability,
    churn_slices,
    churn_champion,
    churn_reasons,
    churn_scores,
    churn_summary,
    feature_drift,
    realised_performance,
)
