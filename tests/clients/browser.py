"""Debian's Chromium, watched: what it logs, asks for and keeps is written down, so that a test can refuse it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
# Software WebGL, and none of the calls home that Chromium makes at its start.
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY = "html[data-ready]"
SETTLED = "html[data-ready][data-settled=yes]"
PATIENCE_MS = 30_000
# Leads to a process of the same host, on a port of its own; where that does not run, the page asks as often as it can instead.
STREAM = "/api/observations/stream"


@dataclass
class Watched:
    """What a page did that it should not: lines of its console, and addresses outside the service."""

    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def follow(self, page: Page, origin: str) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url, origin))

    def _hear(self, line: ConsoleMessage) -> None:
        is_absent_stream = "ERR_CONNECTION_REFUSED" in line.text and urlsplit(line.location["url"]).path == STREAM
        if line.type in ("error", "warning") and not is_absent_stream:
            self.errors.append(line.text)

    def _note(self, url: str, origin: str) -> None:
        parts = urlsplit(url)
        if parts.path == STREAM and parts.hostname == urlsplit(origin).hostname:
            return
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != origin:
            self.strangers.append(url)


@contextmanager
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found, "these tests need Debian's Chromium: apt-get install chromium (or leave them out: -m 'not browser')"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, url: str, watched: Watched, *, until: str = READY, **context: Any) -> Page:
    """The page at a URL, once its map and its figures stand, or whatever is waited for."""
    page = browser.new_context(
        **{"viewport": DESKTOP, "locale": "id-ID", "reduced_motion": "reduce", **context}
    ).new_page()
    page.set_default_timeout(PATIENCE_MS)
    parts = urlsplit(url)
    watched.follow(page, f"{parts.scheme}://{parts.netloc}")
    page.goto(url)
    page.wait_for_selector(until)
    return page
