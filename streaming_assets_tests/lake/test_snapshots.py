"""Which cutoffs have snapshots, and which are made again."""

import dataclasses
import datetime as dt

import pytest

from streaming_assets import contracts
from streaming_assets.assets import churn
from streaming_assets.lake.days import ONE_DAY, Days, DayVersions
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.snapshots import TABLE, Cutoffs, is_closed, tables_at

from .rows import table_of

START = dt.date(2024, 1, 1)
ENOUGH = 115


def day(number: int) -> dt.date:
    return START + (number - 1) * ONE_DAY


def write(lake: Lake, days: Days) -> None:
    """A user who plays every day."""
    for name in ("core/user_daily", "core/user_content_daily", "core/sessions"):
        contract = contracts.ALL[name]

        def build(part: Days, contract=contract):
            return table_of(contract, [{contract.day_column: at, "plays": 1} for at in part])

        lake.write_days(name, days, build, DayVersions(), weigh=name)


def at(lake: Lake, as_of: dt.date) -> Lake:
    return Lake(dataclasses.replace(lake.settings, as_of=as_of), lake.engine)


def made(lake: Lake, cutoffs: Cutoffs) -> None:
    """Make what is stale, as the asset does."""
    rows = [{"cutoff": dt.date.fromisoformat(cutoff), "observation_days": 28} for cutoff in cutoffs.stale()]
    lake.write_parts(
        TABLE,
        cutoffs.stale(),
        lambda part: table_of(contracts.ALL[TABLE], [row for row in rows if str(row["cutoff"]) == part]),
        cutoffs.gone(),
        {"made_of": cutoffs.noted()},
    )


def trained(lake: Lake, cutoffs: Cutoffs, version: str | None = "v1") -> None:
    split = cutoffs.split
    assert split is not None
    parts = {"train_cutoffs": split.train, "calibrate_cutoffs": split.calibrate, "test_cutoffs": split.test}
    row = {**{name: list(part) for name, part in parts.items()}, "version": version, "observation_days": 28}
    row["model_cutoffs"] = [*split.train, *split.calibrate, *split.test]
    lake.write("models/churn_champion", table_of(contracts.ALL["models/churn_champion"], [row]))


@pytest.mark.parametrize(("days", "expected"), [(ENOUGH - 1, 1), (ENOUGH, 4)])
def test_a_training_wants_its_cutoffs_and_the_one_to_score_at(lake, days, expected):
    write(lake, Days(day(1), day(days)))
    now = at(lake, day(days))
    cutoffs = Cutoffs(now, for_training=True)
    assert len(cutoffs.stale()) == expected
    assert str(day(days + 1)) in cutoffs.stale()


def test_between_trainings_a_night_makes_one_cutoff_and_takes_the_last_one_away(lake):
    write(lake, Days(day(1), day(ENOUGH)))
    tonight = at(lake, day(ENOUGH))
    made(tonight, Cutoffs(tonight, for_training=True))
    trained(tonight, Cutoffs(tonight, for_training=True))
    assert Cutoffs(at(lake, day(ENOUGH)), for_training=False).stale() == []

    write(lake, Days(day(ENOUGH + 1), day(ENOUGH + 1)))
    next_night = Cutoffs(at(lake, day(ENOUGH + 1)), for_training=False)
    assert next_night.stale() == [str(day(ENOUGH + 2))]
    assert next_night.gone() == [str(day(ENOUGH + 1))]


def test_a_corrected_day_makes_the_scores_anew_and_leaves_what_was_learned_from(lake):
    write(lake, Days(day(1), day(ENOUGH)))
    tonight = at(lake, day(ENOUGH))
    made(tonight, Cutoffs(tonight, for_training=True))
    trained(tonight, Cutoffs(tonight, for_training=True))
    write(lake, Days(day(40), day(40)))
    assert Cutoffs(at(lake, day(ENOUGH)), for_training=False).stale() == [str(day(ENOUGH + 1))]
    # The model stands on what it saw; a training that follows looks at the days as they are now.
    assert str(day(ENOUGH + 1)) in Cutoffs(at(lake, day(ENOUGH)), for_training=True).stale()
    assert len(Cutoffs(at(lake, day(ENOUGH)), for_training=True).stale()) == 4


def test_features_look_as_far_back_as_the_model_that_scores_has_learned(lake):
    write(lake, Days(day(1), day(ENOUGH)))
    tonight = at(lake, day(ENOUGH))
    assert Cutoffs(tonight, for_training=True).observation_days == 28
    assert Cutoffs(tonight, for_training=False).observation_days == 90
    trained(tonight, Cutoffs(tonight, for_training=True))
    assert Cutoffs(at(lake, day(ENOUGH)), for_training=False).observation_days == 28


def test_a_training_that_came_to_nothing_is_no_work_for_the_next_run_and_a_corrected_day_is(lake):
    write(lake, Days(day(1), day(ENOUGH)))
    tonight = at(lake, day(ENOUGH))
    made(tonight, Cutoffs(tonight, for_training=True))
    trained(tonight, Cutoffs(tonight, for_training=True), version=None)
    # Without a model the cutoff to score at looks as far back as it can, which the training did not.
    tonight = at(lake, day(ENOUGH))
    assert Cutoffs(tonight, for_training=False).stale() == [str(day(ENOUGH + 1))]
    made(tonight, Cutoffs(tonight, for_training=False))
    assert not churn.TRAINING.is_to_be_made(at(lake, day(ENOUGH)))
    write(lake, Days(day(40), day(40)))
    assert churn.TRAINING.is_to_be_made(at(lake, day(ENOUGH)))


def test_a_label_is_known_when_its_28_days_are_over(lake):
    assert not is_closed(day(1), day(28))
    assert is_closed(day(1), day(29))


def test_snapshots_read_no_day_after_the_label_window_or_after_t(lake):
    write(lake, Days(day(1), day(ENOUGH)))
    read = tables_at(at(lake, day(60)), [day(50)])["user_daily"]
    assert read.date.max().to_pyarrow().as_py() == day(60)
    read = tables_at(at(lake, day(100)), [day(50)])["user_daily"]
    assert read.date.max().to_pyarrow().as_py() == day(78)
