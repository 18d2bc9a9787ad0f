"""A browser per test process, a demo per test module, a fresh window per test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.demo_stage import Stage, stage

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
START_SECONDS = 60


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "demo") as made:
        yield made


@pytest.fixture
def page(browser: Browser, demo: Stage) -> Iterator[Page]:
    """The demo page at 1,440 × 900, drawn; what the page itself reports as an error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(8000)
    errors: list[str] = []
    window = context.new_page()
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
    window.goto(demo.page)
    window.get_by_label("Command").wait_for()
    yield window
    context.close()
    assert errors == []


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the page of a fresh demo is."""
    command = [sys.executable, "-m", "bot", "demo", "--port", "0", "--no-browser", "--state", str(tmp_path / "demo")]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[2], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ")},
    )  # fmt: skip
    assert process.stdout is not None
    late = threading.Timer(START_SECONDS, process.kill)
    late.start()
    try:
        said = ""
        for line in process.stdout:
            said += line
            if found := re.search(r"Play the company:\s+(http\S+)", line):
                break
        else:
            pytest.fail(f"the demo did not start:\n{said}")
        late.cancel()
        yield found[1]
    finally:
        late.cancel()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
