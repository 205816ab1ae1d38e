"""JSON as devices send it, read strictly enough that nothing is silently lost."""

import json
from typing import Any


class BadJson(ValueError):
    """A sentence on why these bytes are not JSON."""


class Ambiguous:
    """An object in which a key comes twice: readers disagree on which value counts, so none does."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Ambiguous:
    members = dict(pairs)
    return members if len(members) == len(pairs) else Ambiguous(pairs)


_decoder = json.JSONDecoder(object_pairs_hook=_object)


def parse(payload: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    NaN and Infinity, which JSON has not, come back as floats: the caller refuses them one by one, not the whole message.
    Errors: BadJson, also for nesting too deep to read and for integers of more than 4,300 digits.
    """
    try:
        return _decoder.decode(payload.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadJson("not UTF-8") from None
    except RecursionError:
        raise BadJson("nested too deeply") from None
    except ValueError as error:
        raise BadJson(str(error)[:200]) from None


def serialise(value: Any) -> bytes:
    """A value of `parse` as bytes again, keys that came twice included; b"" for what is nested too deeply to be written."""
    try:
        return _text(value).encode("ascii")
    except RecursionError:
        return b""


def _text(value: Any) -> str:
    if isinstance(value, Ambiguous):
        return "{" + ", ".join(f"{json.dumps(key)}: {_text(member)}" for key, member in value.pairs) + "}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_text(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return json.dumps(value)
