"""What there is to play: titles (a series, a film, an album, an artist) and their items (episodes, the film, tracks)."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streaming_assets.simulate import names
from streaming_assets.simulate.seeds import Purpose, generator

WITHOUT_RECORD = 0.02
POPULARITY_EXPONENT = 0.9
"""Of Zipf's law within a genre."""


@dataclass(frozen=True)
class Shelf:
    """Titles of one type: how many, how many items each has, and how long an item lasts in minutes."""

    content_type: str
    genres: tuple[str, ...]
    titles: int
    items: tuple[int, int]
    minutes: tuple[float, float]
    ratings: tuple[str, ...]


SHELVES = (
    Shelf("series", ("drama", "comedy", "crime", "scifi", "family"), 60, (6, 16), (21, 58), ("TV-G", "TV-14", "TV-MA")),
    Shelf("film", ("drama", "comedy", "crime", "scifi", "family", "horror"), 120, (1, 1), (82, 150), ("G", "PG", "R")),
    Shelf("documentary", ("nature", "history", "science"), 50, (1, 4), (44, 95), ("TV-G", "TV-PG")),
    Shelf("music", ("pop", "rock", "jazz", "electronic"), 60, (8, 14), (2.4, 5.5), ("all", "explicit")),
    Shelf("music", ("ambient",), 8, (2, 5), (150, 230), ("all",)),
)
NON_STOP_GENRE = "ambient"


@dataclass(frozen=True)
class Catalogue:
    """Titles sorted by genre, items sorted by title.

    popularity: per title, genre's position + cumulated share within the genre, so that one search finds a title.
    first_item, items: per title, its items' range. length: per item, tenths of a second. title_of: per item.
    columns: texts of the items by canonical column name. non_stop_genre: position of what non-stop listeners
    play, or None where they play anything.
    """

    genres: tuple[str, ...]
    popularity: npt.NDArray[np.float64]
    first_item: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    columns: dict[str, pa.StringArray]
    non_stop_genre: int | None

    @property
    def minutes_of_genre(self) -> npt.NDArray[np.float64]:
        """Mean length of each genre's items."""
        genre = (np.ceil(self.popularity).astype(np.int64) - 1)[np.repeat(np.arange(len(self.items)), self.items)]
        return np.bincount(genre, self.length) / np.bincount(genre) / 600


def popularity_of(title_genres: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Per title the genre's position + its cumulated share by Zipf's law; title_genres must be sorted."""
    starts = np.flatnonzero(np.diff(title_genres, prepend=-1))
    sizes = np.diff(starts, append=len(title_genres))
    shares = (np.arange(len(title_genres)) - np.repeat(starts, sizes) + 1.0) ** -POPULARITY_EXPONENT
    within = np.concatenate([np.cumsum(part) / part.sum() for part in np.split(shares, starts[1:])])
    within[starts + sizes - 1] = 1.0
    return title_genres + within


def catalogue(start: dt.date, seed: int) -> tuple[Catalogue, pa.Table]:
    """The video and music catalogue, and its canonical content records, which a few items lack."""
    rng = generator(seed, Purpose.CATALOGUE)
    genres = tuple(dict.fromkeys(genre for shelf in SHELVES for genre in shelf.genres))
    shelf_of = np.repeat(np.arange(len(SHELVES)), [shelf.titles for shelf in SHELVES])
    genre_of = np.array([genres.index(rng.choice(SHELVES[shelf].genres)) for shelf in shelf_of])
    order = np.argsort(genre_of, kind="stable")
    shelf_of, genre_of = shelf_of[order], genre_of[order]
    items = np.array([rng.integers(*SHELVES[shelf].items, endpoint=True) for shelf in shelf_of])
    title_of = np.repeat(np.arange(len(items)), items)
    first_item = np.cumsum(items) - items
    bounds = np.array([shelf.minutes for shelf in SHELVES])[shelf_of[title_of]]
    length = np.rint(rng.uniform(bounds[:, 0], bounds[:, 1]) * 600).astype(np.int64)
    columns = _texts(genres, shelf_of, genre_of, items, rng)
    released = [start - dt.timedelta(days=int(age)) for age in rng.integers(0, 9_000, len(items))]
    records = pa.table(
        {
            **{name: columns[name] for name in ("content_id", "title", "content_type", "genre", "creator")},
            "content_seconds": length / 10,
            "released_on": pa.array([released[title] for title in title_of], pa.date32()),
            "rating": columns["rating"],
        }
    )
    stock = Catalogue(
        genres=genres,
        popularity=popularity_of(genre_of),
        first_item=first_item,
        items=items,
        length=length,
        columns={name: columns[name] for name in ("content_id", "genre", "content_type", "creator")},
        non_stop_genre=genres.index(NON_STOP_GENRE),
    )
    return stock, records.filter(pa.array(rng.random(len(length)) >= WITHOUT_RECORD))


def _texts(
    genres: tuple[str, ...],
    shelf_of: npt.NDArray[np.int64],
    genre_of: npt.NDArray[np.int64],
    items: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, pa.StringArray]:
    """Texts of each item, in canonical columns."""
    title_names = names.titles(len(items), rng)
    creators = rng.choice(names.STUDIOS, len(items))
    texts: dict[str, list[str]] = {
        name: [] for name in ("content_id", "title", "content_type", "genre", "creator", "rating")
    }
    for title, name in enumerate(title_names):
        shelf = SHELVES[shelf_of[title]]
        rating = str(rng.choice(shelf.ratings))
        for number in range(1, int(items[title]) + 1):
            texts["content_id"].append(f"c{title + 1:04d}-{number:02d}")
            texts["title"].append(name if items[title] == 1 else f"{name}: {number}")
            texts["content_type"].append(shelf.content_type)
            texts["genre"].append(genres[genre_of[title]])
            texts["creator"].append(str(creators[title]))
            texts["rating"].append(rating)
    return {name: pa.array(values, pa.string()) for name, values in texts.items()}
