"""Rows from stdin as Python's own values: PostgreSQL's COPY … (FORMAT text), where null and an empty text are two things."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

NULL = "\\N"
# PostgreSQL's documentation of COPY, "Text Format"; it writes no octal and no hexadecimal ones.
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def text_rows(source: Iterable[bytes]) -> Iterator[list[str | None]]:
    """The values of each row, in the order of the columns. A text has no line's end of its own: it is escaped."""
    for line in source:
        text = line[:-1].decode()
        values: list[Any] = text.split("\t")
        if "\\" in text:
            values = [_value(value) if "\\" in value else value for value in values]
        yield values


def _value(text: str) -> str | None:
    return None if text == NULL else ESCAPED.sub(lambda found: ESCAPES.get(found[1], found[1]), text)
