"""Contracts of the audience forecast: the next 24 hours, how far to trust it, what came of it, and the plays of a week."""

from streaming_assets.contracts.marts.columns import count, number, share
from streaming_assets.contracts.table import Column, Table

NAIVES = ("naive_24", "naive_168")
REFERENCE = "random_forest_week"
CANDIDATES = (
    *NAIVES,
    "median_4w",
    "mean_4w",
    "ridge",
    "hist_gradient_boosting",
    "random_forest",
    REFERENCE,
    "average",
)

_MODEL = Column("model", "string", "candidate that forecasts", not_null=True, one_of=CANDIDATES)
_ISSUED_AT = Column(
    "issued_at", "timestamp", "UTC end of the last complete hour that the forecast knows", not_null=True
)
_HOUR_AT = Column("hour_at", "timestamp", "UTC start of the hour", not_null=True)
_HORIZON = Column(
    "horizon", "int64", "1 for the first hour after what is known … 24", not_null=True, at_least=1, at_most=24
)
_EXPECTED = Column("expected", "float64", "active users expected in the hour", not_null=True, at_least=0)
_ACTUAL = number("actual", "active users that came; NULL while it is not known, and on days without any play")
_BANDS = (
    number("lo80", "lower end of the 80 % interval; NULL while too few earlier forecasts can be judged"),
    number("hi80", "upper end"),
    number("lo95", "lower end of the 95 % interval, which needs more of them"),
    number("hi95", "upper end"),
)
_LOW_HISTORY = Column(
    "low_history", "boolean", "true where there are fewer than the 84 days that the full backtest wants", not_null=True
)
_INTERVALS = (
    "Intervals are quantiles of what the same model missed by in the (up to) 28 forecasts before, as a multiple of "
    "√max(expected, 1)."
)
_TARGET = "An active user of an hour is one with a play started in it."

viewer_forecast = Table(
    "models/viewer_forecast",
    grain="one row per hour of the 24 after the last complete one: the latest issue",
    key=("hour_at",),
    source="core/hourly_activity, core/calendar, and the champion of models/forecast_summary",
    caveats=(
        f"{_TARGET} The last complete hour is the one before the latest event, and not after T. No rows with less than "
        f"a day of history. {_INTERVALS}"
    ),
    columns=(
        _ISSUED_AT,
        _HOUR_AT,
        Column("date", "date", "its day of the reporting zone", not_null=True),
        Column("local_hour", "int64", "its hour of that zone's clock", not_null=True, at_least=0, at_most=23),
        _EXPECTED,
        *_BANDS,
        _MODEL,
        _LOW_HISTORY,
        Column("is_peak", "boolean", "the hour for which most is expected, the first of equals", not_null=True),
        number("week_before_1", "active users of the same hour of the clock one week before; NULL where not known"),
        number("week_before_2", "two weeks before"),
        number("week_before_3", "three weeks before"),
        number("week_before_4", "four weeks before"),
    ),
)

forecast_log = Table(
    "models/forecast_log",
    grain="one row per issue and hour of its 24",
    key=("issued_at", "hour_at"),
    source="models/viewer_forecast as it was issued each time, and core/hourly_activity for what came",
    caveats="Begins anew with a rebuild of the lake: what was said then cannot be said again.",
    columns=(_ISSUED_AT, _HOUR_AT, _HORIZON, _EXPECTED, *_BANDS, _MODEL, _ACTUAL),
)

forecast_backtest = Table(
    "models/forecast_backtest",
    grain="one row per candidate, evaluated origin and hour; of the champion also its origins before them",
    key=("model", "origin_at", "hour_at"),
    source="core/hourly_activity: forecasts for days that are over, each from what was known before it",
    caveats=(
        f"Origins are 24 hours apart; models are fitted anew at every seventh, to hours before it. {_INTERVALS} "
        "The origins before the evaluated ones only lend their residuals."
    ),
    columns=(
        _MODEL,
        Column("origin_at", "timestamp", "UTC end of the last hour that the forecast knows", not_null=True),
        _HOUR_AT,
        _HORIZON,
        _ACTUAL,
        _EXPECTED,
        *_BANDS,
        Column("is_evaluated", "boolean", "false at the origins that only lend their residuals", not_null=True),
    ),
)

forecast_summary = Table(
    "models/forecast_summary",
    grain="one row per candidate",
    key=("model",),
    source="the evaluated origins of models/forecast_backtest",
    caveats=(
        "Champion is the candidate with the lowest MASE. With less than 28 days of history nothing is compared: "
        "the mean of the weeks there are is champion, with less than 8 days the day before, with less than one nobody. "
        "Figures are NULL where there is too little history for them."
    ),
    columns=(
        _MODEL,
        Column("is_champion", "boolean", "the one that forecasts", not_null=True),
        Column(
            "is_reference", "boolean", "the plain RandomForest on hour and weekday over the past week, the one to beat",
            not_null=True,
        ),
        _LOW_HISTORY,
        Column("reason", "string", "in words why it is champion, or is not used", not_null=True),
        Column("trained_as_of", "date", "T at the comparison", not_null=True),
        count("n_origins", "evaluated origins"),
        count("n_hours", "evaluated hours of which is known what came"),
        number("mae", "mean |actual − expected|, users"),
        number("mase", "mae / mean |difference to the same hour a week before| over the hours before the first evaluated origin"),
        number("wape", "Σ |actual − expected| / Σ actual"),
        Column("bias", "float64", "Σ (expected − actual) / Σ actual: above 0 where too much is expected"),
        number("pinball", "mean pinball loss of lo95, lo80, expected, hi80 and hi95 as quantiles, users"),
        share("coverage_80", "hours within the 80 % interval / hours that have one"),
        share("coverage_95", "hours within the 95 % interval / hours that have one"),
        number("width_80", "mean hi80 − lo80, users"),
    ),
)  # fmt: skip

forecast_coverage = Table(
    "models/forecast_coverage",
    grain="one row per hour of the local clock",
    key=("local_hour",),
    source="the champion's evaluated origins in models/forecast_backtest",
    caveats="About 28 hours each: 80 % of so few lie between 64 and 93 % in 95 of 100 cases.",
    columns=(
        Column("local_hour", "int64", "hour of the reporting zone's clock", not_null=True, at_least=0, at_most=23),
        _MODEL,
        count("n", "hours that have an interval, and of which is known what came"),
        share("coverage_80", "of them, the share within the 80 % interval"),
    ),
)

daily_plays_forecast = Table(
    "models/daily_plays_forecast",
    grain="one row per day of the 7 after the last complete one",
    key=("date",),
    source="core/hourly_activity and core/calendar",
    caveats=(
        "Expected is the median of the last four same weekdays that are known, or of the last 28 days where none is. The interval "
        "is of what that missed by on the 56 days before, as a multiple of √max(expected, 1); NULL below 9 of them. A day "
        "that is not over at the latest event is forecast, not counted."
    ),
    columns=(
        Column("date", "date", "day of the reporting zone", not_null=True),
        Column("expected_plays", "float64", "plays expected on the day", not_null=True, at_least=0),
        number("lo80", "lower end of the 80 % interval; NULL with too little history"),
        number("hi80", "upper end"),
        Column("low_history", "boolean", "true with fewer than 84 complete days", not_null=True),
    ),
)

TABLES = (
    viewer_forecast,
    forecast_log,
    forecast_backtest,
    forecast_summary,
    forecast_coverage,
    daily_plays_forecast,
)
