"""What a network server has kept of its uplinks, for the time in which nobody listened.

Source: The Things Stack's Storage Integration, "Retrieve Messages", and its definition `ApplicationUpStorage`: uplinks one to a
line, each as {"result": …} in the same form as over MQTT, `received_at` being when the application server had it.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlencode

from sensors.ingest.batch import Message
from sensors.ingest.decoders import json_values
from sensors.ingest.decoders.times import BadTime, parse_time
from server.core import outbound

PAGE = 500
PAGE_BYTES = 32_000_000
TIMEOUT_S = 60.0


class NoUplinks(Exception):
    """A sentence on why the storage has not said what it holds."""


def stored_uplinks(url: str, key: str, *, application: str, after: datetime) -> Iterator[list[Message]]:
    """The uplinks that came after that time, page by page in the order in which they came, as messages of MQTT's topics.

    `application` is the first part of those topics, {application}@{tenant}. All of them may have come before.
    Errors: NoUplinks.
    """
    since = after.isoformat().replace("+00:00", "Z")
    while True:
        page = list(_page(url, key, since))
        if page:
            yield [_message(uplink, application) for uplink in page]
        if len(page) < PAGE:
            return
        # As the storage writes it, since it is finer than a microsecond there.
        last = max((str(uplink.get("received_at")) for uplink in page), key=_time)
        if last == since:
            raise NoUplinks(f"the storage has {PAGE} uplinks of {since}, and what follows cannot be asked for")
        since = last


def _page(url: str, key: str, since: str) -> Iterator[dict[str, object]]:
    asked = f"{url}?{urlencode({'limit': PAGE, 'order': 'received_at', 'after': since})}"
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    try:
        answer = outbound.fetch(asked, max_bytes=PAGE_BYTES, timeout_s=TIMEOUT_S, headers=headers)
    except outbound.OutboundError as why:
        raise NoUplinks(f"the storage: {why.detail}") from None
    if answer.status in (401, 403):
        raise NoUplinks(f"the storage answers {answer.status}: may this key read the application's traffic?")
    if answer.status != 200:
        raise NoUplinks(f"the storage answers {answer.status}")
    for line in answer.body.splitlines():
        if line.strip():
            yield _uplink(line)


def _uplink(line: bytes) -> dict[str, object]:
    try:
        said = json_values.parse(line)
    except json_values.BadJson as why:
        raise NoUplinks(f"the storage's answer is not JSON, line by line: {why}") from None
    match said:
        case {"result": dict(uplink)}:
            return uplink
        case {"error": {"message": str(sentence)}}:
            raise NoUplinks(f"the storage broke off: {sentence[:200]}")
    raise NoUplinks("a line of the storage's answer has no result")


def _time(written: str) -> datetime:
    try:
        return parse_time(written)
    except BadTime as why:
        raise NoUplinks(f"an uplink of the storage has no received_at: {why}") from None


def _message(uplink: dict[str, object], application: str) -> Message:
    ids = uplink.get("end_device_ids")
    device = ids.get("device_id", "") if isinstance(ids, dict) else ""
    payload = json_values.serialise(uplink)
    return Message(f"v3/{application}/devices/{device}/up", payload, time.time_ns() // 1000, redelivered=True)
