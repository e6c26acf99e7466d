"""Retention as published, against a plain recount of the events."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from streaming_assets_tests.marts.conftest import Published

KEY = ["breakdown", "segment", "mode", "n"]
COHORT_KEY = ["cohort_period", "cohort", "n"]


def plays_of(published: Published) -> pd.DataFrame:
    """Plays up to T, with the user's D0 and the day counted from it."""
    events = published.frame("core/events")
    plays = events[(events.event_type == "play") & (events.event_date <= published.as_of)].copy()
    plays["d0"] = plays.groupby("user_id").event_date.transform("min")
    plays["day"] = (plays.event_date - plays.d0).dt.days
    return plays


def most_frequent(plays: pd.DataFrame, attribute: str) -> pd.Series:
    """Of every user: the value of most of the plays, ties to the latest, then to the greatest text."""
    known = plays.dropna(subset=[attribute])
    counted = known.groupby(["user_id", attribute]).started_at.agg(["size", "max"]).reset_index()
    return counted.sort_values(["size", "max", attribute]).groupby("user_id")[attribute].last()


def records_on_day_zero(published: Published, users: pd.DataFrame) -> pd.DataFrame:
    """Of every user with one: the record that holds at the end of D0, else the earliest."""
    calendar = published.frame("core/calendar").set_index("date").ends_at
    records = published.frame("core/users").query("not is_derived").sort_values("valid_from")
    chosen = {}
    for user_id, own in records[records.user_id.isin(users.index)].groupby("user_id"):
        holding = own[own.valid_from < calendar[users.d0[user_id]]]
        chosen[user_id] = holding.iloc[-1] if len(holding) else own.iloc[0]
    return pd.DataFrame.from_dict(chosen, orient="index", columns=records.columns)


def genres_of_first_week(plays: pd.DataFrame, content: pd.DataFrame) -> pd.Series:
    met = plays[plays.day < 7].drop_duplicates(["user_id", "content_id"])
    genre = met.content_id.map(content.set_index("content_id").genre)
    return genre.groupby(met.user_id).nunique()


def users_with_segments(published: Published, plays: pd.DataFrame) -> pd.DataFrame:
    users = plays.groupby("user_id").agg(d0=("d0", "first"), last_day=("day", "max"))
    users["days_known"] = (published.as_of - users.d0).dt.days
    first = plays[plays.day == 0]
    records = records_on_day_zero(published, users)
    explored = genres_of_first_week(plays, published.frame("core/content")).reindex(users.index)
    users["overall"] = "all"
    users["platform"] = most_frequent(first, "platform").reindex(users.index)
    users["country"] = records.country.reindex(users.index).fillna(most_frequent(first, "country"))
    users["plan"] = records.plan.reindex(users.index)
    users["first_week_genres"] = explored.map(
        lambda genres: None if genres == 0 else "4+" if genres >= 4 else str(int(genres))
    )
    return users.fillna(dict.fromkeys(("platform", "country", "plan", "first_week_genres"), "unknown"))


def recounted(users: pd.DataFrame, plays: pd.DataFrame) -> pd.DataFrame:
    active = set(zip(plays.user_id, plays.day, strict=True))
    rows = []
    for n in (1, 3, 7, 14, 30, 60, 90):
        eligible = users.days_known >= n
        on_the_day = pd.Series([(user_id, n) in active for user_id in users.index], users.index)
        for mode, back in (("exact", on_the_day), ("rolling", users.last_day >= n)):
            for breakdown in ("overall", "platform", "country", "plan", "first_week_genres"):
                if breakdown == "first_week_genres" and n < 7:
                    continue
                for segment, own in users.groupby(breakdown):
                    known = eligible[own.index]
                    k, of = int((known & back[own.index]).sum()), int(known.sum())
                    interval = binomtest(k, of).proportion_ci(method="wilson") if of else (np.nan, np.nan)
                    rate = k / of if of else np.nan
                    rows.append((breakdown, segment, mode, n, of, k, rate, *interval, of == len(own)))
    columns = [*KEY, "n_eligible", "n_retained", "rate", "rate_low", "rate_high", "is_complete"]
    return pd.DataFrame(rows, columns=columns)


def recounted_cohorts(published: Published, users: pd.DataFrame, plays: pd.DataFrame) -> pd.DataFrame:
    watched = published.frame("core/plays").set_index(["event_date", "event_id"]).watch_seconds
    plays = plays.assign(
        watched=watched.reindex(pd.MultiIndex.from_frame(plays[["event_date", "event_id"]])).to_numpy()
    )
    week = users.d0.dt.isocalendar()
    names = {
        "week": week.year.astype(str) + "-W" + week.week.astype(str).str.zfill(2),
        "month": users.d0.dt.strftime("%Y-%m"),
    }
    rows = []
    for kind, length in (("week", 7), ("month", 30)):
        cohorts = {"all": users.index, **users.groupby(names[kind]).groups}
        plays["period"] = plays.day // length
        ended = (users.days_known + 1) // length
        inside = plays[plays.period < plays.user_id.map(ended)]
        per_user = {
            period: own.groupby("user_id").agg(
                plays=("day", "size"), seconds=("watched", "sum"), known=("watched", "count")
            )
            for period, own in inside.groupby("period")
        }
        nobody = pd.DataFrame({"plays": [], "seconds": [], "known": []})
        for cohort, members in cohorts.items():
            for n in range(ended[members].max()):
                eligible = members[ended[members] > n]
                back = per_user.get(n, nobody)
                back = back[back.index.isin(eligible)]
                of, k, played = len(eligible), len(back), back.plays.sum()
                unknown = played > 0 and back.known.sum() == 0
                hours = np.nan if unknown else back.seconds.sum() / 3600 / of
                rows.append((kind, cohort, n, len(members), of, k, k / of, of == len(members), hours, played / of))
    columns = ["size", "n_eligible", "n_retained", "rate", "is_complete", "avg_watch_hours", "avg_plays"]
    return pd.DataFrame(rows, columns=[*COHORT_KEY, *columns])


def assert_same(found: pd.DataFrame, expected: pd.DataFrame, key: list[str]) -> None:
    found, expected = (frame.set_index(key, verify_integrity=True).sort_index() for frame in (found, expected))
    pd.testing.assert_frame_equal(
        found[expected.columns],
        expected,
        check_dtype=False,
        check_index_type=False,
        check_column_type=False,
        rtol=1e-9,
        atol=1e-12,
    )


def test_retention_equals_a_recount_of_the_plays(published: Published):
    plays = plays_of(published)
    expected = recounted(users_with_segments(published, plays), plays)
    assert len(expected) > 14
    assert_same(published.frame("marts/retention"), expected, KEY)


def test_cohort_retention_equals_a_recount_of_the_plays(published: Published):
    plays = plays_of(published)
    expected = recounted_cohorts(published, users_with_segments(published, plays), plays)
    assert set(expected.cohort_period) == {"week", "month"}
    assert_same(published.frame("marts/cohort_retention"), expected, COHORT_KEY)


def test_all_cohorts_together_are_their_users_pooled(published: Published):
    cohorts = published.frame("marts/cohort_retention")
    single = cohorts[cohorts.cohort != "all"].groupby(["cohort_period", "n"])[["n_eligible", "n_retained"]].sum()
    pooled = cohorts[cohorts.cohort == "all"].set_index(["cohort_period", "n"])[["n_eligible", "n_retained"]]
    pd.testing.assert_frame_equal(single, pooled.sort_index(), check_dtype=False)
