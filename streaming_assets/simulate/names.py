"""Made-up names of titles, studios and artists, some with quotes, commas and letters beyond ASCII."""

import numpy as np

STUDIOS = (
    "Northlight",
    "Harbour & Sons",
    "Estúdio Ipê",
    "Blauwerk",
    "Paper Kite",
    "Ferrous, Inc.",
    "Maison Céladon",
    "Seventh Floor",
    'The "Other" Company',
    "朝日坂",
)

_FIRST = (
    "Silent", "Amber", "Northern", "Hollow", "Crimson", "Distant", "Paper", "Electric", "Velvet", "Broken",
    "Golden", "Winter", "Burning", "Secret", "Lonely", "Neon", "Gentle", "Wild", "Iron", "Quiet",
    "Último", "Déjà", "Weiße", "Søvnløs", "Midnight", "Hidden", "Glass", "Emerald", "Restless", "Faded",
    "青い", "Тихий", "Öland", "Salt", "Copper", "Little", "Borrowed", "Endless", "Slow", "Second",
)  # fmt: skip
_SECOND = (
    "Harbour", "River", "Garden", "Machine", "Letter", "Orchard", "Mirror", "Station", "Island", "Thunder",
    "Kingdom", "Signal", "Window", "Forest", "Parade", "Ocean", "Lantern", "Bridge", "Shadow", "Summer",
    "Corazón", "Fjord", "Straße", "Forêt", "Horizon", "Highway", "Satellite", "Echo", "Carnival", "Feather",
    "海", "Дом", "Meadow", "Compass", "Avenue", "Tide", "Comet", "Atlas", "Weather", "Dancer",
)  # fmt: skip
_TITLE_SHAPES = ("{0} {1}", "The {0} {1}", "{1}, {0}")
_ARTIST_SHAPES = (
    "{0} {1}", "The {0} {1}", "{1} & {0}", "DJ {0} {1}", "{0} {1} Trio", "{1} of the {0}", "{0} {1}s", "MC {1} {0}",
    "{0} {1} Orchestra", "Los {0} {1}", "{1} ({0})", "Sir {0} {1}", "{1}.{0}",
)  # fmt: skip

MOST_TITLES = len(_TITLE_SHAPES) * len(_FIRST) * len(_SECOND)
MOST_ARTISTS = len(_ARTIST_SHAPES) * len(_FIRST) * len(_SECOND)


def titles(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct titles of films, series and tracks; at most MOST_TITLES."""
    return _distinct(_TITLE_SHAPES, count, rng)


def artists(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct names of artists; at most MOST_ARTISTS."""
    return _distinct(_ARTIST_SHAPES, count, rng)


def _distinct(shapes: tuple[str, ...], count: int, rng: np.random.Generator) -> list[str]:
    chosen = rng.choice(len(shapes) * len(_FIRST) * len(_SECOND), count, replace=False)
    return [_name(shapes, int(number)) for number in chosen]


def _name(shapes: tuple[str, ...], number: int) -> str:
    rest, shape = divmod(number, len(shapes))
    first, second = divmod(rest, len(_SECOND))
    return shapes[shape].format(_FIRST[first], _SECOND[second])
