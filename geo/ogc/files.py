"""A file over HTTP: its strong ETag, one range of it, and whether anybody still waits for it (RFC 9110, section 14)."""

import re
import socket
from collections.abc import Iterator
from typing import IO

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from geo.layers.export.spool import Kept
from server.core.problems import problem

BLOCK = 1 << 16


def tag_known(request: HttpRequest, question: str) -> str | None:
    """The tag of the answer to this question that the client has already.

    The file's name begins with the question; one that has gone from here since was made of the same data.
    """
    tags = request.headers.get("If-None-Match", "").split(",")
    return next((tag.strip() for tag in tags if tag.strip().removeprefix("W/").startswith(f'"{question}-')), None)


def file_response(request: HttpRequest, kept: Kept, media_type: str) -> HttpResponseBase:
    """The file, or the one range of it that is asked for; 416 for a range that lies outside."""
    etag = f'"{kept.name}"'
    wanted = _range(request, kept.size, etag)
    if wanted is None:
        kept.file.close()
        response: HttpResponseBase = problem(416, "Range not satisfiable", f"The file has {kept.size} bytes.")
        response["Content-Range"] = f"bytes */{kept.size}"
        response["ETag"] = etag
        return response
    first, last, is_part = wanted
    slice_ = FileSlice(kept.file, first, 0 if request.method == "HEAD" else last + 1 - first)
    response = StreamingHttpResponse(slice_, content_type=media_type, status=206 if is_part else 200)
    response["Content-Length"] = str(last + 1 - first)
    if is_part:
        response["Content-Range"] = f"bytes {first}-{last}/{kept.size}"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    return response


def _range(request: HttpRequest, size: int, etag: str) -> tuple[int, int, bool] | None:
    """The first and last byte, and whether that is a part; None where it lies outside.

    More than one range, another unit, and an If-Range that names another file are answered with the whole.
    """
    whole = (0, size - 1, False)
    found = re.fullmatch(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", request.headers.get("Range", ""))
    # A date in If-Range is no strong validator here: data may change twice in a second.
    if found is None or request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return whole
    start, end = found.groups()
    if start:
        first, last = int(start), int(end) if end else size - 1
        if last < first and end:
            return whole
    elif end:
        first, last = max(0, size - int(end)), size - 1
    else:
        return whole
    if first >= size or (not start and int(end) == 0):
        return None
    return first, min(last, size - 1), True


class FileSlice:
    """The bytes of a part of a file, in blocks; the file is closed with it."""

    def __init__(self, file: IO[bytes], first: int, length: int) -> None:
        self._file, self._left = file, length
        file.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = self._file.read(min(BLOCK, self._left))
        if not block:
            raise StopIteration
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._file.close()


def client_is_gone(request: HttpRequest) -> bool:
    """Whether the client closed its connection while it waited; False where the server does not let us look."""
    connection = request.META.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except (BlockingIOError, ValueError):  # nothing to read; or TLS, which knows no peeking
        return False
    except OSError:
        return True
