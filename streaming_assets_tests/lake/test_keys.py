import stat

import pytest

from streaming_assets.errors import LakeSettingsError
from streaming_assets.lake.keys import email_key
from streaming_assets.settings import Settings


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    key = email_key(settings)
    assert len(key) >= 32
    assert email_key(settings) == key
    assert stat.S_IMODE((tmp_path / "data" / "email.key").stat().st_mode) == 0o600


def test_two_data_folders_have_two_keys(tmp_path):
    assert email_key(Settings(data_dir=tmp_path / "a")) != email_key(Settings(data_dir=tmp_path / "b"))


def test_the_key_of_the_settings_is_used_and_not_written_down(tmp_path):
    assert email_key(Settings(data_dir=tmp_path, email_key="sixteen letters!")) == "sixteen letters!"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", ["", "3f"], ids=["nothing", "half"])
def test_a_key_whose_writing_was_killed_or_ran_out_of_space_is_not_a_key(tmp_path, left):
    (tmp_path / "email.key").write_text(left)
    with pytest.raises(
        LakeSettingsError, match=rf"email.key: found {len(left)} characters, expected a key of at least 16"
    ):
        email_key(Settings(data_dir=tmp_path))
