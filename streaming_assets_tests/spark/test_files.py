"""Which of the files below a table's folder are rows of the table."""

from pathlib import Path

import pytest

pytest.importorskip("pyspark", reason="the extra spark is not installed: make env EXTRAS=spark")


@pytest.mark.spark
def test_what_a_task_that_was_given_up_still_writes_is_no_file_of_the_table(tmp_path: Path) -> None:
    from streaming_assets.lake.spark import finished_files

    whole = tmp_path / ".writing-1" / "date=2026-03-01" / "part-1.parquet"
    late = (
        tmp_path / ".writing-1" / "_temporary" / "0" / "_temporary" / "attempt_1" / "date=2026-03-01" / "part-1.parquet"
    )
    for path in (whole, late):
        path.parent.mkdir(parents=True)
        path.touch()
    assert finished_files(tmp_path / ".writing-1") == [whole]
