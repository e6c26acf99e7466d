import fcntl
from pathlib import Path

import pytest

from streaming_assets.lake.lock import is_writing, writer_lock


def is_locked(folder: Path) -> bool:
    """Whether somebody else would have to wait: another open file stands for another process to the kernel."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_the_lock_keeps_others_out_for_as_long_as_the_outermost_block(tmp_path):
    with writer_lock(tmp_path / "lake"):
        with writer_lock(tmp_path / "lake"):
            assert is_locked(tmp_path / "lake")
        assert is_locked(tmp_path / "lake")
    assert not is_locked(tmp_path / "lake")


def test_a_failure_within_frees_the_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), writer_lock(tmp_path):
        1 / 0  # noqa: B018
    assert not is_locked(tmp_path)
    with writer_lock(tmp_path):
        assert is_locked(tmp_path)


def test_another_way_to_the_same_folder_is_the_same_lock(tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    with writer_lock(tmp_path / "lake"), writer_lock(tmp_path / "link"):
        assert is_locked(tmp_path / "lake")


def test_two_lakes_do_not_wait_for_each_other(tmp_path):
    with writer_lock(tmp_path / "a"), writer_lock(tmp_path / "b"):
        assert is_locked(tmp_path / "a")
    assert not is_locked(tmp_path / "b")


def test_who_asks_whether_somebody_writes_is_told_and_keeps_nobody_out(tmp_path):
    assert not is_writing(tmp_path / "lake")
    with writer_lock(tmp_path / "lake"):
        assert is_writing(tmp_path / "lake")
    assert not is_writing(tmp_path / "lake")
    with writer_lock(tmp_path / "lake"):
        assert is_locked(tmp_path / "lake")
