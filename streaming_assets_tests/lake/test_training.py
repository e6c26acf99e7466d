"""When models are trained and their tables made anew: by T, by what they learn from, and by the code."""

import dataclasses
import datetime as dt

import pytest

from streaming_assets import contracts
from streaming_assets.assets import churn
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.training import Training, notes_of, stale_tables

from .rows import table_of

T = dt.date(2024, 3, 10)
LEARNS_FROM, RECORD = "core/calendar", "models/cluster_summary"


def at(lake: Lake, day: dt.date, **settings: object) -> Lake:
    """The lake as it is read at a later T."""
    return Lake(dataclasses.replace(lake.settings, as_of=day, **settings), lake.engine)


def training(settled: bool = True) -> Training:
    return Training("clusters", ("models/cluster_profiles", RECORD), (LEARNS_FROM,), lambda lake: settled)


def learn(lake: Lake, day: dt.date) -> None:
    """Train as of a day."""
    lake.write(LEARNS_FROM, table_of(contracts.ALL[LEARNS_FROM], [{}]))
    lake.write(RECORD, table_of(contracts.ALL[RECORD], [{}]), (LEARNS_FROM,), notes_of(day))


def test_what_was_never_trained_is_due(lake):
    assert training().is_due(at(lake, T))
    assert training().trained_as_of(lake) is None


@pytest.mark.parametrize(("days", "due"), [(0, False), (1, False), (6, False), (7, True), (30, True), (-1, True)])
def test_it_is_due_again_a_week_of_data_later_or_when_t_goes_back(lake, days, due):
    learn(lake, T)
    assert training().is_due(at(lake, T + dt.timedelta(days))) == due


def test_how_often_is_a_setting(lake):
    learn(lake, T)
    assert training().is_due(at(lake, T + dt.timedelta(1), train_every_days=1))
    assert training().due_next(at(lake, T, train_every_days=3)) == T + dt.timedelta(3)


def test_other_rows_do_not_make_a_settled_training_due(lake):
    learn(lake, T)
    lake.write(LEARNS_FROM, table_of(contracts.ALL[LEARNS_FROM], [{}, {"date": T}]))
    assert not training().is_due(at(lake, T))


def test_one_that_came_to_nothing_is_tried_again_as_soon_as_there_is_something_new(lake):
    learn(lake, T)
    assert not training(settled=False).is_due(at(lake, T))
    assert training(settled=False).is_due(at(lake, T + dt.timedelta(1)))
    lake.write(LEARNS_FROM, table_of(contracts.ALL[LEARNS_FROM], [{}, {"date": T}]))
    assert training(settled=False).is_due(at(lake, T))


def test_one_that_came_to_nothing_is_tried_again_when_what_it_reads_would_be_made_anew(lake):
    learn(lake, T)
    for is_settled in (False, True):
        would_differ = dataclasses.replace(training(is_settled), is_to_be_made=lambda lake: True)
        assert would_differ.is_due(at(lake, T)) == (not is_settled)


@pytest.mark.parametrize("outcome", ["trained", "kept", "one_class", "too_few_users", "not_enough_history"])
def test_a_champion_that_stayed_for_lack_of_data_is_no_result(lake, outcome):
    row = {"outcome": outcome, "version": "20260301-abc", "label": "inactivity"}
    lake.write(churn.CHAMPION.name, table_of(churn.CHAMPION, [row]))
    assert churn.TRAINING.is_settled(lake) == (outcome in ("trained", "kept"))


def test_other_code_makes_it_due(lake):
    learn(lake, T)
    lake.write(RECORD, table_of(contracts.ALL[RECORD], [{}]), (LEARNS_FROM,), {**notes_of(T), "code": "older"})
    assert training().is_due(at(lake, T))


def test_tables_follow_what_they_read_and_what_that_reads(lake):
    tables = {"models/churn_scores": [LEARNS_FROM], "models/churn_summary": ["models/churn_scores"]}
    now = at(lake, T)
    assert stale_tables(now, tables) == list(tables)
    for name, reads in tables.items():
        now.write(name, table_of(contracts.ALL[name], [{}]), reads, notes_of(T))
    assert stale_tables(at(lake, T), tables) == []
    assert stale_tables(at(lake, T + dt.timedelta(1)), tables) == list(tables)
    lake.write(LEARNS_FROM, table_of(contracts.ALL[LEARNS_FROM], [{}]))
    assert stale_tables(at(lake, T), tables) == list(tables)
