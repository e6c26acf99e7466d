"""What the UI shows of the audience forecast: pictures with all there is and with hardly anything, words with figures."""

import datetime as dt
import io
import warnings

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from streaming_assets.contracts.models import forecast as contracts
from streaming_assets.contracts.table import Table
from streaming_assets.reporting import drawing, forecast

SATURDAY = dt.date(2026, 7, 18)
ISSUED_AT = dt.datetime(2026, 7, 18, 15)
HOUR = dt.timedelta(hours=1)
UNKNOWN = dict.fromkeys(("lo80", "hi80", "lo95", "hi95", *(f"week_before_{week}" for week in range(1, 5))))


def table(contract: Table, rows: list[dict]) -> ibis.Table:
    """Rows of a contract; a column that is not given is unknown."""
    whole = [{**dict.fromkeys(contract.column_names), **row} for row in rows]
    return ibis.memtable(pa.Table.from_pylist(whole, schema=contract.schema.to_pyarrow()), schema=contract.schema)


def hour(number: int, **columns) -> dict:
    """Berlin's clock is two hours ahead; most users at 20:00."""
    clock = 17 + number
    expected = 1000.0 - 20 * abs(clock - 20)
    return {
        "issued_at": ISSUED_AT,
        "hour_at": ISSUED_AT + number * HOUR,
        "date": SATURDAY + dt.timedelta(days=clock // 24),
        "local_hour": clock % 24,
        "expected": expected,
        **{f"{end}{level}": expected + sign * level for level in (80, 95) for end, sign in (("lo", -1), ("hi", 1))},
        "model": "ridge",
        "low_history": False,
        "is_peak": clock == 20,
        **{f"week_before_{week}": expected + 10 * week for week in range(1, 5)},
        **columns,
    }


def candidate(model: str, mase: float | None, **columns) -> dict:
    return {
        "model": model,
        "mase": mase,
        "wape": 0.172,
        "bias": -0.036,
        "coverage_80": 0.808,
        "coverage_95": 0.957,
        "width_80": 11.37,
        "pinball": 0.779,
        "n_origins": 28,
        "is_champion": False,
        "is_reference": model == "random_forest_week",
        "low_history": False,
        "reason": "Not used.",
        **columns,
    }


DAY = [hour(number) for number in range(24)]
HOURS = [{"local_hour": clock, "model": "ridge", "n": 28, "coverage_80": (18 + clock % 9) / 28} for clock in range(24)]
PICTURES = [
    pytest.param(contracts.viewer_forecast, forecast.next_hours, forecast.draw_forecast, DAY, id="forecast"),
    pytest.param(
        contracts.viewer_forecast, forecast.next_hours, forecast.draw_forecast,
        [{**row, **UNKNOWN} for row in DAY], id="forecast with nothing beside it",
    ),
    pytest.param(contracts.viewer_forecast, forecast.next_hours, forecast.draw_forecast, DAY[3:4], id="one hour"),
    pytest.param(
        contracts.forecast_coverage, forecast.hours_of_the_day, forecast.draw_coverage, HOURS, id="coverage"
    ),
    pytest.param(
        contracts.forecast_coverage, forecast.hours_of_the_day, forecast.draw_coverage,
        [{**HOURS[5], "n": 1}], id="coverage of one hour",
    ),
]  # fmt: skip


def peak(*rows: dict) -> str:
    return forecast.tell_peak(forecast.next_hours(table(contracts.viewer_forecast, list(rows))).to_pandas())


def backtest(*rows: dict) -> str:
    return forecast.tell_backtest(forecast.candidates(table(contracts.forecast_summary, list(rows))).to_pandas())


@pytest.mark.parametrize(("contract", "reduce", "draw", "rows"), PICTURES)
def test_pictures_are_small_and_drawn_without_a_warning(contract, reduce, draw, rows):
    frame = reduce(table(contract, rows)).to_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = draw(frame)
    picture = Image.open(io.BytesIO(made))
    assert (picture.format, picture.width) == ("PNG", 900)
    assert len(made) < 100_000


def test_the_peak_is_marked():
    frame = forecast.next_hours(table(contracts.viewer_forecast, DAY)).to_pandas()
    pixels = np.asarray(Image.open(io.BytesIO(forecast.draw_forecast(frame))).convert("RGB")).astype(int)
    colour = [int(drawing.VERMILION[place : place + 2], 16) for place in (1, 3, 5)]
    assert (np.abs(pixels - colour).max(axis=2) < 12).any()


@pytest.mark.parametrize(
    ("first", "dated"),
    [
        (0, {"17\nSat 18 Jul", "00\nSun 19 Jul"}),
        (5, {"22\nSat 18 Jul", "00\nSun 19 Jul"}),
        (6, {"00\nSun 19 Jul"}),
        (7, {"00\nSun 19 Jul"}),
        (8, {"01\nSun 19 Jul"}),
    ],
)
def test_a_date_that_would_run_into_the_next_one_is_left_out(first: int, dated: set[str]):
    labels = forecast.clock_labels(pd.DataFrame([hour(first + number) for number in range(23)]))
    assert {label for label in labels if "\n" in label} == dated
    assert [int(label[:2]) for label in labels] == [(17 + first + number) % 24 for number in range(23)]


def test_nothing_known_yields_no_rows():
    assert forecast.next_hours(table(contracts.viewer_forecast, [])).to_pandas().empty
    assert forecast.hours_of_the_day(table(contracts.forecast_coverage, [])).to_pandas().empty


def test_the_peak_is_told_by_the_local_clock_with_its_interval():
    assert peak(*DAY) == (
        "**Peak: 1,000 active users** are expected in the hour from 20:00 on Saturday, 18 July 2026 (80 % interval 920 to 1,080). "
        "By ridge, from what was known at 2026-07-18 15:00 UTC."
    )


def test_a_peak_without_interval_and_with_little_history_says_so():
    told = peak(*({**row, **UNKNOWN, "low_history": True, "model": "naive_24"} for row in DAY))
    assert "; there are too few earlier forecasts for an interval. By naive\\_24," in told
    assert told.endswith("The history is short of the 84 days of a full backtest: take it with care.")


def test_candidates_are_listed_by_mase_the_champion_in_bold_and_the_best_naive_named():
    told = backtest(
        candidate("naive_168", 1.073),
        candidate("ridge", 0.831, is_champion=True, reason="Misses by least."),
        candidate("naive_24", 1.155),
        candidate("random_forest_week", 0.963),
        candidate("average", None, n_origins=0),
    ).splitlines()
    assert told[2] == "| **ridge** | 0.831 | 17.2 % | −3.6 % | 80.8 % | 95.7 % | 11.4 | 0.78 | 28 |"
    assert [row.split(" | ")[0].strip("| ") for row in told[2:6]] == [
        "**ridge**", r"random\_forest\_week (reference)", r"naive\_168", r"naive\_24",
    ]  # fmt: skip
    assert told[6:] == ["", r"Champion **ridge**. Misses by least. Best naive: naive\_168, MASE 1.073."]


def test_where_nothing_was_tried_the_reason_stands_alone():
    rows = [candidate(model, None, n_origins=0, reason="No forecast: too short.") for model in ("ridge", "naive_24")]
    assert backtest(*rows) == "No forecast: too short."
    rows[1] |= {"is_champion": True, "reason": "Stands in."}
    assert backtest(*rows) == r"Champion **naive\_24**. Stands in."


def test_a_week_of_plays_is_told_day_by_day():
    days = [
        {"date": SATURDAY, "expected_plays": 1234.4, "lo80": 1100.2, "hi80": 1400.9, "low_history": True},
        {"date": SATURDAY + dt.timedelta(days=1), "expected_plays": 7.0, "low_history": True},
    ]
    frame: pd.DataFrame = forecast.next_days(table(contracts.daily_plays_forecast, days)).to_pandas()
    assert forecast.tell_week(frame).splitlines()[2:] == [
        "| Sat 18 Jul | 1,234 | 1,100 to 1,401 |",
        "| Sun 19 Jul | 7 | – |",
        "",
        "The history is shorter than 84 days: take it with care.",
    ]
