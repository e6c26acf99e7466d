"""From what the engine summed to the rows of the tables, and caps, pace and segments on the way."""

import datetime as dt
import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments.by_day import exposed_by_day, growth_by_day
from streaming_assets.experiments.health import Health
from streaming_assets.experiments.inference import Result
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.power import Power
from streaming_assets.experiments.tables import (
    capped,
    caps,
    daily_rows,
    decision_row,
    health_rows,
    newly_exposed,
    pace,
    power_rows,
    result_rows,
    sums_by_segment,
    sums_by_variant,
)
from streaming_assets.experiments.window import window_of
from streaming_assets_tests.experiments.situations import day, experiment, logged_experiment
from streaming_assets_tests.transforms.situations import table

NUMBERS = [column.name for column in contract.unit_metrics.columns if column.type in ("int64", "float64")]


def unit(number, variant="control", exposed=0, **columns):
    """A row of experiments/unit_metrics; what is not given is 0 or unknown."""
    known = {
        "experiment_id": "test", "user_id": f"user {number}", "variant": variant, "exposed_date": day(exposed),
        "user_kind": "new", "has_pre_period": False, **dict.fromkeys(NUMBERS, 0), "days_observed": 13 - exposed,
    }  # fmt: skip
    return {**known, **columns}


def units(*rows):
    return table(
        [{name: row.get(name) for name in contract.unit_metrics.column_names} for row in rows], contract.unit_metrics
    )


def listeners(n, **columns):
    """n units in each of two arms; in control they play 1, 2, 3, 1, …, in treatment one more."""
    return [
        unit(f"{columns} {number}", variant, plays=number % 3 + 1 + more, **columns)
        for variant, more in (("control", 0), ("treatment", 1))
        for number in range(n)
    ]


def results_of(rows, **changes):
    """Rows of experiments/results by (metric, method, dimension, segment)."""
    of = experiment(primary="plays_per_user", **changes)
    sums = sums_by_segment(units(*rows)).to_pandas()
    found = result_rows(of, sums, planned_units=1_000, most={})
    return {(row["metric"], row["method"], row["dimension"], row["segment"]): row for row in found}


# Caps


def test_the_most_that_counts_is_the_999th_of_a_thousand_parts_of_all_arms_units():
    # 1,001 units with 0 … 1,000 hours: 999 of them lie below 999 hours, one above.
    rows = [unit(n, "control" if n % 2 else "treatment", watch_hours=float(n), plays=n // 500) for n in range(1_001)]
    of = experiment(winsorise=["watch_hours", "plays_per_user"])
    (found,) = caps(of, units(*rows)).to_pyarrow().to_pylist()
    assert found == {"plays": 1.0, "watch_hours": pytest.approx(999.0, rel=1e-12)}


def test_a_cap_between_two_units_lies_between_their_values():
    values = [0.0, 10.0, 40.0]
    (found,) = caps(
        experiment(winsorise=["watch_hours"]), units(*(unit(n, watch_hours=hours) for n, hours in enumerate(values)))
    ).to_pyarrow().to_pylist()  # fmt: skip
    # The place is 0.999 · 2 = 1.998 from the first.
    assert found == {"watch_hours": pytest.approx(10 + 0.998 * 30)}


def test_without_units_there_is_no_cap():
    found = caps(experiment(winsorise=["watch_hours"]), units()).to_pyarrow().to_pylist()
    assert found == [{"watch_hours": None}]


def test_units_count_with_no_more_than_the_cap():
    rows = units(unit(1, watch_hours=3.0, plays=9), unit(2, watch_hours=5.5, plays=9))
    found = capped(rows, {"watch_hours": 4.0}).order_by("user_id").to_pyarrow().to_pydict()
    assert (found["capped_watch_hours"], found["watch_hours"]) == ([3.0, 4.0], [3.0, 5.5])


def test_a_result_tells_the_cap_of_its_metric_and_only_then():
    rows = listeners(3)
    of = experiment(winsorise=["watch_hours"])
    most = {"watch_hours": 2.5}
    found = result_rows(of, sums_by_segment(capped(units(*rows), most), of.metrics).to_pandas(), 100, most)
    assert {row["metric"] for row in found if row["cap"] is not None} == {"watch_hours"}
    assert {row["cap"] for row in found if row["metric"] == "watch_hours"} == {2.5}


# Results


def test_every_metric_and_method_has_a_row_of_all_units_with_the_contracts_columns():
    found = results_of(listeners(5))
    of_all = {key[:2] for key in found if key[2:] == ("all", "all")}
    adjustable = {name for name, metric in METRICS.items() if metric.pre_columns}
    assert of_all == {(name, method) for name in METRICS for method in ("fixed", "sequential")} | {
        (name, "cuped") for name in adjustable
    }
    assert all(row.keys() == set(contract.results.column_names) for row in found.values())


def test_segments_are_what_was_known_at_exposure_and_unknown_where_it_was_not():
    rows = [*listeners(100, platform="tv"), *listeners(110), *listeners(99, platform="web")]
    found = results_of(rows)
    cuts = {key[2:]: (row["n_control"], row["n_variant"]) for key, row in found.items() if key[2] != "all"}
    # Of country and plan nothing is known; the web's arms are too small.
    assert cuts == {
        ("platform", "tv"): (100, 100),
        ("platform", "unknown"): (110, 110),
        ("country", "unknown"): (309, 309),
        ("plan", "unknown"): (309, 309),
        ("user_kind", "new"): (309, 309),
    }
    tv = found["plays_per_user", "fixed", "platform", "tv"]
    control = np.array([number % 3 + 1 for number in range(100)])
    assert (tv["mean_control"], tv["effect"]) == (pytest.approx(control.mean()), pytest.approx(1.0))
    assert tv["standard_error"] == pytest.approx(np.sqrt(2 * control.var(ddof=1) / 100), rel=1e-9)


def test_all_units_are_the_sum_of_all_segments():
    rows = [*listeners(3, platform="tv", country="DE"), *listeners(4, platform="tv"), *listeners(5, plan="basic")]
    row = results_of(rows)["plays_per_user", "fixed", "all", "all"]
    plays = [unit_["plays"] for unit_ in rows if unit_["variant"] == "treatment"]
    assert (row["n_control"], row["n_variant"]) == (12, 12)
    assert row["mean_variant"] == pytest.approx(np.mean(plays), rel=1e-12)


def test_without_units_every_metric_has_rows_that_say_nothing():
    found = results_of([])
    assert {key[2:] for key in found} == {("all", "all")}
    assert {(row["n_control"], row["n_variant"], row["effect"], row["p_value"]) for row in found.values()} == {
        (0, 0, None, None)
    }


# Daily results


def unit_days(*rows):
    known = [{"experiment_id": "test", **dict.fromkeys(NUMBERS, 0), **row} for row in rows]
    return table(
        [{name: row.get(name) for name in contract.unit_days.column_names} for row in known], contract.unit_days
    )


def daily(as_of, of=None):
    """Two units an arm, exposed on the first day; one of the treatment's plays again on the second."""
    of = of or experiment()
    days = [
        {"user_id": f"user {number}", "variant": variant, "date": day(0), "plays": plays}
        for number, (variant, plays) in enumerate([("control", 1), ("control", 2), ("treatment", 1), ("treatment", 2)])
    ]
    again = {"user_id": "user 3", "variant": "treatment", "date": day(1), "plays": 4}
    metrics = units(*(unit(number, row["variant"]) for number, row in enumerate(days)))
    growth, exposed = growth_by_day(unit_days(*days, again), {}), exposed_by_day(metrics)
    return daily_rows(of, window_of(of, day(as_of)), growth.to_pandas(), exposed.to_pandas(), 100)


def test_every_day_has_what_was_known_at_its_end():
    found = daily(as_of=2)
    means = {
        row["date"]: (row["n_variant"], row["mean_control"], row["mean_variant"])
        for row in found
        if (row["metric"], row["method"]) == ("plays_per_user", "fixed")
    }
    assert means == {day(0): (2, 1.5, 1.5), day(1): (2, 1.5, 3.5), day(2): (2, 1.5, 3.5)}
    assert len(found) == 3 * len(METRICS) * 2
    assert all(row.keys() == set(contract.daily_results.column_names) for row in found)


def test_daily_results_end_with_the_experiment_and_begin_with_it():
    assert {row["date"] for row in daily(as_of=99)} == {day(n) for n in range(14)}
    assert {row["date"] for row in daily(as_of=0)} == {day(0)}
    assert daily(as_of=-1) == []


def test_before_anybody_is_exposed_a_day_has_rows_that_say_nothing():
    of = experiment()
    growth, exposed = growth_by_day(unit_days(), {}).to_pandas(), exposed_by_day(units()).to_pandas()
    found = daily_rows(of, window_of(of, day(1)), growth, exposed, 100)
    assert {(row["date"], row["n_control"], row["effect"]) for row in found} == {(day(0), 0, None), (day(1), 0, None)}


# Health and power


def test_health_looks_at_the_units_and_at_what_was_logged():
    of = logged_experiment()
    sums = sums_by_variant(units(*listeners(4))).to_pandas()
    found = {row["health_check"]: row for row in health_rows(of, sums, {"units": 10, "in_several": 1, "in_unknown": 0})}
    assert (found["every_variant_has_units"]["units"], found["every_variant_has_units"]["passed"]) == (8, True)
    several = found["units_are_in_one_variant"]
    assert (several["value"], several["passed"]) == (0.1, False)
    assert all(row.keys() == set(contract.health.column_names) for row in found.values())


def test_without_logged_exposures_nothing_is_held_against_them():
    sums = sums_by_variant(units(*listeners(4))).to_pandas()
    found = {row["health_check"]: row["passed"] for row in health_rows(experiment(), sums, {})}
    assert found["units_are_in_one_variant"] is True
    assert found["logged_variants_are_configured"] is True


def exposed_on(**by_day):
    """Units newly exposed by day: d3=5."""
    return newly_exposed(
        units(*(unit(f"{key} {n}", exposed=int(key[1:])) for key, count in by_day.items() for n in range(count)))
    ).to_pandas()


def test_units_are_counted_on_their_day_of_exposure():
    found = exposed_on(d0=2, d5=3)
    assert {pd.Timestamp(row.date).date(): row.units for row in found.itertuples()} == {day(0): 2, day(5): 3}


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (13, (3 + 4) / 7),  # days 7 … 13
        (12, (2 + 3) / 7),  # days 6 … 12
        (99, (3 + 4) / 7),  # the end is the 13th
    ],
)
def test_the_pace_is_that_of_the_last_seven_days(as_of, expected):
    known = {"d0": 50, "d6": 2, "d7": 3} | ({"d13": 4} if as_of >= 13 else {})
    assert pace(window_of(experiment(), day(as_of)), exposed_on(**known)) == pytest.approx(expected)


def test_the_pace_of_a_younger_experiment_is_that_of_its_days():
    assert pace(window_of(experiment(), day(2)), exposed_on(d0=4, d2=2)) == 2.0
    assert pace(window_of(experiment(), day(0)), exposed_on(d0=4)) == 4.0


def test_an_experiment_that_has_not_begun_or_has_no_units_has_no_pace():
    assert pace(window_of(experiment(), day(-1)), exposed_on()) == 0.0
    assert pace(window_of(experiment(), day(5)), exposed_on()) == 0.0


def test_power_has_a_row_per_metric_at_the_present_pace():
    of = experiment(primary="plays_per_user", min_lift=0.1)
    rows = listeners(30)
    sums, exposed = sums_by_variant(units(*rows)).to_pandas(), newly_exposed(units(*rows)).to_pandas()
    found = {row["metric"]: row for row in power_rows(of, window_of(of, day(1)), sums, exposed)}
    assert found.keys() == METRICS.keys()
    assert {
        (row["units"], row["units_per_day"]) for row in found.values() if METRICS[row["metric"]].matures_after is None
    } == {(60, 30.0)}
    assert all(row.keys() == set(contract.power.column_names) for row in found.values())


# Decisions


def decided(of, as_of=99):
    """The row of a decision on a treatment that adds half a session and a tenth of a watch hour, beyond doubt."""
    shape = {"n_control": 500, "n_variant": 500, "dimension": "all", "segment": "all", "method": "fixed"}
    clear = {"standard_error": 0.01, "p_value": 1e-6, "p_adjusted": 2e-6, "cohens_d": 1.0}
    means = {
        "sessions_per_user": {
            "effect": 0.5,
            "effect_low": 0.4,
            "effect_high": 0.6,
            "mean_control": 5.0,
            "mean_variant": 5.5,
        },
        "watch_hours": {
            "effect": 0.1,
            "effect_low": 0.08,
            "effect_high": 0.12,
            "mean_control": 1.0,
            "mean_variant": 1.1,
        },
    }
    lift = {"lift": 0.1, "lift_low": 0.08, "lift_high": 0.12}
    results = [
        {**asdict(Result("test", name, "treatment", of.role(name), **shape)), **clear, **lift, **known, "cap": None}
        for name, known in means.items()
    ]
    health = [
        asdict(Health("test", "every_variant_has_units", "all", passed=True, units=1_000, value=500.0, threshold=1.0, finding="500"))
    ]  # fmt: skip
    power = [asdict(Power("test", "sessions_per_user", "treatment", "primary", 1_000, 0.02, 0.01, 250, 10.0, 0))]
    return decision_row(of, window_of(of, day(as_of)), results, health, power, 1_000)


def test_a_decision_has_the_contracts_columns_and_the_primary_metrics_numbers():
    found = decided(experiment(primary="sessions_per_user", min_lift=0.02, name="More sessions"))
    assert found.keys() == set(contract.decisions.column_names)
    assert (found["decision"], found["variant"], found["name"], found["units"]) == (
        "SHIP",
        "treatment",
        "More sessions",
        1_000,
    )
    assert (found["primary_metric"], found["primary_lift"], found["primary_lift_low"], found["primary_lift_high"]) == (
        "sessions_per_user", 0.1, 0.08, 0.12,
    )  # fmt: skip
    assert found["reasons"]
    assert found["rollout_effect"] is None


def test_a_decision_names_an_experiment_without_a_name_by_its_id():
    assert decided(experiment(primary="sessions_per_user"))["name"] == "test"


def test_the_roll_outs_effect_is_told_as_json_of_the_whole_population():
    rollout = {"population": 1_000, "value_per_session": 0.2}
    found = json.loads(decided(experiment(primary="sessions_per_user", rollout=rollout))["rollout_effect"])
    assert found == {
        "sessions": pytest.approx({"value": 500.0, "low": 400.0, "high": 600.0}),
        "watch_hours": pytest.approx({"value": 100.0, "low": 80.0, "high": 120.0}),
        "value": pytest.approx({"value": 100.0, "low": 80.0, "high": 120.0}),
    }


def test_a_decision_is_as_of_the_last_day_that_is_known():
    of = experiment(primary="sessions_per_user")
    assert [decided(of, as_of)["as_of"] for as_of in (99, 13, 5)] == [day(13), day(13), day(5)]
    assert (decided(of, 5)["decision"], decided(of, 5)["days_left"]) == ("KEEP_RUNNING", 8)
    assert decided(of, -3)["as_of"] == day(0) - dt.timedelta(days=3)
