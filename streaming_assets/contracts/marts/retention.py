"""Contracts of the marts on who comes back, and for how long."""

from streaming_assets.contracts.marts.columns import AS_OF, count, number, share
from streaming_assets.contracts.table import Column, Table

DAYS = (1, 3, 7, 14, 30, 60, 90)
MODES = ("exact", "rolling")
BREAKDOWNS = ("overall", "platform", "country", "plan", "first_week_genres")
_D0 = (
    "D0 is the day of the user's first play, or of signed_up_at where that is set and known (setting retention_origin)."
)

_OUTCOME = (
    count("n_eligible", "users of whom it can be known at T whether they came back"),
    count("n_retained", "of these, those who did"),
    share("rate", "n_retained / n_eligible; NULL without eligible users"),
)
_INTERVAL = (
    share("rate_low", "lower bound of the Wilson 95 % interval"),
    share("rate_high", "upper bound of the Wilson 95 % interval"),
)

retention = Table(
    "marts/retention",
    grain="one row per breakdown, segment, mode and number of days after D0",
    key=("breakdown", "segment", "mode", "n"),
    source="core/user_daily, core/users and core/content, and core/user_content_daily by way of meta folds",
    caveats=(
        f"{_D0} exact: a play on D0 + n; rolling: a play on D0 + n or later. A user is eligible when D0 + n ≤ T. Platform "
        "and country are those of the first day's plays (country: the user's record comes first), plan the one held on D0; "
        f"first_week_genres counts genres of D0 … D0 + 6 and stands for n ≥ 7 only. {AS_OF}"
    ),
    columns=(
        Column("breakdown", "string", "what users are split by", not_null=True, one_of=BREAKDOWNS),
        Column("segment", "string", "its value; all, or unknown where it is not known", not_null=True),
        Column("mode", "string", "exact or rolling", not_null=True, one_of=MODES),
        Column("n", "int64", "days after D0", not_null=True, at_least=min(DAYS), at_most=max(DAYS)),
        *_OUTCOME,
        *_INTERVAL,
        Column("is_complete", "boolean", "every user of the segment is eligible", not_null=True),
    ),
)

early_behaviour = Table(
    "marts/early_behaviour",
    grain="one row per analysis, behaviour and level",
    key=("analysis", "behaviour", "level"),
    source="core/user_daily and core/content, and core/user_content_daily by way of meta/user_titles",
    caveats=(
        "What users do in their first three days (D0 … D0 + 2) against a play on D0 + 7; users whose D0 + 7 lies after T "
        "are left out. More plays mean more genres: the group differences mix both, the regression holds the number of "
        f"plays fixed. Associations, not proof of cause. {_D0} {AS_OF}"
    ),
    columns=(
        Column(
            "analysis",
            "string",
            "groups: rates per level; regression: logistic regression of a play on D0 + 7 on genres (1 … 4), sessions "
            "(1 … 4) and log₂ plays; shift: D7 of all if a share of the users with one genre had explored three",
            not_null=True,
            one_of=("groups", "regression", "shift"),
        ),
        Column(
            "behaviour", "string", "genres, sessions or plays", not_null=True, one_of=("genres", "sessions", "plays")
        ),
        Column(
            "level", "string", "groups: 1, 2, 3 or 4+, unknown; regression: per unit; shift: now or then", not_null=True
        ),
        *_OUTCOME,
        *_INTERVAL,
        Column("difference", "float64", "groups: rate − rate of the lowest level; shift: rate − rate now"),
        Column("difference_low", "float64", "lower bound of its 95 % interval (groups: Newcombe)"),
        Column("difference_high", "float64", "upper bound of its 95 % interval"),
        number("odds_ratio", "regression: factor on the odds of D7 per unit, the others held fixed"),
        number("odds_ratio_low", "lower bound of its 95 % interval"),
        number("odds_ratio_high", "upper bound of its 95 % interval"),
        share("p_value", "regression: two-sided Wald test"),
    ),
)

cohort_retention = Table(
    "marts/cohort_retention",
    grain="one row per kind of period, cohort and number of periods after D0; cohort all pools them",
    key=("cohort_period", "cohort", "n"),
    source="core/user_daily and core/users",
    caveats=(
        f"{_D0} Period n of a user is D0 + 7n … D0 + 7n + 6 for weeks, D0 + 30n … D0 + 30n + 29 for months; retained is "
        "who plays in it, eligible whose period n ends at T or before. Cohorts are ISO weeks (2026-W09) and calendar months "
        f"(2026-03) of D0. Rows stand where somebody is eligible. {AS_OF}"
    ),
    columns=(
        Column("cohort_period", "string", "week or month", not_null=True, one_of=("week", "month")),
        Column("cohort", "string", "period of D0, or all", not_null=True),
        count("n", "periods after D0; 0 is the one that begins with D0"),
        count("size", "users of the cohort"),
        *_OUTCOME,
        Column("is_complete", "boolean", "every user of the cohort is eligible", not_null=True),
        number("avg_watch_hours", "hours watched in the period per eligible user; NULL where no watch time is known"),
        number("avg_plays", "plays in the period per eligible user"),
    ),
)

survival = Table(
    "marts/survival",
    grain="one row per day of life from 0 to the longest observed",
    key=("day",),
    source="core/user_daily",
    caveats=(
        "Kaplan–Meier curve of user lifetime from the first play. A user is lost with the last play before the first "
        "stretch of churn_inactive_days (setting, default 28) days without one; that is placed so many days after the "
        f"play, when it becomes known. Users who are not lost are censored at T. {AS_OF}"
    ),
    columns=(
        count("day", "days since the first play"),
        count("n_at_risk", "users not lost and not censored before this day"),
        count("n_lost", "users lost on this day"),
        count("n_censored", "users censored on this day"),
        share("survival", "share of users who live longer than this day"),
        share("survival_low", "lower bound of the 95 % interval (Greenwood, on the log −log scale)"),
        share("survival_high", "upper bound of the 95 % interval"),
    ),
)

TABLES = (retention, early_behaviour, cohort_retention, survival)
