"""What can be suggested: the titles that lead a genre, and which genres users like and know."""

import datetime as dt

from streaming_assets.contracts import core, meta
from streaming_assets.models.churn.catalogue import favourites, titles_by_genre
from streaming_assets_tests.transforms.situations import at, calendar, table

T = dt.date(2026, 3, 31)
CUTOFF = dt.date(2026, 4, 1)
LISTS = ("best_completed", "most_played", "shorter", "newest")


def played(content_id, plays=1, days_before=0, pct=None, user_id="ann", clock="12:00", genre=None):
    """A row of core/user_content_daily; pct is the completion of each of the plays."""
    numbers = dict.fromkeys((name for name, kind in core.user_content_daily.schema.items() if kind.is_numeric()), 0)
    known = {
        "user_id": user_id,
        "content_id": content_id,
        "date": T - dt.timedelta(days=days_before),
        "plays": plays,
        "completion_pct_sum": 0.0 if pct is None else float(pct * plays),
        "completion_pct_n": 0 if pct is None else plays,
        "last_event_at": at(clock),
        "genre": genre,
    }
    return {**dict.fromkeys(core.user_content_daily.column_names), **numbers, **known}


def title(content_id, genre="crime", minutes=None, released=None, name="same as the id"):
    """A row of core/content; released so many days before T."""
    known = {
        "content_id": content_id,
        "title": content_id if name == "same as the id" else name,
        "genre": genre,
        "content_seconds": None if minutes is None else 60.0 * minutes,
        "released_on": None if released is None else T - dt.timedelta(days=released),
        "is_derived": False,
    }
    return {**dict.fromkeys(core.content.column_names), **known}


def led(plays, content):
    """By genre and list, the titles in their places."""
    rows = (
        titles_by_genre(table(plays, core.user_content_daily), table(content, core.content), T).to_pyarrow().to_pylist()
    )
    return {
        genre: {
            name: [
                row["title"]
                for row in sorted(
                    (row for row in rows if row["genre"] == genre and row[name] is not None), key=lambda row: row[name]
                )
            ]
            for name in LISTS
        }
        for genre in sorted({row["genre"] for row in rows})
    }


def crime(plays, *content):
    return led(plays, content)["crime"]


# Titles


def test_the_three_titles_with_most_plays_of_the_last_28_days_lead_in_their_order():
    plays = [
        *(played(name, plays=number) for name, number in [("a", 5), ("b", 9), ("c", 7), ("d", 1)]),
        played("d", plays=100, days_before=28),
    ]
    assert crime(plays, *map(title, "abcd"))["most_played"] == ["b", "c", "a"]


def test_titles_played_equally_often_are_in_the_order_of_their_ids():
    assert crime([played(name) for name in "dcba"], *map(title, "abcd"))["most_played"] == ["a", "b", "c"]


def test_one_play_to_the_end_does_not_beat_many_that_nearly_got_there():
    # The genre's mean is 9,700 / 161 = 60.2. With ten plays of it once has (100 + 602) / 11 = 63.9, often
    # (9,000 + 602) / 110 = 87.3 and left (600 + 602) / 70 = 17.2.
    plays = [played("once", pct=100), played("often", plays=100, pct=90), played("left", plays=60, pct=10)]
    assert crime(plays, *map(title, ("once", "often", "left")))["best_completed"] == ["often", "once", "left"]


def test_where_no_completion_is_known_nothing_is_best_completed():
    assert crime([played("a")], title("a"))["best_completed"] == []


def test_shorter_titles_are_the_better_completed_among_the_shorter_half():
    plays = [played(name, plays=50, pct=pct) for name, pct in [("a", 50), ("b", 90), ("c", 99), ("d", 99), ("e", 99)]]
    content = [
        title("a", minutes=20),
        title("b", minutes=30),
        title("c", minutes=60),
        title("d", minutes=90),
        title("e"),
    ]
    assert crime(plays, *content)["shorter"] == ["b", "a"]


def test_where_all_titles_are_equally_long_none_is_shorter():
    content = [title(name, minutes=45) for name in "ab"]
    assert crime([played("a"), played("b")], *content)["shorter"] == []


def test_the_newest_titles_are_by_release_and_else_by_a_first_play_of_the_last_28_days():
    plays = [
        *(played(name) for name in ("old", "recent", "announced")),
        played("seen before"),
        played("seen before", days_before=40),
        played("just seen", days_before=3),
    ]
    content = [
        title("old", released=900),
        title("recent", released=10),
        title("announced", released=-5),
        title("seen before"),
        title("just seen"),
    ]
    assert crime(plays, *content)["newest"] == ["just seen", "recent", "old"]


def test_days_after_t_are_not_known():
    assert crime([played("a"), played("b", plays=9, days_before=-1)], title("a"), title("b"))["most_played"] == ["a"]


def test_titles_without_a_name_or_a_genre_are_left_out():
    content = [title("a"), title("b", name=None), title("c", genre=None)]
    assert led([played(name) for name in "abc"], content) == {
        "crime": {"best_completed": [], "most_played": ["a"], "shorter": [], "newest": ["a"]}
    }


def test_of_items_with_one_title_the_one_played_most_stands_for_all():
    plays = [played("a1", plays=2), played("a2", plays=3), played("b", plays=4)]
    content = [title("a1", name="Silent"), title("a2", name="Silent"), title("b", name="Iron")]
    assert crime(plays, *content)["most_played"] == ["Iron", "Silent"]


def test_genres_do_not_compete():
    found = led([played("a", plays=9), played("b")], [title("a"), title("b", genre="drama")])
    assert [lists["most_played"] for lists in found.values()] == [["a"], ["b"]]


def test_a_title_tells_its_plays_completion_and_first_play_and_the_plays_of_its_genre():
    plays = [played("a", plays=2, pct=50), played("a", plays=2, pct=80, days_before=2), played("b", plays=3)]
    rows = titles_by_genre(table(plays, core.user_content_daily), table([title("a"), title("b")], core.content), T)
    (found,) = rows.filter(rows.content_id == "a").to_pyarrow().to_pylist()
    names = ("plays", "completion_pct", "first_played", "genre_plays")
    assert tuple(found[name] for name in names) == (4, 65.0, T - dt.timedelta(days=2), 7)


# Users


def record(user_id, valid_from, preferred):
    """A row of core/users."""
    known = {"user_id": user_id, "valid_from": valid_from, "preferred_genre": preferred, "is_current": True}
    return {**dict.fromkeys(core.users.column_names), **known, "is_derived": False}


def liked(plays, content=(), users=(), contract=core.user_content_daily, timezone="UTC"):
    rows = favourites(
        table(plays, contract), table(content, core.content), table(users, core.users), calendar(timezone), CUTOFF
    )
    return {row.pop("user_id"): row for row in rows.to_pyarrow().to_pylist()}


def test_the_favourite_genre_has_most_plays_and_all_genres_are_seen():
    plays = [played("a", plays=2), played("b", plays=3), played("c", plays=2)]
    content = [title("a"), title("b", genre="drama"), title("c")]
    assert liked(plays, content) == {
        "ann": {"favourite_genre": "crime", "preferred_genre": None, "genres_seen": ["crime", "drama"]}
    }


def test_of_genres_played_equally_often_the_latest_is_the_favourite():
    plays = [played("a", clock="12:00"), played("b", clock="13:00")]
    assert liked(plays, [title("a"), title("b", genre="drama")])["ann"]["favourite_genre"] == "drama"


def test_who_plays_what_nobody_knows_a_genre_of_has_a_row_without_genres():
    assert liked([played("a")], [title("a", genre=None)]) == {
        "ann": {"favourite_genre": None, "preferred_genre": None, "genres_seen": None}
    }


def test_the_preferred_genre_is_that_of_the_record_that_held_at_the_start_of_the_cutoff():
    users = [
        record("ann", dt.datetime(2026, 1, 1), "crime"),
        record("ann", dt.datetime(2026, 3, 31, 21, 59), "drama"),
        record("ann", dt.datetime(2026, 3, 31, 22, 0), "jazz"),  # midnight in Berlin: no longer before the cutoff
    ]
    assert liked([played("a")], users=users, timezone="Europe/Berlin")["ann"]["preferred_genre"] == "drama"
    assert liked([played("a")], users=users)["ann"]["preferred_genre"] == "jazz"


def test_totals_of_the_whole_history_can_stand_for_the_days():
    row = {
        "user_id": "bob",
        "content_id": "a",
        "state": None,
        "plays": 1,
        "first_date": T,
        "last_event_at": at("12:00"),
    }
    assert liked([row], [title("a")], contract=meta.user_titles)["bob"]["genres_seen"] == ["crime"]
