"""A FeatureCollection, streamed: features arrive as JSON text from PostGIS, head and tail are written round them."""

import json
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any


def feature_collection(
    chunks: Iterable[tuple[int, bytes]], *, head: dict[str, Any], tail: Callable[[int], dict[str, Any]]
) -> Generator[bytes, None, None]:
    """The bytes of an RFC 7946 FeatureCollection.

    `chunks` are (number of features, their JSON joined by commas, in UTF-8); `head` are foreign members before the features,
    `tail(count)` those after them, known only when all were read (the `next` link, numberReturned).
    """
    opening = json.dumps({"type": "FeatureCollection", **head}, ensure_ascii=False)
    yield (opening[:-1] + ',"features":[').encode()
    count = 0
    for n, text in chunks:
        if n:
            yield b"," + text if count else text
            count += n
    closing = json.dumps(tail(count), ensure_ascii=False)
    yield ("]" + ("," + closing[1:] if len(closing) > 2 else "}")).encode()


class Primed:
    """The bytes of a generator whose first piece is fetched at once, so that an early error is still an error to the client.

    `close` ends the generator, and the transaction that it holds, when the client went away before the end.
    """

    def __init__(self, pieces: Generator[bytes, None, None], *, pieces_now: int) -> None:
        self._pieces = pieces
        self._first = [b"".join([next(pieces) for _ in range(pieces_now)])]

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._first.pop() if self._first else next(self._pieces)

    def close(self) -> None:
        self._pieces.close()
