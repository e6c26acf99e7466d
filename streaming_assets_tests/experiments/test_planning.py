"""How long an experiment would have to run: from sums and lengths made by hand."""

import datetime as dt
import math

import numpy as np
import pytest

from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.moments import active_name, sum_name
from streaming_assets.experiments.planning import Length, lengths, plan, rehearsal

TODAY = dt.date(2026, 7, 1)
# Of the normal distribution: 2.5 % lie above the first, 20 % and 10 % above the others.
Z_975, Z_80, Z_90 = 1.959963984540054, 0.8416212335729143, 1.2815515655446004


def sums(metric, *units):
    """Sums of units that are told by numerator, or by (numerator, denominator)."""
    values = np.array(units, float).reshape(len(units), -1)
    columns = METRICS[metric].columns
    found = {sum_name(METRICS[metric]): float(len(units))}
    for place, a in enumerate(columns):
        found[sum_name(METRICS[metric], a)] = values[:, place].sum()
        for other, b in enumerate(columns):
            found[sum_name(METRICS[metric], *sorted((a, b)))] = values[:, place] @ values[:, other]
    if METRICS[metric].denominator is not None:
        found[active_name(METRICS[metric].denominator)] = float((values[:, 1] > 0).sum())
    return found


def of_days(metric, *days):
    """What every length had; a day is the sums of both halves."""
    by_day = [
        (TODAY + dt.timedelta(days=n), dict(zip(("control", "treatment"), day, strict=True)))
        for n, day in enumerate(days)
    ]
    return lengths(METRICS[metric], by_day)


# What every length would have had


def test_a_length_has_the_mean_and_the_variance_of_the_units_of_both_halves_together():
    # 1, 3, 2, 2: the mean is 2, the squares of what is off it 1 + 1 + 0 + 0 over 3.
    day = sums("sessions_per_user", 1, 3), sums("sessions_per_user", 2, 2)
    assert of_days("sessions_per_user", day) == [Length(1, 4, 2.0, pytest.approx(2 / 3))]


def test_a_ratio_has_the_variance_of_its_linearised_units():
    units = [(30, 1), (90, 2), (10, 1), (50, 4)]
    (found,) = of_days("session_minutes", (sums("session_minutes", *units[:2]), sums("session_minutes", *units[2:])))
    minutes, sessions = np.array(units, float).T
    ratio = 180 / 8
    expected = np.var((minutes - ratio * sessions) / 2, ddof=1)
    assert (found.units, found.mean, found.variance) == (4, ratio, pytest.approx(expected, rel=1e-12))


def test_a_share_has_the_variance_of_a_proportion():
    (found,) = of_days("d1_retention", (sums("d1_retention", 1, 0, 0), sums("d1_retention", 0)))
    assert (found.units, found.mean, found.variance) == (4, 0.25, pytest.approx(0.25 * 0.75))


def test_lengths_that_tell_nothing_are_left_out_and_the_others_keep_their_days():
    nobody, alike, both = sums("plays_per_user", 0), sums("plays_per_user", 2, 2), sums("plays_per_user", 1, 5)
    none = dict.fromkeys(nobody, 0.0)
    found = of_days("plays_per_user", (none, none), (nobody, none), (alike, alike), (nobody, nobody), (both, alike))
    assert [(length.days, length.units, length.mean) for length in found] == [(5, 4, 2.5)]


def test_a_ratio_without_anything_to_divide_by_is_left_out():
    idle = sums("session_minutes", (0, 0), (0, 0))
    assert of_days("session_minutes", (idle, idle)) == []


def test_an_arm_without_units_does_not_matter_to_the_other():
    one_arm = {"control": sums("plays_per_user", 1, 3)}
    assert lengths(METRICS["plays_per_user"], [(TODAY, one_arm)]) == [Length(1, 2, 2.0, 2.0)]


def test_no_days_are_no_lengths():
    assert lengths(METRICS["plays_per_user"], []) == []


# How many units it takes

LENGTH = Length(days=10, units=400, mean=10.0, variance=25.0)


@pytest.mark.parametrize(
    ("lift", "alpha", "power", "quantiles"),
    [(0.1, 0.05, 0.8, Z_975 + Z_80), (0.02, 0.05, 0.8, Z_975 + Z_80), (0.1, 0.05, 0.9, Z_975 + Z_90)],
)
def test_units_of_two_halves_follow_from_the_variance_of_one(lift, alpha, power, quantiles):
    # Each half of n / 2 adds σ² / (n / 2) to the variance of the difference: 4 σ² / n = (lift · mean / quantiles)².
    assert LENGTH.needed(lift, alpha, power) == math.ceil(4 * 25 * (quantiles / (lift * 10)) ** 2)


def test_a_lift_of_a_fifth_of_a_standard_deviation_takes_785_units():
    # (1.95996 + 0.84162)² · 4 / 0.2² = 784.9
    assert LENGTH.needed(0.1, 0.05, 0.8) == 785


def test_the_smallest_lift_that_is_found_is_the_one_that_takes_just_these_units():
    enough = Length(10, 785, 10.0, 25.0)
    assert enough.detectable(0.05, 0.8) == pytest.approx((Z_975 + Z_80) * math.sqrt(100 / 785) / 10, rel=1e-9)
    assert enough.detectable(0.05, 0.8) < 0.1 < Length(10, 784, 10.0, 25.0).detectable(0.05, 0.8)


# The plan


def planned(*known, lift=0.1, per_day=50.0):
    return plan("sessions_per_user", lift, 0.05, 0.8, known, per_day)


def test_the_shortest_length_with_enough_units_is_planned():
    known = [Length(1, 300, 10.0, 25.0), Length(2, 785, 10.0, 25.0), Length(3, 1_200, 10.0, 25.0)]
    found = planned(*known)
    assert (found.days, found.units_needed, found.at) == (2, 785, known[1])
    assert (found.metric.name, found.lift, found.alpha, found.power) == ("sessions_per_user", 0.1, 0.05, 0.8)


def test_a_longer_one_may_need_fewer_units_since_its_users_vary_less():
    known = [Length(1, 500, 10.0, 36.0), Length(2, 500, 10.0, 16.0)]
    found = planned(*known)
    # 7.8489 · 4 · 16 = 502.3; of the first it would have been 7.8489 · 4 · 36 = 1,130.2.
    assert (found.days, found.units_needed) == (3, 503)
    assert planned(*known, Length(3, 500, 10.0, 15.0)).days == 3


def test_beyond_the_longest_length_units_join_at_the_present_pace():
    # 385 units are missing: eight days of 50.
    found = planned(LENGTH)
    assert (found.days, found.units_needed, found.at, list(found.lengths)) == (18, 785, LENGTH, [LENGTH])


def test_an_audience_that_does_not_grow_never_gets_there():
    found = planned(LENGTH, per_day=0.0)
    assert (found.days, found.units_needed) == (None, 785)


# The rehearsal


def test_a_rehearsal_takes_everybody_of_the_last_eight_weeks_without_a_treatment():
    found = rehearsal("watch_hours", dt.date(2020, 1, 1), TODAY)
    assert (found.kind, found.start, found.end, found.primary) == ("aa", dt.date(2026, 5, 7), TODAY, "watch_hours")
    assert (found.end - found.start).days + 1 == 56
    assert (found.exposure, found.population.plan, found.variants) == (
        "first_play",
        None,
        {"control": 50, "treatment": 50},
    )


def test_a_rehearsal_does_not_begin_before_the_first_event():
    assert rehearsal("watch_hours", dt.date(2026, 6, 20), TODAY).start == dt.date(2026, 6, 20)
