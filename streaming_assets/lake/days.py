"""Days and ranges of days."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, order=True)
class Days:
    """The days from first to last, both included."""

    first: dt.date
    last: dt.date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError(f"a range of days from {self.first} to {self.last} is empty")

    def __iter__(self) -> Iterator[dt.date]:
        return (self.first + dt.timedelta(days=number) for number in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, dt.date) and self.first <= day <= self.last

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

    def around(self, before: int = 0, after: int = 0) -> "Days":
        """The range with some days more at its ends."""
        return Days(self.first - before * ONE_DAY, self.last + after * ONE_DAY)


def ranges_of(days: Iterable[dt.date]) -> list[Days]:
    """The days as the fewest ranges, in order."""
    found: list[Days] = []
    for day in sorted(set(days)):
        if found and day - found[-1].last == ONE_DAY:
            found[-1] = Days(found[-1].first, day)
        else:
            found.append(Days(day, day))
    return found


class DayVersions(dict[dt.date, int]):
    """A version per day, written compactly as runs of days with the same version."""

    def to_runs(self) -> list[list[str | int]]:
        """[[first day, last day, version], …]: days that follow each other in the map and share a version are one run.

        Days between two such days that are not in the map stay out of it.
        """
        runs: list[list[str | int]] = []
        before: dt.date | None = None
        for day in sorted(self):
            if before is not None and day - before == ONE_DAY and runs[-1][2] == self[day]:
                runs[-1][1] = day.isoformat()
            else:
                runs.append([day.isoformat(), day.isoformat(), self[day]])
            before = day
        return runs

    @classmethod
    def from_runs(cls, runs: Iterable[tuple[str, str, int]]) -> "DayVersions":
        return cls(
            {
                day: version
                for first, last, version in runs
                for day in Days(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
            }
        )
