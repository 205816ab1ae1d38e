"""Every form of an answer as text and numbers: files unpacked, geometries read, escapes undone."""

import gzip
import html
import json
import re
import sqlite3
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pyarrow.parquet
import shapely
from django.contrib.gis.geos import Point

from tests.privacy_hunt.planted import DIGITS, EXACT, WORDS

# Nothing that the public sees of the planted city lies so near to the exact place, in either direction: 55 m.
NEAR_DEG, NEAR_M = 0.0005, 50
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_EXTENSIONS = {
    "application/flatgeobuf": ".fgb",
    "application/geopackage+sqlite3": ".gpkg",
    "application/x-shapefile": ".shp.zip",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.mapbox-vector-tile": ".mvt",
}


def in_crs(srid: int) -> tuple[float, float]:
    point: Point = EXACT.clone()
    point.transform(srid)
    return point.x, point.y


def _forbidden_numbers() -> list[tuple[float, float]]:
    """(value, how near is too near), in degrees and in the metres of the CRSs that layers are served in."""
    metres = [value for srid in (3857, 32748) for value in in_crs(srid)]
    return [(EXACT.x, NEAR_DEG), (EXACT.y, NEAR_DEG), *((value, NEAR_M) for value in metres)]


FORBIDDEN = _forbidden_numbers()


def body_of(response: Any) -> bytes:
    content: bytes = b"".join(response.streaming_content) if response.streaming else response.content
    return gzip.decompress(content) if response.headers.get("Content-Encoding") == "gzip" else content


def texts_of(response: Any, body: bytes, *, tile: tuple[int, int, int] | None = None) -> Iterator[str]:
    """The head of a response, its body, and what is inside the body."""
    yield "\n".join(f"{name}: {value}" for name, value in response.items())
    kind = response.headers.get("Content-Type", "").split(";")[0]
    yield body.decode("utf-8", "replace")
    yield body.decode("latin-1")
    if body and kind in _EXTENSIONS:
        with tempfile.TemporaryDirectory() as folder:
            yield from _unpacked(body, _EXTENSIONS[kind], Path(folder), tile)


def _unpacked(body: bytes, extension: str, folder: Path, tile: tuple[int, int, int] | None) -> Iterator[str]:
    file = folder / f"answer{extension}"
    file.write_bytes(body)
    if extension in (".xlsx", ".shp.zip"):
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                yield name
                yield archive.read(name).decode("utf-8", "replace")
    if extension == ".parquet":
        table = pyarrow.parquet.read_table(file)
        yield str(table.schema.metadata)
        for row in table.to_pylist():
            yield str({name: _as_text(value) for name, value in row.items()})
    elif extension == ".mvt":
        assert tile is not None
        options = [part for name, value in zip("ZXY", tile, strict=True) for part in ("-oo", f"{name}={value}")]
        yield _ogr(f"MVT:{file}", *options, "-t_srs", "EPSG:4326")
    elif extension != ".xlsx":
        source = f"/vsizip/{file}" if extension == ".shp.zip" else str(file)
        yield _ogr(source)
        if extension == ".gpkg":
            # Extents, metadata and spatial index: every table of the file.
            yield from _tables(file)


def _tables(file: Path) -> Iterator[str]:
    with closing(sqlite3.connect(file)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            yield name
            for row in database.execute(f'SELECT * FROM "{name}"'):
                yield str(row)


def _as_text(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return shapely.from_wkb(value).wkt
    except shapely.GEOSException:
        return value


def _ogr(source: str, *options: str) -> str:
    done = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", *options, "/vsistdout/", source], capture_output=True, check=True, text=True
    )
    return done.stdout


def finds(text: str) -> list[str]:
    """What of the planted things stands in a text, in whatever disguise: escapes of JSON, HTML and URLs, digits apart."""
    seen = set()
    small = text.lower()
    forms = {small, html.unescape(small), unquote_plus(small), _unescaped(small)}
    for form in forms:
        seen |= {word for word in WORDS if word in form}
        digits = re.sub(r"[\s.()\-+]", "", form)
        seen |= {number for number in DIGITS if number in digits}
    return sorted(seen)


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)).lower(), text)


def near_numbers(text: str) -> list[str]:
    """Numbers that say where the sensitive report is more exactly than its cell."""
    found = []
    for match in _NUMBER.finditer(text):
        if len(match.group()) >= 6:
            value = float(match.group())
            if any(abs(value - forbidden) < near for forbidden, near in FORBIDDEN):
                found.append(match.group())
    return found


# Of each answer: the version of the data counts every write, seen or not.
CHANGING = ("result", "token", "next", "timeStamp", "data_version")


def as_comparable(body: bytes, kind: str) -> str:
    """An answer without what differs each time: times, and tokens that hold a time or a version of the data."""
    # The token of a next page holds the version of the data.
    text = re.sub(r"next=[\w%.~-]+", "next=", body.decode("utf-8", "replace"))
    if kind.endswith("json") and not kind.endswith("ndjson"):
        text = json.dumps(_steady(json.loads(text)), sort_keys=True)
    text = re.sub(r"(<dt>Versi data</dt><dd[^>]*>)\d+", r"\1", text)
    text = re.sub(r"\d\d:\d\d(?= WIB)", "<time>", text)
    return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", "<time>", text)


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(each) for key, each in value.items() if key not in CHANGING}
    return [_steady(each) for each in value] if isinstance(value, list) else value


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Which answers are others than they were, each with the place where it begins to be another."""
    found = []
    for path, text in before.items():
        if text != after[path]:
            at = next((i for i, (a, b) in enumerate(zip(text, after[path], strict=False)) if a != b), -1)
            found.append(f"{path}: …{text[max(0, at - 60) : at + 40]}… now …{after[path][max(0, at - 60) : at + 40]}…")
    return found
