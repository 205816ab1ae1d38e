"""Files of reports, row by row, whatever their size: CSV, GeoJSON, newline-delimited GeoJSON; each also gzipped."""

import csv
import gzip
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

import ijson  # type: ignore[import-untyped]

from geo.reports.importing.importer import BrokenRow, Rejection, Row

_SEQUENCE = (".geojsonl", ".geojsons", ".ndjson", ".jsonl")
_PEEK = 4096
_MAX_FIELD = 131_072


class UnreadableFile(Exception):
    """A file that cannot be read as what its name says, in a sentence."""


class RowFile:
    """An open file of rows. `position` and `size` are bytes of the file as it lies there, compressed or not."""

    def __init__(self, path: Path, *, delimiter: str | None = None) -> None:
        self.size = path.stat().st_size
        self.columns: list[str] | None = None
        with ExitStack() as opened:
            self._raw = opened.enter_context(path.open("rb"))
            self._rows = self._open(path, delimiter, opened)
            self._opened = opened.pop_all()

    def _open(self, path: Path, delimiter: str | None, opened: ExitStack) -> Iterator[Row]:
        plain: IO[bytes] = self._raw
        if path.suffix == ".gz":
            plain = cast(IO[bytes], opened.enter_context(gzip.GzipFile(fileobj=self._raw)))
        self._stream = opened.enter_context(io.BufferedReader(cast(io.RawIOBase, plain), 65_536))
        kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
        if kind == ".csv":
            # What is not UTF-8 is carried through as surrogates, so that only the rows that have it are refused.
            text = io.TextIOWrapper(self._stream, "utf-8-sig", errors="surrogateescape", newline="")
            rows = CsvRows(opened.enter_context(text), delimiter)
            self.columns = rows.columns
            return iter(rows)
        if kind in (".geojson", ".json", *_SEQUENCE):
            return _sequence(self._stream) if self._is_sequence(kind) else _collection(self._stream)
        raise UnreadableFile(f"{path.name}: the name must end in .csv, .geojson or .geojsonl (and .gz)")

    @property
    def position(self) -> int:
        return self._raw.tell()

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def _is_sequence(self, kind: str) -> bool:
        if kind in _SEQUENCE:
            return True
        opening = self._stream.peek(_PEEK)[:_PEEK].lstrip()
        return opening.startswith(b"\x1e") or re.match(rb'\{\s*"type"\s*:\s*"Feature"', opening) is not None


class CsvRows:
    """CSV in UTF-8, its delimiter the one that the header has most of."""

    def __init__(self, text: IO[str], delimiter: str | None) -> None:
        header = text.readline()
        chosen = delimiter or max(",;\t|", key=header.count)
        try:
            self.columns = [name.strip() for name in next(csv.reader([header], delimiter=chosen), [])]
        except csv.Error as error:
            raise UnreadableFile(f"the header cannot be read: {error}") from None
        if not any(self.columns):
            raise UnreadableFile("the file is empty: its first line must name the columns")
        if len(set(self.columns)) < len(self.columns):
            raise UnreadableFile("two columns have the same name")
        self._reader = csv.reader(text, delimiter=chosen)

    def __iter__(self) -> Iterator[Row]:
        while True:
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield BrokenRow(f"not CSV: {error}", {})
                continue
            if not cells:
                continue
            row = dict(zip(self.columns, cells, strict=False))
            if len(cells) != len(self.columns):
                yield BrokenRow(f"{len(cells)} columns where the header has {len(self.columns)}", row)
            else:
                yield row


def _collection(stream: IO[bytes]) -> Iterator[Row]:
    """The features of a FeatureCollection as they come; the collection is never held whole."""
    try:
        for feature in ijson.items(stream, "features.item", use_float=True):
            yield _row_of(feature)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"the file is not whole JSON: {error}") from None


def _sequence(stream: IO[bytes]) -> Iterator[Row]:
    """A feature a line (GeoJSON text sequences of RFC 8142 as well, whose lines begin with a record separator)."""
    for line in stream:
        text = line.strip(b"\x1e \t\r\n")
        if not text:
            continue
        try:
            feature = json.loads(text)
        except (ValueError, RecursionError):
            yield BrokenRow("not JSON", {"line": text[:500].decode("utf-8", "replace")})
            continue
        yield _row_of(feature)


def _row_of(feature: Any) -> Row:
    """A feature's properties, with lon, lat of its point, and its id where no property says better."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return BrokenRow("not a GeoJSON feature", {"feature": feature})
    properties = feature.get("properties")
    row = dict(properties) if isinstance(properties, dict) else {}
    if feature.get("id") is not None:
        row.setdefault("external_id", feature["id"])
    geometry = feature.get("geometry")
    if geometry is None:
        return row
    position = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return BrokenRow("the geometry is not a Point", row)
    if not isinstance(position, list) or len(position) < 2:
        return BrokenRow("the point has no coordinates", row)
    return {**row, "lon": position[0], "lat": position[1]}


class RejectsFile:
    """A CSV of the rows that were refused: row, reason, then the row's own columns; made when the first one comes.

    It may hold personal data, so only its owner may read it.
    """

    def __init__(self, path: Path, columns: list[str] | None) -> None:
        self.path = path
        self._columns = columns
        self._file: IO[str] | None = None
        self._writer: Any = None

    def add(self, rejection: Rejection) -> None:
        if self._file is None:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(["row", "reason", *(self._columns or ["columns"])])
        self._writer.writerow([rejection.number, rejection.reason, *self._cells(rejection.row)])

    def _cells(self, row: Mapping[str, Any]) -> list[Any]:
        if self._columns is None:
            return [json.dumps(row, ensure_ascii=True, default=str)]
        return [row.get(name, "") for name in self._columns]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


csv.field_size_limit(_MAX_FIELD)
