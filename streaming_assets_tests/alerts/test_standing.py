"""What is news of what stands failed: told once, and once more when it passes."""

import datetime as dt
from collections.abc import Sequence

from streaming_assets.alerts.messages import Wording
from streaming_assets.alerts.record import Outbox, Record
from streaming_assets.alerts.standing import FailedRun, Job
from streaming_assets.alerts.telling import Found, looked
from streaming_assets.lake.failures import OpenFailure

from .situations import DAYS, FILES, NIGHT, fails, run

WORDING = Wording("http://ui", {})
HALF_A_MINUTE = dt.timedelta(seconds=30)


class Watch:
    """Looks, one after the other; what each of them has to tell, as kind and what it is about."""

    def __init__(self) -> None:
        self.record = Record(outboxes={"log": Outbox(NIGHT)})
        self._now = NIGHT

    def sees(
        self,
        *rows: OpenFailure,
        runs: Sequence[FailedRun] = (),
        green: dict[str, int] | None = None,
        seen: Sequence[str] = (),
    ) -> list[tuple[str, tuple[str, ...]]]:
        """green: by job, minutes into the night."""
        self._now += HALF_A_MINUTE
        before = len(self.record.outboxes["log"].waiting)
        jobs = {Job(job): NIGHT + dt.timedelta(minutes=minute) for job, minute in (green or {}).items()}
        ids = {one.run_id: one.failed_at for one in runs} | dict.fromkeys(seen, NIGHT)
        found = Found(rows, runs, jobs, {**self.record.seen, **ids}, None)
        self.record = looked(self.record, found, WORDING, self._now)
        return [(one.kind, one.about) for one in self.record.outboxes["log"].waiting[before:]]


A_CHECK = "core/plays: add_up on 2026-03-05"


def test_a_check_is_told_when_it_fails_and_when_it_passes_and_not_in_between():
    watch = Watch()
    row = fails("core/plays", "add_up", 5)
    assert [watch.sees(row), watch.sees(row), watch.sees(row)] == [[("failing", (A_CHECK,))], [], []]
    assert [watch.sees(), watch.sees()] == [[("recovered", (A_CHECK,))], []]


def test_a_check_that_fails_again_after_it_recovered_is_told_again():
    watch = Watch()
    row = fails("core/plays", "add_up", 5)
    kinds = [kind for rows in ([row], [], [row], []) for kind, _ in watch.sees(*rows)]
    assert kinds == ["failing", "recovered", "failing", "recovered"]


def test_a_broken_day_is_one_failure_and_one_recovery_though_several_checks_of_a_stage_see_it():
    watch = Watch()
    broken = [
        fails("raw/event_files", FILES, 5),
        fails("raw/events", DAYS, 5),
        fails("raw/events", "at_most_1_percent_of_a_days_rows_are_rejected", 5, warns=True),
    ]
    names = (
        f"raw/event_files: {FILES} on 2026-03-05",
        "raw/events: at_most_1_percent_of_a_days_rows_are_rejected on 2026-03-05",
        f"raw/events: {DAYS} on 2026-03-05",
    )
    assert [watch.sees(*broken), watch.sees(*broken), watch.sees()] == [
        [("failing", names)],
        [],
        [("recovered", names)],
    ]


def test_a_check_that_recovers_before_those_it_was_told_with_is_told_by_itself():
    watch = Watch()
    blocking, warning = fails("raw/events", DAYS, 5), fails("raw/events", "few_are_late", 5, warns=True)
    watch.sees(blocking, warning)
    assert watch.sees(warning) == [("recovered", (f"raw/events: {DAYS} on 2026-03-05",))]
    assert watch.sees() == [("recovered", ("raw/events: few_are_late on 2026-03-05",))]


def test_stages_and_days_that_have_nothing_in_common_are_told_apart():
    told = Watch().sees(
        fails("raw/events", DAYS, 1), fails("raw/event_files", FILES, 3), fails("core/plays", "add_up", 1)
    )
    assert [len(about) for _, about in told] == [1, 1, 1]


def test_ranges_of_days_of_one_check_are_one_message():
    assert Watch().sees(fails("core/plays", "add_up", 1, 3), fails("core/plays", "add_up", 7)) == [
        ("failing", ("core/plays: add_up on 2026-03-01 to 2026-03-03, 2026-03-07",))
    ]


def test_days_that_join_on_to_a_failure_are_part_of_it_until_all_of_them_pass():
    watch = Watch()
    watch.sees(fails("core/plays", "add_up", 5))
    assert watch.sees(fails("core/plays", "add_up", 5, 7)) == []
    assert watch.sees(fails("core/plays", "add_up", 6), fails("core/plays", "add_up", 7)) == []
    assert watch.sees() == [("recovered", ("core/plays: add_up on 2026-03-05 to 2026-03-07",))]


def test_a_day_apart_is_another_failure_with_its_own_recovery():
    watch = Watch()
    monday, thursday = fails("core/plays", "add_up", 2), fails("core/plays", "add_up", 5)
    assert watch.sees(monday) == [("failing", ("core/plays: add_up on 2026-03-02",))]
    assert watch.sees(monday, thursday) == [("failing", (A_CHECK,))]
    assert watch.sees(thursday) == [("recovered", ("core/plays: add_up on 2026-03-02",))]
    assert watch.sees() == [("recovered", (A_CHECK,))]


def test_failures_that_grow_together_recover_together():
    watch = Watch()
    watch.sees(fails("core/plays", "add_up", 2))
    watch.sees(fails("core/plays", "add_up", 2), fails("core/plays", "add_up", 4))
    assert watch.sees(fails("core/plays", "add_up", 2, 4)) == []
    ((kind, about),) = watch.sees()
    assert (kind, len(about)) == ("recovered", 2)


def test_a_check_that_is_not_of_days_is_told_once():
    watch = Watch()
    row = fails("marts/retention", "rolling_is_at_least_exact")
    assert [watch.sees(row), watch.sees(row), watch.sees()] == [
        [("failing", ("marts/retention: rolling_is_at_least_exact",))],
        [],
        [("recovered", ("marts/retention: rolling_is_at_least_exact",))],
    ]


def test_a_job_is_told_when_it_fails_and_when_it_runs_green_however_often_it_fails_meanwhile():
    watch = Watch()
    assert watch.sees(runs=[run("publish", 1)]) == [("failing", ("publish: run publish-1",))]
    assert watch.sees() == []
    assert watch.sees(runs=[run("publish", 2), run("publish", 3)]) == []
    assert watch.sees(green={"publish": 4}) == [("recovered", ("publish: run publish-1",))]
    assert watch.sees(runs=[run("publish", 5)], green={"publish": 4}) == [("failing", ("publish: run publish-5",))]


def test_a_run_that_failed_before_its_job_ran_green_is_told_with_its_recovery():
    told = Watch().sees(runs=[run("publish", 1), run("publish", 9)], green={"publish": 5})
    assert told == [
        ("failing", ("publish: run publish-1",)),
        ("recovered", ("publish: run publish-1",)),
        ("failing", ("publish: run publish-9",)),
    ]


def test_runs_that_fail_while_a_job_stands_failed_are_over_with_it():
    watch = Watch()
    watch.sees(runs=[run("publish", 1)])
    assert watch.sees(runs=[run("publish", 2)], green={"publish": 3}) == [("recovered", ("publish: run publish-1",))]


def test_a_run_that_was_looked_at_is_not_told_again():
    watch = Watch()
    watch.sees(seen=["publish-1"])
    assert watch.sees(runs=[run("publish", 1)]) == []


def test_jobs_and_choices_of_assets_fail_each_for_themselves():
    runs = [
        run("publish", 1),
        run("__ASSET_JOB", 2, assets=("core/plays",)),
        run("__ASSET_JOB", 3, assets=("core/events", "core/plays")),
    ]
    assert [about for _, about in Watch().sees(runs=runs)] == [
        ("publish: run publish-1",),
        ("materialising core/plays: run __ASSET_JOB-2",),
        ("materialising core/events, core/plays: run __ASSET_JOB-3",),
    ]
