"""Names of clusters: how their users differ most from all users, in two phrases."""

from collections.abc import Collection, Sequence
from itertools import chain, count
from typing import NamedTuple

from streaming_assets.models.clusters.space import Numbers

WORTH_TELLING = 0.25
"""Standard deviations below which a cluster does not differ in a feature so that a name should say it."""

TYPICAL = "typical users"


class Phrases(NamedTuple):
    """What users are, and what else is said of them, who have more of a feature than others, and less."""

    who_have_more: str
    more: str
    who_have_less: str
    less: str


PHRASES = {
    "active_days_per_week": Phrases("almost daily users", "on many days", "occasional users", "on few days"),
    "plays_per_session": Phrases("binge watchers", "many plays in a row", "one-play users", "few plays in a row"),
    "avg_watch_minutes": Phrases("long watchers", "long plays", "short watchers", "short plays"),
    "avg_completion_pct": Phrases("finishers", "plays finished", "samplers", "plays left early"),
    "distinct_genres": Phrases("explorers", "many genres", "specialists", "few genres"),
    "plays_per_title": Phrases("repeaters", "titles played again", "novelty seekers", "hardly a title twice"),
    "skip_rate": Phrases("skippers", "many skips", "patient users", "hardly a skip"),
    "recommended_share": Phrases(
        "takers of recommendations", "often recommended", "own choosers", "seldom recommended"
    ),
    "days_since_last_play": Phrases("absent users", "long away", "present users", "seen lately"),
}


def name(centre: Numbers, features: Sequence[str], taken: Collection[str]) -> str:
    """The name of a cluster, none of those taken: "binge watchers, few genres".

    Its two largest deviations from all users say it, as far as they are worth telling; a third one where the name is
    taken, and a number where that is taken too. centre: standard deviations, in the order of the features.
    """
    order = sorted(range(len(features)), key=lambda place: -abs(centre[place]))
    telling = [place for place in order if abs(centre[place]) >= WORTH_TELLING]
    phrases = [_phrase(features[place], centre[place] > 0, leads=not rank) for rank, place in enumerate(telling)]
    told = [", ".join(phrases[:most]) for most in (2, 3)] if phrases else [TYPICAL]
    numbered = (f"{told[0]} ({number})" for number in count(2))
    return next(found for found in chain(told, numbered) if found not in taken)


def _phrase(feature: str, is_more: bool, *, leads: bool) -> str:
    phrases = PHRASES[feature]
    if leads:
        return phrases.who_have_more if is_more else phrases.who_have_less
    return phrases.more if is_more else phrases.less
