"""A report's channel is told of every change of its status: by the outbox, in the transaction that changes it."""

from typing import Any

from geo.channels.adapter import StatusUpdate
from geo.channels.adapters import ADAPTERS
from geo.channels.models import ChannelConnection
from geo.channels.signing import signing_key
from geo.operations.outbox import transports
from geo.operations.outbox.messages import enqueue
from geo.operations.outbox.models import OutboxMessage
from geo.reports.services import OF_A_KEY
from geo.reports.status import StatusChange, status_changed

TRANSPORT = "channel"
TOPIC = "report.status"


def connect() -> None:
    """Called once, when the app is ready."""
    status_changed.connect(tell_channel, dispatch_uid="geo.channels.tell_channel")
    transports.register(TRANSPORT, send_status)


def tell_channel(*, change: StatusChange, **_sent: Any) -> None:
    """Writes down what the channel of this report is to be told, if it is connected and would see anything change."""
    report = change.report
    if report.is_exercise:
        return
    connections = ChannelConnection.objects.filter(channel=report.channel_id, is_active=True)
    connection = connections.exclude(status_url="").select_related("channel").first()
    if connection is None:
        return
    number = report.external_id or ""
    update = StatusUpdate(
        report.public_id, "" if number.startswith(OF_A_KEY) else number, change.new, change.note, change.at
    )
    if not ADAPTERS[connection.adapter].is_news(change.old, update):
        return
    slug = connection.channel.slug
    enqueue(
        transport=TRANSPORT,
        destination=f"channel:{slug}",
        topic=TOPIC,
        payload={"channel": slug, **update.as_payload()},
        now=change.at,
        ordering_key=f"report:{report.public_id}:{slug}",
    )


def send_status(message: OutboxMessage) -> int:
    """The transport: one status, in the words of the channel as it is connected now; returns the HTTP status."""
    if message.payload.get("is_erased"):
        raise transports.Refused("what this message said was erased with the report's personal data")
    slug = message.payload["channel"]
    connections = ChannelConnection.objects.filter(channel__slug=slug, is_active=True).exclude(status_url="")
    connection = connections.select_related("channel").first()
    if connection is None:
        raise transports.Refused(f"the channel {slug} is not connected any more")
    body = ADAPTERS[connection.adapter].status_body(StatusUpdate.from_payload(message.payload))
    key = signing_key(connection).encode()
    return transports.send_signed_json(connection.status_url, body, key=key, message=message)
