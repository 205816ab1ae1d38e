"""Batches as multipart/mixed: requests, and change sets in which several are done all or not at all. Pure.

Source: OGC 18-088, clause 11 (batch-request); OData 4.0 part 1, clause 11.7.
"""

import email.parser
import email.policy
import re
from collections.abc import Sequence
from email.message import Message
from http import HTTPStatus

from sensors.sensorthings.batch.parts import FAILED_DEPENDENCY, MOST_REQUESTS, Answer, BadBatch, Part

_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+)(?: HTTP/1\.[01])?")
_LINE_END = re.compile(rb"\A\r?\n")
_HEADERS = email.parser.BytesHeaderParser(policy=email.policy.compat32)
_HEAD_END = re.compile(rb"\r?\n\r?\n")


def read_multipart(content_type: str, body: bytes) -> list[Part]:
    """Errors: BadBatch."""
    parts: list[Part] = []
    for number, each in enumerate(_parts_of(content_type, body)):
        if each.get_content_maintype() == "multipart":
            changes = [_request(change, f"set-{number}") for change in _split(each, _payload(each))]
            if any(change.method == "GET" for change in changes):
                raise BadBatch("a change set holds changes alone, no GET")
            parts += changes
        else:
            parts.append(_request(each, None))
        if len(parts) > MOST_REQUESTS:
            raise BadBatch(f"more than {MOST_REQUESTS} requests")
    if not parts:
        raise BadBatch("there is no request in it")
    return parts


def _parts_of(content_type: str, body: bytes) -> list[Message]:
    head = b"Content-Type: " + content_type.encode("latin-1", "replace").replace(b"\n", b" ") + b"\r\n\r\n"
    return _split(_HEADERS.parsebytes(head), body)


def _split(message: Message, body: bytes) -> list[Message]:
    """The parts of a multipart body, their own parts not looked for: a parser that follows whatever is nested would follow a
    thousand levels, over each line of them."""
    boundary = message.get_boundary()
    if message.get_content_maintype() != "multipart" or not boundary:
        raise BadBatch("the body is not multipart/mixed with the boundary that its Content-Type names")
    delimiter = rb"(?:\A|\r?\n)--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
    parts: list[Message] = []
    start = None
    for match in re.finditer(delimiter, body):
        if start is not None:
            parts.append(_HEADERS.parsebytes(_LINE_END.sub(b"", body[start : match.start()], count=1)))
        if match[1] or len(parts) > MOST_REQUESTS:
            return parts
        start = match.end()
    # Without its last line a body may have been cut off.
    raise BadBatch("the body is not multipart/mixed with the boundary that its Content-Type names")


def _request(message: Message, group: str | None) -> Part:
    if message.get_content_type() != "application/http":
        raise BadBatch("each part is application/http, or a change set of such")
    head, *rest = _HEAD_END.split(_payload(message).lstrip(), maxsplit=1)
    line, _, headers = head.partition(b"\n")
    match = _REQUEST_LINE.fullmatch(line.decode("latin-1").strip())
    if match is None:
        raise BadBatch(f"a part is to begin as POST Things HTTP/1.1, not {line[:80].decode('latin-1')!r}")
    said = email.parser.HeaderParser().parsestr(headers.decode("latin-1"))
    return Part(
        id=str(message.get("Content-ID") or said.get("Content-ID") or "").strip("<> "),
        method=match[1],
        url=match[2],
        headers={name: str(value) for name, value in said.items()},
        body=rest[0] if rest else b"",
        group=group,
    )


def _payload(message: Message) -> bytes:
    payload = message.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def write_multipart(answers: Sequence[Answer], boundary: str) -> bytes:
    """The body of the answer; those of one group stand in a change set, unless it failed: then one answer stands for all."""
    out: list[bytes] = []
    place = 0
    while place < len(answers):
        answer = answers[place]
        run = [each for each in answers[place:] if answer.group is not None and each.group == answer.group] or [answer]
        out.append(b"--%s\r\n" % boundary.encode())
        if answer.group is None or answer.is_failure:
            out.append(_part(next((each for each in run if each.status != FAILED_DEPENDENCY), answer)))
        else:
            inner = f"{boundary}-{place}"
            out.append(b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n" % inner.encode())
            out += [b"--%s\r\n%s" % (inner.encode(), _part(each)) for each in run]
            out.append(b"--%s--\r\n" % inner.encode())
        place += len(run)
    out.append(b"--%s--\r\n" % boundary.encode())
    return b"".join(out)


def _part(answer: Answer) -> bytes:
    content_id = f"Content-ID: {answer.id}\r\n" if answer.id else ""
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    head = "\r\n".join(["Content-Type: application/http", f"Content-Transfer-Encoding: binary\r\n{content_id}", *lines])
    return head.encode("latin-1", "replace") + b"\r\n\r\n" + answer.body + b"\r\n"
