"""Segments: users put into them, and what each segment adds up to."""

import datetime as dt

import ibis
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets.contracts.marts import users as marts
from streaming_assets.transforms.segments import rfm_segment, segment_summary, user_segments
from streaming_assets_tests.transforms.situations import rows_of, table

# Every example is several queries: shrinking a failure would take minutes and tell little more.
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
T = dt.date(2026, 3, 31)
SCORES = ("recency_score", "frequency_score", "monetary_score")
SEGMENTS = {
    "engagement": ["heavy", "regular", "casual", "light"],
    "completion": ["completionist", "engaged", "selective", "browser", "unknown"],
    "lifecycle_stage": ["single_day", "one_week", "one_month", "three_months", "three_months_plus"],
    "rfm_segment": ["champions", "loyal", "promising", "new", "at_risk", "hibernating", "lost"],
}


def user(user_id="ann", completion=None, n=1, **columns):
    """A row of marts/user_metrics: one play today, and the mean completion of n plays where there is one."""
    known = {
        "user_id": user_id,
        "total_plays": 1,
        "avg_completion_pct": completion,
        "plays_with_completion": 0 if completion is None else n,
        "first_play_date": T,
        "last_play_date": T,
        "activity_span_days": 0,
        "active_days": 1,
        "days_since_last_play": 0,
        "favourite_content_id": "c",
        "cohort_month": "2026-03",
    }
    return {**dict.fromkeys(marts.user_metrics.column_names), **known, **columns}


def segments_of(rows, engagement_plays=(20, 10, 5), completion_pcts=(80, 60, 40), lifecycle_days=(7, 30, 90)):
    """Rows of marts/user_segments in the order of the users."""
    found = user_segments(table(rows, marts.user_metrics), engagement_plays, completion_pcts, lifecycle_days)
    by_user = {row["user_id"]: row for row in rows_of(found, marts.user_segments, "user_id")}
    return [by_user[row["user_id"]] for row in rows]


def column_of(name, values, found_in, **limits):
    """The segment of users who differ in one column, by its value."""
    rows = [user(f"u{number}", **{name: value}) for number, value in enumerate(values)]
    found = segments_of(rows, **limits)
    return {value: row[found_in] for value, row in zip(values, found, strict=True)}


def summary_of(rows):
    """Rows of marts/segment_summary by (segmentation, segment)."""
    segments = table(segments_of(rows), marts.user_segments)
    found = rows_of(
        segment_summary(segments, table(rows, marts.user_metrics)), marts.segment_summary, ["segmentation", "segment"]
    )
    assert len({(row["segmentation"], row["segment"]) for row in found}) == len(found)
    return {(row.pop("segmentation"), row.pop("segment")): row for row in found}


# Thresholds


def test_engagement_begins_at_5_10_and_20_plays():
    assert column_of("total_plays", [1, 4, 5, 9, 10, 19, 20, 5000], "engagement") == {
        1: "light",
        4: "light",
        5: "casual",
        9: "casual",
        10: "regular",
        19: "regular",
        20: "heavy",
        5000: "heavy",
    }


def test_completion_begins_at_40_60_and_80_per_cent_and_is_unknown_where_no_play_has_one():
    assert column_of("completion", [0.0, 39.99, 40.0, 59.99, 60.0, 79.99, 80.0, 100.0, None], "completion") == {
        0.0: "browser",
        39.99: "browser",
        40.0: "selective",
        59.99: "selective",
        60.0: "engaged",
        79.99: "engaged",
        80.0: "completionist",
        100.0: "completionist",
        None: "unknown",
    }


def test_a_mean_that_is_80_but_for_the_order_of_summation_is_80():
    assert column_of("completion", [79.99999999999999, 79.99999], "completion") == {
        79.99999999999999: "completionist",
        79.99999: "engaged",
    }


def test_stages_end_with_a_span_of_0_7_30_and_90_days():
    assert column_of("activity_span_days", [0, 1, 7, 8, 30, 31, 90, 91, 4000], "lifecycle_stage") == {
        0: "single_day",
        1: "one_week",
        7: "one_week",
        8: "one_month",
        30: "one_month",
        31: "three_months",
        90: "three_months",
        91: "three_months_plus",
        4000: "three_months_plus",
    }


def test_thresholds_are_those_that_are_set():
    plays = column_of("total_plays", [2, 3, 4, 100], "engagement", engagement_plays=(100, 4, 3))
    assert list(plays.values()) == ["light", "casual", "regular", "heavy"]
    percents = column_of("completion", [0.5, 1.0, 50.0, 99.0], "completion", completion_pcts=(99, 50, 1))
    assert list(percents.values()) == ["browser", "selective", "engaged", "completionist"]
    spans = column_of("activity_span_days", [0, 1, 2, 3, 4], "lifecycle_stage", lifecycle_days=(1, 2, 3))
    assert list(spans.values()) == ["single_day", "one_week", "one_month", "three_months", "three_months_plus"]


# Scores


def scores_of(name, values, of):
    return list(column_of(name, values, of).values())


def test_six_different_users_score_1_to_5_and_the_best_two_share_the_5():
    assert scores_of("active_days", [1, 2, 3, 4, 5, 6], "frequency_score") == [1, 2, 3, 4, 5, 5]
    assert scores_of("watch_hours", [0.0, 0.5, 1.0, 2.0, 8.0, 9.0], "monetary_score") == [1, 2, 3, 4, 5, 5]


def test_who_played_last_most_recently_scores_5():
    assert scores_of("days_since_last_play", [0, 1, 9, 30, 31, 400], "recency_score") == [5, 5, 4, 3, 2, 1]


def test_scores_count_the_users_below_whatever_the_distance():
    assert scores_of("active_days", [1, 2, 1000], "frequency_score") == [1, 3, 5]


def test_a_user_alone_scores_1():
    (row,) = segments_of([user(watch_hours=3.0)])
    assert [row[name] for name in SCORES] == [1, 1, 1]


def test_of_two_users_the_worse_scores_1_and_the_better_5():
    assert scores_of("active_days", [1, 2], "frequency_score") == [1, 5]


def test_users_who_are_all_alike_score_1():
    assert {row["frequency_score"] for row in segments_of([user(name, active_days=7) for name in "abcdefgh"])} == {1}


def test_ties_score_by_the_users_below_all_of_them():
    rows = [user(f"u{number}", active_days=days) for number, days in enumerate([1, 1, 1, 2, 2, 3])]
    assert [row["frequency_score"] for row in segments_of(rows)] == [1, 1, 1, 4, 4, 5]


def test_scores_begin_where_a_fifth_of_the_others_is_below_in_whole_numbers():
    rows = [user(f"u{number:03}", active_days=number) for number in range(1, 102)]
    scores = [row["frequency_score"] for row in segments_of(rows)]
    assert scores == [1] * 20 + [2] * 20 + [3] * 20 + [4] * 20 + [5] * 21


def test_a_million_users_score_by_exact_fifths():
    everyone = ibis.range(0, 1_000_001).unnest().name("number").as_table()
    known = {
        name: ibis.literal(value, type_)
        for (name, type_), value in zip(marts.user_metrics.schema.items(), user().values(), strict=True)
    }
    rows = everyone.select(**{**known, "user_id": everyone.number.cast("string"), "active_days": everyone.number})
    found = user_segments(rows, (20, 10, 5), (80, 60, 40), (7, 30, 90))
    first = found.group_by("frequency_score").agg(first=found.user_id.cast("int64").min(), users=found.count())
    assert sorted(map(tuple, first.to_pandas().itertuples(index=False))) == [
        (1, 0, 200_000),
        (2, 200_000, 200_000),
        (3, 400_000, 200_000),
        (4, 600_000, 200_000),
        (5, 800_000, 200_001),
    ]


def test_hours_are_scored_among_the_users_whose_hours_are_known_and_the_others_have_no_score():
    assert column_of("watch_hours", [1.0, 2.0, 3.0], "monetary_score") == {1.0: 1, 2.0: 3, 3.0: 5}
    rows = [user(f"u{number}", watch_hours=hours) for number, hours in enumerate([None, 1.0, None, 2.0, 3.0, None])]
    assert [row["monetary_score"] for row in segments_of(rows)] == [None, 1, None, 3, 5, None]


def test_hours_that_differ_in_their_last_digit_only_score_equally():
    rows = [user(f"u{number}", watch_hours=hours) for number, hours in enumerate([0.1 + 0.2, 0.3, 0.1, 0.4])]
    assert [row["monetary_score"] for row in segments_of(rows)] == [2, 2, 1, 5]


def test_hours_that_differ_by_a_second_score_differently():
    rows = [user(f"u{number}", watch_hours=seconds / 3600) for number, seconds in enumerate([3_600_001, 3_600_000])]
    assert [row["monetary_score"] for row in segments_of(rows)] == [5, 1]


def test_the_code_is_the_three_scores_with_a_dash_for_one_that_is_not_known():
    found = segments_of(
        [
            user("ann", days_since_last_play=0, active_days=1, watch_hours=1.0),
            user("bob", days_since_last_play=5, active_days=2, watch_hours=2.0),
            user("cem", days_since_last_play=9, active_days=3),
        ]
    )
    assert [row["rfm_code"] for row in found] == ["511", "335", "15-"]


POPULATIONS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 6), st.none() | st.integers(0, 6)), min_size=1, max_size=30
)


@settings(max_examples=15, deadline=None, phases=NO_SHRINKING)
@given(POPULATIONS)
def test_equal_users_score_equally_and_no_better_one_scores_lower(population):
    rows = [
        user(
            f"u{number}",
            days_since_last_play=days_since,
            active_days=active,
            watch_hours=None if minutes is None else minutes / 60,
        )
        for number, (days_since, active, minutes) in enumerate(population)
    ]
    found = segments_of(rows)
    worth = {
        "recency_score": [-days_since for days_since, _active, _minutes in population],
        "frequency_score": [active for _days_since, active, _minutes in population],
        "monetary_score": [minutes for _days_since, _active, minutes in population],
    }
    for name, values in worth.items():
        scored = [(value, row[name]) for value, row in zip(values, found, strict=True)]
        worst_first = sorted(pair for pair in scored if pair[0] is not None)
        assert len(set(worst_first)) == len({value for value, _score in worst_first})
        assert [score for _value, score in worst_first] == sorted(score for _value, score in worst_first)
        assert all(1 <= score <= 5 for _value, score in worst_first)
        assert all(score is None for value, score in scored if value is None)


# Segments of recency and frequency


def test_every_pair_of_scores_has_the_segment_of_the_table():
    #      F: 1              2              3              4            5
    rules = {
        5: ["new", "promising", "loyal", "champions", "champions"],
        4: ["new", "promising", "loyal", "champions", "champions"],
        3: ["promising", "promising", "loyal", "loyal", "loyal"],
        2: ["hibernating", "hibernating", "hibernating", "at_risk", "at_risk"],
        1: ["lost", "lost", "lost", "at_risk", "at_risk"],
    }
    cells = [
        {"recency": r, "frequency": f, "expected": name}
        for r, names in rules.items()
        for f, name in enumerate(names, start=1)
    ]
    scores = ibis.memtable(cells)
    found = scores.mutate(found=rfm_segment(scores.recency, scores.frequency)).to_pyarrow().to_pylist()
    assert len(found) == 25
    assert [row for row in found if row["found"] != row["expected"]] == []


def test_a_users_segment_is_that_of_recency_and_frequency_whatever_they_watched():
    rows = [
        user("here every day", days_since_last_play=0, active_days=30, watch_hours=0.0),
        user("tried it today", days_since_last_play=0, active_days=1, watch_hours=99.0),
        user("was here every day", days_since_last_play=300, active_days=30),
    ]
    found = segments_of([*rows, *(user(f"u{n}", days_since_last_play=100, active_days=5) for n in range(3))])
    assert [row["rfm_segment"] for row in found[:3]] == ["champions", "new", "at_risk"]


# Summary


def test_every_value_has_a_row_also_without_anybody():
    found = summary_of([])
    assert {segmentation: [segment for of, segment in found if of == segmentation] for segmentation in SEGMENTS} == {
        segmentation: sorted(segments) for segmentation, segments in SEGMENTS.items()
    }
    nobody = {"users": 0, "share": None, "watch_hours": None, "plays": 0, "avg_completion_pct": None}
    assert all(row == nobody for row in found.values())


def test_a_segment_without_users_among_others_has_a_share_of_0():
    found = summary_of([user(total_plays=7, watch_hours=2.0)])
    assert found["engagement", "heavy"] == {
        "users": 0,
        "share": 0.0,
        "watch_hours": None,
        "plays": 0,
        "avg_completion_pct": None,
    }
    assert found["engagement", "casual"]["share"] == 1.0


def test_a_segment_adds_up_its_users_and_its_completion_is_the_mean_over_their_plays():
    found = summary_of(
        [
            user("ann", total_plays=9, watch_hours=1.5, completion=90.0, n=1),
            user("bob", total_plays=5, watch_hours=2.0, completion=30.0, n=5),
            user("cem", total_plays=6),
            user("dan", total_plays=1, watch_hours=8.0, completion=80.0, n=1),
        ]
    )
    assert found["engagement", "casual"] == {
        "users": 3,
        "share": 0.75,
        "watch_hours": 3.5,
        "plays": 20,
        "avg_completion_pct": pytest.approx(40.0),
    }
    assert found["completion", "completionist"] == {
        "users": 2,
        "share": 0.5,
        "watch_hours": 9.5,
        "plays": 10,
        "avg_completion_pct": pytest.approx(85.0),
    }


def test_hours_and_completion_of_a_segment_are_null_where_none_of_its_users_has_a_known_one():
    found = summary_of([user("ann", total_plays=20), user("bob", total_plays=1, watch_hours=0.0, completion=0.0)])
    names = ("watch_hours", "avg_completion_pct")
    assert [found["engagement", "heavy"][name] for name in names] == [None, None]
    assert [found["engagement", "light"][name] for name in names] == [0.0, 0.0]


@settings(max_examples=15, deadline=None, phases=NO_SHRINKING)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 100), st.integers(0, 40)), min_size=1, max_size=20))
def test_every_user_and_play_is_in_one_segment_of_every_segmentation(population):
    rows = [
        user(f"u{number}", total_plays=plays, activity_span_days=span, days_since_last_play=since)
        for number, (plays, span, since) in enumerate(population)
    ]
    found = summary_of(rows)
    for segmentation in SEGMENTS:
        own = [row for (of, _segment), row in found.items() if of == segmentation]
        assert sum(row["users"] for row in own) == len(population)
        assert sum(row["plays"] for row in own) == sum(plays for plays, _span, _since in population)
        assert sum(row["share"] for row in own) == pytest.approx(1)
