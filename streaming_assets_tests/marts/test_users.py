"""The marts on users and their segments, re-computed in plain pandas from plays, other events and sessions."""

import numpy as np
import pandas as pd
import pytest

from streaming_assets_tests.marts.conftest import Published

DAY = pd.Timedelta(days=1)
NOT_A_NUMBER = ["first_play_date", "last_play_date", "favourite_genre", "favourite_content_id", "cohort_month"]
SEGMENTS = {
    "engagement": ["heavy", "regular", "casual", "light"],
    "completion": ["completionist", "engaged", "selective", "browser", "unknown"],
    "lifecycle_stage": ["single_day", "one_week", "one_month", "three_months", "three_months_plus"],
    "rfm_segment": ["champions", "loyal", "promising", "new", "at_risk", "hibernating", "lost"],
}
# rows: recency score 1 … 5, columns: frequency score 1 … 5
RFM = {
    1: ["lost", "lost", "lost", "at_risk", "at_risk"],
    2: ["hibernating", "hibernating", "hibernating", "at_risk", "at_risk"],
    3: ["promising", "promising", "loyal", "loyal", "loyal"],
    4: ["new", "promising", "loyal", "champions", "champions"],
    5: ["new", "promising", "loyal", "champions", "champions"],
}


@pytest.fixture
def plays(published: Published) -> pd.DataFrame:
    """core/plays with the genre that core/content gives their titles."""
    genres = published.frame("core/content").set_index("content_id").genre
    found = published.frame("core/plays")
    return found.assign(genre=found.content_id.map(genres))


@pytest.fixture
def metrics(published: Published) -> pd.DataFrame:
    return published.frame("marts/user_metrics").set_index("user_id").sort_index()


@pytest.fixture
def segments(published: Published) -> pd.DataFrame:
    return published.frame("marts/user_segments").set_index("user_id").sort_index()


def favourite(plays: pd.DataFrame, attribute: str) -> pd.Series:
    """By user the value with most plays; of these the one played last, of these the greatest."""
    counted = plays.groupby(["user_id", attribute]).started_at.agg(["size", "max"]).reset_index()
    return counted.sort_values(["size", "max", attribute]).groupby("user_id")[attribute].last()


def score(values: pd.Series) -> pd.Series:
    """1 + min(4, the whole fifths of the others that are worse), the higher the better."""
    known = np.sort(values.dropna().to_numpy())
    others = max(len(known) - 1, 1)
    return values.map(lambda value: 1 + min(4, 5 * int(np.searchsorted(known, value)) // others), na_action="ignore")


def named(values: pd.Series, least: dict[str, float], otherwise: str) -> pd.Series:
    """The first name whose least value is reached."""
    return values.map(lambda value: next((name for name, limit in least.items() if value >= limit), otherwise))


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Numbers to 1e-9, all else exactly; unknown where unknown is expected."""
    assert set(found.columns) == set(expected.columns)
    numbers = [name for name in expected.columns if name not in NOT_A_NUMBER]
    pd.testing.assert_frame_equal(
        found[numbers].astype(float), expected[numbers].astype(float), rtol=1e-9, atol=0, check_index_type=False
    )
    for name in expected.columns.difference(numbers):
        both_unknown = found[name].isna() & expected[name].isna()
        assert (both_unknown | (found[name] == expected[name])).all(), name


def test_user_metrics_are_those_of_the_plays_taken_together_by_user(
    published: Published, plays: pd.DataFrame, metrics: pd.DataFrame
):
    events, sessions = published.frame("core/events"), published.frame("core/sessions")
    of_user = plays.groupby("user_id")
    expected = pd.DataFrame({"total_plays": of_user.size()})

    def counted(rows: pd.DataFrame) -> pd.Series:
        return rows.groupby("user_id").size().reindex(expected.index, fill_value=0)

    expected["total_sessions"] = counted(sessions)
    expected["watch_hours"] = of_user.watch_seconds.sum(min_count=1) / 3600
    expected["avg_watch_minutes"] = of_user.watch_seconds.mean() / 60
    expected["avg_completion_pct"] = of_user.completion_pct.mean()
    expected["plays_with_completion"] = of_user.completion_pct.count()
    expected["distinct_content"] = of_user.content_id.nunique()
    expected["distinct_genres"] = of_user.genre.nunique()
    expected["first_play_date"] = of_user.event_date.min()
    expected["last_play_date"] = of_user.event_date.max()
    expected["activity_span_days"] = (expected.last_play_date - expected.first_play_date).dt.days
    expected["active_days"] = of_user.event_date.nunique()
    expected["avg_session_minutes"] = sessions.groupby("user_id").duration_seconds.mean() / 60
    expected["sessions_per_active_day"] = expected.total_sessions / expected.active_days
    skips = counted(events[events.event_type == "skip"]) + counted(plays[plays.is_skip])
    expected["skip_rate"] = skips / expected.total_plays
    known = plays[plays.was_recommended.notna()]
    expected["recommended_share"] = known.was_recommended.astype(float).groupby(known.user_id).mean()
    stops = of_user.buffer_events.sum(min_count=1)
    expected["buffer_events_per_hour"] = stops / expected.watch_hours.where(expected.watch_hours > 0)
    expected["days_since_last_play"] = (published.as_of - expected.last_play_date).dt.days
    expected["plays_7d"] = counted(plays[plays.event_date > published.as_of - 7 * DAY])
    expected["plays_28d"] = counted(plays[plays.event_date > published.as_of - 28 * DAY])
    expected["favourite_genre"] = favourite(plays.dropna(subset="genre"), "genre")
    expected["favourite_content_id"] = favourite(plays, "content_id")
    expected["cohort_month"] = expected.first_play_date.dt.strftime("%Y-%m")
    assert len(expected)
    assert_same(metrics, expected)


def test_scores_count_the_fifths_of_the_other_users_who_are_worse(metrics: pd.DataFrame, segments: pd.DataFrame):
    expected = pd.DataFrame(
        {
            "recency_score": score(-metrics.days_since_last_play),
            "frequency_score": score(metrics.active_days),
            "monetary_score": score(metrics.watch_hours.round(9)),
        }
    )
    assert_same(segments[list(expected.columns)], expected)


def test_segments_are_those_of_the_users_metrics(metrics: pd.DataFrame, segments: pd.DataFrame):
    plays, completion = metrics.total_plays, metrics.avg_completion_pct.round(9)
    engagement = named(plays, {"heavy": 20, "regular": 10, "casual": 5}, "light")
    by_completion = named(completion, {"completionist": 80, "engaged": 60, "selective": 40}, "browser")
    later_stages = {"three_months_plus": 91, "three_months": 31, "one_month": 8, "one_week": 1}
    scores = [segments[f"{name}_score"].astype("Int64") for name in ("recency", "frequency", "monetary")]
    expected = {
        "engagement": engagement,
        "completion": by_completion.where(completion.notna(), "unknown"),
        "lifecycle_stage": named(metrics.activity_span_days, later_stages, "single_day"),
        "rfm_code": sum((digit.astype("string").fillna("-") for digit in scores[1:]), scores[0].astype("string")),
        "rfm_segment": pd.Series([RFM[r][f - 1] for r, f in zip(*scores[:2], strict=True)], segments.index),
    }
    assert {name: int((segments[name] != values).sum()) for name, values in expected.items()} == dict.fromkeys(
        expected, 0
    )


def test_the_summary_adds_up_the_plays_of_each_segments_users(
    published: Published, plays: pd.DataFrame, segments: pd.DataFrame
):
    rows = []
    for segmentation, values in SEGMENTS.items():
        segment_of_play = plays.user_id.map(segments[segmentation])
        for segment in values:
            own, users = plays[segment_of_play == segment], (segments[segmentation] == segment).sum()
            rows.append(
                {
                    "segmentation": segmentation,
                    "segment": segment,
                    "users": users,
                    "share": users / len(segments),
                    "watch_hours": own.watch_seconds.sum(min_count=1) / 3600,
                    "plays": len(own),
                    "avg_completion_pct": own.completion_pct.mean(),
                }
            )
    key = ["segmentation", "segment"]
    found = published.frame("marts/segment_summary").set_index(key).sort_index()
    assert_same(found, pd.DataFrame(rows).set_index(key).sort_index())
