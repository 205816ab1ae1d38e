"""A peer that speaks Open311 (POT, SOROT): it posts its reports to /open311/v2/, and is told of their statuses by webhook."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from geo.channels.adapter import Item, Page, StatusUpdate
from geo.channels.models import ChannelConnection
from geo.reports.importing.importer import BrokenRow
from geo.reports.workflow import WORDS, Status


class Open311Peer:
    """The adapter: nothing is pulled, every change of a status is posted."""

    is_pulled = False

    def pages(self, connection: ChannelConnection, now: datetime) -> Iterator[Page]:
        return iter(())

    def item(self, payload: Any) -> Item:
        return Item("", BrokenRow("reports of this channel come by /open311/v2/", {}), payload)

    def is_news(self, old: Status, update: StatusUpdate) -> bool:
        return True

    def status_body(self, update: StatusUpdate) -> dict[str, Any]:
        return {
            "event": "service_request.updated",
            "service_request_id": update.public_id,
            "external_id": update.external_id or None,
            "status": WORDS[update.status].open311,
            "status_code": update.status.value,
            "status_notes": update.note,
            "updated_datetime": update.at.isoformat(timespec="seconds"),
        }
