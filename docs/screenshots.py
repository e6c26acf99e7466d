"""Take the pictures of docs/images of a running UI: `make screenshots` with `make ui` open in another terminal.

Needs the extra `browser` and a Chromium; CHROMIUM names its program. Best after `make run` and some single days again
(`streaming-assets run --from … --to …`), so that the trend lines of checks have several points.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
DEADLINE = 60_000
"""Milliseconds until what a picture is to show must be there."""
UNTIL_DRAWN = 5_000
"""Milliseconds in which the UI fetches icons, states and lines once the page stands."""


@dataclass(frozen=True)
class Shot:
    """A page of the UI in a window of a size, once a text is on it.

    opened: the metadata entry whose Markdown is opened and taken in place of the page. cut: at this height of the picture.
    """

    path: str
    size: tuple[int, int]
    until: str
    opened: str = ""
    cut: int | None = None


def of_asset(asset: str, opened: str) -> Shot:
    """What an asset's page shows of one of its metadata entries."""
    return Shot(f"/assets/{asset}?view=overview", (1500, 1400), opened, opened)


SHOTS = {
    "lineage.png": Shot("/asset-groups", (1400, 460), "published"),
    "sessions.png": Shot("/assets/core/sessions?view=overview", (1500, 1250), "session_id"),
    "checks.png": Shot(
        "/assets/core/events?view=checks&checkDetail=at_most_5_percent_of_a_days_rows_are_duplicates",
        (1500, 1250),
        "duplicate_share",
    ),
    "automation.png": Shot("/automation", (1500, 640), "weekly_training_schedule"),
    "retention.png": of_asset("marts/retention", "retention_curves"),
    "decisions.png": Shot("/assets/experiments/decisions?view=overview", (1500, 1900), "sim_lift", "sim_lift", cut=840),
    "churn_reliability.png": of_asset("models/churn_reliability", "reliability"),
    "churn_lift.png": of_asset("models/churn_reliability", "lift"),
    "churn_drivers.png": of_asset("models/churn_summary", "drivers"),
    "forecast.png": of_asset("models/viewer_forecast", "next_hours"),
}


def take(page: Page, shot: Shot, file: Path) -> None:
    """Save one picture, in 256 colours: a third of the bytes."""
    width, height = shot.size
    page.set_viewport_size({"width": width, "height": height})
    page.goto(shot.path)
    page.get_by_text(shot.until, exact=True).last.wait_for()
    page.wait_for_timeout(UNTIL_DRAWN)
    (opened(page, shot.opened) if shot.opened else page).screenshot(path=file)
    whole = Image.open(file).convert("RGB")
    whole.crop((0, 0, whole.width, shot.cut or whole.height)).quantize(256, Image.Quantize.MAXCOVERAGE).save(
        file, optimize=True
    )


def opened(page: Page, entry: str) -> Locator:
    """The dialog with the Markdown of a metadata entry."""
    page.get_by_role("row", name=re.compile(rf"^{entry}\b")).get_by_text("Show Markdown").click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    return dialog


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(base_url=sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000")
        page.set_default_timeout(DEADLINE)
        page.goto("/asset-groups")
        page.get_by_text("Hide navigation").click()
        for name, shot in SHOTS.items():
            take(page, shot, IMAGES / name)
        browser.close()
