"""Who takes part, since when, in which arm, and what was known of them then."""

import datetime as dt
import hashlib
import itertools

import ibis
import numpy as np
import pytest
from scipy import stats

from streaming_assets.experiments.assignment import bucket, variant_of
from streaming_assets_tests.experiments.situations import (
    assigned,
    counted_as_logged,
    day,
    experiment,
    exposed,
    exposure,
    facts,
    logged_experiment,
    play,
    record,
    search,
    session,
)
from streaming_assets_tests.transforms.situations import at

ODD_IDS = [
    "", " ", "0", "ann", "Ann", "ann ", "o'brien", '"quoted"', "a:b", ":", "\\", "%_", "line\nbreak", "tab\t",
    "Zoë", "Zoe\u0308", "日本", "👩‍🚀", "NULL", "-1", "1e5", "x" * 10_000,
]  # fmt: skip


def buckets(salt, ids):
    units = ibis.memtable({"user_id": ids})
    return units.select("user_id", bucket=bucket(salt, units.user_id)).to_pandas().set_index("user_id").bucket


def arms(weights):
    """The arm of every bucket."""
    of = experiment(assignment={"salt": "s", "variants": weights})
    numbers = ibis.memtable({"bucket": list(range(10_000))})
    return numbers.select("bucket", arm=variant_of(of, numbers.bucket)).to_pandas().sort_values("bucket").arm.to_numpy()


# Buckets and arms


@pytest.mark.parametrize("salt", ["discovery_v2", "", "sälz:'", "a b"])
def test_a_bucket_is_the_first_eight_hex_digits_of_the_md5_of_salt_and_unit_modulo_ten_thousand(salt):
    expected = {name: int(hashlib.md5(f"{salt}:{name}".encode()).hexdigest()[:8], 16) % 10_000 for name in ODD_IDS}
    assert buckets(salt, ODD_IDS).to_dict() == expected


@pytest.mark.parametrize(
    ("weights", "first_buckets"),
    [
        ({"control": 50, "treatment": 50}, {"control": 0, "treatment": 5_000}),
        ({"treatment": 1, "control": 3}, {"treatment": 0, "control": 2_500}),
        ({"control": 90, "treatment": 10}, {"control": 0, "treatment": 9_000}),
        ({"control": 0.3, "treatment": 0.2}, {"control": 0, "treatment": 6_000}),
        ({"control": 1, "a": 1, "b": 1}, {"control": 0, "a": 3_333, "b": 6_667}),
        ({"a": 20, "control": 50, "b": 30}, {"a": 0, "control": 2_000, "b": 7_000}),
        ({"control": 999, "treatment": 1}, {"control": 0, "treatment": 9_990}),
    ],
)
def test_arms_take_the_buckets_in_the_order_of_the_file_by_their_share_of_all_weights(weights, first_buckets):
    found = arms(weights)
    assert {name: int(np.flatnonzero(found == name)[0]) for name in weights} == first_buckets
    assert len([1 for before, after in itertools.pairwise(found) if before != after]) == len(weights) - 1


def test_experiments_with_different_salts_fall_independently_of_each_other():
    ids = [f"user {number}" for number in range(10_000)]
    deciles = {salt: buckets(salt, ids).reindex(ids).to_numpy() // 1_000 for salt in "abcdefg"}
    p_values = []
    for one, other in itertools.combinations(deciles.values(), 2):
        together = np.zeros((10, 10))
        np.add.at(together, (one, other), 1)
        p_values.append(stats.chi2_contingency(together).pvalue)
    assert len(p_values) == 21
    assert min(p_values) > 0.001
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_a_salt_spreads_users_evenly_over_the_buckets():
    found = buckets("even", [f"user {number}" for number in range(10_000)])
    assert stats.chisquare(np.bincount(found // 100, minlength=100)).pvalue > 0.001


def test_a_units_arm_and_bucket_are_those_of_its_hash():
    # md5("test:ann") begins with c14c7551, which is 3,243,013,457; md5("test:ben") with acd769e2, 2,899,798,498.
    assert hashlib.md5(b"test:ann").hexdigest().startswith("c14c7551")
    found = assigned(facts(play("ann", "12:00"), play("ben", "12:00")))
    assert {name: (row["experiment_id"], row["bucket"], row["variant"]) for name, row in found.items()} == {
        "ann": ("test", 3_457, "control"),
        "ben": ("test", 8_498, "treatment"),
    }


# Exposure by the first play


def test_the_first_play_of_the_window_exposes_not_the_first_ever():
    known = facts(
        play("ann", "-9d 12:00"), play("ann", "+2d 21:00"), play("ann", "+2d 20:00"), play("ann", "+5d 08:00")
    )
    assert exposed(known) == {"ann": at("+2d 20:00")}
    assert assigned(known)["ann"]["exposed_date"] == day(2)


def test_a_search_does_not_expose():
    assert exposed(facts(search("ann", "12:00"))) == {}


def test_the_end_day_counts_to_its_last_moment_and_the_next_does_not():
    known = facts(
        play("ann", "-1d 23:59:59"), play("ben", "00:00"), play("cem", "+13d 23:59:59"), play("dee", "+14d 00:00")
    )
    assert sorted(exposed(known)) == ["ben", "cem"]


def test_nobody_is_exposed_after_the_last_day_that_is_known():
    known = facts(play("ann", "+3d 12:00"), play("ben", "+4d 12:00"))
    assert sorted(exposed(known, as_of=3)) == ["ann"]


def test_an_experiment_that_has_not_begun_has_no_units():
    known = facts(play("ann", "-1d 12:00"), play("ben", "12:00"))
    assert exposed(known, as_of=-1) == {}


def test_days_are_those_of_the_reporting_zone():
    # Tokyo is nine hours ahead: the first day begins at 15:00 UTC of the day before.
    known = facts(
        play("ann", "-1d 14:59"), play("ben", "-1d 15:00"), play("cem", "+13d 14:59"), play("dee", "+13d 15:00"),
        timezone="Asia/Tokyo",
    )  # fmt: skip
    found = assigned(known)
    assert {name: row["exposed_date"] for name, row in found.items()} == {"ben": day(0), "cem": day(13)}


# Exposure by sign-up


def test_signing_up_in_the_window_exposes_those_whose_records_tell_it():
    known = facts(
        record("ann", signed_up="+1d 10:00"),
        record("ben", signed_up="-1d 23:59"),
        record("cem", signed_up="+13d 23:59"),
        record("dee", signed_up="+14d 00:00"),
        record("eve"),
        play("fay", "+1d 12:00"),
        play("ann", "+1d 12:00"),
    )
    found = assigned(known, experiment(exposure="signup"))
    assert {name: (row["exposed_at"], row["exposed_date"]) for name, row in found.items()} == {
        "ann": (at("+1d 10:00"), day(1)),
        "cem": (at("+13d 23:59"), day(13)),
    }


def test_of_several_records_the_earliest_sign_up_counts():
    known = facts(record("ann", "+1d 10:00", "+1d 10:00"), record("ann", "+3d 10:00", "+3d 10:00", plan="basic"))
    assert exposed(known, experiment(exposure="signup")) == {"ann": at("+1d 10:00")}


def test_a_sign_up_is_dated_in_the_reporting_zone():
    known = facts(record("ann", signed_up="+1d 15:30"), record("ben", signed_up="-1d 14:30"), timezone="Asia/Tokyo")
    found = assigned(known, experiment(exposure="signup"))
    assert {name: row["exposed_date"] for name, row in found.items()} == {"ann": day(2)}


def test_a_sign_up_has_the_platform_country_and_plan_of_its_record():
    known = facts(
        record("ann", "+1d 10:00", "+1d 10:00", platform="tv", country="DE", plan="basic"),
        play("ann", "+1d 12:00", platform="web", country="FR"),
    )
    found = assigned(known, experiment(exposure="signup"))["ann"]
    assert (found["platform"], found["country"], found["plan"], found["user_kind"]) == ("tv", "DE", "basic", "new")


# Exposure as it was logged


def test_the_first_logged_exposure_of_the_experiment_counts_and_other_experiments_do_not():
    known = facts(
        play("ann", "08:00"),
        exposure("ann", "09:00", "control", experiment_id="another"),
        exposure("ann", "+1d 10:00", "treatment"),
        exposure("ann", "+2d 10:00", "treatment"),
        exposure("ben", "09:00", "control", experiment_id="another"),
        exposure("cem", "-1d 09:00", "control"),
        exposure("dee", "+14d 09:00", "control"),
    )
    found = assigned(known, logged_experiment())
    assert list(found) == ["ann"]
    assert (found["ann"]["exposed_at"], found["ann"]["variant"], found["ann"]["bucket"]) == (
        at("+1d 10:00"), "treatment", None,
    )  # fmt: skip


def test_what_is_logged_in_several_variants_or_in_none_that_is_configured_is_left_out_and_counted():
    known = facts(
        exposure("ann", "09:00", "control"),
        exposure("ann", "+3d 09:00", "treatment"),
        exposure("ben", "09:00", "control"),
        exposure("ben", "10:00", "control"),
        exposure("cem", "09:00", "blue"),
        exposure("dee", "09:00", None),
        exposure("eve", "09:00", "blue"),
        exposure("eve", "10:00", "treatment"),
        exposure("fay", "09:00", "treatment", experiment_id="another"),
    )
    of = logged_experiment()
    assert {name: row["variant"] for name, row in assigned(known, of).items()} == {"ben": "control"}
    assert counted_as_logged(known, of) == {"units": 5, "in_several": 2, "in_unknown": 2}


def test_a_variant_of_a_later_day_is_not_known_yet():
    known = facts(exposure("ann", "09:00", "control"), exposure("ann", "+3d 09:00", "treatment"))
    of = logged_experiment()
    assert {name: row["variant"] for name, row in assigned(known, of, as_of=2).items()} == {"ann": "control"}
    assert counted_as_logged(known, of, as_of=2) == {"units": 1, "in_several": 0, "in_unknown": 0}


def test_nothing_logged_is_counted_as_nothing():
    assert counted_as_logged(facts(), logged_experiment()) == {"units": 0, "in_several": 0, "in_unknown": 0}


def test_with_a_salt_a_logged_exposure_says_when_and_the_hash_says_where():
    known = facts(exposure("ann", "+1d 09:00", None), exposure("ben", "+1d 10:00", "control"))
    of = experiment(exposure="logged")
    found = {name: (row["exposed_at"], row["variant"]) for name, row in assigned(known, of).items()}
    assert found["ann"] == (at("+1d 09:00"), "control")


def test_with_a_salt_a_unit_that_was_logged_in_another_variant_than_its_hash_is_left_out_and_counted():
    known = facts(exposure("ann", "+1d 09:00", "treatment"), exposure("ann", "+2d 09:00", None))
    of = experiment(exposure="logged")
    assert assigned(known, of) == {}
    assert counted_as_logged(known, of) == {"units": 1, "in_several": 0, "in_unknown": 1}


def test_with_a_salt_a_unit_that_was_logged_in_two_variants_is_counted_too():
    known = facts(exposure("ann", "+1d 09:00", "treatment"), exposure("ann", "+1d 09:00", "control"))
    of = experiment(exposure="logged")
    assert assigned(known, of) == {}
    assert counted_as_logged(known, of) == {"units": 1, "in_several": 1, "in_unknown": 0}


def test_units_outside_the_population_are_not_counted_among_the_logged():
    known = facts(
        record("ann", "-9d 00:00", plan="premium"),
        record("ben", "-9d 00:00", plan="free"),
        *(
            exposure(name, at_, variant)
            for name in ("ann", "ben")
            for at_, variant in (("+1d 09:00", "control"), ("+2d 09:00", "treatment"))
        ),
    )
    of = experiment(
        exposure="logged", assignment={"variants": {"control": 50, "treatment": 50}}, population={"plan": ["premium"]}
    )
    assert counted_as_logged(known, of) == {"units": 1, "in_several": 1, "in_unknown": 0}


# What was known then


def test_the_plan_is_that_of_the_record_held_at_exposure():
    known = facts(
        record("ann", "-40d 00:00", plan="free"),
        record("ann", "-2d 00:00", plan="basic"),
        record("ann", "+1d 00:00", plan="premium"),
        play("ann", "12:00"),
        record("ben", "+1d 00:00", plan="premium"),
        play("ben", "12:00"),
    )
    assert {name: row["plan"] for name, row in assigned(known).items()} == {"ann": "basic", "ben": None}


def test_a_record_from_the_moment_of_exposure_on_is_held_then():
    known = facts(record("ann", "12:00", plan="basic"), play("ann", "12:00"))
    assert assigned(known)["ann"]["plan"] == "basic"


def test_the_country_is_the_records_and_without_one_the_plays():
    known = facts(
        record("ann", country="DE"), play("ann", "12:00", country="FR"),
        record("ben"), play("ben", "12:00", country="FR"),
        play("cem", "12:00", country="IT"), play("cem", "13:00", country="ES"),
        play("dee", "12:00"),
    )  # fmt: skip
    countries = {name: row["country"] for name, row in assigned(known).items()}
    assert countries == {"ann": "DE", "ben": "FR", "cem": "IT", "dee": None}


def test_the_platform_is_the_exposing_plays_and_without_one_the_records_never_a_later_plays():
    known = facts(
        record("ann", platform="tv"), play("ann", "12:00", platform="web"), play("ann", "13:00", platform="phone"),
        record("ben", platform="tv"), play("ben", "12:00"), play("ben", "13:00", platform="phone"),
        play("cem", "12:00"), play("cem", "13:00", platform="phone", country="DE"),
        play("dee", "-1d 12:00", platform="phone"), play("dee", "12:00", platform="web"),
    )  # fmt: skip
    found = assigned(known)
    assert {name: row["platform"] for name, row in found.items()} == {
        "ann": "web", "ben": "tv", "cem": None, "dee": "web",
    }  # fmt: skip
    assert found["cem"]["country"] is None


def test_who_was_seen_before_the_day_of_exposure_is_existing():
    known = facts(
        play("ann", "-400d 12:00"), play("ann", "12:00"),
        search("ben", "-1d 23:59"), play("ben", "12:00"),
        search("cem", "00:00"), play("cem", "12:00"),
        play("dee", "12:00"),
        record("eve", "-90d 00:00", "-90d 00:00"), play("eve", "12:00"),
    )  # fmt: skip
    kinds = {name: (row["has_pre_period"], row["user_kind"]) for name, row in assigned(known).items()}
    existing, new = (True, "existing"), (False, "new")
    assert kinds == {"ann": existing, "ben": existing, "cem": new, "dee": new, "eve": new}


def test_existing_is_judged_by_days_of_the_reporting_zone():
    # In Tokyo 14:59 UTC is the evening before, 15:00 UTC the same day.
    known = facts(
        search("ann", "14:59"),
        play("ann", "16:00"),
        search("ben", "15:00"),
        play("ben", "16:00"),
        timezone="Asia/Tokyo",
    )
    assert {name: row["user_kind"] for name, row in assigned(known).items()} == {"ann": "existing", "ben": "new"}


# Who takes part


def taking_part(known, exposure="first_play", **population):
    return sorted(assigned(known, experiment(population=population, exposure=exposure)))


def test_a_later_change_of_plan_neither_brings_in_nor_takes_out():
    known = facts(
        record("ann", plan="basic"), record("ann", "+1d 00:00", plan="free"), play("ann", "12:00"),
        record("ben", plan="free"), record("ben", "+1d 00:00", plan="basic"), play("ben", "12:00"), play("ben", "+2d 12:00"),
        record("cem", plan="premium"), play("cem", "12:00"),
        record("dee"), play("dee", "12:00"),
        play("eve", "12:00"),
    )  # fmt: skip
    assert taking_part(known, plan=["basic", "premium"]) == ["ann", "cem"]


def test_the_country_is_asked_of_the_record_before_the_play():
    known = facts(
        record("ann", country="DE"), play("ann", "12:00", country="FR"),
        record("ben", country="FR"), play("ben", "12:00", country="DE"),
        play("cem", "12:00", country="DE"),
        play("dee", "12:00"),
    )  # fmt: skip
    assert taking_part(known, country=["DE"]) == ["ann", "cem"]


def signed_up(**times):
    """Everybody plays on the first day, having signed up then."""
    return [told for name, when in times.items() for told in (record(name, signed_up=when), play(name, "+1d 12:00"))]


def test_days_of_sign_up_are_inclusive():
    known = facts(
        *signed_up(ann="-3d 23:59:59", ben="-2d 00:00", cem="-1d 23:59:59", dee="00:00", eve=None), play("fay", "12:00")
    )
    assert taking_part(known, signed_up={"from": day(-2), "to": day(-1)}) == ["ben", "cem"]
    assert taking_part(known, signed_up={"from": day(-2)}) == ["ben", "cem", "dee"]
    assert taking_part(known, signed_up={"to": day(-1)}) == ["ann", "ben", "cem"]
    assert taking_part(known, signed_up={"from": None, "to": None}) == ["ann", "ben", "cem", "dee", "eve", "fay"]


def test_days_of_sign_up_are_those_of_the_reporting_zone():
    known = facts(
        *signed_up(ann="-3d 14:59:59", ben="-3d 15:00", cem="-1d 14:59:59", dee="-1d 15:00"), timezone="Asia/Tokyo"
    )
    assert taking_part(known, signed_up={"from": day(-2), "to": day(-1)}) == ["ben", "cem"]


def test_days_of_sign_up_may_lie_before_the_calendar_begins():
    known = facts(
        *signed_up(ann="-60d 12:00", ben="-50d 14:00", cem="-50d 16:00", dee="-2d 12:00"),
        timezone="Asia/Tokyo", first=day(-30),
    )  # fmt: skip
    assert taking_part(known, signed_up={"from": day(-49)}) == ["cem", "dee"]
    assert taking_part(known, signed_up={"to": day(-50)}) == ["ann", "ben"]


def test_regulars_are_those_with_enough_sessions_in_the_28_days_before_the_day_of_exposure():
    known = facts(
        play("ann", "+3d 12:00"), session("ann", "-25d 00:00", 5), session("ann", "+2d 23:59", 5),
        play("ben", "+3d 12:00"), session("ben", "-26d 23:59", 5), session("ben", "+2d 12:00", 5),
        play("cem", "+3d 12:00"), session("cem", "+2d 12:00", 5), session("cem", "+3d 08:00", 5), session("cem", "+4d 08:00", 5),
        play("dee", "+3d 12:00"),
    )  # fmt: skip
    assert taking_part(known, min_pre_sessions=2) == ["ann"]
    assert taking_part(known, min_pre_sessions=1) == ["ann", "ben", "cem"]
    assert taking_part(known, min_pre_sessions=0) == ["ann", "ben", "cem", "dee"]


def test_all_conditions_hold_together():
    known = facts(
        record("ann", country="DE", plan="basic", signed_up="-9d 12:00"), play("ann", "12:00"), session("ann", "-1d 12:00", 5),
        record("ben", country="DE", plan="basic", signed_up="-9d 12:00"), play("ben", "12:00"),
        record("cem", country="DE", plan="free", signed_up="-9d 12:00"), play("cem", "12:00"), session("cem", "-1d 12:00", 5),
    )  # fmt: skip
    wanted = {"country": ["DE"], "plan": ["basic"], "signed_up": {"to": day(-1)}, "min_pre_sessions": 1}
    assert taking_part(known, **wanted) == ["ann"]


def test_two_plays_at_one_moment_always_tell_the_same_platform():
    plays = [
        play("ann", "12:00", event_id="b", platform="web"),
        play("ann", "12:00", event_id="a", platform="tv"),
    ]
    assert {assigned(facts(*order))["ann"]["platform"] for order in (plays, plays[::-1])} == {"tv"}


def test_a_moment_of_exposure_is_kept_to_the_microsecond():
    moment = at("12:00") + dt.timedelta(microseconds=1)
    assert exposed(facts(play("ann", "12:00", started_at=moment)))["ann"] == moment
