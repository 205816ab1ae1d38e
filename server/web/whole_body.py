"""A request whose body ends before its announced length is refused whole.

When a telephone loses its network in the middle of an upload, the server sees the end of the stream, and Django's parser takes what came
for all there is: a report without its photo, or half a sentence, would be stored, and the next try would find it there.
"""

from collections.abc import Callable, Iterable
from typing import Any

from server.core.problems import problem

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class BodyBrokenOff(OSError):
    """The client sent less than it had announced. Django makes an UnreadablePostError of it."""


class WholeBody:
    """WSGI middleware: reading past the end of a body that came short raises, where it would give nothing."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        if not length and environ.get("HTTP_TRANSFER_ENCODING"):
            # Django would read such a body as empty, and tell of missing fields.
            answer = problem(411, "Length required", "The request needs a Content-Length.")
            start_response(f"411 {answer.reason_phrase}", list(answer.items()))
            return [answer.content]
        if length.isascii() and length.isdigit() and int(length):
            environ["wsgi.input"] = _Announced(environ["wsgi.input"], int(length))
        return self._application(environ, start_response)


class _Announced:
    """The part of a file that Django reads: `read` and `readline`, each asked for no more than is left."""

    def __init__(self, stream: Any, length: int) -> None:
        self._stream = stream
        self._left = length

    def read(self, size: int) -> bytes:
        return self._checked(self._stream.read(size), size)

    def readline(self, size: int) -> bytes:
        line: bytes = self._stream.readline(size)
        return self._checked(line, len(line) if line.endswith(b"\n") else size)

    def _checked(self, content: bytes, wanted: int) -> bytes:
        self._left -= len(content)
        if len(content) < wanted and self._left > 0:
            raise BodyBrokenOff("the body ended before its announced length")
        return content
