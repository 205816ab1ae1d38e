"""A real server over committed data, one for each module of the contract suite."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from geo.reports.access.tokens import create_token
from tests.sensorthings.contract import Service, Town, link, make_town
from tests.sensorthings.writing import datastream, thing


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database, for a server in other threads: what a module writes is committed, and swept away after it."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(scope="module")
def town(committed: None) -> Town:
    return make_town()


@pytest.fixture(scope="module")
def service(committed: None) -> Iterator[Service]:
    """As anybody sees it."""
    running = LiveServer("127.0.0.1")
    yield Service(running.url)
    running.stop()


@pytest.fixture(scope="module")
def editor(service: Service) -> Service:
    """As somebody sees it who may write all of it."""
    user = User.objects.create_superuser("dewi")
    _token, text = create_token(user=user, name="contract", scopes=["read", "write"], now=timezone.now())
    return Service(service.url, text)


@pytest.fixture
def owner(editor: Service) -> dict[str, Any]:
    """A thing of this test's own, nowhere yet."""
    return editor.make("Things", thing())


@pytest.fixture
def stream(editor: Service, owner: dict[str, Any]) -> dict[str, Any]:
    """Its datastream."""
    return editor.make("Datastreams", datastream(Thing=link(owner)))
