"""Fixtures of every test.

The servers are real: `./pantau test` starts a PostGIS and a Mosquitto of the run's own and names them in DATABASE_URL, MQTT_URL and
MQTT_GATEWAY_URL before pytest begins.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import translation

from tests.databases import template_of
from tests.emptying import empty_quickly


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The run's database is marked as one that may be emptied: some tests do that at their end, the history included."""
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            cursor.execute(f"COMMENT ON DATABASE {name} IS 'disposable'")
        empty_quickly()
        # Copied while nobody else is connected to it.
        connection.close()
    with template_of(connection.settings_dict["NAME"]):
        yield


@pytest.fixture(autouse=True)
def _tasks_at_once(settings: Any) -> None:
    """Work for the worker is done where it is asked for; tests that need the real worker start one."""
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """A hash that is slow by design is slow in tests, too."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Answers are remembered by data version, and a rolled-back test gives its versions to the next one."""
    cache.clear()


@pytest.fixture(autouse=True)
def _language_of_the_settings() -> None:
    """The test client leaves the language of its last request behind, which no process of its own does."""
    translation.deactivate()
