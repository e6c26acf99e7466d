"""Which experiments there are, over which days and rows, and which of them are to be computed again."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

from streaming_assets.contracts import experiments as of_experiments
from streaming_assets.experiments.assignment import Facts
from streaming_assets.experiments.config import Experiment, Experiments, parse_experiments
from streaming_assets.experiments.units import planned_units
from streaming_assets.experiments.window import Window, window_of
from streaming_assets.lake.code import code_of_rows
from streaming_assets.lake.days import Days
from streaming_assets.lake.failures import open_failures
from streaming_assets.lake.lake import LEDGER, Lake, reporting_day
from streaming_assets.yaml_file import YamlFileError, read_yaml

USUAL_UNITS = 5_000
"""What a confidence sequence is tuned to where nobody had played before the experiment."""

_DAILY = ("core/plays", "core/events", "core/sessions", "core/user_daily")
_RECORDS = ("raw/users", "raw/content")
_OF_RECORDS = ("core/users", "core/content")
TABLES = tuple(table.name for table in of_experiments.TABLES)

_FROM_OLDER_ROWS = "rows that follow from something else"
_read_by: WeakKeyDictionary[Lake, Experiments] = WeakKeyDictionary()


@dataclass(frozen=True)
class Study:
    """An experiment over the lake as it stands."""

    lake: Lake
    experiment: Experiment
    window: Window

    @cached_property
    def facts(self) -> Facts:
        """The core tables, of the days from the pre-period to the last one."""
        days = Days(self.window.first_read, max(self.window.first_read, self.window.last))
        read = self.lake.read
        return Facts(
            plays=read("core/plays", days),
            events=read("core/events", days),
            sessions=read("core/sessions", days),
            users=read("core/users"),
            content=read("core/content"),
            calendar=read("core/calendar"),
        )

    @cached_property
    def planned_units(self) -> float:
        """What the confidence sequence is tuned to: known before the first unit is exposed."""
        if self.experiment.planned_units is not None:
            return self.experiment.planned_units
        length = (self.experiment.end - self.experiment.start).days + 1
        before = Days(self.window.start, self.window.start).around(length)
        (found,) = planned_units(self.window, length, self.lake.read("core/plays", before)).to_pyarrow().to_pylist()
        return found["units"] or USUAL_UNITS

    @cached_property
    def fingerprint(self) -> str:
        """Of all that the rows follow from: configuration, code, the days' files and the records.

        All days before count, because they tell who is new. A day after the last one changes nothing.
        """
        paths = sorted(
            f"{name}/{file.path}"
            for name in _DAILY
            for at in [self.lake.snapshot(name)]
            for file in at.files
            if at.days_of(file) <= self.window.last
        )
        records = sorted(_records_known(self.lake))
        made_of = [self.experiment.model_dump_json(), str(self.window), code_of_rows(), *records, *paths]
        return hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Studies:
    """The experiments that can be computed, and what is wrong with the file's other entries."""

    by_id: Mapping[str, Study]
    errors: tuple[str, ...]

    @property
    def fingerprints(self) -> dict[str, str]:
        return {name: study.fingerprint for name, study in self.by_id.items()}

    def stale(self, lake: Lake, table: str) -> list[str]:
        """Experiments whose rows in the table follow from something else than what there is now.

        All of them while a blocking check of the table stands failed: to make it again is the way to mend it.
        """
        if any(failure.is_blocking and failure.asset == table for failure in open_failures(lake)):
            return list(self.by_id)
        made_of = _made_of(lake, table)
        return [name for name, fingerprint in self.fingerprints.items() if made_of.get(name) != fingerprint]

    def gone(self, lake: Lake, table: str) -> list[str]:
        """Experiments with rows in the table that are no longer in the file; none while the file has errors."""
        return [] if self.errors else sorted(_made_of(lake, table).keys() - self.by_id.keys())

    def noted(self, lake: Lake, table: str, reads: Iterable[str]) -> dict[str, str]:
        """What the table's rows follow from once those that are stale are made and those that are gone are away.

        An experiment stays stale while its rows in another table of the group, which are read, are stale themselves: a
        table may be made alone.
        """
        gone = self.gone(lake, table)
        kept = {name: made_of for name, made_of in _made_of(lake, table).items() if name not in gone}
        behind = {name for read in reads if read in TABLES for name in self.stale(lake, read)}
        return {**kept, **self.fingerprints, **dict.fromkeys(behind, _FROM_OLDER_ROWS)}


def studies(lake: Lake) -> Studies:
    """The experiments of DIR/experiments.yaml over the lake. The file is read once, so that one run sees one state."""
    if lake not in _read_by:
        _read_by[lake] = load_experiments(lake.settings.experiments_file)
    found = _read_by[lake]
    as_of = reporting_day(lake)
    return Studies({one.id: Study(lake, one, window_of(one, as_of)) for one in found.valid}, found.errors)


def load_experiments(path: Path) -> Experiments:
    """What the file says; nothing where there is none. Never raises: what is wrong is in the errors."""
    if not path.exists():
        return Experiments()
    try:
        content, lines = read_yaml(path)
    except YamlFileError as error:
        return Experiments(errors=(str(error),))
    return parse_experiments(content, lines, str(path))


def stale_experiments(lake: Lake) -> list[str]:
    """Experiments to compute or to take away."""
    found = studies(lake)
    names: Iterable[str] = (name for table in TABLES for name in (*found.stale(lake, table), *found.gone(lake, table)))
    return sorted(set(names))


def _records_known(lake: Lake) -> set[str]:
    """What users and content follow from besides the days: the versions of the records.

    And those of other inputs that have changed since, so that what is made meanwhile is made again when they are refreshed.
    The ledger only names the files' paths, which do not change.
    """
    made_from = {read for name in _OF_RECORDS for read in lake.snapshot(name).state.inputs.items()}
    return {
        f"{name} {version}"
        for name, version in made_from
        if name in _RECORDS or (name != LEDGER and version != lake.snapshot(name).state.version)
    }


def _made_of(lake: Lake, table: str) -> dict[str, str]:
    return dict(lake.snapshot(table).state.notes.get("made_of", {}))
