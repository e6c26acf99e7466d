"""What a person does in the UI, done in a browser: look at the lineage, materialise, backfill, find a failed check.

In this order: while the broken file of the last test stands, nothing downstream of it is made.
"""

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest

from streaming_assets.automation.jobs import GROUPS
from streaming_assets_tests.browser.conftest import UI
from streaming_assets_tests.end_to_end.service import steady_week
from streaming_assets_tests.end_to_end.steady import DAYS, FIRST_DAY
from streaming_assets_tests.end_to_end.test_bad_file import with_a_fifth_broken

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

UNTIL_A_RUN_HAS_ENDED = 300_000
"""Milliseconds; a run starts with the imports, and the machine may be busy."""
PLOT_WIDTH = 900
REJECTED_SHARE = "rejected_share_of_every_file_is_within_the_limit"


def test_the_terminal_is_free_of_warnings_when_the_ui_has_opened(ui: UI):
    assert "Warning" not in ui.log.read_text()


def test_the_lineage_shows_every_group(page: "Page"):
    page.goto("/asset-groups")
    for group in GROUPS:
        page.get_by_text(group, exact=True).last.wait_for()


def test_an_asset_is_materialised_by_a_click_and_shows_its_plot_and_its_checks(page: "Page"):
    page.goto("/assets/marts/retention?view=overview")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_text("Launched run").wait_for()
    page.get_by_text("View", exact=True).click()
    page.get_by_text("Success", exact=True).wait_for(timeout=UNTIL_A_RUN_HAS_ENDED)

    page.goto("/assets/marts/retention?view=overview")
    page.get_by_role("row", name="retention_curves").get_by_text("Show Markdown").click()
    plot = page.get_by_role("dialog").get_by_role("img", name="retention_curves")
    plot.wait_for()
    assert plot.evaluate("image => image.decode().then(() => image.naturalWidth)") == PLOT_WIDTH

    page.goto("/assets/marts/retention?view=checks&checkDetail=segments_add_up_to_all_users")
    page.get_by_text("Checks (18)").wait_for()
    page.get_by_text("Passed", exact=True).wait_for()


def test_a_range_of_days_is_backfilled_from_the_dialog(page: "Page"):
    first, last = FIRST_DAY + dt.timedelta(days=2), FIRST_DAY + dt.timedelta(days=4)
    page.goto("/assets/core/sessions?view=overview")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show all partitions").click()
    selection = dialog.get_by_role("textbox").first
    selection.fill(f"[{first}...{last}]")
    selection.press("Enter")
    dialog.get_by_text("3 partitions", exact=True).wait_for()
    dialog.get_by_role("button", name="Launch backfill").click()
    page.get_by_text("Created backfill").wait_for()
    page.get_by_text("View", exact=True).click()
    page.get_by_text(f"{first}...{last}").wait_for()
    page.get_by_text("100% completed").wait_for(timeout=UNTIL_A_RUN_HAS_ENDED)
    targeted, in_progress, succeeded, failed = page.inner_text("body").split("100% completed")[1].split()[:4]
    assert (targeted, in_progress, succeeded, failed) == ("3", "0", "3", "0")


def test_a_file_with_a_fifth_of_its_rows_broken_turns_its_check_red(page: "Page", ui: UI):
    page.goto(f"/assets/raw/event_files?view=checks&checkDetail={REJECTED_SHARE}")
    page.get_by_text("Passed", exact=True).wait_for()
    ((name, text),) = steady_week(FIRST_DAY + dt.timedelta(days=DAYS), 1).items()
    (ui.landing / name).write_text(with_a_fifth_broken(text))

    failed = page.locator("[data-tooltip=Failed]")
    failed.wait_for(timeout=UNTIL_A_RUN_HAS_ENDED)
    red, green, blue = map(int, re.findall(r"\d+", failed.evaluate("tag => getComputedStyle(tag).color"))[:3])
    assert red > 2 * max(green, blue)
    page.get_by_text("Show JSON").click()
    page.get_by_role("dialog").get_by_text(name).wait_for()
