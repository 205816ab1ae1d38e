"""A small city, and a channel that is connected with a remote side of the test's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from geo.areas.models import City
from geo.channels.models import ChannelConnection
from tests.channels.remote import Remote
from tests.factories import make_category, make_channel, make_city


@pytest.fixture
def remote(settings: Any) -> Iterator[Remote]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Remote() as remote:
        yield remote


@pytest.fixture
def city(db: Any) -> City:
    make_category("sampah", name_id="Sampah", name_en="Rubbish")
    return make_city()


@pytest.fixture
def qlue(city: City, remote: Remote) -> ChannelConnection:
    return ChannelConnection.objects.create(
        channel=make_channel("qlue", city=city), adapter="qlue", feed_url=remote.feed_url, status_url=remote.status_url
    )


@pytest.fixture
def pot(city: City, remote: Remote) -> ChannelConnection:
    return ChannelConnection.objects.create(
        channel=make_channel("pot", city=city), adapter="open311", status_url=remote.status_url
    )
