"""The marts on titles, and by state, platform, genre and type: plain counts over the published plays."""

import pandas as pd
import pytest

from streaming_assets_tests.marts.conftest import Published

DAY = pd.Timedelta(days=1)
NAMES = ["title", "genre", "content_type"]
GROUPS = {
    "marts/state_metrics": "state",
    "marts/platform_metrics": "platform",
    "marts/genre_metrics": "genre",
    "marts/content_type_metrics": "content_type",
}


def plays_of(published: Published) -> pd.DataFrame:
    """core/plays, named as core/content names their titles."""
    content = published.frame("core/content")[["content_id", *NAMES]]
    return published.frame("core/plays").drop(columns=NAMES).merge(content, on="content_id", how="left")


def figures(plays: pd.DataFrame, by: list[str], users: str = "unique_users") -> pd.DataFrame:
    """Plays, users, hours watched and mean completion of each group; sums and means of nothing are unknown."""
    found = plays.groupby(by, dropna=False).agg(
        plays=("event_id", "size"),
        **{users: ("user_id", "nunique")},
        watch_seconds=("watch_seconds", lambda seconds: seconds.sum(min_count=1)),
        avg_completion_pct=("completion_pct", "mean"),
    )
    return found.assign(watch_hours=found.pop("watch_seconds") / 3600).reset_index()


def quantile(completions: pd.Series, q: float) -> float | None:
    """The completion of the q·n-th play, by counting up bins of five points and going evenly through the last."""
    wanted, known = q * completions.count(), completions.dropna().to_numpy()
    for low in range(0, 100, 5):
        is_last = low == 95
        inside = ((known >= low) & ((known < low + 5) | is_last)).sum()
        if inside and wanted <= inside:
            return low + 5 * wanted / inside
        wanted -= inside
    return None


def week_of_plays(plays: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    """Plays of each title in the 7 days that end with one, and 1 + the titles that have more."""
    days = plays[(plays.event_date > last - 7 * DAY) & (plays.event_date <= last)]
    counted = days.groupby("content_id").size().rename("plays").to_frame()
    return counted.assign(rank=counted.plays.rank(method="min", ascending=False))


def assert_same(found: pd.DataFrame, expected: pd.DataFrame, key: list[str]) -> None:
    def in_order(rows: pd.DataFrame) -> pd.DataFrame:
        numbers = rows.select_dtypes("number").columns.intersection(expected.columns)
        named = rows[list(expected.columns)].astype(dict.fromkeys(numbers, float)).astype(dict.fromkeys(key, object))
        named[key] = named[key].where(named[key].notna(), "unknown")
        return named.sort_values(key, key=lambda column: column.astype(str)).reset_index(drop=True)

    pd.testing.assert_frame_equal(in_order(found), in_order(expected), check_dtype=False, rtol=1e-9, atol=0)


@pytest.mark.parametrize(("mart", "by"), GROUPS.items())
def test_a_breakdown_is_a_count_of_the_published_plays(published: Published, mart: str, by: str):
    expected = figures(plays_of(published), [by], users="users")
    expected["plays_per_user"] = expected.plays / expected.users
    assert len(expected)
    assert_same(published.frame(mart), expected, [by])


def test_every_play_is_in_one_row_of_each_breakdown(published: Published):
    events = published.frame("core/events")
    plays = (events.event_type == "play").sum()
    assert {mart: published.frame(mart).plays.sum() for mart in GROUPS} == dict.fromkeys(GROUPS, plays)


def test_performance_is_a_count_of_each_titles_published_plays(published: Published):
    plays = plays_of(published)
    expected = figures(plays, ["content_id", *NAMES]).set_index("content_id")
    of_title = plays.groupby("content_id")
    week = week_of_plays(plays, published.as_of)
    for name, q in (("completion_p25", 0.25), ("completion_p50", 0.5), ("completion_p75", 0.75)):
        expected[name] = of_title.completion_pct.apply(quantile, q=q).astype(float)
    expected["first_play_date"] = of_title.event_date.min()
    expected["last_play_date"] = of_title.event_date.max()
    expected["plays_7d"] = week.plays.reindex(expected.index).fillna(0)
    expected["rank_7d"] = week["rank"].reindex(expected.index)
    assert_same(published.frame("marts/content_performance"), expected.reset_index(), ["content_id", *NAMES])


def test_histograms_hold_the_plays_of_known_completion_in_bins_of_five_points(published: Published):
    plays = plays_of(published)
    found = published.frame("marts/content_performance").set_index("content_id").completion_histogram
    expected = {content_id: [0] * 20 for content_id in plays.content_id.unique()}
    for content_id, completion in plays[["content_id", "completion_pct"]].dropna().itertuples(index=False):
        expected[content_id][min(int(completion // 5), 19)] += 1
    assert {content_id: list(histogram) for content_id, histogram in found.items()} == expected


def test_a_titles_states_are_a_count_of_its_published_plays(published: Published):
    key = ["content_id", "title", "state"]
    assert_same(published.frame("marts/content_by_state"), figures(plays_of(published), key), key)


def test_a_titles_hours_are_a_count_of_its_published_plays_of_the_last_28_days(published: Published):
    plays = plays_of(published)
    key = ["content_id", "title", "local_hour"]
    expected = figures(plays[plays.event_date > published.as_of - 28 * DAY], key)
    assert_same(published.frame("marts/content_by_hour"), expected, key)


def test_the_top_ten_are_the_titles_with_most_published_plays_in_seven_days(published: Published):
    plays = plays_of(published)
    titles = published.frame("core/content").set_index("content_id").title
    last_week = week_of_plays(plays, published.as_of - 7 * DAY)
    expected = (
        week_of_plays(plays, published.as_of)
        .reset_index()
        .sort_values(["rank", "content_id"])
        .head(10)
        .rename(columns={"plays": "plays_7d"})
    )
    expected["title"] = expected.content_id.map(titles)
    expected["plays_7d_week_before"] = expected.content_id.map(last_week.plays).fillna(0)
    expected["rank_week_before"] = expected.content_id.map(last_week["rank"])
    assert_same(published.frame("marts/top_content_7d"), expected, ["content_id", "title"])
