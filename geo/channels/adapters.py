"""The adapters there are, by the name that a connection has for them."""

from collections.abc import Mapping

from geo.channels.adapter import Adapter
from geo.channels.models import ChannelConnection
from geo.channels.open311_peer import Open311Peer
from geo.channels.qlue import Qlue

ADAPTERS: Mapping[str, Adapter] = {
    ChannelConnection.Adapter.QLUE: Qlue(),
    ChannelConnection.Adapter.OPEN311: Open311Peer(),
}
