"""What most tests over HTTP begin with; a module that wants more of its city has a fixture of the same name."""

import pytest

from geo.areas.models import City
from geo.reports.access.channel_keys import create_key
from tests.factories import make_category, make_channel, make_city


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def categories() -> None:
    for slug in ("sampah", "banjir"):
        make_category(slug)


@pytest.fixture
def key() -> str:
    """Of the channel qlue."""
    return create_key(channel=make_channel("qlue"))[1]
