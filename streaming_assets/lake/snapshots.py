"""Which cutoffs have snapshots of users, and which of them are to be made again."""

import datetime as dt
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import ibis

from streaming_assets.contracts.models import churn as contract
from streaming_assets.lake.code import code_of_models
from streaming_assets.lake.days import ONE_DAY, Days
from streaming_assets.lake.lake import Lake, reporting_day
from streaming_assets.models.churn.cutoffs import (
    LABEL_DAYS,
    OBSERVATION_DAYS,
    Split,
    observation_days,
    scoring_cutoff,
    split,
)

TABLE = contract.churn_snapshots.name
DAILY = ("core/user_daily", "core/user_content_daily", "core/sessions", "core/plays")
RECORDS = ("core/users", "core/content")
READS_BACK = OBSERVATION_DAYS
READS = (*DAILY, *RECORDS, "core/calendar")


@dataclass(frozen=True)
class Cutoffs:
    """The cutoffs of a lake: those to score at, and to train on. for_training: a training follows in this run."""

    lake: Lake
    for_training: bool

    @property
    def scoring(self) -> dt.date:
        return scoring_cutoff(reporting_day(self.lake))

    @cached_property
    def split(self) -> Split | None:
        """What a training at T learns from; None while there is not enough history."""
        return split(self._first_day, reporting_day(self.lake)) if self._first_day else None

    @cached_property
    def observation_days(self) -> int:
        """How far features look back: for a training as its split allows, else as the model that scores has learned."""
        if self.for_training and self.split and self._first_day:
            return observation_days(self._first_day, self.split)
        champions = self.lake.rows(contract.churn_champion.name)
        return next((row["observation_days"] for row in champions if row["version"]), OBSERVATION_DAYS)

    @property
    def _new(self) -> set[dt.date]:
        return {*self.split.train, *self.split.calibrate, *self.split.test} if self.split else set()

    @property
    def wanted(self) -> set[dt.date]:
        """The scoring cutoff, and those of the training that follows or else of the last one."""
        if self.for_training:
            return {self.scoring, *self._new, *trained_on(self.lake, ("model_cutoffs",))}
        return {self.scoring, *trained_on(self.lake)}

    def stale(self) -> list[str]:
        """Cutoffs to be made; those of the last training stay as they were when it learned from them."""
        kept = trained_on(self.lake) if not self.for_training else trained_on(self.lake, ("model_cutoffs",)) - self._new
        ours = self.wanted - (kept & set(map(_date, self._made_of)))
        return sorted(str(cutoff) for cutoff in ours if self._made_of.get(str(cutoff)) != self._fingerprint(cutoff))

    @property
    def training_is_stale(self) -> bool:
        """Whether a training at T would find cutoffs that it learns from to be made anew.

        That to score at does not count: it looks as far back as the model that scores, which no training need have made.
        """
        return any(_date(cutoff) in self._new for cutoff in self.stale())

    def gone(self) -> list[str]:
        """Cutoffs that nobody needs any more."""
        return sorted(found for found in self._made_of if _date(found) not in self.wanted)

    def noted(self) -> dict[str, str]:
        """What every part follows from once the stale ones are made and those that are gone are away."""
        gone = set(self.gone())
        kept = {name: made_of for name, made_of in self._made_of.items() if name not in gone}
        return {**kept, **{name: self._fingerprint(_date(name)) for name in self.stale()}}

    @cached_property
    def _first_day(self) -> dt.date | None:
        user_daily = self.lake.snapshot("core/user_daily")
        return min((user_daily.days_of(file) for file in user_daily.files), default=None)

    @property
    def _made_of(self) -> dict[str, str]:
        return dict(self.lake.snapshot(TABLE).state.notes.get("made_of", {}))

    def _fingerprint(self, cutoff: dt.date) -> str:
        """Of the code, of the days that features and outcome are read from, and of the records."""
        last = min(cutoff + dt.timedelta(days=LABEL_DAYS), reporting_day(self.lake))
        paths = sorted(
            f"{name}/{file.path}"
            for name in DAILY
            for at in [self.lake.snapshot(name)]
            for file in at.files
            if at.days_of(file) <= last
        )
        records = [f"{name} {self.lake.snapshot(name).state.version}" for name in RECORDS]
        made_of = [code_of_models(), str(cutoff), str(last), str(self.observation_days), *records, *paths]
        return hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:16]


_LEARNED_FROM = ("train_cutoffs", "calibrate_cutoffs", "test_cutoffs", "model_cutoffs")


def trained_on(lake: Lake, columns: Collection[str] = _LEARNED_FROM) -> set[dt.date]:
    """The cutoffs of the last training, and those that the model that scores was fitted to."""
    return {cutoff for row in lake.rows(contract.churn_champion.name) for name in columns for cutoff in row[name]}


def tables_at(lake: Lake, cutoffs: Collection[dt.date]) -> dict[str, ibis.Table]:
    """What snapshots of the cutoffs are made from, by the parameter that takes it: no more days than they look at."""
    known = days_before(lake, max(cutoffs))
    lately = Days(min(min(cutoffs) - READS_BACK * ONE_DAY, known.last), known.last)
    return {
        "user_daily": lake.read("core/user_daily", known),
        **{name: lake.read(f"core/{name}", lately) for name in ("user_content_daily", "sessions", "plays")},
        **{name: lake.read(f"core/{name}") for name in ("users", "content", "calendar")},
    }


def days_before(lake: Lake, cutoff: dt.date) -> Days:
    """The days that a snapshot may read: all up to the end of its label window, as far as T."""
    return Days(dt.date.min, min(cutoff + dt.timedelta(days=LABEL_DAYS), reporting_day(lake)))


def is_closed(cutoff: dt.date, as_of: dt.date) -> bool:
    """Whether the label window of the cutoff is over at T."""
    return cutoff + dt.timedelta(days=LABEL_DAYS) <= as_of


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
