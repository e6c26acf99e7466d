"""Which numbers must agree from stage to stage: who is held against what, on which days, and what to do if it fails.

How a disagreement is found is in `violations`; when it is looked for, and what follows, is the orchestration's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import ibis

from streaming_assets import contracts
from streaming_assets.lake.days import Days
from streaming_assets.quality import violations

MOST_REJECTED_EXPECTED = 0.01
MOST_DUPLICATES_EXPECTED = 0.05
WATCH_TIME_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Around:
    """Days of a table that are read besides those that are checked."""

    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class RowsPerDay:
    """Of a table, how many rows its days have: (date, rows), with file_id where its partitions are of files too."""


ROWS_PER_DAY = RowsPerDay()


@dataclass(frozen=True)
class Reconciliation:
    """A check of one asset against the tables it must agree with.

    name: a sentence that is true when it passes. reads: table name → the days to read, None for the whole table,
    ROWS_PER_DAY for nothing but (date, rows) of its days; the violations function takes these tables in this order.
    advice: what to do when it fails. about: the table whose every commit is judged, if it is not the asset's.
    judged_by: the setting that its limit is. figures: from the same tables, the numbers of every day that is judged, where
    they are worth a trend line; their column limit_used is above 1 on the days that violate.
    """

    name: str
    asset: str
    description: str
    reads: Mapping[str, Around | RowsPerDay | None]
    is_blocking: bool
    advice: str
    violations: Callable[..., ibis.Table]
    about: str | None = None
    judged_by: str | None = None
    figures: Callable[..., ibis.Table] | None = None

    def violated(
        self,
        read: Callable[[str, Days | None], ibis.Table],
        days: Days | None,
        count: Callable[[str], ibis.Table] | None = None,
    ) -> ibis.Table:
        """The violations among the days, one row per day; of everything, where days is None. Checks of files take no days.

        read gives the rows of a table on some days, or all of them; count its rows per day, where that is known
        without reading them.
        """
        return self._asked(self.violations, read, days, count)

    def measured(
        self,
        read: Callable[[str, Days | None], ibis.Table],
        days: Days | None,
        count: Callable[[str], ibis.Table] | None = None,
    ) -> ibis.Table:
        """As violated, the figures of all of the days that are judged."""
        assert self.figures is not None  # noqa: S101 - asked of checks that have some only
        return self._asked(self.figures, read, days, count)

    def _asked(
        self,
        question: Callable[..., ibis.Table],
        read: Callable[[str, Days | None], ibis.Table],
        days: Days | None,
        count: Callable[[str], ibis.Table] | None,
    ) -> ibis.Table:
        def given(name: str, what: Around | RowsPerDay | None) -> ibis.Table:
            if isinstance(what, RowsPerDay):
                return count(name) if count else _counted(name, read(name, None))
            return read(name, None if what is None or days is None else days.around(what.before, what.after))

        tables = [given(name, what) for name, what in self.reads.items()]
        found = question(*tables)
        return found if days is None else found.filter(found.date.between(days.first, days.last))


def reconciliations(max_rejected_share: float) -> list[Reconciliation]:
    """All of them; max_rejected_share (0 … 1) is the setting above which rejected rows stop what is downstream."""
    return [
        *_of_files(max_rejected_share),
        *_of_raw_days(max_rejected_share),
        *_of_events(),
        *_of_sessions(),
        *_of_daily(),
    ]


def _of_files(max_rejected_share: float) -> list[Reconciliation]:
    return [
        Reconciliation(
            "rows_of_every_file_are_accepted_or_rejected",
            "raw/event_files",
            "Per file, rows = accepted + rejected; as many rows as accepted are loaded, as many as rejected are kept.",
            dict.fromkeys(["raw/event_files", "raw/events", "raw/users", "raw/content", "raw/rejected_rows"]),
            is_blocking=True,
            advice="Report it: the ledger and the raw tables disagree; `streaming-assets rebuild` makes both from the landed files.",
            violations=violations.files_with_missing_rows,
        ),
        Reconciliation(
            "every_raw_event_comes_from_a_file_of_the_ledger",
            "raw/event_files",
            "No row of raw/events has a file_id that raw/event_files does not know.",
            dict.fromkeys(["raw/event_files", "raw/events"]),
            is_blocking=True,
            advice="Ingest again: a run that was killed between its commits left rows that the next one replaces.",
            violations=violations.files_unknown_to_the_ledger,
        ),
        Reconciliation(
            "rejected_share_of_every_file_is_within_the_limit",
            "raw/event_files",
            f"At most {_percent(max_rejected_share)} of any file's rows are rejected.",
            dict.fromkeys(["raw/event_files"]),
            is_blocking=True,
            advice=(
                "See the reasons in raw/rejected_rows; land a corrected file under the same path, or correct its source's "
                "YAML, or raise STREAMING_ASSETS_MAX_REJECTED_SHARE. A file that was taken away, or corrected under another "
                "name, still counts: land a file of 0 bytes under its path, which takes its rows out."
            ),
            violations=partial(violations.files_with_many_rejected, most=max_rejected_share),
            judged_by="max_rejected_share",
        ),
        Reconciliation(
            "every_landed_file_was_read",
            "raw/event_files",
            "No file of the ledger is failed or unclaimed.",
            dict.fromkeys(["raw/event_files"]),
            is_blocking=False,
            advice=(
                "The error says what was found and what was expected: land the whole file again under the same path, or "
                "correct or add its source's YAML, or take the file away. Until then nothing of it is in the tables, or "
                "what was there before it."
            ),
            violations=violations.files_not_read,
        ),
    ]


def _of_raw_days(max_rejected_share: float) -> list[Reconciliation]:
    # Rejected rows have no days of their own that could be written: every ingest is judged, on all days that have some.
    reads = {"raw/events": ROWS_PER_DAY, "raw/rejected_rows": None}
    about = "raw/event_files"
    meaning = "of a day's rows are rejected; rows whose time was refused are of no day"
    return [
        Reconciliation(
            "rejected_share_of_every_day_is_within_the_limit",
            "raw/events",
            f"At most {_percent(max_rejected_share)} {meaning}.",
            reads,
            is_blocking=True,
            advice=(
                "See the reasons and files of these days in raw/rejected_rows; correct the files and land them again, "
                "or raise STREAMING_ASSETS_MAX_REJECTED_SHARE."
            ),
            violations=partial(violations.days_with_many_rejected, most=max_rejected_share),
            about=about,
            judged_by="max_rejected_share",
        ),
        Reconciliation(
            "at_most_1_percent_of_a_days_rows_are_rejected",
            "raw/events",
            f"At most {_percent(MOST_REJECTED_EXPECTED)} {meaning}.",
            reads,
            is_blocking=False,
            advice="See which reason grew in raw/rejected_rows, and tell the producer of these files.",
            violations=partial(violations.days_with_many_rejected, most=MOST_REJECTED_EXPECTED),
            about=about,
            figures=_of_limit(violations.rejected_shares, "rejected_share", MOST_REJECTED_EXPECTED),
        ),
    ]


def _of_events() -> list[Reconciliation]:
    return [
        Reconciliation(
            "raw_rows_are_kept_or_duplicates",
            "core/events",
            "Per day, rows of raw/events = rows of core/events + rows beyond the first of each (event_date, event_id).",
            {"raw/events": Around(), "core/events": Around()},
            is_blocking=True,
            advice="Materialise core/events of these days again; report it if that does not help.",
            violations=violations.days_with_lost_events,
        ),
        Reconciliation(
            "at_most_5_percent_of_a_days_rows_are_duplicates",
            "core/events",
            f"At most {_percent(MOST_DUPLICATES_EXPECTED)} of a day's raw rows repeat an (event_date, event_id).",
            {"raw/events": Around(), "core/events": Around()},
            is_blocking=False,
            advice="Look for a file that was landed under two paths, or a producer that sends its events twice.",
            violations=partial(violations.days_with_many_duplicates, most=MOST_DUPLICATES_EXPECTED),
            figures=_of_limit(violations.duplicate_shares, "duplicate_share", MOST_DUPLICATES_EXPECTED),
        ),
        Reconciliation(
            "every_event_id_is_on_one_day",
            "core/events",
            "No event_id is on two days; both would be kept, and count twice.",
            {"core/events": Around(before=1, after=1)},
            is_blocking=False,
            advice="Ask the producer whether an event was sent with two times, or its event_id used for two events.",
            violations=violations.days_that_share_event_ids,
        ),
        Reconciliation(
            "plays_are_the_plays_of_the_events",
            "core/plays",
            "Per day, as many plays as core/events has events of type play.",
            {"core/events": Around(), "core/plays": Around()},
            is_blocking=True,
            advice="Materialise core/plays of these days again; report it if that does not help.",
            violations=violations.days_with_lost_plays,
        ),
    ]


def _of_sessions() -> list[Reconciliation]:
    return [
        Reconciliation(
            "every_play_is_in_one_session",
            "core/sessions",
            "Plays of a day = plays of its sessions on the day itself + plays on it of the sessions of the day before.",
            {"core/plays": Around(), "core/sessions": Around(before=1)},
            is_blocking=True,
            advice="Materialise core/plays and core/sessions from the day before to the day after again.",
            violations=violations.days_with_plays_outside_sessions,
        ),
        Reconciliation(
            "sessions_of_a_user_do_not_overlap",
            "core/sessions",
            "A user's session ends at the latest when the next one starts.",
            {"core/sessions": Around(before=1, after=1)},
            is_blocking=True,
            advice="Materialise core/plays and core/sessions from two days before to the day after again.",
            violations=violations.days_with_overlapping_sessions,
        ),
        Reconciliation(
            "sessions_reconcile_with_users",
            "core/user_daily",
            "Sessions of a day = sessions that its users started.",
            {"core/sessions": Around(), "core/user_daily": Around()},
            is_blocking=True,
            advice="Materialise core/sessions and core/user_daily of these days again.",
            violations=violations.days_with_other_sessions,
        ),
    ]


def _of_daily() -> list[Reconciliation]:
    reads = {
        name: {"core/plays": Around(), name: Around()}
        for name in ("core/user_daily", "core/user_content_daily", "core/content_daily", "core/hourly_activity")
    }
    plays = [
        Reconciliation(
            "plays_reconcile_with_core_plays",
            name,
            f"Plays of a day in core/plays = sum of plays in {name}.",
            tables,
            is_blocking=True,
            advice=f"Materialise {name} of these days again; report it if that does not help.",
            violations=violations.days_with_other_plays,
        )
        for name, tables in reads.items()
    ]
    watch_seconds = [
        Reconciliation(
            "watch_seconds_reconcile_with_core_plays",
            name,
            f"Watch time of a day in core/plays = that in {name}, to {WATCH_TIME_TOLERANCE:g} of it.",
            tables,
            is_blocking=True,
            advice=f"Materialise {name} of these days again; report it if that does not help.",
            violations=partial(violations.days_with_other_watch_time, tolerance=WATCH_TIME_TOLERANCE),
        )
        for name, tables in reads.items()
    ]
    return plays + watch_seconds


def _counted(name: str, rows: ibis.Table) -> ibis.Table:
    table = contracts.ALL[name]
    assert table.day_column is not None  # noqa: S101 - asked of daily tables only
    others = [column for column in table.partition_by if column != table.day_column]
    return rows.group_by(*others, date=table.day_column).agg(rows=rows.count())


def _of_limit(shares: Callable[..., ibis.Table], share: str, most: float) -> Callable[..., ibis.Table]:
    """The shares of all days, with the part of the limit that they take up."""

    def figures(*tables: ibis.Table) -> ibis.Table:
        found = shares(*tables)
        return found.mutate(limit_used=(found[share] / most).coalesce(0.0))

    return figures


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
