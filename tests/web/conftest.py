"""The demo city, one for each process of the run; and Chromium, one for each module.

A page's errors and requests to strangers fail its test.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.clients.browser import Watched, chromium
from tests.web.demo import Demo, demo_city


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # The first of a process makes the city, which takes minutes.
            item.add_marker(pytest.mark.timeout(1200))


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    with demo_city() as running:
        yield running


@pytest.fixture(scope="module")
def _chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch:
        # Playwright's loop runs in the tests' own thread, and Django would take each of their questions for a coroutine's.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        with chromium() as found:
            yield found


@pytest.fixture
def browser(_chromium: Browser) -> Iterator[Browser]:
    """What a test opens in it shares nothing with other tests' (a context each), and is closed with the test."""
    yield _chromium
    for context in _chromium.contexts:
        context.close()


@pytest.fixture
def watched() -> Iterator[Watched]:
    """To be given to `open_page`: nothing on the console, nobody else asked, or the test fails at its end."""
    seen = Watched()
    yield seen
    assert not seen.errors
    assert not seen.strangers
