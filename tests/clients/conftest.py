"""The service that the clients talk to, one for the whole run; and a browser, one for each module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.clients.service import Service, filled_service

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# QGIS has its own Python: ./pantau test --qgis.
collect_ignore = ["qgis"]


@pytest.fixture(scope="session")
def service(django_db_setup: None) -> Iterator[Service]:
    # Its database is a copy of the run's own.
    with filled_service() as running:
        yield running


@pytest.fixture(scope="module")
def _chromium() -> Iterator[Browser]:
    # Here, since the Python of QGIS reads this file as well, and has no Playwright.
    from tests.clients.browser import chromium

    with pytest.MonkeyPatch.context() as patch:
        # Playwright's loop runs in the tests' own thread, and Django would take each of their questions for a coroutine's. The
        # service answers in other threads.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        with chromium() as found:
            yield found


@pytest.fixture
def browser(_chromium: Browser) -> Iterator[Browser]:
    """What a test opens in it shares nothing with other tests' (a context each), and is closed with the test."""
    yield _chromium
    for context in _chromium.contexts:
        context.close()
