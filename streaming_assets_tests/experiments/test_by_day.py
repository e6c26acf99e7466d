"""The sums of every day of an experiment, against sums over units made anew for each day."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments.by_day import daily_sums, exposed_by_day, growth_by_day
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.moments import active_name, moments_of, sum_name, unit_sums
from streaming_assets.experiments.tables import capped
from streaming_assets_tests.experiments.situations import ACTIVE, day
from streaming_assets_tests.transforms.situations import table

# Every example is several queries: shrinking a failure would take minutes and tell little more.
UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
LAST = 9
MATURES = {"retained_d1": 1, "retained_d7": 7, "retained_d30": 30, "sessions_first_7d": 6}


def unit(name, variant, exposed, **by_day):
    """A unit: its day of exposure and what it did on days, all counted from the first day: d3={"plays": 2}."""
    done = {int(key[1:]): {**dict.fromkeys(ACTIVE, 0), **known} for key, known in by_day.items()}
    return {"user_id": name, "variant": variant, "exposed": exposed, "done": done}


def unit_days_of(units):
    return [
        {"experiment_id": "test", "user_id": one["user_id"], "variant": one["variant"], "date": day(offset), **known}
        for one in units
        for offset, known in one["done"].items()
    ]


def unit_metrics_of(units, last):
    return [
        {
            "experiment_id": "test", "user_id": one["user_id"], "variant": one["variant"], "exposed_date": day(one["exposed"]),
            "user_kind": "new", "has_pre_period": False, "days_observed": last - one["exposed"],
            **{name: total(one, name, last) for name in ACTIVE}, **{name: matured(one, name) for name in MATURES},
            **{column.name: 0 for column in contract.unit_metrics.columns if column.name.startswith("pre_")},
        }
        for one in units
    ]  # fmt: skip


def total(one, column, until):
    return sum(known[column] for offset, known in one["done"].items() if offset <= until)


def matured(one, column):
    since = {offset - one["exposed"]: known for offset, known in one["done"].items()}
    if column == "sessions_first_7d":
        return sum(known["sessions"] for age, known in since.items() if age < 7)
    return int(since.get(MATURES[column], {}).get("plays", 0) > 0)


def winsorised(caps):
    """The metrics, those with a cap as means of their capped column."""
    return METRICS | {name: replace(METRICS[name], numerator=f"capped_{METRICS[name].numerator}") for name in caps}


def by_column(caps):
    return {METRICS[name].numerator: cap for name, cap in caps.items()}


def summed(units, last=LAST, caps=None):
    """What the code under test makes of them: by day the sums of every variant. caps: by metric."""
    days, metrics = (
        table(unit_days_of(units), contract.unit_days),
        table(unit_metrics_of(units, last), contract.unit_metrics),
    )
    caps = caps or {}
    among, most = winsorised(caps), by_column(caps)
    growth = growth_by_day(days, most, among).to_pandas()
    exposed = exposed_by_day(capped(metrics, most), among).to_pandas()
    return dict(daily_sums(growth, exposed, day(0), day(last), among))


def anew(units, until, caps):
    """All sums of the units of a variant up to a day, from their rows."""
    found = {}
    most = {f"capped_{column}": cap for column, cap in by_column(caps).items()}
    for metric in winsorised(caps).values():
        matures = metric.matures_after
        known = [one for one in units if one["exposed"] + (matures or 0) <= until]

        def value(one, column, matures=matures):
            done = column.removeprefix("capped_")
            made = total(one, done, until) if matures is None else matured(one, done)
            return min(made, most.get(column, made))

        found[sum_name(metric)] = len(known)
        for a in metric.columns:
            found[sum_name(metric, a)] = sum(value(one, a) for one in known)
        for a, b in itertools.combinations_with_replacement(sorted(metric.columns), 2):
            found[sum_name(metric, a, b)] = sum(value(one, a) * value(one, b) for one in known)
        if metric.denominator is not None:
            found[active_name(metric.denominator)] = sum(value(one, metric.denominator) > 0 for one in known)
    return found


def told(sums, *metrics, caps=()):
    """(units, sum, sum of squares) of the metrics' numerators."""
    among = winsorised(caps)
    return {
        name: tuple(
            sums[sum_name(among[name], *columns)]
            for column in [among[name].numerator]
            for columns in ((), (column,), (column, column))
        )
        for name in metrics
    }


# By hand


def test_sums_grow_with_every_day_on_which_somebody_does_something():
    found = summed(
        [
            unit("ann", "control", 0, d0={"plays": 2}, d2={"plays": 3}),
            unit("ben", "control", 1, d1={"plays": 1}),
        ],
        last=3,
    )
    # (units, Σ plays, Σ plays²): ann has 2, 2, 5, 5, and ben from the second day on 1.
    assert {date: told(sums["control"], "plays_per_user")["plays_per_user"] for date, sums in found.items()} == {
        day(0): (1, 2, 4), day(1): (2, 3, 5), day(2): (2, 6, 26), day(3): (2, 6, 26),
    }  # fmt: skip


def test_a_capped_unit_grows_to_the_cap_and_no_further():
    known = [unit("ann", "control", 0, d0={"plays": 3}, d1={"plays": 3}, d2={"plays": 3})]
    caps = {"plays_per_user": 4.0}
    found = summed(known, last=2, caps=caps)
    assert [told(found[day(n)]["control"], "plays_per_user", caps=caps)["plays_per_user"] for n in range(3)] == [
        (1, 3, 9), (1, 4, 16), (1, 4, 16),
    ]  # fmt: skip


def test_a_cap_on_plays_per_user_leaves_the_plays_that_skips_are_a_share_of():
    known = [unit("ann", "control", 0, d0={"plays": 6, "skips": 3})]
    sums = summed(known, last=0, caps={"plays_per_user": 4.0})[day(0)]["control"]
    skip_rate = moments_of(METRICS["skip_rate"], sums)
    assert dict(zip(skip_rate.columns, skip_rate.mean, strict=True)) == {"skips": 3, "plays": 6}


def test_what_is_known_after_a_week_only_may_be_capped_too():
    known = [unit("ann", "control", 0, d0={"sessions": 3}, d1={"sessions": 3})]
    week = "sessions_in_first_7_days"
    caps = {week: 4.0}
    found = summed(known, last=6, caps=caps)
    assert [told(found[day(n)]["control"], week, caps=caps)[week] for n in (5, 6)] == [(0, 0, 0), (1, 4, 16)]
    assert told(found[day(6)]["control"], "sessions_per_user") == {"sessions_per_user": (1, 6, 36)}


def test_a_unit_is_asked_whether_it_came_back_once_it_has_been_observed_long_enough():
    found = summed(
        [
            unit(
                "ann", "control", 0, d0={"plays": 1, "sessions": 2}, d1={"plays": 1, "sessions": 1}, d6={"sessions": 4}
            ),
            unit("ben", "control", 2, d2={"plays": 1}),
        ]
    )
    by_day = {
        n: told(found[day(n)]["control"], "d1_retention", "sessions_in_first_7_days") for n in (0, 1, 2, 3, 5, 6, 8)
    }
    retained = {n: known["d1_retention"] for n, known in by_day.items()}
    week = {n: known["sessions_in_first_7_days"] for n, known in by_day.items()}
    one, both = (1, 1, 1), (2, 1, 1)
    assert retained == {0: (0, 0, 0), 1: one, 2: one, 3: both, 5: both, 6: both, 8: both}
    nobody, first = (0, 0, 0), (1, 7, 49)
    assert week == {0: nobody, 1: nobody, 2: nobody, 3: nobody, 5: nobody, 6: first, 8: (2, 7, 49)}


def test_a_unit_that_does_nothing_is_a_unit():
    found = summed([unit("ann", "control", 1), unit("ben", "treatment", 0, d0={"plays": 1})], last=2)
    assert [told(found[day(n)]["control"], "plays_per_user")["plays_per_user"] for n in range(3)] == [
        (0, 0, 0), (1, 0, 0), (1, 0, 0),
    ]  # fmt: skip


def test_a_variant_without_units_is_not_there_and_without_any_unit_no_variant_is():
    assert {tuple(sums) for sums in summed([unit("ann", "control", 3, d3={"plays": 1})]).values()} == {("control",)}
    assert summed([], last=1) == {day(0): {}, day(1): {}}


# Anew

COUNTS = st.fixed_dictionaries(
    {
        **{name: st.integers(0, 4) for name in ("sessions", "plays", "skips", "creators", "genres")},
        **{name: st.integers(0, 400).map(lambda quarters: quarters / 4) for name in ("session_minutes", "watch_hours")},
    }
)


@st.composite
def some_units(draw):
    units = []
    for number in range(draw(st.integers(0, 8))):
        exposed = draw(st.integers(0, LAST))
        active = draw(st.sets(st.integers(exposed, LAST), max_size=4))
        variant = draw(st.sampled_from(["control", "treatment", "other"]))
        units.append(
            unit(f"user {number}", variant, exposed, **{f"d{offset}": draw(COUNTS) for offset in sorted(active)})
        )
    return units


SOME_CAPS = st.dictionaries(
    st.sampled_from(["watch_hours", "sessions_per_user", "genre_diversity", "sessions_in_first_7_days"]),
    st.sampled_from([0.0, 2.5, 7.0]),
)


@settings(max_examples=20, deadline=None, phases=UNSHRUNK)
@given(units=some_units(), caps=SOME_CAPS)
def test_the_sums_of_every_day_are_those_over_units_made_anew_for_it(units, caps):
    found = summed(units, caps=caps)
    by_variant = {name: [one for one in units if one["variant"] == name] for name in {one["variant"] for one in units}}
    assert list(found) == [day(n) for n in range(LAST + 1)]
    for until, sums in enumerate(found.values()):
        assert sums.keys() == by_variant.keys()
        for name, own in by_variant.items():
            assert sums[name] == pytest.approx(anew(own, until, caps), rel=1e-12, abs=1e-9)


@settings(max_examples=10, deadline=None, phases=UNSHRUNK)
@given(units=some_units(), caps=SOME_CAPS)
def test_the_sums_of_the_last_day_are_those_of_the_unit_table(units, caps):
    last = summed(units, caps=caps)[day(LAST)]
    metrics = capped(table(unit_metrics_of(units, LAST), contract.unit_metrics), by_column(caps))
    whole = unit_sums(metrics, ("variant",), winsorised(caps)).to_pandas().set_index("variant").to_dict("index")
    assert last.keys() == whole.keys()
    for name, sums in last.items():
        assert sums == pytest.approx({key: whole[name][key] for key in sums}, rel=1e-12, abs=1e-9)
