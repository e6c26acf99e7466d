"""Remedies: sentences with titles, as somebody would say them who knows the catalogue and the user."""

import pandas as pd
import pytest

from streaming_assets.contracts.models.churn import FAMILIES, NO_DRIVER
from streaming_assets.models.churn import remedies as module
from streaming_assets.models.churn.remedies import REMEDIES, remedies

LISTS = ("best_completed", "most_played", "shorter", "newest")


def title(genre, name, genre_plays=10, **places):
    """A title with its places in the lists of its genre."""
    return {"genre": genre, "title": name, "genre_plays": genre_plays, **dict.fromkeys(LISTS), **places}


CATALOGUE = [
    title("crime", "Iron", 90, best_completed=2, most_played=1, newest=3),
    title("crime", "The Silent Feather: 3", 90, best_completed=1, shorter=1),
    title("crime", "Salt", 90, newest=1),
    title("crime", "Amber", 90, newest=2),
    title("drama", "Orchard, Hollow", 50, best_completed=1, most_played=2),
    title("nature", "Tide", 70, most_played=1),
]


def told(driver, favourite=None, preferred=None, seen=None, band="high", catalogue=CATALOGUE):
    """What is said of one user."""
    scored = pd.DataFrame({"user_id": ["ann"], "risk_band": [band], "driver_1": [driver]})
    row = {"user_id": "ann", "favourite_genre": favourite, "preferred_genre": preferred, "genres_seen": seen}
    titles = pd.DataFrame(catalogue, columns=["genre", "title", "genre_plays", *LISTS])
    (sentence,) = remedies(scored, pd.DataFrame([row]), titles)
    return sentence


@pytest.mark.parametrize(
    ("driver", "sentence"),
    [
        ("content_mismatch", "Suggest best-completed crime titles: “The Silent Feather: 3”, “Iron”"),
        ("inactivity", "Remind the user of the newest crime titles: “Salt”, “Amber”, “Iron”"),
        (
            "playback",
            "Offer help with playback quality, and suggest shorter crime titles: “The Silent Feather: 3”",
        ),
        ("discovery", "Suggest nature, which the user does not play, with its most played titles: “Tide”"),
        ("plan", "Review with the user whether the plan fits how much they watch"),
        (NO_DRIVER, "Ask the user what is missing: no driver stands out"),
    ],
)
def test_each_driver_has_its_remedy_with_titles_of_the_genre(driver, sentence):
    assert told(driver, favourite="crime", seen=["crime"]) == sentence


def test_every_driver_that_a_user_can_have_has_a_remedy():
    assert set(REMEDIES) == {*FAMILIES, NO_DRIVER}


def test_what_the_user_prefers_goes_before_what_they_play_where_the_content_does_not_fit():
    assert told("content_mismatch", "crime", "drama") == "Suggest best-completed drama titles: “Orchard, Hollow”"
    assert told("inactivity", "crime", "drama") == "Remind the user of the newest crime titles: “Salt”, “Amber”, “Iron”"


def test_a_preferred_genre_without_titles_gives_way_to_the_one_that_is_played():
    assert told("content_mismatch", "drama", "opera") == "Suggest best-completed drama titles: “Orchard, Hollow”"


def test_where_nobody_knows_completions_the_most_played_titles_are_suggested():
    assert told("content_mismatch", "nature") == "Suggest the most played nature titles: “Tide”"


@pytest.mark.parametrize(
    ("seen", "genre"), [(["crime"], "nature"), (["crime", "nature"], "drama"), (["opera"], "crime")]
)
def test_the_genre_to_discover_is_the_one_played_most_by_all_that_the_user_does_not_play(seen, genre):
    assert told("discovery", "crime", seen=seen).startswith(f"Suggest {genre}, ")


@pytest.mark.parametrize("seen", [["crime", "drama", "nature"], None])
def test_who_knows_every_genre_or_of_whom_nothing_is_known_is_not_told_which_one_is_new(seen):
    assert told("discovery", "crime", seen=seen) == "Suggest titles of another kind than the user plays"


@pytest.mark.parametrize("driver", [*FAMILIES, NO_DRIVER])
def test_without_any_title_the_sentence_goes_without(driver):
    assert told(driver, "crime", seen=["crime"], catalogue=[]) == REMEDIES[driver].bare


@pytest.mark.parametrize("driver", ["inactivity", "playback"])
def test_a_genre_without_titles_for_the_driver_is_not_named(driver):
    assert told(driver, "nature") == REMEDIES[driver].bare


def test_titles_that_look_like_formulas_or_templates_are_left_as_they_are():
    catalogue = [title("=1+1", "=cmd()", best_completed=1), title("=1+1", "{genre} {0}", best_completed=2)]
    assert told("content_mismatch", "=1+1", catalogue=catalogue) == (
        "Suggest best-completed =1+1 titles: “=cmd()”, “{genre} {0}”"
    )


@pytest.mark.parametrize(("band", "has_remedy"), [("high", True), ("medium", True), ("low", False), (None, False)])
def test_only_users_at_risk_have_a_remedy(band, has_remedy):
    assert pd.notna(told("plan", band=band)) == has_remedy


def test_users_without_a_row_in_the_favourites_and_any_order_of_users_keep_their_own_sentence():
    scored = pd.DataFrame(
        {"user_id": ["cem", "ann", "bob"], "risk_band": "high", "driver_1": ["plan", "content_mismatch", "discovery"]},
        index=[7, 3, 5],
    )
    known = pd.DataFrame(
        {"user_id": ["ann"], "favourite_genre": ["drama"], "preferred_genre": [None], "genres_seen": [["drama"]]}
    )
    assert remedies(scored, known, pd.DataFrame(CATALOGUE)).to_dict() == {
        7: "Review with the user whether the plan fits how much they watch",
        3: "Suggest best-completed drama titles: “Orchard, Hollow”",
        5: "Suggest titles of another kind than the user plays",
    }


def test_remedies_are_said_to_rest_on_associations():
    assert "associated with the risk and no proof of its cause" in " ".join(module.__doc__.split())
