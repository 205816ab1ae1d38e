"""GeoPackage: Debian's GDAL makes the empty file, and its rows are inserted here.

SQLite keeps a few pages of a file of any size in memory: a million features take 30 MB here, and 190 MB in GDAL 3.12. GDAL 3.6
takes less, but 14 s for their spatial index (docs/adr/010).
"""

import math
import sqlite3
import struct
import subprocess
from binascii import unhexlify
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from geo.layers.export.child.columns import BOX, GEOMETRY
from geo.layers.export.child.rtree import fill_rtree
from geo.layers.export.child.text_rows import text_rows

FIELD_TYPES = {
    "string": 'type="String"',
    "array": 'type="String"',
    "integer": 'type="Integer64"',
    "number": 'type="Real"',
    "boolean": 'type="Integer" subtype="Boolean"',
    "smallint": 'type="Integer" subtype="Int16"',
    "datetime": 'type="DateTime"',
}
ROWS_AT_ONCE = 1000
# OGC 12-128r14, table 5: what stands before WKB, and the bits of its flags.
HEAD = struct.Struct("<2sBBi")
MAGIC, VERSION, LITTLE_ENDIAN, HAS_BOX, IS_EMPTY = b"GP", 0, 0x01, 0x02, 0x10
# Little-endian WKB of a point: order, type, x, y.
POINT = struct.Struct("<BIdd")
BOUNDS = struct.Struct("<4d")

# (minx, maxx, miny, maxy)
Box = tuple[float | None, float | None, float | None, float | None]
NOWHERE: Box = (None, None, None, None)

# OGC 12-128r14, F.9, as GDAL writes it.
SCHEMA_EXTENSION = """
CREATE TABLE IF NOT EXISTS gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
    definition TEXT NOT NULL, scope TEXT NOT NULL,
    CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT,
    description TEXT, mime_type TEXT, constraint_name TEXT,
    CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT,
    min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
    CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope)
SELECT name, NULL, 'gpkg_schema', 'http://www.geopackage.org/spec121/#extension_schema', 'read-write'
FROM (SELECT 'gpkg_data_columns' AS name UNION ALL SELECT 'gpkg_data_column_constraints')
"""


def write_geopackage(question: dict[str, Any], source: Iterable[bytes], path: Path) -> None:
    # GDAL knows a GeoPackage by its suffix.
    draft = path.with_suffix(".gpkg")
    write_rows(question, text_rows(source), draft)
    draft.replace(path)


def write_rows(
    question: dict[str, Any], rows: Iterable[list[str | None]], path: Path, *, is_indexed: bool = True
) -> None:
    """A GeoPackage of these rows, whose values are the texts of PostgreSQL (see geo.layers.export.statements)."""
    _make_empty(question, path, is_indexed=is_indexed)
    base = sqlite3.connect(path, isolation_level=None)
    try:
        # A file that is not finished is thrown away: there is nothing to go back to.
        base.executescript("PRAGMA journal_mode = off; PRAGMA synchronous = off")
        base.execute("BEGIN")
        _describe(base, question)
        _fill(base, question, rows, is_indexed=is_indexed and question["geometry"] is not None)
        base.execute("COMMIT")
    finally:
        base.close()


def _make_empty(question: dict[str, Any], path: Path, *, is_indexed: bool) -> None:
    """The tables, extensions and triggers of an empty layer. What it says of itself goes by a file, not by a command."""
    fields = [column for column in question["columns"] if column["name"] not in (GEOMETRY, *BOX)]
    nothing = path.with_name("nothing.csv")
    # A table of one column GDAL does not take for CSV: it has one more, which no field is made of.
    nothing.write_text(",".join([*(column["name"] for column in fields), "nothing"]) + "\n")
    geometry = question["geometry"]
    srs = f"<LayerSRS>{geometry['crs']}</LayerSRS>" if geometry else ""
    said = "".join(f"<MDI key={quoteattr(name)}>{escape(text)}</MDI>" for name, text in question["metadata"].items())
    virtual = path.with_name("empty.vrt")
    virtual.write_text(
        f"<OGRVRTDataSource><Metadata>{said}</Metadata><OGRVRTLayer name={quoteattr(question['layer'])}>"
        f"<Metadata>{said}</Metadata><SrcDataSource>{escape(str(nothing))}</SrcDataSource><SrcLayer>nothing</SrcLayer>"
        f"<GeometryType>wkb{geometry['type'] if geometry else 'None'}</GeometryType>{srs}"
        + "".join(f"<Field name={quoteattr(column['name'])} {FIELD_TYPES[column['type']]}/>" for column in fields)
        + "</OGRVRTLayer></OGRVRTDataSource>",
        encoding="utf-8",
    )
    # 1.2 is what QGIS 3.22's GDAL knows.
    options = [f"GEOMETRY_NAME={GEOMETRY}", f"SPATIAL_INDEX={'YES' if is_indexed else 'NO'}"] if geometry else []
    given = [part for option in options for part in ("-lco", option)]
    run_ogr2ogr("-f", "GPKG", "-dsco", "VERSION=1.2", *given, path, virtual)
    nothing.unlink()
    virtual.unlink()


def run_ogr2ogr(*arguments: object) -> None:
    """RuntimeError with what it said."""
    command = ["ogr2ogr", *map(str, arguments)]
    run = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    if run.returncode != 0:
        raise RuntimeError(f"ogr2ogr ended with {run.returncode}: {run.stderr.decode(errors='replace')[-2000:]}")


def _describe(base: sqlite3.Connection, question: dict[str, Any]) -> None:
    layer = question["layer"]
    base.execute(
        "UPDATE gpkg_contents SET identifier = ?, description = ? WHERE table_name = ?",
        (question["title"], question["description"], layer),
    )
    for statement in SCHEMA_EXTENSION.split(";"):
        base.execute(statement)
    names = set()
    for column in question["columns"]:
        title, description = column.get("title") or None, column.get("description") or None
        # Of two columns with one title only the first may have it as its name.
        name = None if title in names else title
        names.add(name)
        if title or description:
            base.execute(
                "INSERT INTO gpkg_data_columns (table_name, column_name, name, description) VALUES (?, ?, ?, ?)",
                (layer, column["name"], name, description),
            )


def _fill(
    base: sqlite3.Connection, question: dict[str, Any], rows: Iterable[list[str | None]], *, is_indexed: bool
) -> None:
    layer = question["layer"]
    triggers = base.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (layer,)
    ).fetchall()
    # They count and index each row by itself, by functions that only GDAL and QGIS have.
    for name, _sql in triggers:
        base.execute(f"DROP TRIGGER {quoted(name)}")
    count = _insert(base, question, rows)
    if is_indexed:
        fill_rtree(base, f"rtree_{layer}_{GEOMETRY}", "box")
    if question["geometry"]:
        base.execute(
            "UPDATE gpkg_contents SET (min_x, max_x, min_y, max_y) ="
            " (SELECT min(minx), max(maxx), min(miny), max(maxy) FROM box) WHERE table_name = ?",
            (layer,),
        )
    base.execute("UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", (count, layer))
    for _name, sql in triggers:
        base.execute(sql)


def _insert(base: sqlite3.Connection, question: dict[str, Any], rows: Iterable[list[str | None]]) -> int:
    """The number of rows, which SQLite counts from 1. It makes a number of a number's text, by the type of the column."""
    base.execute("CREATE TEMP TABLE box (id INTEGER PRIMARY KEY, minx REAL, maxx REAL, miny REAL, maxy REAL)")
    names = [column["name"] for column in question["columns"] if column["name"] not in BOX]
    insert = (
        f"INSERT INTO {quoted(question['layer'])} ({', '.join(map(quoted, names))})"
        f" VALUES ({', '.join('?' * len(names))})"
    )
    boxes: list[Box] = []
    shaped = _with_geometry(question, rows, boxes)
    count = before = 0
    while count == before:
        base.executemany(insert, islice(shaped, ROWS_AT_ONCE))
        base.executemany("INSERT INTO box (minx, maxx, miny, maxy) VALUES (?, ?, ?, ?)", boxes)
        count += len(boxes)
        before += ROWS_AT_ONCE
        boxes.clear()
    return count


def quoted(name: str) -> str:
    return f'"{name}"'


def _with_geometry(question: dict[str, Any], rows: Iterable[list[Any]], boxes: list[Box]) -> Iterator[list[Any]]:
    """Each row with its geometry as GeoPackage's binary; its box is put at the end of `boxes`."""
    geometry = question["geometry"]
    srs_id = int(geometry["crs"].removeprefix("EPSG:")) if geometry else 0
    is_point = bool(geometry) and geometry["type"] == "Point"
    for values in rows:
        digits = values.pop() if geometry else None
        box = NOWHERE
        if not is_point and geometry:
            west, south, east, north = values[-len(BOX) :]
            del values[-len(BOX) :]
            if west is not None and south is not None and east is not None and north is not None:
                box = (float(west), float(east), float(south), float(north))
        if digits is not None:
            wkb = unhexlify(digits)
            if is_point:
                box = _point_box(wkb)
            values.append(_head(box, srs_id, has_box=not is_point) + wkb)
        elif geometry:
            values.append(None)
        boxes.append(box)
        yield values


def _head(box: Box, srs_id: int, *, has_box: bool) -> bytes:
    """What stands before WKB. Of a point its box would be the point again."""
    if box == NOWHERE:
        return HEAD.pack(MAGIC, VERSION, LITTLE_ENDIAN | IS_EMPTY, srs_id)
    if not has_box:
        return HEAD.pack(MAGIC, VERSION, LITTLE_ENDIAN, srs_id)
    return HEAD.pack(MAGIC, VERSION, LITTLE_ENDIAN | HAS_BOX, srs_id) + BOUNDS.pack(*box)


def _point_box(wkb: bytes) -> Box:
    _order, _type, x, y = POINT.unpack(wkb)
    # Of an empty point.
    return NOWHERE if math.isnan(x) else (x, x, y, y)
