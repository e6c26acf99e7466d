"""What `at-risk` and `forecast` print, from tables as the models write them."""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from streaming_assets import contracts
from streaming_assets.automation.outlook import NoModelError, UnknownDriverError, at_risk, forecast
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings

Rows = list[dict[str, Any]]

CUTOFF = dt.date(2026, 7, 19)
END = dt.datetime(2026, 7, 18, 22)

CHAMPION = {
    "outcome": "trained", "reason": "the first model", "version": "a1b2c3d4", "candidate": "logistic_regression", "label": "inactivity",
    "trained_as_of": dt.date(2026, 7, 18), "model_as_of": dt.date(2026, 7, 18), "train_cutoffs": [], "calibrate_cutoffs": [],
    "test_cutoffs": [], "families": ["inactivity"], "dropped": [], "log_loss": 0.33, "baseline_log_loss": 0.35, "card": "# Card",
}  # fmt: skip
HELD_OUT = {
    "candidate": "logistic_regression", "fold": "test", "n": 5_210, "n_churned": 730, "prevalence": 0.14, "capacity": 521,
    "precision_at_capacity": 0.476, "is_challenger": True,
}  # fmt: skip


def scored(user: str, probability: float | None, **others: Any) -> dict[str, Any]:
    row = {
        "user_id": user, "cutoff": CUTOFF, "status": "active", "churn_probability": probability, "risk_band": "high",
        "driver_1": "inactivity", "driver_2": None, "remedy": None, "plan": "basic", "recency_hours": 60.0, "model_version": "a1b2c3d4",
    }  # fmt: skip
    return {**row, **others}


SCORES = [
    scored("ann", 0.31, risk_band="medium"),
    scored(
        "=cmd()", 0.81, driver_1="content_mismatch", driver_2="discovery",
        remedy="offer the titles of Drama that are finished most: Night Shift, The Long Way Round, Signals from the North, Café Zénith",
    ),
    scored("eve\x1b[31m\nx", 0.55, driver_1="no dominant driver", plan=None),
    scored("bob", 0.31, risk_band="medium", driver_1="discovery"),
    scored("kim", None, status="new", risk_band=None, driver_1=None),
]  # fmt: skip


def hours(low_history: bool = False) -> Rows:
    """A day from 18 July 22:00 UTC, which is midnight in Berlin; most at 20:00 there."""
    return [
        {
            "issued_at": END, "hour_at": END + dt.timedelta(hours=hour), "date": dt.date(2026, 7, 19), "local_hour": hour,
            "expected": 1_200.4 if hour == 20 else 700.0 + hour, "lo80": 1_100.0, "hi80": 1_300.0, "lo95": None, "hi95": None,
            "model": "median_4w", "low_history": low_history, "is_peak": hour == 20,
        }
        for hour in range(24)
    ]  # fmt: skip


def candidate(model: str, **others: Any) -> dict[str, Any]:
    row = {
        "model": model, "is_champion": False, "is_reference": False, "low_history": False, "reason": "its MASE is higher",
        "trained_as_of": dt.date(2026, 7, 18), "n_origins": 28, "n_hours": 672,
    }  # fmt: skip
    return {**row, **others}


BEST = candidate("median_4w", is_champion=True, reason="the lowest MASE", mase=0.82, coverage_80=0.791)
WEEK = [
    {"date": dt.date(2026, 7, 19) + dt.timedelta(days=day), "expected_plays": 9_000.0 + day, "lo80": 8_500.0, "hi80": 9_700.0, "low_history": False}
    for day in range(7)
]  # fmt: skip

Make = Callable[..., Settings]


@pytest.fixture(scope="module")
def folder_with(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Settings of a new lake with these rows in the tables of these names."""

    def make(**tables: Rows) -> Settings:
        folder: Path = tmp_path_factory.mktemp("data")
        settings = Settings(data_dir=folder, threads=1, memory_limit="500MB", timezone="Europe/Berlin")
        with duckdb_engine(settings) as engine:
            lake = Lake(settings, engine)
            for name, rows in tables.items():
                lake.write_rows(f"models/{name}", rows)
        return settings

    return make


@pytest.fixture(scope="module")
def trained(folder_with: Make) -> Settings:
    return folder_with(churn_champion=[CHAMPION], churn_candidates=[HELD_OUT], churn_scores=SCORES)


@pytest.fixture(scope="module")
def predicted(folder_with: Make) -> Settings:
    summary = [candidate("naive_24", mase=1.3), BEST]
    return folder_with(viewer_forecast=list(reversed(hours())), forecast_summary=summary, daily_plays_forecast=WEEK)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def users_of(text: str) -> list[str]:
    return [row["user_id"] for row in rows_of(text)]


class TestAtRisk:
    def test_the_riskiest_come_first_and_who_has_no_probability_not_at_all(self, trained):
        found = json.loads(at_risk(trained, 10, None, "json"))["churn_scores"]
        assert [row["user_id"] for row in found] == ["=cmd()", "eve\x1b[31m\nx", "ann", "bob"]
        assert users_of(at_risk(trained, 3, None, "csv")) == ["'=cmd()", "eve\x1b[31m\nx", "ann"]

    def test_a_driver_chooses_those_whose_risk_goes_most_with_it(self, trained):
        assert users_of(at_risk(trained, 10, "discovery", "csv")) == ["bob"]
        assert users_of(at_risk(trained, 10, "no dominant driver", "csv")) == ["eve\x1b[31m\nx"]

    def test_the_heading_says_as_of_when_by_which_model_and_how_good_it_is(self, trained):
        lines = at_risk(trained, 2, None, "text").splitlines()
        assert lines[:4] == [
            "Most likely to leave, as of the end of 2026-07-18: no play from 2026-07-20 to 2026-08-16.",
            "Scored by logistic regression, version a1b2c3d4, trained on what was known as of 2026-07-18.",
            "Held-out: of the riskiest tenth 47.6 % left, 14.0 % overall.",
            "Drivers are what the risk is associated with, compared with users who stay; they are no proof of a cause.",
        ]

    def test_a_user_is_a_line_with_the_remedy_below(self, trained):
        lines = at_risk(trained, 1, None, "text").splitlines()
        assert lines[-3].split() == [
            "=cmd()",
            "81.0",
            "%",
            "high",
            "content_mismatch",
            "discovery",
            "2.5",
            "days",
            "ago",
            "basic",
        ]
        assert lines[-2].strip().startswith("may help: offer the titles of Drama that are finished most: Night Shift")
        assert lines[-1].strip().endswith("Café Zénith")

    def test_no_line_is_wider_than_120_characters_nor_commands_the_terminal(self, folder_with):
        long = [
            scored("u" * 64, 0.6, driver_1="no dominant driver", driver_2="content_mismatch", plan="premium_family_2026", risk_band="medium",
                   remedy="offer " + "a title, " * 40, recency_hours=671.0),
            SCORES[2],
        ]  # fmt: skip
        settings = folder_with(churn_champion=[CHAMPION], churn_candidates=[HELD_OUT], churn_scores=long)
        text = at_risk(settings, 10, None, "text")
        assert max(map(len, text.splitlines())) <= 120
        assert "\x1b" not in text
        assert f"{'u' * 35}… " in text
        assert "--format csv has them whole" in text
        assert users_of(at_risk(settings, 1, None, "csv")) == ["u" * 64]

    def test_csv_and_json_have_the_columns_of_the_table(self, trained):
        columns = list(contracts.ALL["models/churn_scores"].column_names)
        assert list(rows_of(at_risk(trained, 1, None, "csv"))[0]) == columns
        told = json.loads(at_risk(trained, 1, None, "json"))
        assert list(told["churn_scores"][0]) == columns
        assert (told["churn_scores"][0]["cutoff"], told["churn_candidates"]["prevalence"]) == ("2026-07-19", 0.14)
        assert told["churn_champion"]["version"] == "a1b2c3d4"

    def test_an_unknown_driver_is_refused_with_those_there_are(self, trained):
        with pytest.raises(
            UnknownDriverError, match=r"--driver price: expected one of 'inactivity', .* 'no dominant driver'"
        ):
            at_risk(trained, 10, "price", "text")

    def test_a_driver_that_nobody_has_is_said_so(self, trained):
        assert at_risk(trained, 10, "plan", "text").startswith("No active user's risk goes most with plan.\n")
        assert at_risk(trained, 10, "plan", "csv") == ",".join(contracts.ALL["models/churn_scores"].column_names)

    def test_a_cancellation_is_named_where_it_is_what_the_model_predicts(self, folder_with):
        settings = folder_with(churn_champion=[{**CHAMPION, "label": "cancellation"}], churn_scores=SCORES)
        text = at_risk(settings, 1, None, "text")
        assert ": a cancellation from 2026-07-20 to 2026-08-16." in text
        assert "Held-out" not in text

    def test_a_model_that_was_kept_is_judged_by_its_kind(self, folder_with):
        kept = {**CHAMPION, "outcome": "kept", "model_as_of": dt.date(2026, 6, 1)}
        settings = folder_with(churn_champion=[kept], churn_candidates=[HELD_OUT], churn_scores=SCORES)
        text = at_risk(settings, 1, None, "text")
        assert "trained on what was known as of 2026-06-01" in text
        assert "Held-out (its kind, fitted anew at the latest training): of the riskiest tenth 47.6 % left" in text

    def test_without_a_champion_the_reason_is_given(self, folder_with):
        none = {
            **CHAMPION,
            "outcome": "not_enough_history",
            "reason": "40 days of history, 115 are needed",
            "version": None,
            "candidate": None,
        }
        settings = folder_with(churn_champion=[none], churn_scores=[scored("ann", None)])
        with pytest.raises(NoModelError, match="40 days of history, 115 are needed"):
            at_risk(settings, 10, None, "csv")

    def test_before_the_first_training_it_says_what_to_run(self, folder_with):
        with pytest.raises(NoModelError, match="no model has been trained yet; `streaming-assets run`"):
            at_risk(folder_with(), 10, None, "text")


class TestForecast:
    def test_the_peak_comes_first_in_the_reporting_zones_time(self, predicted):
        lines = forecast(predicted, "text").splitlines()
        assert lines[0] == (
            "Peak: Sunday 2026-07-19, 20:00 to 21:00 (Europe/Berlin), 1,200 active users expected "
            "(80 % interval 1,100 to 1,300)."
        )
        assert (
            "Judged on 28 days: MASE 0.82 (1: as far off as the same hour a week before), 79.1 % within the 80 % interval"
            in "\n".join(lines)
        )
        assert "Low history" not in "\n".join(lines)

    def test_every_hour_is_told_in_utc_and_local_time_and_every_day_of_the_week(self, predicted):
        lines = forecast(predicted, "text").splitlines()
        first = next(line for line in lines if line.strip().startswith("2026-07-18 22:00"))
        assert first.split("  ")[1:3] == ["2026-07-18 22:00", "Sun 19 Jul 00:00"]
        assert first.split()[-5:] == ["700", "1,100", "to", "1,300", "–"]
        assert sum("Jul " in line and ":00" in line for line in lines) == 24
        assert [line.split()[1] for line in lines[-7:]] == [f"2026-07-{day}" for day in range(19, 26)]
        assert max(map(len, lines)) <= 120

    def test_csv_and_json_have_the_columns_of_the_tables_in_the_order_of_time(self, predicted):
        columns = list(contracts.ALL["models/viewer_forecast"].column_names)
        found = rows_of(forecast(predicted, "csv"))
        assert list(found[0]) == columns
        assert [row["hour_at"] for row in found][:2] == ["2026-07-18 22:00:00", "2026-07-18 23:00:00"]
        told = json.loads(forecast(predicted, "json"))
        assert [len(told[name]) for name in ("viewer_forecast", "daily_plays_forecast")] == [24, 7]
        assert list(told["viewer_forecast"][0]) == columns
        assert told["forecast_summary"]["model"] == "median_4w"

    def test_little_history_is_flagged_and_unknown_intervals_are_dashes(self, folder_with):
        bare: Mapping[str, Any] = dict.fromkeys(("lo80", "hi80"))
        settings = folder_with(
            viewer_forecast=[{**row, **bare, "expected": row["expected"] / 100} for row in hours(low_history=True)],
            forecast_summary=[candidate("naive_24", is_champion=True, low_history=True, reason="3 days of history", n_origins=0)],
            daily_plays_forecast=[{**WEEK[0], **bare, "low_history": True}],
        )  # fmt: skip
        text = forecast(settings, "text")
        assert "20:00 to 21:00 (Europe/Berlin), 12.0 active users expected." in text
        assert "Low history: there are fewer than the 84 days" in text
        assert "3 days of history" in text
        assert "MASE" not in text
        assert text.splitlines()[-1].split() == ["Sun", "2026-07-19", "9,000", "–", "low", "history"]

    def test_without_a_forecast_the_reason_is_given(self, folder_with):
        few = [candidate(name, reason="No forecast: less than 24 hours of history.") for name in ("naive_24", "ridge")]
        with pytest.raises(NoModelError, match=r"^No forecast: less than 24 hours of history\.$"):
            forecast(folder_with(forecast_summary=few), "text")
        with pytest.raises(NoModelError, match="there is no forecast yet; `streaming-assets run` makes one"):
            forecast(folder_with(), "json")
