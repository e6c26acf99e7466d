"""Where Dagster keeps its records: folders that it could not use are refused before anything is written."""

from pathlib import Path

import pytest

from streaming_assets.automation.instance import local_instance, prepare_home
from streaming_assets.settings import SettingError, Settings


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


@pytest.mark.parametrize("name", ["plain", "a*b", "a [1]", "a%b", "a#b", "a=b"])
def test_the_settings_beside_the_records_are_read(tmp_path: Path, name: str) -> None:
    with local_instance(Settings(data_dir=tmp_path / name)) as instance:
        assert not instance.telemetry_enabled


@pytest.mark.parametrize(("name", "misread"), [("a?b", "?"), ("a%20b", "%20")])
def test_a_path_that_would_be_misread_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, misread: str
) -> None:
    with pytest.raises(SettingError) as refused:
        prepare_home(Settings(data_dir=tmp_path / name))
    assert f"Dagster's folder {tmp_path}/{name}/dagster: found {misread} in its path" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", ["rel", "~/dagster", "/nowhere/at/all"])
def test_another_home_is_the_absolute_path_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    (tmp_path / "rel").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", home)
    with pytest.raises(SettingError) as refused:
        prepare_home(Settings(data_dir=tmp_path / "data"))
    assert str(refused.value) == f"DAGSTER_HOME: found '{home}', expected the absolute path of a folder that is there"


def test_an_empty_home_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    assert prepare_home(Settings(data_dir=tmp_path)) == str(tmp_path / "dagster")
