"""What a service was asked: read from the file in which tests.clients.counted_service writes each request down.

Of the standard library alone, since QGIS's tests run under Debian's own Python.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

LOG_VARIABLE, URL_VARIABLE = "PANTAU_CLIENTS_LOG", "PANTAU_CLIENTS_URL"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request and the status of its answer."""

    status: int
    method: str
    target: str

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class RequestLog:
    """The requests in the order in which they were answered."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def watching(self) -> Iterator[list[Seen]]:
        """A list that holds, once the block ends, what was asked during it."""
        seen: list[Seen] = []
        begin = len(self._lines())
        try:
            yield seen
        finally:
            for line in self._lines()[begin:]:
                status, method, target = line.split(" ", 2)
                seen.append(Seen(int(status), method, target))

    def _lines(self) -> list[str]:
        return self.path.read_text().splitlines()
