"""What a message says: everything that one needs at night, and not more than a channel takes."""

import dataclasses

from streaming_assets import contracts
from streaming_assets.alerts.messages import Wording
from streaming_assets.alerts.standing import news_of_checks

from .situations import DAYS, NIGHT, fails, run

WORDING = Wording("http://ui:3000", {("raw/events", DAYS): "See raw/rejected_rows."})


def failing(*rows):
    ((group),) = news_of_checks([], rows).failing
    return WORDING.failing(group, NIGHT)


def test_a_failed_check_is_told_with_days_numbers_severity_owner_advice_and_a_link():
    told = failing(fails("raw/events", DAYS, 5, numbers='{"rejected_share": 0.2000001, "rows": 20}'))
    assert told.subject == f"FAILING: raw/events: {DAYS} on 2026-03-05 (blocking)"
    assert told.owner == contracts.ALL["raw/events"].owner
    assert told.text.splitlines() == [
        told.subject,
        "owner team:data-platform",
        f"- raw/events: {DAYS} on 2026-03-05: blocks what is downstream, fails since 2026-03-06 03:00 UTC; rejected_share 0.2, rows 20",
        "  What to do: See raw/rejected_rows.",
        f"  http://ui:3000/assets/raw/events?view=checks&checkDetail={DAYS}",
    ]


def test_the_gravest_of_several_checks_is_in_the_subject():
    told = failing(fails("raw/events", "a_warning", 5, warns=True), fails("raw/events", DAYS, 5))
    assert told.subject == f"FAILING: raw/events: {DAYS} on 2026-03-05 and 1 more of raw (blocking)"
    assert told.severity == "blocking"


def test_a_failed_run_is_told_with_its_error_on_one_line_and_a_link():
    told = WORDING.run_failing(run("publish", 1, run_id="abc"), NIGHT)
    assert (told.subject, told.severity) == ("FAILING: run of publish failed", "run")
    assert told.text.splitlines()[2:] == [
        "at 2026-03-06 03:01 UTC: No space left on device",
        "http://ui:3000/runs/abc",
    ]


def test_a_message_stays_of_a_length_that_channels_take_and_is_about_every_check():
    told = failing(*(fails("marts/retention", f"check_{number:03}_{'x' * 100}") for number in range(300)))
    assert len(told.about) == 300
    assert "… and 280 more" in told.text
    assert len(told.text) < 40_000  # what Slack takes


def test_many_ranges_of_days_are_counted():
    told = failing(*(fails("core/plays", "add_up", day) for day in range(1, 31, 2)))
    assert "2026-03-01, 2026-03-03, 2026-03-05, 2026-03-07, 2026-03-09 and 10 ranges more" in told.subject


def test_a_file_name_that_is_no_text_does_not_make_a_message_that_nobody_can_write():
    told = WORDING.run_failing(dataclasses.replace(run("publish", 1), error="no file a\udcff.jsonl"), NIGHT)
    assert "no file a?.jsonl" in told.text
    assert told.text.encode()
