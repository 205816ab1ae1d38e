"""The service that the clients talk to: one for the whole run."""

from collections.abc import Iterator

import pytest

from tests.clients.service import Service, filled_service

# QGIS has its own Python: ./pantau test --qgis.
collect_ignore = ["qgis"]


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with filled_service() as running:
        yield running
