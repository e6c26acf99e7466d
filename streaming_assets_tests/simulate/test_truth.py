import json
from pathlib import Path

import pandas as pd
import pytest

from streaming_assets.simulate import simulate

from .recount import counts, event_rows, watch_by_day

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"
SAMPLE_EXPECTED = ROOT / "streaming_assets_tests" / "data" / "sample"


def assert_agrees(rows: pd.DataFrame, truth: dict) -> None:
    found = counts(rows)
    by_day = truth["by_day"]
    assert found.pop("events_by_day") == {date: day["events"] for date, day in by_day.items()}
    assert found.pop("plays_by_day") == {date: day["plays"] for date, day in by_day.items() if day["plays"]}
    assert found == {name: truth[name] for name in found}
    watched = watch_by_day(rows)
    assert watched == pytest.approx({date: by_day[date]["watch_seconds"] for date in watched}, rel=1e-9)
    assert sum(watched.values()) == pytest.approx(truth["watch_seconds"], rel=1e-9)


def test_the_truth_of_json_lines_agrees_with_a_recount_as_landed_and_as_corrected(service, landed):
    truth = json.loads((service / "truth.json").read_text(encoding="utf-8"))
    assert_agrees(landed, truth["landed"])
    assert_agrees(event_rows(service / "landing", service / "corrections"), truth["corrected"])


def test_the_truth_of_parquet_files_agrees_with_a_recount_as_landed_and_as_corrected(tmp_path):
    simulate(users=80, days=9, seed=3, out=tmp_path, format="parquet")
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert_agrees(event_rows(tmp_path / "landing"), truth["landed"])
    assert_agrees(event_rows(tmp_path / "landing", tmp_path / "corrections"), truth["corrected"])


def test_the_truth_of_the_committed_sample_agrees_with_a_recount_as_landed_and_as_corrected(sample_rows):
    truth = json.loads((SAMPLE_EXPECTED / "truth.json").read_text(encoding="utf-8"))
    assert_agrees(sample_rows, truth["landed"])
    assert_agrees(event_rows(SAMPLE, SAMPLE_EXPECTED / "corrections"), truth["corrected"])


def test_the_committed_sample_is_of_the_stated_size():
    truth = json.loads((SAMPLE_EXPECTED / "truth.json").read_text(encoding="utf-8"))
    assert truth["arguments"] == {
        "users": 600,
        "days": 140,
        "seed": 1,
        "format": "jsonl",
        "start": "2026-03-01",
        "genre_diversity_effect": 0.35,
        "experiment_effects": {"more_plays": 0.65, "fewer_plays": 0.6, "withheld": 0.45},
        "churn_drivers": ["inactivity", "playback", "content_mismatch", "discovery", "plan"],
    }
    assert sum(file.stat().st_size for file in SAMPLE.rglob("*") if file.is_file()) < 6_000_000


def test_the_summary_says_what_the_truth_says(tmp_path):
    summary = simulate(users=20, days=4, seed=5, out=tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["landed"]
    assert (summary.files, summary.rows, summary.plays) == (truth["files"], truth["rows"], truth["plays"])
    assert summary.users_with_a_play == truth["users_with_a_play"]
    assert summary.rejected == sum(truth["rejected"].values())
    assert (str(summary.first_day), str(summary.last_day)) == ("2026-03-01", "2026-03-04")


def test_even_one_user_on_one_day_has_a_truth_that_holds(tmp_path):
    simulate(users=1, days=1, seed=4, out=tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert_agrees(event_rows(tmp_path / "landing"), truth["landed"])
