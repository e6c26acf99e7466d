"""Users and content: records in time, and what plays say of those without one."""

import datetime as dt

import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core, meta, raw
from streaming_assets.transforms import entities
from streaming_assets_tests.transforms.situations import FIRST_DAY, at, rows_of, table

EPOCH = dt.datetime(1970, 1, 1)
# Every example is several queries: shrinking a failure would take minutes and tell little more.
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
LONG_AGO = dt.datetime(2024, 1, 1)
LATER = dt.datetime(2025, 1, 1)


def user_record(user_id, file_id="f", row_number=1, **columns):
    """A row of raw/users; what is not given is unknown."""
    place = {"user_id": user_id, "file_id": file_id, "row_number": row_number}
    return {**dict.fromkeys(raw.users.column_names), **place, **columns}


def content_record(content_id, file_id="f", row_number=1, **columns):
    """A row of raw/content; what is not given is unknown."""
    place = {"content_id": content_id, "file_id": file_id, "row_number": row_number}
    return {**dict.fromkeys(raw.content.column_names), **place, **columns}


def ledger(paths):
    rows = [{"file_id": file_id, "path": path} for file_id, path in paths.items()]
    return table([{**dict.fromkeys(raw.event_files.column_names), **row} for row in rows], raw.event_files)


def played(user_id="ann", content_id="c", last_event_at="12:00", plays=1, **columns):
    """A row of core/user_content_daily; attributes and places that are not given are unknown."""
    latest = at(last_event_at)
    known = {
        "user_id": user_id,
        "content_id": content_id,
        "date": latest.date(),
        "plays": plays,
        "last_event_at": latest,
    }
    return {**dict.fromkeys(core.user_content_daily.column_names), **known, **columns}


def seen_on(user_id, first_event_at):
    """A row of core/user_daily."""
    moment = at(first_event_at)
    return {
        **dict.fromkeys(core.user_daily.column_names, 0),
        **{"user_id": user_id, "date": moment.date(), "first_event_at": moment, "last_event_at": moment},
    }


def users_of(records, user_days=(), days=(), paths=None):
    """core/users from records, rows of core/user_daily and rows of core/user_content_daily."""
    made = entities.users(
        table(records, raw.users),
        ledger(paths or {"f": "users.csv"}),
        entities.user_first_seen(table(user_days, core.user_daily)),
        entities.user_habits(table(days, core.user_content_daily)),
    )
    return rows_of(made, core.users, ["user_id", "valid_from"])


def content_of(records, days=(), paths=None):
    """core/content from records and rows of core/user_content_daily."""
    made = entities.content(
        table(records, raw.content),
        ledger(paths or {"f": "content.csv"}),
        entities.content_seen(table(days, core.user_content_daily)),
    )
    return rows_of(made, core.content, "content_id")


def shown(row, *names):
    return tuple(row[name] for name in names)


# Users with records


def test_records_of_a_user_hold_one_after_the_other_and_the_latest_is_current():
    records = [
        user_record("ann", row_number=1, valid_from=LATER, plan="premium"),
        user_record("ann", row_number=2, valid_from=LONG_AGO, plan="free"),
        user_record("ben", row_number=3, valid_from=LONG_AGO, plan="basic"),
    ]
    found = [shown(row, "user_id", "valid_from", "plan", "is_current", "is_derived") for row in users_of(records)]
    assert found == [
        ("ann", LONG_AGO, "free", False, False),
        ("ann", LATER, "premium", True, False),
        ("ben", LONG_AGO, "basic", True, False),
    ]


def test_a_record_holds_from_its_own_time_else_from_registration_else_from_1970():
    records = [
        user_record("ann", row_number=1, valid_from=LATER, signed_up_at=LONG_AGO),
        user_record("ben", row_number=2, signed_up_at=LONG_AGO),
        user_record("cem", row_number=3),
    ]
    found = [shown(row, "user_id", "valid_from", "signed_up_at") for row in users_of(records)]
    assert found == [("ann", LATER, LONG_AGO), ("ben", LONG_AGO, LONG_AGO), ("cem", EPOCH, None)]


def test_of_records_from_one_time_the_last_in_path_and_row_stands_whole():
    records = [
        user_record("ann", "z", 7, valid_from=LONG_AGO, plan="free", country="DE"),
        user_record("ann", "a", 9, valid_from=LONG_AGO, plan="basic", country="FR"),
        user_record("ann", "a", 10, signed_up_at=LONG_AGO, plan="premium"),
    ]
    (found,) = users_of(records, paths={"z": "users/1.csv", "a": "users/2.csv"})
    assert shown(found, "plan", "country", "valid_from", "is_current") == ("premium", None, LONG_AGO, True)


def test_a_cancellation_lands_as_a_later_record_and_leaves_the_earlier_one_as_it_was():
    records = [
        user_record("ann", row_number=1, valid_from=LONG_AGO, plan="basic"),
        user_record("ann", row_number=2, valid_from=LATER, plan="basic", cancelled_at=LATER, cancel_reason="price"),
    ]
    found = users_of(records)
    assert [shown(row, "cancelled_at", "cancel_reason", "is_current") for row in found] == [
        (None, None, False),
        (LATER, "price", True),
    ]


# Users without


def test_a_user_without_a_record_is_derived_from_the_first_event():
    (found,) = users_of([], user_days=[seen_on("ann", "+1d 08:00"), seen_on("ann", "10:00")])
    assert shown(found, "user_id", "valid_from", "signed_up_at", "first_event_at", "is_current", "is_derived") == (
        "ann", EPOCH, at("10:00"), at("10:00"), True, True,
    )  # fmt: skip
    assert shown(found, "plan", "country", "home_country") == (None, None, None)


def test_a_user_with_a_record_is_not_derived_and_keeps_an_unknown_registration():
    (found,) = users_of([user_record("ann", plan="free")], user_days=[seen_on("ann", "10:00")])
    assert shown(found, "signed_up_at", "first_event_at", "is_derived") == (None, at("10:00"), False)


def test_a_record_of_someone_who_never_came_has_no_first_event_and_no_home():
    (found,) = users_of([user_record("ann")])
    assert shown(found, "first_event_at", "home_country", "home_state", "home_platform") == (None,) * 4


# Homes


def test_home_is_where_most_plays_were_over_all_days():
    days = [
        played(plays=2, country="DE", state="BE", platform="tv"),
        played(plays=2, country="FR", state="IDF", platform="web", last_event_at="+1d 12:00"),
        played(plays=1, country="DE", state="BE", platform="tv", last_event_at="-1d 12:00", content_id="d"),
    ]
    (found,) = users_of([], [seen_on("ann", "10:00")], days)
    assert shown(found, "home_country", "home_state", "home_platform") == ("DE", "BE", "tv")


def test_every_home_is_counted_for_itself_and_not_as_a_combination():
    days = [
        played(plays=2, country="US", state="CA", platform="tv"),
        played(plays=2, country="US", state="NY", platform="web"),
        played(plays=3, country="DE", state="BE", platform="tv"),
    ]
    (found,) = users_of([], [seen_on("ann", "10:00")], days)
    assert shown(found, "home_country", "home_state", "home_platform") == ("US", "BE", "tv")


def test_of_equally_frequent_homes_the_latest_wins():
    days = [
        played(plays=2, country="FR", last_event_at="+2d 10:00"),
        played(plays=1, country="DE", last_event_at="+2d 11:00"),
        played(plays=1, country="DE", last_event_at="08:00", content_id="d"),
    ]
    (found,) = users_of([], [seen_on("ann", "08:00")], days)
    assert found["home_country"] == "DE"


def test_plays_in_unknown_places_do_not_outweigh_known_ones():
    days = [played(plays=9, country=None, state=None), played(plays=1, country="DE", content_id="d")]
    (found,) = users_of([], [seen_on("ann", "10:00")], days)
    assert shown(found, "home_country", "home_state") == ("DE", None)


def test_the_home_of_a_user_with_records_is_on_each_of_them_beside_what_they_say():
    records = [
        user_record("ann", row_number=1, valid_from=LONG_AGO, country="AT"),
        user_record("ann", row_number=2, valid_from=LATER),
    ]
    found = users_of(records, [seen_on("ann", "10:00")], [played(country="DE"), played("ben", country="FR")])
    assert [shown(row, "country", "home_country") for row in found] == [("AT", "DE"), (None, "DE")]


# Content


def test_the_latest_content_record_wins_whole():
    records = [
        content_record("c", "z", 1, title="Old", genre="drama", content_seconds=60.0),
        content_record("c", "a", 1, title="New", released_on=FIRST_DAY),
    ]
    (found,) = content_of(records, paths={"z": "content/1.csv", "a": "content/2.csv"})
    assert shown(found, "title", "genre", "content_seconds", "released_on", "is_derived") == (
        "New", None, None, FIRST_DAY, False,
    )  # fmt: skip


def test_a_title_with_a_record_takes_nothing_from_its_plays():
    (found,) = content_of([content_record("c", title="Recorded")], [played(title="Played", genre="jazz")])
    assert shown(found, "title", "genre", "is_derived") == ("Recorded", None, False)


def test_a_title_without_a_record_takes_each_attribute_from_the_latest_play_that_names_it():
    days = [
        played(title="First", creator="x", genre="jazz", last_event_at="10:00"),
        played("ben", title="Second", creator=None, genre="soul", last_event_at="+1d 10:00"),
        played("cem", title=None, creator=None, genre=None, rating="16", last_event_at="+2d 10:00"),
    ]
    (found,) = content_of([], days)
    assert shown(found, "content_id", "title", "creator", "genre", "rating", "content_type", "is_derived") == (
        "c", "Second", "x", "soul", "16", None, True,
    )  # fmt: skip
    assert shown(found, "content_seconds", "released_on", "description") == (None, None, None)


def test_a_title_whose_plays_name_nothing_is_known_by_its_id():
    (found,) = content_of([], [played(content_id="c")])
    assert shown(found, "content_id", "title", "is_derived") == ("c", None, True)


def test_records_of_titles_that_nobody_played_are_content_too():
    found = content_of([content_record("a", title="A")], [played(content_id="b", title="B")])
    assert [shown(row, "content_id", "title", "is_derived") for row in found] == [("a", "A", False), ("b", "B", True)]


def test_of_plays_at_one_instant_that_name_a_title_differently_the_greatest_text_stands():
    days = [played("ann", title="A"), played("ben", title="B")]
    assert [row["title"] for row in content_of([], days)] == ["B"]
    assert [row["title"] for row in content_of([], days[::-1])] == ["B"]


# All of them


PATHS = {"f1": "b/2.csv", "f2": "a/9.csv", "f3": "b/10.csv"}
PLACES = st.lists(st.tuples(st.sampled_from(sorted(PATHS)), st.integers(1, 12)), unique=True, max_size=15)
NAMES = ("ann", "ben", "cem")


@st.composite
def landed_and_played(draw):
    """Records of users and content, and days of plays at distinct times."""
    users = [
        user_record(
            draw(st.sampled_from(NAMES)),
            *place,
            valid_from=draw(st.sampled_from([None, LONG_AGO, LATER])),
            signed_up_at=draw(st.sampled_from([None, LONG_AGO])),
            plan=f"{place}",
        )
        for place in draw(PLACES)
    ]
    titles = [content_record(draw(st.sampled_from("cd")), *place, title=f"{place}") for place in draw(PLACES)]
    days = [
        played(
            draw(st.sampled_from(NAMES)),
            draw(st.sampled_from("cde")),
            f"{hour}:00",
            draw(st.integers(1, 3)),
            **{name: draw(st.sampled_from([None, "x", "y"])) for name in ("country", "state", "title", "genre")},
        )
        for hour in draw(st.lists(st.integers(0, 23), unique=True, max_size=15))
    ]
    return users, titles, days


def last_of(records, key):
    """The records that stand, by their key."""
    found = {}
    for row in sorted(records, key=lambda row: (PATHS[row["file_id"]], row["row_number"])):
        found[key(row)] = row
    return found


def most_frequent(days, user_id, attribute):
    """By counting the user's plays per value; of equals the one played last."""
    frame = pd.DataFrame([row for row in days if row["user_id"] == user_id and row[attribute] is not None])
    if frame.empty:
        return None
    counted = frame.groupby(attribute).agg(plays=("plays", "sum"), last=("last_event_at", "max"))
    return counted.sort_values(["plays", "last"]).index[-1]


def latest_named(days, content_id, attribute):
    named = [row for row in days if row["content_id"] == content_id and row[attribute] is not None]
    return max(named, key=lambda row: row["last_event_at"])[attribute] if named else None


@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
@given(situation=landed_and_played(), random=st.randoms(use_true_random=False))
def test_users_and_content_equal_a_plain_recomputation_in_any_order_of_rows(situation, random):
    records, titles, days = situation
    starts = last_of(records, lambda row: (row["user_id"], row["valid_from"] or row["signed_up_at"] or EPOCH))
    recorded = {user_id for user_id, _ in starts}
    came = {row["user_id"] for row in days}
    expected_users = sorted(
        [(user_id, start, row["plan"], False) for (user_id, start), row in starts.items()]
        + [(user_id, EPOCH, None, True) for user_id in came - recorded]
    )
    homes = {
        (user_id, place): most_frequent(days, user_id, place)
        for user_id in recorded | came
        for place in ("country", "state")
    }
    known = last_of(titles, lambda row: row["content_id"])
    expected_content = sorted(
        [(content_id, row["title"], None, False) for content_id, row in known.items()]
        + [
            (content_id, latest_named(days, content_id, "title"), latest_named(days, content_id, "genre"), True)
            for content_id in {row["content_id"] for row in days} - set(known)
        ]
    )
    user_days = [seen_on(row["user_id"], f"{row['last_event_at']:%H:%M}") for row in days]
    for rows in (records, titles, days, user_days):
        random.shuffle(rows)
    found = users_of(records, user_days, days, PATHS)
    assert [shown(row, "user_id", "valid_from", "plan", "is_derived") for row in found] == expected_users
    for row in found:
        assert row["home_country"] == homes[row["user_id"], "country"]
        assert row["home_state"] == homes[row["user_id"], "state"]
        assert row["is_current"] == (
            row["valid_from"] == max(one["valid_from"] for one in found if one["user_id"] == row["user_id"])
        )
        own = [day["last_event_at"] for day in days if day["user_id"] == row["user_id"]]
        assert row["first_event_at"] == min(own, default=None)
    content = content_of(titles, days, PATHS)
    assert [shown(row, "content_id", "title", "genre", "is_derived") for row in content] == expected_content


@settings(max_examples=5, deadline=None, phases=NO_SHRINKING)
@given(situation=landed_and_played(), cut=st.integers(0, 24))
def test_what_is_kept_of_some_days_and_what_others_add_is_what_all_days_say(situation, cut):
    _, _, days = situation
    before = [row for row in days if row["last_event_at"].hour < cut]
    after = [row for row in days if row["last_event_at"].hour >= cut]
    folds = [
        (
            entities.content_seen,
            entities.merge_content_seen,
            meta.content_seen,
            core.user_content_daily,
            lambda row: row,
        ),
        (entities.user_habits, entities.merge_habits, meta.user_habits, core.user_content_daily, lambda row: row),
        (
            entities.user_first_seen,
            entities.merge_first_seen,
            meta.first_seen,
            core.user_daily,
            lambda row: seen_on(row["user_id"], f"{row['last_event_at']:%H:%M}"),
        ),
    ]
    for fold, merge, contract, daily, made_of in folds:
        whole, first, second = (fold(table(map(made_of, rows), daily)) for rows in (days, before, after))
        columns = contract.column_names
        merged = merge(first.select(*columns).union(second.select(*columns)))
        assert rows_of(merged, contract, contract.key) == rows_of(whole, contract, contract.key)
