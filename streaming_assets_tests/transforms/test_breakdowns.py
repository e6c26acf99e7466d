"""Plays and users by state, platform, genre and type."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core, meta
from streaming_assets.contracts.marts import audience
from streaming_assets.transforms import breakdowns
from streaming_assets_tests.transforms.situations import FIRST_DAY, at, rows_of, table

# Every example is several queries: shrinking a failure would take minutes and tell little more.
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
FIGURES = ("plays", "users", "watch_hours", "avg_completion_pct", "plays_per_user")


def total(content_id="c", plays=1, state=None, platform=None, hours=None, completions=()):
    """A row of meta/title_totals; without hours no watch time is known."""
    return {
        "content_id": content_id,
        "state": state,
        "platform": platform,
        "plays": plays,
        "watch_seconds": 3600.0 * (hours or 0),
        "plays_with_watch_time": 0 if hours is None else plays,
        "completion_pct_sum": float(sum(completions)),
        "completion_pct_n": len(completions),
        "completion_histogram": [0] * 20,
        "first_date": FIRST_DAY,
        "last_date": FIRST_DAY,
    }


def habit(user_id, plays=1, country=None, state=None, platform=None):
    """A row of meta/user_habits."""
    place = {"country": country, "state": state, "platform": platform}
    return {"user_id": user_id, **place, "plays": plays, "last_event_at": at("12:00")}


def user_title(user_id, content_id, state=None):
    """A row of meta/user_titles."""
    return {
        "user_id": user_id,
        "content_id": content_id,
        "state": state,
        "plays": 1,
        "first_date": FIRST_DAY,
        "last_event_at": at("12:00"),
    }


def title(content_id, **columns):
    """A row of core/content; what is not given is unknown."""
    return {**dict.fromkeys(core.content.column_names), "content_id": content_id, "is_derived": False, **columns}


def by_place(make, contract, totals, habits):
    """Figures by state or platform."""
    return figures(make(table(totals, meta.title_totals), table(habits, meta.user_habits)), contract)


def by_title(make, contract, totals, user_titles, content):
    """Figures by genre or type."""
    made = make(table(totals, meta.title_totals), table(user_titles, meta.user_titles), table(content, core.content))
    return figures(made, contract)


def figures(result, contract):
    (group,) = contract.key
    return {row[group]: tuple(row[name] for name in FIGURES) for row in rows_of(result, contract, group)}


def states(totals, habits):
    return by_place(breakdowns.state_metrics, audience.state_metrics, totals, habits)


def platforms(totals, habits):
    return by_place(breakdowns.platform_metrics, audience.platform_metrics, totals, habits)


def genres(totals, user_titles, content):
    return by_title(breakdowns.genre_metrics, audience.genre_metrics, totals, user_titles, content)


def content_types(totals, user_titles, content):
    return by_title(breakdowns.content_type_metrics, audience.content_type_metrics, totals, user_titles, content)


def test_a_states_figures_are_over_all_its_titles_and_platforms():
    found = states(
        [
            total("a", plays=3, state="CA", platform="tv", hours=1.5, completions=[100, 50, 90]),
            total("b", plays=1, state="CA", platform="web", hours=0.5, completions=[20]),
            total("a", plays=2, state="NY", platform="tv", hours=1),
        ],
        [
            habit("ann", 2, state="CA", platform="tv"),
            habit("ann", 1, state="CA", platform="web"),
            habit("ben", 1, state="CA", platform="tv"),
            habit("ben", 2, state="NY", platform="tv"),
        ],
    )
    assert found == {"CA": (4, 2, 2.0, 65.0, 2.0), "NY": (2, 1, 1.0, None, 2.0)}


def test_a_user_on_two_platforms_counts_on_each_and_once_though_in_two_countries():
    found = platforms(
        [total(plays=3, platform="tv", hours=3), total(plays=1, platform="web", hours=0)],
        [
            habit("ann", country="DE", platform="tv"),
            habit("ann", country="FR", platform="tv"),
            habit("ann", country="FR", platform="web"),
            habit("ben", country="FR", platform="tv"),
        ],
    )
    assert found == {"tv": (3, 2, 3.0, None, 1.5), "web": (1, 1, 0.0, None, 1.0)}


@pytest.mark.parametrize(("make", "group"), [(states, "state"), (platforms, "platform")])
def test_plays_from_an_unknown_place_are_a_row_of_their_own_with_their_users(make, group):
    found = make(
        [total(plays=5, hours=1), total(plays=2, hours=2, **{group: "x"})],
        [habit("ann", 3), habit("ben", 2), habit("ann", 2, **{group: "x"})],
    )
    assert found == {None: (5, 2, 1.0, None, 2.5), "x": (2, 1, 2.0, None, 2.0)}


def test_a_genre_has_the_users_of_any_of_its_titles_once_each():
    found = genres(
        [total("a", plays=3, hours=1, completions=[80]), total("b", plays=2, hours=1, completions=[40]), total("z", plays=1)],
        [
            user_title("ann", "a", "CA"),
            user_title("ann", "a", "NY"),
            user_title("ann", "b"),
            user_title("ben", "b"),
            user_title("ben", "z"),
        ],
        [title("a", genre="jazz"), title("b", genre="jazz"), title("z", genre="folk"), title("unplayed", genre="polka")],
    )  # fmt: skip
    assert found == {"jazz": (5, 2, 2.0, 60.0, 2.5), "folk": (1, 1, None, None, 1.0)}


@pytest.mark.parametrize(("make", "attribute"), [(genres, "genre"), (content_types, "content_type")])
def test_titles_of_unknown_kind_are_a_row_of_their_own(make, attribute):
    found = make(
        [total("a", plays=3), total("b", plays=2), total("known", plays=1)],
        [user_title("ann", "a"), user_title("ann", "b"), user_title("ben", "known")],
        [title("a"), title("b"), title("known", **{attribute: "x"})],
    )
    assert found == {None: (5, 1, None, None, 5.0), "x": (1, 1, None, None, 1.0)}


def test_hours_are_those_of_the_plays_whose_watch_time_is_known_and_unknown_where_none_is():
    found = states(
        [total("a", state="CA", plays=2), total("b", state="CA", plays=1, hours=0), total("a", state="NY", plays=1)],
        [habit("ann", state="CA"), habit("ann", state="NY")],
    )
    assert {state: row[2] for state, row in found.items()} == {"CA": 0.0, "NY": None}


@pytest.mark.parametrize("make", [states, platforms])
def test_without_plays_there_are_no_places(make):
    assert make([], []) == {}


@pytest.mark.parametrize("make", [genres, content_types])
def test_without_plays_there_are_no_kinds_of_titles(make):
    assert make([], [], [title("a", genre="jazz", content_type="music")]) == {}


LISTENING = st.lists(
    st.tuples(st.sampled_from(["ann", "ben", "cem"]), st.sampled_from("abcd"), st.integers(1, 4)), max_size=10
)
GENRES = st.lists(st.sampled_from([None, "jazz", "folk"]), min_size=4, max_size=4)


@settings(max_examples=15, deadline=None, phases=NO_SHRINKING)
@given(listening=LISTENING, kinds=GENRES)
def test_genres_share_out_all_plays_and_users_as_a_plain_count_does(listening, kinds):
    genre_of = dict(zip("abcd", kinds, strict=True))
    found = genres(
        [
            total(name, plays=sum(plays for _, played, plays in listening if played == name))
            for name in {played for _, played, _ in listening}
        ],
        [user_title(user, played) for user, played in {(user, played) for user, played, _ in listening}],
        [title(name, genre=genre) for name, genre in genre_of.items()],
    )
    expected = {}
    for genre in {genre_of[played] for _, played, _ in listening}:
        own = [(user, plays) for user, played, plays in listening if genre_of[played] == genre]
        plays, users = sum(plays for _, plays in own), len({user for user, _ in own})
        expected[genre] = (plays, users, None, None, pytest.approx(plays / users))
    assert found == expected
