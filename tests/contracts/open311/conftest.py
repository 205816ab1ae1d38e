"""A town that a real server serves to the contract tests of a module; what they post stays until the module ends."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from geo.models import Report
from geo.reports.access.channel_keys import create_key
from tests.contracts.open311.asking import FORMATS, Open311
from tests.contracts.open311.town import make_town
from tests.factories import make_channel


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database, for a server in other threads: what fixtures of a module write is committed, and swept away after it.

    A test's own writes are rolled back, and the server does not see them; see `asking.commit`.
    """
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(scope="module")
def town(committed: None) -> None:
    """See tests.contracts.open311.town; a module that wants another one has a fixture of the same name."""
    make_town()


@pytest.fixture(scope="module")
def server(town: None) -> Iterator[str]:
    running = LiveServer("127.0.0.1")
    yield running.url
    running.stop()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@pytest.fixture(params=FORMATS)
def form(request: Any) -> str:
    """Every rule holds in both formats."""
    return str(request.param)


@pytest.fixture
def open311(server: str, form: str, session: requests.Session) -> Open311:
    return Open311(server, form, session)


@pytest.fixture(scope="module")
def key(town: None) -> str:
    """Of the channel pot."""
    return create_key(channel=make_channel("pot"))[1]


@pytest.fixture
def _nothing_comes() -> Iterator[None]:
    """No report comes to be in this test."""
    before = Report.objects.count()
    yield
    assert Report.objects.count() == before
