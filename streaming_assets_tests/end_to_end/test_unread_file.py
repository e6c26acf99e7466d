"""A landed file of which nothing can be read stops nothing, and is told once, by name, until it is read or gone."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from streaming_assets.automation.alerting import tell
from streaming_assets.automation.report import status
from streaming_assets.build import advice, check_sets
from streaming_assets_tests.end_to_end.data_folder import NOW, DataFolder

CHECK = "raw/event_files: every_landed_file_was_read"
GOOD = "user_id,started_at,content_id\nann,2026-03-24T10:00:00Z,c1\n"
OTHER = "user_id,started_at,content_id\nbob,2026-03-24T10:00:00Z,c1\n"


class Operated:
    """A data folder in which landed files are taken in and what failed is told."""

    def __init__(self, folder: DataFolder, instance: dg.DagsterInstance) -> None:
        self.folder = folder
        self._instance = instance

    def take_in(self, **files: str | bytes) -> list[dict[str, Any]]:
        """What the alert log holds when these were landed."""
        self.folder.land({name.replace("__", "."): content for name, content in files.items()})
        (step,) = self.folder.run_in(self._instance, groups=("raw",))
        assert step.errors == []
        tell(self.folder.settings, self._instance, lambda: NOW, advice(check_sets(self.folder.settings)))
        log = self.folder.settings.alert_log
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def operated(tmp_path) -> Iterator[Operated]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Operated(DataFolder.at(tmp_path / "data"), instance)


def test_files_that_cannot_be_read_are_told_once_by_name_and_again_when_one_came_whole_and_the_other_is_gone(operated):
    cut_short = gzip.compress(GOOD.encode(), mtime=0)[:-12]
    (told,) = operated.take_in(good__csv=OTHER, cut__csv__gz=cut_short, strange__csv="a,b\n1,2\n")
    assert (told["kind"], told["severity"], told["about"]) == ("failing", "warning", [CHECK])
    assert "files cut.csv.gz, strange.csv, status failed, violations 2" in told["text"]
    assert "container cannot be decoded" in told["text"]
    assert "What to do: The error says what was found" in told["text"]
    assert f"warning   {CHECK}" in status(operated.folder.settings)
    assert operated.take_in(cut__csv__gz=gzip.compress(GOOD.encode())) == [told]
    (operated.folder.landing / "strange.csv").unlink()
    assert [line["kind"] for line in operated.take_in()] == ["failing", "recovered"]


def test_a_blocking_check_of_files_names_them_and_an_empty_file_in_place_of_one_that_is_gone_ends_it(operated):
    bad = {f"bad_{number}__csv": GOOD + "bob,,c1\n" * 5 for number in range(7)}
    (told,) = operated.take_in(**bad)
    assert told["severity"] == "blocking"
    assert "files bad_0.csv, bad_1.csv, bad_2.csv, bad_3.csv, bad_4.csv and 2 more" in told["text"]
    assert "bad_0.csv, bad_1.csv" in status(operated.folder.settings)
    lines = operated.take_in(corrected__csv=GOOD, **dict.fromkeys(bad, b""))
    assert [line["kind"] for line in lines] == ["failing", "recovered"]
