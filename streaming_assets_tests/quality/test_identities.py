"""What the checks on marts let pass, and what they find."""

import datetime as dt
from typing import Any

import ibis
import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets.quality.identities import identities

MONDAY = dt.date(2026, 3, 2)
Rows = list[dict[str, Any]]
OF_MARTS = [check for check in identities() if check.asset.startswith("marts/")]


def day(number: int) -> dt.date:
    return MONDAY + dt.timedelta(days=number)


def lifecycle(key: str) -> Rows:
    """Three periods: two users come, one stays and one new joins, then the one who left is back."""
    keys = (
        {"date": day(0), "week_start": day(0)},
        {"date": day(1), "week_start": day(7)},
        {"date": day(2), "week_start": day(14)},
    )
    figures = [(2, 2, 0, 0, 0), (2, 1, 1, 0, 1), (2, 0, 1, 1, 1)]
    names = ("active", "new", "returning", "resurrecting", "dormant")
    return [{key: at[key], **dict(zip(names, values, strict=True))} for at, values in zip(keys, figures, strict=True)]


def retention(**segments: tuple[int, int, int]) -> Rows:
    """n = 1: (eligible, exact, rolling) by segment, and all of them together."""
    everyone = tuple(map(sum, zip(*segments.values(), strict=True)))
    return [
        {
            "breakdown": breakdown,
            "segment": segment,
            "mode": mode,
            "n": 1,
            "n_eligible": eligible,
            "n_retained": retained,
        }
        for breakdown, segment, (eligible, exact, rolling) in [
            ("overall", "all", everyone),
            *(("plan", segment, figures) for segment, figures in segments.items()),
        ]
        for mode, retained in (("exact", exact), ("rolling", rolling))
    ]


TRUE: dict[str, Rows] = {
    "core/user_daily": [{"user_id": u, "date": day(0), "plays": n} for u, n in (("ann", 2), ("ben", 3))],
    "marts/platform_daily": [
        {"date": day(0), "plays": 5, "active_users": 2, "sessions": 2, "new_users": 2},
        {"date": day(1), "plays": 0, "active_users": 0, "sessions": 0, "new_users": 0},
    ],
    "marts/platform_weekly": [{"week_start": day(0), "plays": 5, "sessions": 2, "new_users": 2}],
    "marts/active_users": [{"date": day(0), "dau": 2}, {"date": day(1), "dau": 0}],
    "marts/lifecycle_daily": lifecycle("date"),
    "marts/lifecycle_weekly": lifecycle("week_start"),
    **{
        f"marts/{name}": [{"plays": 4}, {"plays": 1}]
        for name in (
            "state_metrics", "platform_metrics", "genre_metrics", "content_type_metrics", "content_performance",
            "content_by_state",
        )
    },
    "marts/user_metrics": [{"user_id": "ann", "total_plays": 2}, {"user_id": "ben", "total_plays": 3}],
    "marts/user_segments": [{"user_id": "ann"}, {"user_id": "ben"}],
    "marts/segment_summary": [
        {"segmentation": "engagement", "segment": "light", "users": 2},
        {"segmentation": "completion", "segment": "unknown", "users": 1},
        {"segmentation": "completion", "segment": "engaged", "users": 1},
    ],
    "marts/retention": retention(free=(3, 1, 2), premium=(2, 2, 2)),
    "marts/cohort_retention": [
        {"cohort_period": "week", "cohort": cohort, "n": 1, "n_eligible": eligible, "n_retained": retained}
        for cohort, eligible, retained in (("2026-W10", 2, 1), ("2026-W11", 3, 3), ("all", 5, 4))
    ],
    "marts/survival": [
        {"day": 0, "n_at_risk": 4, "n_lost": 0, "n_censored": 1, "survival": 1.0},
        {"day": 1, "n_at_risk": 3, "n_lost": 1, "n_censored": 0, "survival": 2 / 3},
        {"day": 2, "n_at_risk": 2, "n_lost": 0, "n_censored": 2, "survival": 2 / 3},
    ],
}  # fmt: skip

BROKEN = [
    ("plays_reconcile_with_user_daily", "marts/platform_daily", 0, {"plays": 6}),
    ("weeks_add_up_to_days", "marts/platform_weekly", 0, {"sessions": 1}),
    ("dau_is_the_active_users_of_the_day", "marts/active_users", 1, {"dau": 1}),
    ("active_users_are_new_returning_or_resurrecting", "marts/lifecycle_daily", 1, {"new": 2}),
    ("users_of_the_period_before_return_or_are_dormant", "marts/lifecycle_daily", 2, {"dormant": 0}),
    ("active_users_are_new_returning_or_resurrecting", "marts/lifecycle_weekly", 0, {"active": 3}),
    ("users_of_the_period_before_return_or_are_dormant", "marts/lifecycle_weekly", 1, {"dormant": 2}),
    ("plays_add_up_to_those_of_the_platform", "marts/state_metrics", 0, {"plays": 5}),
    ("plays_add_up_to_those_of_the_platform", "marts/platform_metrics", 0, {"plays": 3}),
    ("plays_add_up_to_those_of_the_platform", "marts/genre_metrics", 1, {"plays": 0}),
    ("plays_add_up_to_those_of_the_platform", "marts/content_type_metrics", 1, {"plays": 2}),
    ("plays_add_up_to_those_of_the_platform", "marts/content_performance", 0, {"plays": 1}),
    ("plays_add_up_to_those_of_the_platform", "marts/content_by_state", 0, {"plays": 9}),
    ("plays_add_up_to_those_of_the_platform", "marts/user_metrics", 0, {"total_plays": 1}),
    ("users_are_those_of_user_metrics", "marts/user_segments", 0, {"user_id": "cem"}),
    ("every_user_is_in_one_segment_of_each_kind", "marts/segment_summary", 2, {"users": 2}),
    ("retained_users_are_eligible_and_rolling_is_at_least_exact", "marts/retention", 0, {"n_retained": 5}),
    ("retained_users_are_eligible_and_rolling_is_at_least_exact", "marts/retention", 1, {"n_retained": 6}),
    ("segments_add_up_to_all_users", "marts/retention", 2, {"n_eligible": 4}),
    ("cohorts_add_up_to_all_users", "marts/cohort_retention", 2, {"n_retained": 5}),
    ("who_is_no_longer_at_risk_was_lost_or_censored", "marts/survival", 1, {"n_at_risk": 4}),
    ("who_is_no_longer_at_risk_was_lost_or_censored", "marts/survival", 2, {"survival": 0.9}),
]


def violations(name: str, asset: str, tables: dict[str, Rows]) -> Rows:
    (check,) = [found for found in identities() if (found.name, found.asset) == (name, asset)]

    def read(table: str, _days: None) -> ibis.Table:
        schema = contracts.ALL[table].schema
        return ibis.memtable(pa.Table.from_pylist(tables.get(table, []), schema=schema.to_pyarrow()), schema=schema)

    return check.violated(read, None).to_pyarrow().to_pylist()


@pytest.mark.parametrize("check", OF_MARTS, ids=lambda check: f"{check.asset}-{check.name}")
def test_numbers_that_agree_pass_and_so_do_empty_tables(check):
    assert violations(check.name, check.asset, TRUE) == []
    assert violations(check.name, check.asset, {}) == []


@pytest.mark.parametrize(("name", "asset", "row", "change"), BROKEN)
def test_a_number_that_does_not_is_found(name, asset, row, change):
    rows = [{**found, **change} if number == row else found for number, found in enumerate(TRUE[asset])]
    assert violations(name, asset, {**TRUE, asset: rows}) != []


def test_there_is_a_broken_case_for_every_check():
    assert {(name, asset) for name, asset, *_ in BROKEN} == {(check.name, check.asset) for check in OF_MARTS}
