"""Tables as people have them: CSV (also .gz) and GeoJSON, row by row, each with the place that an error can name."""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


class BadFile(ValueError):
    """A sentence that names the place in the file, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Row:
    """`place` is what a person looks for: "line 12", "feature 3"."""

    place: str
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        value = self.values.get(column)
        return "" if value is None else str(value).strip()


def read_rows(path: Path, *, needed: set[str]) -> Iterator[Row]:
    """The rows of a file; `needed` are the columns that it must have.

    GeoJSON points give `lon` and `lat` in addition to their properties.
    Errors: BadFile; OSError where the file cannot be opened.
    """
    with _open(path) as file:
        yield from rows_of(file, path.name, is_geojson=_is_geojson(path), needed=needed)


def rows_of(file: IO[str], name: str, *, is_geojson: bool, needed: Iterable[str] = ()) -> Iterator[Row]:
    """The rows of what is open already, as `read_rows`. Errors: BadFile, which calls it by its name."""
    return (_features if is_geojson else _lines)(file, name, set(needed))


def _is_geojson(path: Path) -> bool:
    return path.suffixes[-1:] in ([".json"], [".geojson"]) or path.suffixes[-2:] in (
        [".json", ".gz"],
        [".geojson", ".gz"],
    )


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _lines(file: IO[str], name: str, needed: set[str]) -> Iterator[Row]:
    reader = csv.DictReader(file)
    try:
        _need(needed, set(reader.fieldnames or []), name)
        for values in reader:
            if None in values:
                raise BadFile(f"{name}, line {reader.line_num}: more cells than the header has columns")
            yield Row(f"line {reader.line_num}", values)
    except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError) as error:
        raise BadFile(f"{name}, after line {reader.line_num}: {error}") from None


def _features(file: IO[str], name: str, needed: set[str]) -> Iterator[Row]:
    try:
        collection = json.load(file)
        features = collection["features"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadFile(f"{name} is no GeoJSON feature collection: {error}") from None
    if not isinstance(features, list):
        raise BadFile(f"{name} is no GeoJSON feature collection: its features are no list")
    for number, feature in enumerate(features, start=1):
        try:
            values = _values_of(feature)
        except (TypeError, ValueError, KeyError, AttributeError):
            raise BadFile(f"{name}, feature {number}: no GeoJSON feature with a point or without a geometry") from None
        if number == 1:
            _need(needed, set(values), name)
        yield Row(f"feature {number}", values)


def _values_of(feature: Any) -> dict[str, Any]:
    values = dict(feature.get("properties") or {})
    geometry = feature.get("geometry") or {}
    if geometry.get("type") == "Point":
        values |= dict(zip(("lon", "lat"), geometry["coordinates"], strict=False))
    return values


def _need(needed: set[str], there: set[str], name: str) -> None:
    if missing := sorted(needed - there):
        raise BadFile(f"{name} has no column {', '.join(missing)}; it has {', '.join(sorted(there)) or 'none'}")


def parse_mapping(text: str, *, allowed: set[str]) -> dict[str, str]:
    """`slug=id,name=title` (ours=theirs), or the name of a .json file that holds such an object.

    Errors: BadFile for a name that is not among the allowed.
    """
    if not text.endswith(".json"):
        return parse_columns(text, allowed=allowed)
    try:
        mapping = json.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadFile(f"{text}: {error}") from None
    return _checked(mapping, allowed)


def parse_columns(text: str, *, allowed: set[str]) -> dict[str, str]:
    """`slug=id,name=title` (ours=theirs). Errors: as of parse_mapping."""
    return _checked(dict(part.partition("=")[::2] for part in text.split(",") if part), allowed)


def _checked(mapping: Any, allowed: set[str]) -> dict[str, str]:
    if not isinstance(mapping, dict) or not all(isinstance(column, str) and column for column in mapping.values()):
        raise BadFile("a mapping reads name=column,name=column")
    if unknown := sorted(set(mapping) - allowed):
        raise BadFile(f"cannot map {', '.join(unknown)}; there are {', '.join(sorted(allowed))}")
    return mapping
