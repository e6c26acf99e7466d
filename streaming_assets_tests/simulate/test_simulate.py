import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from streaming_assets.contracts.raw import CANONICAL_CONTENT, CANONICAL_EVENT, CANONICAL_USER, EVENT_TYPES
from streaming_assets.simulate import simulate


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("format_", ["jsonl", "parquet", "lastfm"])
def test_equal_arguments_give_equal_bytes_and_another_seed_gives_others(tmp_path, format_):
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        simulate(users=25, days=5, seed=seed, out=tmp_path / name, format=format_)
    first = contents(tmp_path / "first")
    assert first == contents(tmp_path / "again")
    other = contents(tmp_path / "other")
    assert [path for path in first if path != "experiments.yaml" and first[path] == other.get(path)] == []


def test_there_is_a_file_of_events_for_every_day(service):
    names = {file.name for file in (service / "landing" / "events").glob("*.jsonl.gz")}
    assert names == {f"2026-03-{day:02d}.jsonl.gz" for day in range(1, 22)}


def test_events_have_columns_and_types_of_the_contract(landed):
    columns = set(landed.columns) - {"is_malformed", "path", "reason", "date", "key"}
    assert columns <= {column.name for column in CANONICAL_EVENT}
    assert set(landed["event_type"].dropna()) <= set(EVENT_TYPES)
    assert landed["content_id"][landed["event_type"].isin(["play", "skip"])].notna().all()


def test_user_records_are_canonical_and_unique_by_time(service):
    with gzip.open(service / "landing" / "users" / "users.jsonl.gz", "rt", encoding="utf-8") as lines:
        users = pd.DataFrame([json.loads(line) for line in lines])
    truth = json.loads((service / "truth.json").read_text(encoding="utf-8"))
    assert set(users.columns) <= {column.name for column in CANONICAL_USER}
    assert not users.duplicated(["user_id", "valid_from"]).any()
    assert (len(users), users["user_id"].nunique()) == (truth["users"]["rows"], truth["users"]["users"])
    assert set(users["plan"]) == {"free", "basic", "premium"}
    assert (users["valid_from"].dropna() > users["signed_up_at"][users["valid_from"].notna()]).all()
    assert users["cancelled_at"].notna().any()


def test_no_recorded_user_plays_before_signing_up_or_after_cancelling(service, landed):
    users = pd.read_json(service / "landing" / "users" / "users.jsonl.gz", lines=True)
    usable = landed[landed["reason"].isna() & (landed["event_type"] == "play")].groupby("user_id")["started_at"]
    signed_up = users.groupby("user_id")["signed_up_at"].min().dt.tz_localize(None)
    first = usable.min().to_frame("first").join(signed_up, how="inner")
    assert (first["first"] >= first["signed_up_at"]).all()
    cancelled = users.set_index("user_id")["cancelled_at"].dropna().dt.tz_localize(None)
    last = usable.max().to_frame("last").join(cancelled, how="inner")
    assert len(last) > 3
    assert (last["last"] < last["cancelled_at"]).all()


def test_some_users_and_some_titles_have_no_record(service, landed):
    users = pd.read_json(service / "landing" / "users" / "users.jsonl.gz", lines=True)
    content = pd.read_csv(service / "landing" / "content" / "content.csv")
    played = landed[landed["reason"].isna() & (landed["event_type"] == "play")]
    assert 0 < (~played["user_id"].drop_duplicates().isin(users["user_id"])).mean() < 0.06
    assert 0 < (~played["content_id"].drop_duplicates().isin(content["content_id"])).mean() < 0.06


def test_content_has_the_columns_of_the_contract_and_names_beyond_ascii(service):
    content = pd.read_csv(service / "landing" / "content" / "content.csv")
    assert set(content.columns) <= {column.name for column in CANONICAL_CONTENT}
    assert content["content_id"].is_unique
    assert set(content["content_type"]) == {"series", "film", "documentary", "music"}
    assert not content["title"].str.isascii().all()
    assert content["creator"].str.contains('"').any()
    assert content["content_seconds"].between(120, 14_400).all()


def test_a_start_moves_everything(tmp_path):
    summary = simulate(users=5, days=2, seed=1, out=tmp_path, start=pd.Timestamp("2024-02-28").date())
    assert str(summary.last_day) == "2024-02-29"
    assert (tmp_path / "landing" / "events" / "2024-02-29.jsonl.gz").exists()


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(FileExistsError, match="is not empty"):
        simulate(users=5, days=2, seed=1, out=tmp_path)
    assert contents(tmp_path) == {"mine.txt": b"kept"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"users": 0},
        {"days": 0},
        {"seed": -1},
        {"format": "csv"},
        {"genre_diversity_effect": float("nan")},
        {"churn_drivers": ("boredom",)},
        {"churn_drivers": ("plan", "plan")},
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(tmp_path, wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong)))):
        simulate(**{"users": 5, "days": 2, "seed": 1, "out": tmp_path / "out", **wrong})
    assert not (tmp_path / "out").exists()
