"""What an adapter is: the part of a channel that knows how its remote side says things."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self

from geo.channels.models import ChannelConnection
from geo.reports.importing.importer import Row
from geo.reports.workflow import Status


class RemoteFault(Exception):
    """The remote side answered, and not with what was agreed; in a sentence that names no address and no person."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a channel sent.

    `row` has the fields of geo.reports.importing.importer, its `category` still being their word; a BrokenRow where it cannot be read.
    `payload` is what came, for the dead letter that it may become.
    """

    external_id: str
    row: Row
    payload: Any
    photo_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, and the cursor to be kept once they are all stored or dead letters."""

    items: tuple[Item, ...]
    cursor: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What a channel is told of one of its reports: a status in our words, and what the public may read of the reason."""

    public_id: str
    external_id: str
    status: Status
    note: str
    at: datetime

    def as_payload(self) -> dict[str, Any]:
        return {
            "report": self.public_id,
            "external_id": self.external_id,
            "status": self.status.value,
            "note": self.note,
            "at": self.at.isoformat(),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            public_id=payload["report"],
            external_id=payload["external_id"],
            status=Status(payload["status"]),
            note=payload["note"],
            at=datetime.fromisoformat(payload["at"]),
        )


class Adapter(Protocol):
    """One kind of remote side. An adapter keeps no state: where a channel stands is in its connection."""

    # Whether its reports are fetched; where they are not, the remote side sends them.
    is_pulled: bool

    def pages(self, connection: ChannelConnection, now: datetime) -> Iterator[Page]:
        """What is new since the connection's cursor, and more where in doubt: what is known already is stored once.

        Errors: RemoteFault; OutboundError of server.core.outbound.
        """

    def item(self, payload: Any) -> Item:
        """One payload, read (again)."""

    def is_news(self, old: Status, update: StatusUpdate) -> bool:
        """Whether the remote side would see anything change."""

    def status_body(self, update: StatusUpdate) -> dict[str, Any]:
        """What is posted to the connection's status_url, as JSON."""
