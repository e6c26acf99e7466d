"""What `streaming-assets at-risk` and `streaming-assets forecast` print: who may leave and why, and how many come next."""

import datetime as dt
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
from ibis import _

from streaming_assets.contracts.models import churn
from streaming_assets.contracts.models import forecast as audience
from streaming_assets.export import as_csv
from streaming_assets.lake.engine import duckdb_engine, literal
from streaming_assets.lake.lake import Lake
from streaming_assets.models.churn.scores import STABLE_DECIMALS
from streaming_assets.reporting.churn.performance import CANDIDATES
from streaming_assets.reporting.words import number, percent
from streaming_assets.settings import Settings

Row = Mapping[str, Any]

FORMATS = ("text", "csv", "json")
DRIVERS = (*churn.FAMILIES, churn.NO_DRIVER)

_WIDTH = 120
_LONGEST_CELL = {"user": 36, "plan": 10}
_HEAD = ("user", "risk", "band", "associated with", "then with", "last play", "plan")
_LEAVING = {"inactivity": "no play", "cancellation": "a cancellation"}
_ASSOCIATED = (
    "Drivers are what the risk is associated with, compared with users who stay; they are no proof of a cause."
)
_LITTLE_HISTORY = (
    "Low history: there are fewer than the 84 days that the full backtest wants; take it as a first guess."
)


class UnknownDriverError(ValueError):
    """No family of features is called so; the message says which there are."""


class NoModelError(RuntimeError):
    """Nobody is scored, or no hour is forecast; the message says why."""


def at_risk(settings: Settings, top: int, driver: str | None, format_: str) -> str:
    """The active users with the highest probability to leave, of one first driver where it is given.

    As text at most 120 characters wide, as CSV with the columns of models/churn_scores, or as JSON with the rows of
    models/churn_champion and of models/churn_candidates behind them. Raises UnknownDriverError, NoModelError.
    """
    if driver is not None and driver not in DRIVERS:
        raise UnknownDriverError(f"--driver {driver}: expected one of {', '.join(map(repr, DRIVERS))}")
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        champion = _champion(lake)
        scored = lake.read(churn.churn_scores.name).filter(_.churn_probability.notnull())
        wanted = scored if driver is None else scored.filter(_.driver_1 == driver)
        riskiest = wanted.order_by(ibis.desc(_.churn_probability.round(STABLE_DECIMALS)), "user_id").limit(top)
        if format_ == "csv":
            return _csv(lake, riskiest)
        users = riskiest.to_pyarrow().to_pylist()
        held_out = _held_out(lake, champion)
    if format_ == "json":
        return _json({"churn_champion": champion, "churn_candidates": held_out, "churn_scores": users})
    return "\n".join([_heading(users, champion, driver), *_about_the_model(champion, held_out), *_listed(users)])


def forecast(settings: Settings, format_: str) -> str:
    """The active users expected in each of the next 24 hours, and the plays expected on the days of a week.

    As text, as CSV with the columns of models/viewer_forecast, or as JSON with the rows of models/daily_plays_forecast
    and the champion of models/forecast_summary too. Raises NoModelError.
    """
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        in_order = lake.read(audience.viewer_forecast.name).order_by("hour_at")
        hours = in_order.to_pyarrow().to_pylist()
        candidates = lake.rows(audience.forecast_summary.name)
        if not hours:
            raise NoModelError(_why_no_forecast(candidates))
        if format_ == "csv":
            return _csv(lake, in_order)
        days = lake.read(audience.daily_plays_forecast.name).order_by("date").to_pyarrow().to_pylist()
    (champion,) = (row for row in candidates if row["is_champion"])
    if format_ == "json":
        return _json({"forecast_summary": champion, "viewer_forecast": hours, "daily_plays_forecast": days})
    return "\n".join(
        [*_about_the_forecast(hours, champion, settings.timezone), "", *_hourly(hours, settings.timezone), "", *_daily(days)]
    )  # fmt: skip


def _champion(lake: Lake) -> Row:
    """The row on the model that scores."""
    trainings = lake.rows(churn.churn_champion.name)
    if not trainings:
        raise NoModelError("nobody is scored: no model has been trained yet; `streaming-assets run` does that")
    (champion,) = trainings
    if champion["version"] is None:
        raise NoModelError(f"nobody is scored: {champion['reason']} ({champion['outcome']})")
    return champion


def _held_out(lake: Lake, champion: Row) -> Row | None:
    """How its kind did on the test cutoffs of the latest training; None where that judged nobody."""
    found = lake.read(churn.churn_candidates.name).filter(_.fold == "test", _.candidate == champion["candidate"])
    return next(iter(found.to_pyarrow().to_pylist()), None)


def _heading(users: Sequence[Row], champion: Row, driver: str | None) -> str:
    if not users:
        return "No active user is scored." if driver is None else f"No active user's risk goes most with {driver}."
    cutoff = users[0]["cutoff"]
    first, last = cutoff + dt.timedelta(days=1), cutoff + dt.timedelta(days=28)
    return (
        f"Most likely to leave, as of the end of {cutoff - dt.timedelta(days=1)}: {_LEAVING[champion['label']]} from "
        f"{first} to {last}."
    )


def _about_the_model(champion: Row, held_out: Row | None) -> Iterator[str]:
    yield (
        f"Scored by {CANDIDATES[champion['candidate']]}, version {champion['version']}, trained on what was known as of "
        f"{champion['model_as_of']}."
    )
    if held_out is not None and held_out["precision_at_capacity"] is not None:
        fitted = " (its kind, fitted anew at the latest training)" if champion["outcome"] == "kept" else ""
        yield (
            f"Held-out{fitted}: of the riskiest tenth {percent(held_out['precision_at_capacity'])} left, "
            f"{percent(held_out['prevalence'])} overall."
        )
    if champion["outcome"] not in ("trained", "kept"):
        yield from textwrap.wrap(f"The latest training gave no model: {champion['reason']}", _WIDTH)
    yield _ASSOCIATED


def _listed(users: Sequence[Row]) -> Iterator[str]:
    """A line for each user, with the remedy below."""
    if not users:
        return
    head, *lines = _aligned([_HEAD, *map(_cells, users)])
    yield from ("", head)
    for user, line in zip(users, lines, strict=True):
        yield line
        if user["remedy"] is not None:
            yield from textwrap.wrap(
                f"may help: {_printable(user['remedy'])}", _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8
            )
    if any(len(_printable(user["user_id"])) > _LONGEST_CELL["user"] for user in users):
        yield "Names that end with … are longer; --format csv has them whole."


def _cells(user: Row) -> tuple[str, ...]:
    return (
        _cut(user["user_id"], _LONGEST_CELL["user"]),
        percent(user["churn_probability"]),
        user["risk_band"],
        user["driver_1"] or "–",
        user["driver_2"] or "–",
        f"{user['recency_hours'] / 24:,.1f} days ago",
        _cut(user["plan"] or "–", _LONGEST_CELL["plan"]),
    )


def _why_no_forecast(candidates: Sequence[Row]) -> str:
    if not candidates:
        return "there is no forecast yet; `streaming-assets run` makes one"
    return " ".join(dict.fromkeys(row["reason"] for row in candidates))


def _about_the_forecast(hours: Sequence[Row], champion: Row, timezone: str) -> Iterator[str]:
    (peak,) = (row for row in hours if row["is_peak"])
    digits = _digits(hours)
    yield (
        f"Peak: {peak['date']:%A} {peak['date']}, {_clock(peak['local_hour'])} to {_clock(peak['local_hour'] + 1)} "
        f"({timezone}), {number(peak['expected'], digits)} active users expected{_within(peak, digits)}."
    )
    yield (
        f"The 24 hours from {hours[0]['issued_at']:%Y-%m-%d %H:%M} UTC, where complete data ends, by {champion['model']}:"
    )
    yield from textwrap.wrap(champion["reason"], _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if champion["mase"] is not None:
        yield (
            f"Judged on {champion['n_origins']} days: MASE {champion['mase']:.2f} (1: as far off as the same hour a week "
            f"before), {percent(champion['coverage_80'])} within the 80 % interval."
        )
    if peak["low_history"]:
        yield _LITTLE_HISTORY


def _hourly(hours: Sequence[Row], timezone: str) -> Iterator[str]:
    digits = _digits(hours)
    yield from _aligned(
        [
            ("hour (UTC)", timezone, "active users", "80 % interval", "95 % interval", ""),
            *(
                (
                    f"{row['hour_at']:%Y-%m-%d %H:%M}",
                    f"{row['date']:%a %d %b} {_clock(row['local_hour'])}",
                    number(row["expected"], digits),
                    _interval(row["lo80"], row["hi80"], digits),
                    _interval(row["lo95"], row["hi95"], digits),
                    "peak" if row["is_peak"] else "",
                )
                for row in hours
            ),
        ],
        right=(2, 3, 4),
    )


def _daily(days: Sequence[Row]) -> Iterator[str]:
    flags = {False: "", True: "low history"}
    yield from _aligned(
        [
            ("day", "plays", "80 % interval", ""),
            *(
                (
                    f"{row['date']:%a %Y-%m-%d}",
                    number(row["expected_plays"], 0),
                    _interval(row["lo80"], row["hi80"], 0),
                    flags[row["low_history"]],
                )
                for row in days
            ),
        ],
        right=(1, 2),
    )


def _within(row: Row, digits: int) -> str:
    return "" if row["lo80"] is None else f" (80 % interval {_interval(row['lo80'], row['hi80'], digits)})"


def _interval(low: float | None, high: float | None, digits: int) -> str:
    return "–" if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"


def _digits(hours: Sequence[Row]) -> int:
    """A small audience needs a decimal."""
    return 0 if max(row["expected"] for row in hours) >= 100 else 1


def _clock(hour: int) -> str:
    return f"{hour % 24:02d}:00"


def _aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = (1,)) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield ("  " + "  ".join(cells)).rstrip()


def _cut(text: str, width: int) -> str:
    shown = _printable(text)
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def _printable(text: str) -> str:
    """A text from the data on one line, without what a terminal takes for a command."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))


def _csv(lake: Lake, rows: ibis.Table) -> str:
    """As `streaming-assets export` writes it."""
    query = ibis.to_sql(rows, dialect="duckdb")
    connection = lake.engine.connection
    columns = connection.execute(f"DESCRIBE {query}").fetchall()
    shown = ", ".join(as_csv(column, type_) for column, type_, *_rest in columns)
    with TemporaryDirectory() as folder:
        file = Path(folder, "rows.csv")
        connection.execute(f"COPY (SELECT {shown} FROM ({query})) TO {literal(str(file))} (FORMAT csv, HEADER)")
        return file.read_text(encoding="utf-8").removesuffix("\n")


def _json(content: object) -> str:
    return json.dumps(content, indent=1, default=str, ensure_ascii=False)
