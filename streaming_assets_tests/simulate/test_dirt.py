import json

import numpy as np
import pytest

from streaming_assets.contracts.raw import REJECT_REASONS
from streaming_assets.simulate import simulate

from .recount import event_rows


@pytest.fixture(scope="module")
def truth(service):
    return json.loads((service / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def once(landed):
    """The rows without the file that stands under a second path."""
    return landed[~landed["path"].str.startswith("events/resent/")]


def arrival_date(rows):
    return rows["path"].str.extract(r"(\d{4}-\d\d-\d\d)")[0]


def test_late_rows_stand_in_a_later_file_by_up_to_three_days(once, truth):
    usable = once[once["reason"].isna()]
    delay = (arrival_date(usable).astype("datetime64[s]") - usable["started_at"].dt.floor("D")).dt.days
    assert set(delay) == {0, 1, 2, 3}
    assert (delay > 0).sum() == truth["planted"]["late_rows"]


def test_copies_are_exact_and_as_many_as_planted(once, truth):
    usable = once[once["reason"].isna()].drop(columns=["path"])
    copies = usable[usable.duplicated(["date", "key"])]
    assert copies["event_id"].notna().sum() == truth["planted"]["copies_with_event_id"]
    assert copies["event_id"].isna().sum() == truth["planted"]["copies_without_event_id"]
    assert usable.duplicated().sum() == len(copies)


def test_some_copies_come_in_a_later_file_than_their_original(once):
    usable = once[once["reason"].isna()]
    files_per_key = usable.groupby(["date", "key"])["path"].nunique()
    assert (files_per_key > 1).any()


def test_rows_are_unusable_for_the_planted_reasons(once, truth):
    assert once["reason"].value_counts().to_dict() == truth["planted"]["rejected"]


def test_one_file_lands_twice_with_the_same_bytes(service, landed, truth):
    (again,) = [path for path in landed["path"].unique() if path.startswith("events/resent/")]
    original = again.replace("events/resent/", "events/")
    assert (service / "landing" / again).read_bytes() == (service / "landing" / original).read_bytes()
    assert (landed["path"] == again).sum() == truth["planted"]["rows_landed_twice"]


def test_dirt_comes_at_the_stated_rates(once, truth):
    rows, rates = len(once), truth["rates"]
    reasons = once["reason"].value_counts()
    found = {
        "without_event_id": once[once["reason"] != "malformed_row"]["event_id"].isna().sum(),
        "copies_with_event_id": truth["planted"]["copies_with_event_id"],
        "copies_without_event_id": truth["planted"]["copies_without_event_id"],
        "future": reasons["timestamp_in_future"],
        "missing_user": reasons["missing_user_id"],
        "negative_watch": reasons["negative_watch_seconds"],
        "absurd_watch": reasons["watch_seconds_too_long"],
        "malformed": reasons["malformed_row"],
    }
    for name, count in found.items():
        expected = rows * rates[name]
        assert abs(count - expected) <= 4 * np.sqrt(expected) + 1, name
    # Late copies come on top of the late originals: 0.3 of the copies.
    expected_late = rows * (rates["late"] + 0.3 * (rates["copies_with_event_id"] + rates["copies_without_event_id"]))
    assert abs(truth["planted"]["late_rows"] - expected_late) <= 4 * np.sqrt(expected_late)


def test_reasons_are_those_of_the_contract(truth):
    assert set(truth["landed"]["rejected"]) <= set(REJECT_REASONS)


@pytest.mark.parametrize(("users", "days"), [(3, 6), (30, 10), (400, 5)])
def test_no_file_has_more_than_a_tenth_of_its_rows_unusable(tmp_path, users, days):
    simulate(users=users, days=days, seed=11, out=tmp_path)
    rows = event_rows(tmp_path / "landing")
    assert (rows.groupby("path")["reason"].count() <= 0.1 * rows.groupby("path").size()).all()


def test_usable_rows_lie_within_the_simulated_days(landed):
    dates = landed[landed["reason"].isna()]["started_at"]
    assert str(dates.min().date()) == "2026-03-01"
    assert str(dates.max().date()) == "2026-03-21"
    assert set(landed[landed["reason"] == "timestamp_in_future"]["started_at"].dt.year) == {2090}


def test_a_correction_removes_changes_and_adds_rows_of_its_file(service, landed, truth):
    corrected = event_rows(service / "landing", service / "corrections")
    assert len(truth["planted"]["corrections"]) == 2
    for path, planted in truth["planted"]["corrections"].items():
        before = landed[(landed["path"] == path) & landed["event_id"].notna()].drop_duplicates("event_id")
        after = corrected[(corrected["path"] == path) & corrected["event_id"].notna()].drop_duplicates("event_id")
        both = before.merge(after, on="event_id", suffixes=("", "_after"))
        changed = both["watch_seconds"].fillna(-1) != both["watch_seconds_after"].fillna(-1)
        added = ~after["event_id"].isin(before["event_id"])
        rows = landed[landed["path"] == path]
        assert added.sum() == planted["added"] > 0
        # Rows without an id, and copies of a row, are changed and removed too, but cannot be matched here.
        assert 0.8 * planted["changed"] <= changed.sum() <= planted["changed"]
        assert len(corrected[corrected["path"] == path]) == len(rows) - planted["removed"] + planted["added"]
        assert planted["removed"] > 0
