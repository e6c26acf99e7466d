import numpy as np
import pytest

from streaming_assets.simulate import rows
from streaming_assets.simulate.first_days import FirstDays, first_days
from streaming_assets.simulate.rows import SECOND

MINUTE = 60 * SECOND
DRAMA, CRIME, JAZZ = 0, 1, 2
GENRE_OF = np.array([DRAMA, DRAMA, CRIME, JAZZ])
ANN, BEN = 4, 9


def plays_of(*told):
    """(user, minute, minutes watched or None, item)"""
    plays = rows.empty(len(told))
    for play, (user, minute, watched, item) in zip(plays, told, strict=True):
        play["user"], play["at"], play["item"] = user, minute * MINUTE, item
        play["watch"] = rows.UNKNOWN_WATCH if watched is None else watched * 600
    return plays


def counts(*told):
    seen = first_days(plays_of(*told), GENRE_OF)
    return {
        user: (int(plays), int(sessions), int(genres))
        for user, plays, sessions, genres in zip(seen.user, seen.plays, seen.sessions, seen.genres, strict=True)
    }


def test_a_session_goes_on_until_more_than_half_an_hour_after_the_latest_end():
    assert counts(
        (ANN, 0, 120, 0),  # a film
        (ANN, 20, 5, 0),  # a clip meanwhile
        (ANN, 150, 10, 0),  # just half an hour after the film
        (ANN, 191, 10, 0),  # 31 minutes after that
    ) == {ANN: (4, 2, 1)}


def test_a_play_of_unknown_watch_time_ends_as_it_starts():
    assert counts((ANN, 0, None, 0), (ANN, 31, None, 0)) == {ANN: (2, 2, 1)}


def test_users_are_counted_apart_whatever_the_order_of_their_plays():
    assert counts((BEN, 10, 300, 3), (ANN, 5, 1, 0), (BEN, 0, 1, 2), (ANN, 20, 1, 1)) == {
        ANN: (2, 1, 1),
        BEN: (2, 1, 2),
    }


def test_titles_of_one_genre_are_one_genre():
    assert counts((ANN, 0, 1, 0), (ANN, 2, 1, 1), (ANN, 4, 1, 2), (ANN, 6, 1, 3)) == {ANN: (4, 1, 3)}


def chance(plays, sessions, genres, effect):
    seen = FirstDays(*(np.array([value]) for value in (0, plays, sessions, genres)))
    return seen.chance_of_return(effect).item()


def odds(*told):
    return chance(*told) / (1 - chance(*told))


def test_one_play_of_one_genre_has_the_odds_of_the_intercept_and_a_session():
    assert odds(1, 1, 1, 0.35) == pytest.approx(np.exp(-2.0 + 0.4))


@pytest.mark.parametrize("effect", [-0.2, 0.0, 0.35, 1.0])
def test_each_genre_up_to_the_fourth_multiplies_the_odds_by_the_effect(effect):
    for genres in (2, 3, 4):
        assert odds(8, 2, genres, effect) == pytest.approx(odds(8, 2, genres - 1, effect) * np.exp(effect))
    assert chance(8, 2, 9, effect) == chance(8, 2, 4, effect)


def test_more_plays_and_sessions_make_a_return_more_likely():
    assert odds(16, 2, 1, 0.35) == pytest.approx(odds(8, 2, 1, 0.35) * np.exp(0.1))
    assert odds(8, 3, 1, 0.35) == pytest.approx(odds(8, 2, 1, 0.35) * np.exp(0.4))
    assert chance(8, 7, 1, 0.35) == chance(8, 4, 1, 0.35)
