import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from streaming_assets_tests.end_to_end.command_line import command, environment, streaming_assets_process
from streaming_assets_tests.end_to_end.service import steady_week
from streaming_assets_tests.end_to_end.steady import DAYS, FIRST_DAY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
SECONDS_TO_START = 240
SETTLED_AT_ONCE = {"SETTLE_SECONDS": "0"}


@dataclass(frozen=True)
class UI:
    """The UI on a data folder that the command line has filled with twelve steady days."""

    landing: Path
    address: str
    log: Path


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="the extra `browser` is not installed")
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if program is None:
        pytest.skip(f"there is none of {', '.join(CHROMIUMS)}")
    with sync_api.sync_playwright() as playwright:
        # Without a sandbox of its own: in a container Chromium may not make one, and it opens this UI alone.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser", ui: UI) -> Iterator["Page"]:
    """A new page, wide enough that nothing is cut, whose paths are those of the UI."""
    page = browser.new_page(base_url=ui.address, viewport={"width": 1600, "height": 1400})
    page.set_default_timeout(60_000)
    yield page
    page.close()


@pytest.fixture(scope="module")
def ui(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[UI]:
    """Asks for the browser only so that nothing is filled where there is none."""
    home = tmp_path_factory.mktemp("browser")
    landing = home / "data" / "landing"
    for name, text in steady_week(FIRST_DAY, DAYS).items():
        file = landing / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    filled = streaming_assets_process("run", "--data-dir", "data", cwd=home)
    assert filled.code == 0, filled.err
    log = home / "ui.log"
    with serving(home, log) as address:
        yield UI(landing, address, log)


@contextmanager
def serving(home: Path, output: Path) -> Iterator[str]:
    """`streaming-assets ui` on the folder's data; its address while it runs."""
    port = free_port()
    with output.open("w") as log:
        started = subprocess.Popen(
            command("ui", "--data-dir", "data", "--port", port), cwd=home, env=environment(**SETTLED_AT_ONCE),
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(f"http://localhost:{port}")
            yield f"http://localhost:{port}"
        finally:
            # With the runs that it has launched, which would outlive it; nothing of theirs is kept.
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return int(found.getsockname()[1])


def wait_for(address: str) -> None:
    """Until somebody answers there."""
    retry = Retry(total=SECONDS_TO_START, backoff_factor=1, backoff_max=1)
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retry))
        session.get(f"{address}/server_info", timeout=SECONDS_TO_START).raise_for_status()
