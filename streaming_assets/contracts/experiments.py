"""Contracts of the group experiments: who was exposed to what, what they did, and what follows from it."""

from streaming_assets.contracts.table import Column, Table

VERDICTS = ("INVALID", "CALIBRATION", "ROLLBACK", "SHIP", "KEEP_RUNNING", "DONT_SHIP", "REVIEW")
ROLES = ("primary", "guardrail", "secondary", "other")
METHODS = ("fixed", "cuped", "sequential")

_ID = Column("experiment_id", "string", "id in experiments.yaml", not_null=True)
_USER = Column("user_id", "string", "the unit: who", not_null=True)
_VARIANT = Column("variant", "string", "arm", not_null=True)
_METRIC = Column("metric", "string", "what is measured; docs/experiments.md defines each", not_null=True)
_ROLE = Column("role", "string", "what the metric is to the decision", not_null=True, one_of=ROLES)
_METHOD = Column(
    "method",
    "string",
    "fixed: decides once, at the end; cuped: fixed, less what the pre-period explains; sequential: valid on every day",
    not_null=True,
    one_of=METHODS,
)
_EXPOSED_DATE = Column("exposed_date", "date", "day of exposure in the reporting zone", not_null=True)
_HAS_PRE = Column("has_pre_period", "boolean", "an event of the unit lies before the day of exposure", not_null=True)
_KNOWN_AT_EXPOSURE = (
    Column("platform", "string", "platform of the exposing event, else of the record held then"),
    Column("country", "string", "country of the record held at exposure, else of the exposing event"),
    Column("plan", "string", "plan of the record held at exposure"),
    Column(
        "user_kind",
        "string",
        "existing where has_pre_period is true, else new",
        not_null=True,
        one_of=("existing", "new"),
    ),
)
_UP_TO = "Counted from exposure to the end of min(end, T)."


def _count(name: str, description: str) -> Column:
    return Column(name, "int64", description, not_null=True, at_least=0)


def _amount(name: str, description: str) -> Column:
    return Column(name, "float64", description, not_null=True, at_least=0)


def _number(name: str, description: str) -> Column:
    return Column(name, "float64", description)


def _share(name: str, description: str) -> Column:
    return Column(name, "float64", description, at_least=0, at_most=1)


_WHAT_UNITS_DO = (
    _count("sessions", "sessions that start then"),
    _amount("session_minutes", "their duration, minutes"),
    _count("plays", "plays"),
    _count("skips", "skip events, and plays that the source calls skips"),
    _amount("watch_hours", "hours watched; plays of unknown watch time count as none"),
    _count("creators", "creators not played by the unit before, since exposure"),
    _count("genres", "genres not played by the unit before, since exposure"),
)

_COMPARED = (
    _count("n_control", "eligible units in control"),
    _count("n_variant", "eligible units in the variant"),
    _number("mean_control", "the metric in control; NULL where it cannot be measured"),
    _number("mean_variant", "the metric in the variant"),
    _number("effect", "difference between variant and control; with cuped less what the pre-period explains"),
    _number("effect_low", "lower bound of its 1 − alpha interval; NULL where no unit differs from another"),
    _number("effect_high", "upper bound of its 1 − alpha interval"),
    _number("lift", "effect / mean_control"),
    _number("lift_low", "lower bound of its 1 − alpha interval (delta method)"),
    _number("lift_high", "upper bound of its 1 − alpha interval"),
    _share("p_value", "two-sided, of the effect"),
)

assignments = Table(
    "experiments/assignments",
    grain="one row per experiment and exposed unit of its population",
    key=("experiment_id", "user_id"),
    source="core/plays, core/events or core/users, as the experiment's exposure says",
    caveats="Units logged in several variants, or in one that is not configured, are left out and counted in experiments/health.",
    partition_by=("experiment_id",),
    columns=(
        _ID,
        _USER,
        _VARIANT,
        Column(
            "bucket",
            "int64",
            "first 8 hex digits of md5(salt:user_id), mod 10,000; NULL where variants are logged",
            at_least=0,
            at_most=9_999,
        ),
        Column("exposed_at", "timestamp", "first exposure in the experiment's days", not_null=True),
        _EXPOSED_DATE,
        *_KNOWN_AT_EXPOSURE,
        _HAS_PRE,
    ),
)

unit_days = Table(
    "experiments/unit_days",
    grain="one row per experiment, unit and day since exposure on which it did something",
    key=("experiment_id", "user_id", "date"),
    source="core/plays, core/sessions and skips of core/events since exposure",
    caveats="All columns add up over days, so that what is known up to any day is a sum.",
    partition_by=("experiment_id",),
    columns=(_ID, _USER, _VARIANT, Column("date", "date", "day of the reporting zone", not_null=True), *_WHAT_UNITS_DO),
)

unit_metrics = Table(
    "experiments/unit_metrics",
    grain="one row per experiment and exposed unit",
    key=("experiment_id", "user_id"),
    source="experiments/unit_days, and core tables of the 28 days before the day of exposure",
    caveats=f"{_UP_TO} What cannot be known yet is 0 and not eligible: days_observed tells.",
    partition_by=("experiment_id",),
    columns=(
        _ID,
        _USER,
        _VARIANT,
        _EXPOSED_DATE,
        *_KNOWN_AT_EXPOSURE,
        _HAS_PRE,
        _count("days_observed", "days from the day of exposure to min(end, T)"),
        *_WHAT_UNITS_DO,
        *(
            Column(
                f"retained_d{n}",
                "int64",
                f"1 with a play {n} days after the day of exposure; eligible when days_observed ≥ {n}",
                not_null=True,
                at_least=0,
                at_most=1,
            )
            for n in (1, 7, 30)
        ),
        _count(
            "sessions_first_7d", "sessions on the day of exposure and the six after; eligible when days_observed ≥ 6"
        ),
        _count("pre_sessions", "sessions in the 28 days before the day of exposure"),
        _amount("pre_session_minutes", "their duration, minutes"),
        _count("pre_plays", "plays in the 28 days before"),
        _count("pre_skips", "skips in the 28 days before"),
        _amount("pre_watch_hours", "hours watched in the 28 days before"),
        _count("pre_creators", "creators played in the 28 days before"),
        _count("pre_genres", "genres played in the 28 days before"),
        _count("pre_sessions_7d", "sessions in the 7 days before"),
    ),
)

results = Table(
    "experiments/results",
    grain="one row per experiment, metric, variant, method and segment",
    key=("experiment_id", "metric", "variant", "method", "dimension", "segment"),
    source="sums over experiments/unit_metrics",
    caveats=(
        f"{_UP_TO} Segments stand for the primary metric, where both arms have 100 units. Means: Welch's t; shares: pooled z for "
        "p, unpooled interval; ratios: delta method over units. docs/experiments.md has the formulas and their sources."
    ),
    partition_by=("experiment_id",),
    columns=(
        _ID,
        _METRIC,
        _VARIANT,
        _ROLE,
        _METHOD,
        Column(
            "dimension",
            "string",
            "what units are split by, as of exposure; all where they are not",
            not_null=True,
            one_of=("all", "platform", "country", "plan", "user_kind"),
        ),
        Column("segment", "string", "its value; all, or unknown", not_null=True),
        *_COMPARED,
        _number("standard_error", "of the effect"),
        _share(
            "p_adjusted",
            "primary and guardrails: Holm; secondary metrics: Benjamini–Hochberg, and the same over all segments",
        ),
        _number("cohens_d", "effect in standard deviations of a unit"),
        _share("chance_to_win", "probability that the variant is better: normal posterior of the lift, flat prior"),
        Column("expected_loss", "float64", "lift that is lost on average by shipping it", at_least=0),
        _number("variance_reduction", "cuped: share of the variance that the pre-period explains"),
        _number("margin", "guardrail: how much worse, relative to control, is allowed"),
        _number("worst_case", "guardrail: one-sided bound of the change for the better at guardrail_alpha, relative"),
        Column("is_non_inferior", "boolean", "guardrail: worst_case > −margin"),
        _number("cap", "most that counts of one unit, where the metric is winsorised"),
    ),
)

daily_results = Table(
    "experiments/daily_results",
    grain="one row per experiment, day, metric, variant and method",
    key=("experiment_id", "date", "metric", "variant", "method"),
    source="experiments/unit_days and experiments/unit_metrics",
    caveats=(
        "Cumulated: what was known at the end of each day. Looking at the fixed test every day and stopping at the first "
        "significant one finds effects that are not there; the sequential interval may be looked at every day."
    ),
    partition_by=("experiment_id",),
    columns=(
        _ID,
        Column("date", "date", "up to the end of this day of the reporting zone", not_null=True),
        _METRIC,
        _VARIANT,
        _ROLE,
        _METHOD,
        *_COMPARED,
    ),
)

health = Table(
    "experiments/health",
    grain="one row per experiment, check and subject",
    key=("experiment_id", "health_check", "subject"),
    source="experiments/unit_metrics, and exposure events of core/events where variants are logged",
    caveats="A check that does not pass makes the experiment INVALID.",
    partition_by=("experiment_id",),
    columns=(
        _ID,
        Column(
            "health_check",
            "string",
            "what has to hold",
            not_null=True,
            one_of=(
                "every_variant_has_units",
                "units_fall_into_variants_by_their_weights",
                "variants_were_alike_before_exposure",
                "units_are_in_one_variant",
                "logged_variants_are_configured",
            ),
        ),
        Column("subject", "string", "metric and variant, or all", not_null=True),
        Column("passed", "boolean", "it holds", not_null=True),
        _count("units", "units looked at"),
        _number("value", "p-value, share or count that is held against the threshold"),
        Column("threshold", "float64", "limit of the value", not_null=True),
        Column("finding", "string", "what was found, in words", not_null=True),
    ),
)

power = Table(
    "experiments/power",
    grain="one row per experiment, metric and variant",
    key=("experiment_id", "metric", "variant"),
    source="sums over experiments/unit_metrics",
    caveats="At 80 % power, with the variance of the present units.",
    partition_by=("experiment_id",),
    columns=(
        _ID,
        _METRIC,
        _VARIANT,
        _ROLE,
        _count("units", "eligible units in control and the variant"),
        _number("target_lift", "min_lift; of a guardrail its margin"),
        _number("detectable_lift", "smallest lift that the present units find"),
        Column("units_needed", "int64", "units of both arms that find target_lift", at_least=0),
        _amount("units_per_day", "newly exposed units per day over the last seven days"),
        Column("days_still_needed", "int64", "days until units_needed at this pace", at_least=0),
    ),
)

decisions = Table(
    "experiments/decisions",
    grain="one row per experiment",
    key=("experiment_id",),
    source="experiments/results, experiments/health and experiments/power",
    caveats="The first rule that applies; docs/experiments.md has them in order.",
    partition_by=("experiment_id",),
    columns=(
        _ID,
        Column("name", "string", "as configured", not_null=True),
        Column("decision", "string", "the verdict", not_null=True, one_of=VERDICTS),
        Column("variant", "string", "the variant that the verdict is about"),
        Column(
            "is_calibrated",
            "boolean",
            "kind aa: no metric differs by more than chance would have it; NULL where none could be measured",
        ),
        Column("reasons", "array<string>", "why, in sentences", not_null=True),
        _count("days_left", "KEEP_RUNNING: days from as_of to the end; else 0"),
        Column("as_of", "date", "the last day that is known, min(end, T); T before the start", not_null=True),
        Column("primary_metric", "string", "the metric that decides", not_null=True),
        _number("primary_lift", "its lift"),
        _number("primary_lift_low", "lower bound of the lift's interval"),
        _number("primary_lift_high", "upper bound of the lift's interval"),
        _share("primary_p_value", "two-sided, of the effect"),
        _count("units", "exposed units in all variants"),
        Column(
            "rollout_effect",
            "string",
            "JSON: sessions, watch_hours and value that the variant would add for rollout.population users in as many days "
            "as units were observed, each with value, low and high; NULL without a population",
        ),
    ),
)

TABLES = (assignments, unit_days, unit_metrics, results, daily_results, health, power, decisions)
