"""Titles: how far they are watched, when, where, and which lead the week."""

import datetime as dt
import math

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core, meta
from streaming_assets.contracts.marts import content as marts
from streaming_assets.transforms import content
from streaming_assets_tests.transforms.situations import at, rows_of, table

# Every example is several queries: shrinking a failure would take minutes and tell little more.
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
T = dt.date(2026, 3, 29)
QUARTILES = ("completion_p25", "completion_p50", "completion_p75")


def before(days):
    """So many days before T."""
    return T - dt.timedelta(days=days)


def bins(**plays):
    """A histogram from bin_<number>=plays."""
    return [plays.get(f"bin_{number}", 0) for number in range(20)]


def total(content_id="c", plays=1, histogram=None, hours=None, completion_pct_sum=0.0, **columns):
    """A row of meta/title_totals; without hours no watch time is known."""
    histogram = histogram or bins()
    known = {
        "content_id": content_id,
        "plays": plays,
        "watch_seconds": 3600.0 * (hours or 0),
        "plays_with_watch_time": 0 if hours is None else plays,
        "completion_pct_sum": float(completion_pct_sum),
        "completion_pct_n": sum(histogram),
        "completion_histogram": histogram,
        "first_date": T,
        "last_date": T,
    }
    return {**dict.fromkeys(meta.title_totals.column_names), **known, **columns}


def user_title(user_id, content_id="c", state=None):
    """A row of meta/user_titles."""
    return {
        "user_id": user_id,
        "content_id": content_id,
        "state": state,
        "plays": 1,
        "first_date": T,
        "last_event_at": at("12:00"),
    }


def title(content_id, **columns):
    """A row of core/content; what is not given is unknown."""
    return {**dict.fromkeys(core.content.column_names), "content_id": content_id, "is_derived": False, **columns}


def day(content_id, plays, days_before=0, **columns):
    """A row of core/content_daily, so many days before T."""
    known = {"content_id": content_id, "date": before(days_before), "plays": plays}
    return {**dict.fromkeys(core.content_daily.column_names), **known, **columns}


def play(user_id, hour, content_id="c", **columns):
    """A row of core/plays."""
    known = {"user_id": user_id, "content_id": content_id, "local_hour": hour}
    return {**dict.fromkeys(core.plays.column_names), **known, **columns}


def named(*inputs):
    """core/content for the titles of the rows, without a word about them."""
    return [title(content_id) for content_id in {row["content_id"] for rows in inputs for row in rows}]


def performance(totals, user_titles=(), titles=None, recent=()):
    made = content.content_performance(
        table(totals, meta.title_totals),
        table(user_titles or [user_title("ann", row["content_id"]) for row in totals], meta.user_titles),
        table(named(totals) if titles is None else titles, core.content),
        table(recent, core.content_daily),
        T,
    )
    return rows_of(made, marts.content_performance, "content_id")


def by_state(totals, user_titles, titles=None):
    made = content.content_by_state(
        table(totals, meta.title_totals),
        table(user_titles, meta.user_titles),
        table(named(totals) if titles is None else titles, core.content),
    )
    return rows_of(made, marts.content_by_state, ["content_id", "state"])


def by_hour(plays, titles=None):
    made = content.content_by_hour(
        table(plays, core.plays), table(named(plays) if titles is None else titles, core.content)
    )
    return rows_of(made, marts.content_by_hour, ["content_id", "local_hour"])


def top(recent, titles=None):
    made = content.top_content_7d(
        table(recent, core.content_daily), table(named(recent) if titles is None else titles, core.content), T
    )
    return rows_of(made, marts.top_content_7d, ["rank", "content_id"])


def shown(row, *names):
    return tuple(row[name] for name in names)


# Performance


def test_a_titles_performance_is_over_all_its_states_and_platforms():
    (found,) = performance(
        [
            total(plays=3, hours=1.5, histogram=bins(bin_1=1, bin_19=2), completion_pct_sum=205, state="CA", platform="tv", first_date=before(40), last_date=before(9)),
            total(plays=2, hours=0.5, histogram=bins(bin_1=1), completion_pct_sum=7, state="NY", platform="tv", first_date=before(60), last_date=before(60)),
            total(plays=1, state=None, platform=None, first_date=before(3), last_date=before(3)),
        ],
        [user_title("ann", state="CA"), user_title("ann", state="NY"), user_title("ann"), user_title("ben", state="CA")],
        [title("c", title="Casablanca", genre="drama", content_type="film"), title("unplayed")],
    )  # fmt: skip
    figures = (
        "content_id",
        "title",
        "content_type",
        "genre",
        "plays",
        "unique_users",
        "watch_hours",
        "avg_completion_pct",
    )
    assert shown(found, *figures) == ("c", "Casablanca", "film", "drama", 6, 2, 2.0, 53.0)
    assert found["completion_histogram"] == bins(bin_1=2, bin_19=2)
    assert shown(found, "first_play_date", "last_play_date") == (before(60), before(3))


def test_of_a_title_of_unknown_length_and_watch_time_only_plays_and_users_are_told():
    (found,) = performance([total(plays=4)])
    assert shown(found, "plays", "unique_users", "watch_hours", "avg_completion_pct", *QUARTILES) == (
        4, 1, None, None, None, None, None,
    )  # fmt: skip
    assert found["completion_histogram"] == bins()


@pytest.mark.parametrize(
    ("histogram", "quartiles"),
    [
        (bins(bin_0=4), (1.25, 2.5, 3.75)),
        (bins(bin_8=1), (41.25, 42.5, 43.75)),
        (bins(bin_19=200), (96.25, 97.5, 98.75)),
        # Of ten plays, the 2.5th is the second half of bin 2's last, the 5th ends bin 2, the 7.5th is in bin 18.
        (bins(bin_0=1, bin_2=4, bin_18=5), (10 + 5 * 1.5 / 4, 15.0, 90 + 5 * 2.5 / 5)),
        (bins(bin_3=1, bin_19=3), (20.0, 95 + 5 / 3, 95 + 10 / 3)),
        ([1] * 20, (25.0, 50.0, 75.0)),
    ],
)
def test_quartiles_lie_in_the_bin_of_their_play_as_far_as_it_is_among_the_bins_plays(histogram, quartiles):
    (found,) = performance([total(plays=300, histogram=histogram)])
    assert shown(found, *QUARTILES) == pytest.approx(quartiles, rel=1e-12)


def test_the_seven_days_end_with_t_and_equal_plays_rank_equal():
    recent = [
        day("a", 3, 0), day("a", 2, 6, state="CA"),
        day("b", 5, 3),
        day("c", 4, 1), day("c", 90, 7),
        day("old", 90, 7),
    ]  # fmt: skip
    found = performance([total(name) for name in ("a", "b", "c", "old", "older")], recent=recent)
    assert [shown(row, "content_id", "plays_7d", "rank_7d") for row in found] == [
        ("a", 5, 1), ("b", 5, 1), ("c", 4, 3), ("old", 0, None), ("older", 0, None),
    ]  # fmt: skip


def test_without_plays_there_is_no_performance():
    assert performance([], titles=[title("unplayed")]) == []


# States


def test_a_title_has_figures_in_each_state_and_where_the_state_is_unknown():
    found = by_state(
        [
            total(plays=3, hours=1, state="CA", platform="tv", histogram=bins(bin_8=1), completion_pct_sum=44),
            total(plays=1, hours=1, state="CA", platform=None),
            total(plays=2, platform="tv"),
            total(plays=1, platform="web"),
            total("d", plays=1),
        ],
        [
            user_title("ann", state="CA"),
            user_title("ben", state="CA"),
            user_title("ann"),
            user_title("cem", "d"),
        ],
        [title("c", title="Casablanca"), title("d")],
    )
    figures = ("content_id", "title", "state", "plays", "unique_users", "watch_hours", "avg_completion_pct")
    assert {shown(row, *figures) for row in found} == {
        ("c", "Casablanca", "CA", 4, 2, 2.0, 44.0),
        ("c", "Casablanca", None, 3, 1, None, None),
        ("d", None, None, 1, 1, None, None),
    }


def test_without_plays_no_title_has_a_state():
    assert by_state([], [], [title("unplayed")]) == []


# Hours


def test_a_title_has_figures_in_each_hour_of_the_clock_in_which_plays_start():
    found = by_hour(
        [
            play("ann", 20, watch_seconds=1800.0, completion_pct=100.0),
            play("ann", 20, watch_seconds=900.0, completion_pct=50.0),
            play("ben", 20),
            play("ben", 0, watch_seconds=0.0),
            play("cem", 20, "d"),
        ],
        [title("c", title="Casablanca"), title("d")],
    )
    figures = ("content_id", "title", "local_hour", "plays", "unique_users", "watch_hours", "avg_completion_pct")
    assert [shown(row, *figures) for row in found] == [
        ("c", "Casablanca", 0, 1, 1, 0.0, None),
        ("c", "Casablanca", 20, 3, 2, 0.75, 75.0),
        ("d", None, 20, 1, 1, None, None),
    ]


def test_without_plays_no_title_has_an_hour():
    assert by_hour([], [title("unplayed")]) == []


# The week's top ten


def test_the_top_titles_are_ranked_beside_the_week_before():
    found = top(
        [
            day("a", 4, 0), day("a", 6, 6), day("a", 1, 7),
            day("b", 7, 2), day("b", 8, 7), day("b", 1, 13),
            day("new", 3, 0),
            day("gone", 50, 8),
        ],
        [title("a", title="Alien"), title("b"), title("new"), title("gone")],
    )  # fmt: skip
    figures = ("rank", "content_id", "title", "plays_7d", "plays_7d_week_before", "rank_week_before")
    assert [shown(row, *figures) for row in found] == [
        (1, "a", "Alien", 10, 1, 3),
        (2, "b", None, 7, 9, 2),
        (3, "new", None, 3, 0, None),
    ]


def test_of_titles_equal_at_the_tenth_place_the_smallest_id_is_shown():
    found = top([day("z", 9), *(day(f"c{number:02}", 2) for number in range(14, 0, -1))])
    assert [shown(row, "rank", "content_id") for row in found] == [
        (1, "z"), *((2, f"c{number:02}") for number in range(1, 10)),
    ]  # fmt: skip


def test_plays_in_several_places_and_days_count_together():
    found = top([day("a", 1, 0, state="CA"), day("a", 1, 0), day("a", 1, 3, platform="tv"), day("b", 2)])
    assert [shown(row, "rank", "content_id", "plays_7d") for row in found] == [(1, "a", 3), (2, "b", 2)]


def test_a_week_without_plays_has_no_top():
    assert top([]) == []
    assert top([day("a", 5, 7)]) == []


# All of them


def plain_quantile(histogram, q):
    """The completion of the q·n-th play when those of a bin are laid out evenly in it, by walking through the bins."""
    left = q * sum(histogram)
    for number, inside in enumerate(histogram):
        if inside and left <= inside:
            return 5 * number + 5 * left / inside
        left -= inside
    return None


@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
@given(
    histograms=st.lists(st.lists(st.sampled_from([0, 0, 1, 2, 7]), min_size=20, max_size=20), min_size=3, max_size=6)
)
def test_quartiles_equal_a_walk_through_the_bins_and_lie_in_order(histograms):
    found = performance([total(f"c{number}", histogram=histogram) for number, histogram in enumerate(histograms)])
    for row, histogram in zip(found, histograms, strict=True):
        quartiles = shown(row, *QUARTILES)
        assert quartiles == pytest.approx(tuple(plain_quantile(histogram, q) for q in (0.25, 0.5, 0.75)))
        if any(histogram):
            assert list(quartiles) == sorted(quartiles)
            assert all(math.isfinite(value) and 0 <= value <= 100 for value in quartiles)


@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
@given(
    recent=st.lists(
        st.builds(day, st.sampled_from([f"c{n:02}" for n in range(15)]), st.integers(1, 3), st.integers(0, 13)),
        max_size=30,
    )
)
def test_ranks_are_one_more_than_the_titles_with_more_plays(recent):
    def week(newest):
        plays = {}
        for row in recent:
            if newest <= (T - row["date"]).days < newest + 7:
                plays[row["content_id"]] = plays.get(row["content_id"], 0) + row["plays"]
        return {name: (own, 1 + sum(other > own for other in plays.values())) for name, own in plays.items()}

    this, last = week(0), week(7)
    ranked = sorted((rank, name, plays) for name, (plays, rank) in this.items())[:10]
    assert [
        shown(row, "rank", "content_id", "plays_7d", "plays_7d_week_before", "rank_week_before") for row in top(recent)
    ] == [(rank, name, plays, *last.get(name, (0, None))) for rank, name, plays in ranked]
