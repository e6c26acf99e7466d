"""How due days become runs, by hand."""

from streaming_assets.automation.plan import runs_for
from streaming_assets.lake.days import Days

from .rows import march


def test_nothing_due_is_no_run():
    assert runs_for([], held=set()) == []


def test_a_gap_of_a_few_days_is_computed_again_to_save_a_run():
    assert runs_for([march(1), march(2), march(12)], held=set()) == [Days(march(1), march(12))]


def test_a_longer_gap_is_left_out():
    assert runs_for([march(1), march(2), march(13)], held=set()) == [
        Days(march(1), march(2)),
        Days(march(13), march(13)),
    ]


def test_held_days_are_neither_computed_nor_bridged():
    assert runs_for([march(1), march(2), march(3), march(4)], held={march(2)}) == [
        Days(march(1), march(1)),
        Days(march(3), march(4)),
    ]
    assert runs_for([march(1), march(4)], held={march(3)}) == [Days(march(1), march(1)), Days(march(4), march(4))]


def test_only_held_days_due_is_no_run():
    assert runs_for([march(2)], held={march(2)}) == []
