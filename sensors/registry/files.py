"""Tables as people have them: CSV (also .gz) and GeoJSON, row by row, each with the place that an error can name."""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
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
    if path.suffixes[-1:] in ([".json"], [".geojson"]) or path.suffixes[-2:] in ([".json", ".gz"], [".geojson", ".gz"]):
        yield from _features(path, needed)
    else:
        yield from _lines(path, needed)


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _lines(path: Path, needed: set[str]) -> Iterator[Row]:
    with _open(path) as file:
        reader = csv.DictReader(file)
        try:
            _need(needed, set(reader.fieldnames or []), path)
            for values in reader:
                if None in values:
                    raise BadFile(f"{path.name}, line {reader.line_num}: more cells than the header has columns")
                yield Row(f"line {reader.line_num}", values)
        except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError) as error:
            raise BadFile(f"{path.name}, after line {reader.line_num}: {error}") from None


def _features(path: Path, needed: set[str]) -> Iterator[Row]:
    try:
        with _open(path) as file:
            collection = json.load(file)
        features = collection["features"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(f"{path.name} is no GeoJSON feature collection: {error}") from None
    for number, feature in enumerate(features, start=1):
        values = dict(feature.get("properties") or {})
        geometry = feature.get("geometry") or {}
        if geometry.get("type") == "Point":
            values |= dict(zip(("lon", "lat"), geometry["coordinates"], strict=False))
        if number == 1:
            _need(needed, set(values), path)
        yield Row(f"feature {number}", values)


def _need(needed: set[str], there: set[str], path: Path) -> None:
    if missing := sorted(needed - there):
        raise BadFile(f"{path.name} has no column {', '.join(missing)}; it has {', '.join(sorted(there)) or 'none'}")


def parse_mapping(text: str, *, allowed: set[str]) -> dict[str, str]:
    """`slug=id,name=title` (ours=theirs), or the name of a .json file that holds such an object.

    Errors: BadFile for a name that is not among the allowed.
    """
    if text.endswith(".json"):
        try:
            mapping = json.loads(Path(text).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadFile(f"{text}: {error}") from None
    else:
        mapping = dict(part.partition("=")[::2] for part in text.split(",") if part)
    if not isinstance(mapping, dict) or not all(isinstance(column, str) and column for column in mapping.values()):
        raise BadFile("a mapping reads name=column,name=column")
    if unknown := sorted(set(mapping) - allowed):
        raise BadFile(f"cannot map {', '.join(unknown)}; there are {', '.join(sorted(allowed))}")
    return mapping
