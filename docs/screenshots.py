"""Take the README's screenshots of a running UI: `make screenshots` with `make ui` open in another terminal.

Needs `pip install playwright` and a Chromium; CHROMIUM names its program.
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
EXPANDED = ",".join(f"global@global:{group}" for group in ("raw", "core", "experiments", "published"))
SHOTS = {
    "lineage.png": (f"/asset-groups?expanded={quote(EXPANDED)}", {"width": 2400, "height": 2900}),
    "sessions.png": ("/assets/core/sessions?view=overview", {"width": 1500, "height": 1250}),
    "retention.png": ("/assets/marts/retention?view=overview", {"width": 1500, "height": 1700}),
    "decisions.png": ("/assets/experiments/decisions?view=overview", {"width": 1500, "height": 1900}),
    "checks.png": ("/assets/core/sessions?view=checks", {"width": 1500, "height": 1050}),
}

MARKDOWN = {"retention.png": 0, "decisions.png": 2}
"""Which of the page's Markdown is opened; of the decisions, by id, that on sim_lift."""


def take(page: Page, base: str) -> None:
    """Save every picture."""
    for name, (path, size) in SHOTS.items():
        page.set_viewport_size(size)
        page.goto(base + path)
        page.wait_for_timeout(6_000)
        if name in MARKDOWN:
            page.get_by_text("Show Markdown").nth(MARKDOWN[name]).click()
            page.wait_for_timeout(2_000)
        page.screenshot(path=IMAGES / name)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        take(browser.new_page(), sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000")
        browser.close()
