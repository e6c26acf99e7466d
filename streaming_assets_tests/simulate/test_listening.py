import pandas as pd
import pytest

from .recount import usable_events


@pytest.fixture(scope="module")
def plays(landed):
    """Distinct plays by user and time, with their end and the latest end before them."""
    events = usable_events(landed)
    plays = events[events["event_type"] == "play"].sort_values(["user_id", "started_at"])
    plays["ended_at"] = plays["started_at"] + pd.to_timedelta(plays["watch_seconds"].fillna(0), unit="s")
    latest_end = plays.groupby("user_id")["ended_at"].cummax()
    plays["busy_until"] = latest_end.groupby(plays["user_id"]).shift()
    return plays


def local_hours(plays):
    return pd.concat(
        [
            part["started_at"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.hour
            for zone, part in plays.groupby("timezone")
        ]
    )


def test_activity_peaks_in_the_evening_of_the_users_own_time_zone(plays):
    by_hour = local_hours(plays).value_counts()
    assert 18 <= by_hour.idxmax() <= 22
    assert 1 <= by_hour.idxmin() <= 6
    assert by_hour.max() > 4 * by_hour.min()
    for zone in ("America/Los_Angeles", "Europe/Berlin"):
        # Half of the day from noon on holds most plays, wherever the user lives.
        assert (local_hours(plays[plays["timezone"] == zone]) >= 12).mean() > 0.6


def test_weekends_are_busier_than_the_middle_of_the_week(plays):
    by_weekday = plays.groupby(plays["started_at"].dt.dayofweek).size()
    assert by_weekday[[5, 6]].mean() > 1.15 * by_weekday[[1, 2]].mean()


def test_plays_follow_one_another_after_a_short_pause(plays):
    pause = (plays["started_at"] - plays["busy_until"]).dt.total_seconds()
    in_a_row = pause.between(0, 1800)
    assert 0.5 < in_a_row.mean() < 0.9
    assert pause[in_a_row].median() < 120


def test_plays_go_on_to_the_next_episode(plays):
    series = plays[plays["content_type"] == "series"]
    title, episode = series["content_id"].str.slice(0, 5), series["content_id"].str.slice(6)
    follows = (title == title.shift()) & (series["user_id"] == series["user_id"].shift())
    step = episode.astype(int).diff()[follows]
    assert (step == 1).mean() > 0.7


def test_many_plays_are_longer_than_the_session_gap(plays):
    assert 0.2 < (plays["watch_seconds"] > 1800).mean() < 0.7


def test_some_users_play_through_a_whole_day_without_a_break(plays):
    gap = pd.Timedelta(minutes=30)
    run = (plays["started_at"] > plays["busy_until"] + gap).groupby(plays["user_id"]).cumsum()
    runs = plays.groupby(["user_id", run]).agg(begin=("started_at", "min"), end=("ended_at", "max"))
    first_midnight = runs["begin"].dt.ceil("D")
    assert (runs["end"] >= first_midnight + pd.Timedelta(days=1)).any()


def test_most_plays_are_completed_and_some_are_left_early(plays):
    watched = (plays["watch_seconds"] / plays["content_seconds"]).dropna()
    assert watched.max() <= 1.01
    assert 0.5 < (watched > 0.9).mean() < 0.75
    assert 0.1 < (watched < 0.15).mean() < 0.25


def test_lengths_are_mostly_and_watch_times_nearly_always_known(plays):
    assert 0.93 < plays["content_seconds"].notna().mean() < 0.97
    assert 0.99 < plays["watch_seconds"].notna().mean() < 1


def test_a_few_users_make_a_large_share_of_the_plays(plays):
    per_user = plays.groupby("user_id").size().sort_values(ascending=False)
    assert per_user.head(len(per_user) // 10).sum() / per_user.sum() > 0.3


def test_users_keep_to_a_few_genres(plays):
    heavy = plays.groupby("user_id").filter(lambda own: len(own) >= 30)
    share_of_favourite = heavy.groupby("user_id")["genre"].agg(
        lambda genres: genres.value_counts(normalize=True).iloc[0]
    )
    assert share_of_favourite.median() > 0.3


def test_users_join_over_time(plays):
    first_play = plays.groupby("user_id")["date"].min()
    assert ((first_play - first_play.min()).map(lambda late: late.days) > 10).mean() > 0.1


def test_states_are_those_of_the_united_states_only(plays):
    assert plays["state"].notna().equals(plays["country"] == "US")
    assert set(plays["platform"]) == {"ios", "android", "web", "tv"}
