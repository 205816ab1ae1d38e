"""Reading a Mapbox Vector Tile byte by byte, as its specification 2.1 has it: GDAL hides grid, types and layers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

POINT, POLYGON = 1, 3
MOVE_TO, LINE_TO, CLOSE_PATH = 1, 2, 7
# Field numbers of a Layer that may occur more than once.
FEATURES, KEYS, VALUES = 2, 3, 4


@dataclass(frozen=True, slots=True)
class Feature:
    """`parts` are runs of (x, y) on the grid of the tile, whose y points down; `is_closed` tells of each whether it is a ring."""

    type: int
    parts: list[list[tuple[int, int]]]
    is_closed: list[bool]
    properties: dict[str, Any]

    @property
    def box(self) -> tuple[int, int, int, int]:
        xs, ys = zip(*(place for part in self.parts for place in part), strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class TileLayer:
    name: str
    version: int
    extent: int
    features: list[Feature]


def layers_of(content: bytes) -> list[TileLayer]:
    """Every layer of a tile; a tile has no other field than its layers (3)."""
    found = list(_fields(content))
    assert {number for number, _value in found} == {3}, "not one tile and nothing else"
    return [_layer(value) for _number, value in found]


def _layer(data: bytes) -> TileLayer:
    fields = list(_fields(data))
    once = {number: value for number, value in fields if number not in (FEATURES, KEYS, VALUES)}
    keys = [value.decode() for number, value in fields if number == KEYS]
    # A Value has one field: text, a double, whole numbers in three ways, or a truth value.
    values = [_value(*next(_fields(value))) for number, value in fields if number == VALUES]
    features = [_feature(value, keys, values) for number, value in fields if number == FEATURES]
    return TileLayer(once[1].decode(), once[15], once.get(5, 4096), features)


def _feature(data: bytes, keys: list[str], values: list[Any]) -> Feature:
    fields = dict(_fields(data))
    tags = list(_numbers(fields.get(2, b"")))
    properties = {keys[key]: values[value] for key, value in zip(tags[::2], tags[1::2], strict=True)}
    return Feature(fields[3], *_geometry(list(_numbers(fields[4]))), properties)


def _geometry(numbers: list[int]) -> tuple[list[list[tuple[int, int]]], list[bool]]:
    parts: list[list[tuple[int, int]]] = []
    is_closed: list[bool] = []
    x = y = at = 0
    while at < len(numbers):
        command, count = numbers[at] & 7, numbers[at] >> 3
        at += 1
        if command == CLOSE_PATH:
            is_closed[-1] = True
            continue
        assert command in (MOVE_TO, LINE_TO), command
        for _ in range(count):
            x, y, at = x + _signed(numbers[at]), y + _signed(numbers[at + 1]), at + 2
            if command == MOVE_TO:
                parts.append([])
                is_closed.append(False)
            parts[-1].append((x, y))
    return parts, is_closed


def _value(number: int, value: Any) -> Any:
    if number == 1:
        return value.decode()
    if number == 6:
        return _signed(value)
    return bool(value) if number == 7 else value


def _signed(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


def _numbers(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        number, at = _number(data, at)
        yield number


def _number(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return number, at


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message of protocol buffers: whole numbers as such, all else as bytes."""
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _number(data, at)
            yield tag >> 3, value
            continue
        length, at = _number(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        assert at + length <= len(data), "the tile is cut short"
        yield tag >> 3, data[at : at + length]
        at += length
