"""A lake that another release or other settings made."""

import dataclasses

import pytest

from streaming_assets import contracts
from streaming_assets.lake.delta import State, commit, snapshot

from .landed import csv, land, plays
from .running import Ended


@pytest.mark.parametrize("table", ["raw/event_files", "core/sessions"])
def test_a_table_of_another_contract_is_refused_with_the_command_that_rebuilds(runs, data_dir, table):
    contract = contracts.ALL[table]
    older = dataclasses.replace(contract, columns=contract.columns[:-1])
    folder = data_dir / "lake" / contract.group / contract.short_name
    before = commit(snapshot(older, folder), [], [], State(), "made by another release")
    land(data_dir / "landing", "day.csv", csv(plays("ann")))
    for command in ("status", "run"):
        assert_refused(
            runs.run(command, "--data-dir", data_dir), f"{table} in the lake was written under another contract"
        )
        assert snapshot(older, folder) == before


def test_another_timezone_is_refused_with_the_setting_and_the_command(runs, data_dir):
    land(data_dir / "landing", "day.csv", csv(plays("ann")))
    assert runs.run("run", "--data-dir", data_dir, "--groups", "raw").code == 0
    for command in ("status", "run"):
        assert_refused(
            runs.run(command, "--data-dir", data_dir, environment={"STREAMING_ASSETS_TIMEZONE": "Europe/Berlin"}),
            "timezone = UTC",
        )


def assert_refused(ended: Ended, reason: str) -> None:
    assert ended.code in (1, 2)
    assert reason in ended.err
    assert "`streaming-assets rebuild`" in ended.err
    assert "Traceback" not in ended.err
