"""A listening log in the format of the Last.fm 1K data set, with the profiles of its users."""

import datetime as dt
import json
import uuid
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streaming_assets.simulate import names, rows
from streaming_assets.simulate.catalogue import Catalogue, popularity_of
from streaming_assets.simulate.experiments import AA, Exposed, calibration, is_treated, window
from streaming_assets.simulate.experiments_file import of_listening_log
from streaming_assets.simulate.files import text_of
from streaming_assets.simulate.listening import utc_days
from streaming_assets.simulate.manners import usual
from streaming_assets.simulate.places import PLACES
from streaming_assets.simulate.plays import Audience, Habits
from streaming_assets.simulate.population import Population, populate
from streaming_assets.simulate.rows import SECOND, Rows
from streaming_assets.simulate.seeds import Purpose, generator
from streaming_assets.simulate.truth import Tally

LOG_NAME = "userid-timestamp-artid-artname-traid-traname.tsv"
PROFILE_NAME = "userid-profile.tsv"

HABITS = Habits(
    plays_per_session=13.0,
    stays_with_title=0.7,
    seconds_between=8.0,
    non_stop_per_day=0.02,
    non_stop_plays=(300, 600),
    tick=SECOND,
    side_events=False,
)
MEDIAN_SESSIONS_PER_DAY = 0.97
LEAVERS = 0.30
GENRES = 16
EXPERIMENT_SHARES = 0.25, 0.75
"""Of the days, when the experiment begins and ends."""
TRACKS_PER_ARTIST = (4, 20)
TRACK_SECONDS = 212.0
TRACK_SECONDS_SPREAD = 0.28
ARTIST_WITHOUT_ID, TRACK_WITHOUT_ID = 0.07, 0.21
COPIES = 0.0002
"""Share of the lines that stand in the log twice."""

GENDER_BLANK, AGE_BLANK, COUNTRY_BLANK, REGISTERED_BLANK = 0.11, 0.71, 0.086, 0.008
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def simulate_lastfm(users: int, days: int, seed: int, out: Path, start: dt.date) -> Tally:
    """Writes the log, ordered by time, and the profiles; returns the counts of the log."""
    stock = music(users, seed)
    population = populate(
        users,
        start,
        days,
        seed,
        prefix="user_",
        genres=GENRES,
        median_sessions_per_day=MEDIAN_SESSIONS_PER_DAY,
        leavers=LEAVERS,
    )
    landing = out / "landing"
    landing.mkdir()
    (out / "corrections").mkdir()
    exposed = Exposed(*window(start, days, *EXPERIMENT_SHARES), users)
    (out / "experiments.yaml").write_text(of_listening_log(exposed.first, exposed.last), encoding="utf-8")
    (landing / PROFILE_NAME).write_text(profiles(population, seed), encoding="utf-8")

    landed, copies = Tally(start, users), 0
    audience = Audience(population, stock, HABITS, usual(users, HABITS.plays_per_session))
    with (landing / LOG_NAME).open("wb") as log:
        for day, clean in enumerate(utc_days(audience, start, days, seed)):
            exposed.add(clean, start + dt.timedelta(days=day))
            copied = np.flatnonzero(generator(seed, Purpose.DIRT, day).random(len(clean)) < COPIES)
            copies += len(copied)
            events = rows.in_time_order(np.concatenate([clean, clean[copied]]))
            log.write(text_of(log_lines(events, population, stock)))
            landed.land(LOG_NAME, events)
            landed.close_through(day)
    truth = {
        "arguments": {"users": users, "days": days, "seed": seed, "format": "lastfm", "start": str(start)},
        "planted": {
            "copies_without_event_id": copies,
            "experiments": {AA: calibration(exposed, is_treated(AA, population.user_ids))},
        },
        "users": {"rows": users, "users": users},
        "landed": landed.as_dict(),
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return landed


def music(users: int, seed: int) -> Catalogue:
    """Artists as titles and tracks as items; the column `line_end` holds what a line says of a track.

    The number of artists grows with that of the users. An artist without id has tracks without id.
    """
    rng = generator(seed, Purpose.CATALOGUE)
    artists = min(max(20 * users, 500), names.MOST_ARTISTS)
    genre_of = np.sort(rng.integers(0, GENRES, artists))
    tracks = rng.integers(*TRACKS_PER_ARTIST, artists, endpoint=True)
    first_track = np.cumsum(tracks) - tracks
    artist_of = np.repeat(np.arange(artists), tracks)
    seconds = np.clip(TRACK_SECONDS * rng.lognormal(0.0, TRACK_SECONDS_SPREAD, len(artist_of)), 45, 1_200)
    return Catalogue(
        genres=tuple(f"genre {number}" for number in range(GENRES)),
        popularity=popularity_of(genre_of),
        first_item=first_track,
        items=tracks,
        length=np.rint(seconds * 10).astype(np.int64),
        columns={"line_end": _line_ends(artist_of, np.arange(len(artist_of)) - first_track[artist_of], rng)},
        non_stop_genre=None,
    )


def _line_ends(
    artist_of: npt.NDArray[np.int64], number_of: npt.NDArray[np.int64], rng: np.random.Generator
) -> pa.StringArray:
    """Artist id, artist, track id and track of each track, a tab before each; number_of counts within the artist."""
    artists = int(artist_of[-1]) + 1
    artist_names = names.artists(artists, rng)
    artist_ids = _ids(artists, ARTIST_WITHOUT_ID, rng)
    track_ids = _ids(len(artist_of), TRACK_WITHOUT_ID, rng)
    titles = names.titles(names.MOST_TITLES, rng)
    first_title = rng.integers(0, len(titles), artists)
    # A stretch of the distinct titles per artist: no artist has two tracks of one title, which without an id would be one.
    title_of = (first_title[artist_of] + number_of) % len(titles)
    return pa.array(
        f"\t{artist_ids[artist]}\t{artist_names[artist]}\t{track_id if artist_ids[artist] else ''}\t{titles[title]}\n"
        for artist, track_id, title in zip(artist_of.tolist(), track_ids, title_of.tolist(), strict=True)
    )


def _ids(count: int, without: float, rng: np.random.Generator) -> list[str]:
    """Random UUIDs of version 4, some of them empty."""
    absent = rng.random(count) < without
    numbers = rng.bytes(16 * count)
    return [
        "" if absent[number] else str(uuid.UUID(bytes=numbers[16 * number : 16 * number + 16], version=4))
        for number in range(count)
    ]


def log_lines(events: Rows, population: Population, stock: Catalogue) -> pa.StringArray:
    """Lines of the log, each with its newline: user, UTC time in seconds, artist id, artist, track id, track."""
    user = population.user_ids.take(pa.array(events["user"].copy()))
    time = pa.array(events["at"] // SECOND).cast(pa.timestamp("s")).cast(pa.string())
    line_end = stock.columns["line_end"].take(pa.array(events["item"].copy()))
    until_time = pc.binary_join_element_wise(user, pc.binary_replace_slice(time, 10, 11, "T"), "\t")
    return pc.binary_join_element_wise(until_time, line_end, "Z")


def profiles(population: Population, seed: int) -> str:
    """The table of users: id, gender, age, country, day of registration; most ages and some of the rest are blank."""
    rng = generator(seed, Purpose.USER_RECORDS)
    users = len(population)
    genders = rng.choice(["m", "f"], users, p=[0.57, 0.43])
    ages = np.clip(np.rint(rng.normal(25, 7, users)), 12, 80).astype(int)
    blank = rng.random((users, 4)) < (GENDER_BLANK, AGE_BLANK, COUNTRY_BLANK, REGISTERED_BLANK)
    lines = ["#id\tgender\tage\tcountry\tregistered"]
    for number, user_id in enumerate(population.user_ids.to_pylist()):
        values = (
            str(genders[number]),
            str(ages[number]),
            PLACES[population.place[number]].country_name,
            _registered(int(population.signed_up[number])),
        )
        shown = ["" if is_blank else value for value, is_blank in zip(values, blank[number], strict=True)]
        lines.append("\t".join([user_id, *shown]))
    return "\n".join(lines) + "\n"


def _registered(signed_up: int) -> str:
    day = dt.datetime.fromtimestamp(signed_up // SECOND, dt.UTC)
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"
