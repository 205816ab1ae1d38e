"""Zipped Shapefile: GDAL makes it of a GeoPackage of the same rows, which knows how wide each text has to be."""

import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from geo.layers.export.child.columns import BOX, GEOMETRY
from geo.layers.export.child.geopackage import quoted, run_ogr2ogr, write_rows
from geo.layers.export.child.short_names import short_names
from geo.layers.export.child.text_rows import text_rows

LONGEST_TEXT = 254
# As texts, without milliseconds where there are none.
DBASE_TYPES = {"boolean": "smallint", "datetime": "string", "array": "string"}
# dBASE has no empty text beside null, no times, and no more bytes in a text.
DBASE_NOTE = """
What a Shapefile cannot carry:
- Names of fields have at most ten characters (the list is above).
- Text is cut after 254 bytes; an empty text comes back as null.
- Times are text in UTC, such as 2026-01-01T00:00:00Z; true is 1 and false is 0.
GeoPackage (.gpkg) has none of these limits.
"""


def write_shapefile(question: dict[str, Any], source: Iterable[bytes], path: Path) -> None:
    folder, layer = path.parent / "shapefile", question["layer"]
    folder.mkdir()
    columns = [column for column in question["columns"] if column["name"] not in (GEOMETRY, *BOX)]
    names = short_names([column["name"] for column in columns])
    short = [
        {
            **column,
            "name": names.get(column["name"], column["name"]),
            "type": DBASE_TYPES.get(column["type"], column["type"]),
        }
        for column in question["columns"]
    ]
    between = path.with_name("between.gpkg")
    rows = _with_short_times(text_rows(source), question["columns"])
    write_rows({**question, "columns": short}, rows, between, is_indexed=False)
    target = folder / f"{layer}.shp"
    fields = _fields(between, layer, short[: len(columns)])
    statement = f"SELECT {', '.join(fields)} FROM {quoted(layer)}"
    run_ogr2ogr(
        *("-f", "ESRI Shapefile", "-lco", "ENCODING=UTF-8", "-nln", layer),
        *("-dialect", "OGRSQL", "-sql", statement, target, between),
    )
    between.unlink()
    about = [question["title"], question["description"], ""]
    about += [f"{name}: {text}" for name, text in question["metadata"].items()]
    about += ["", "Fields:", *(f"{names[c['name']]:<10}  {_about(c)}" for c in columns)]
    (folder / f"{layer}.txt").write_text("\n".join(about) + "\n" + DBASE_NOTE, encoding="utf-8", newline="\r\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in sorted(folder.iterdir()):
            archive.write(part, part.name)
            part.unlink()
    folder.rmdir()


def _about(column: dict[str, Any]) -> str:
    return ": ".join(filter(None, [column["name"], column["title"], column["description"]]))


def _with_short_times(rows: Iterable[list[str | None]], columns: list[dict[str, Any]]) -> Iterator[list[str | None]]:
    times = [i for i, column in enumerate(columns) if column["type"] == "datetime"]
    for values in rows:
        for i in times:
            text = values[i]
            if text is not None:
                values[i] = text.replace(".000Z", "Z")
        yield values


def _fields(between: Path, layer: str, columns: list[dict[str, Any]]) -> list[str]:
    """Each field in OGR's SQL. A text is as wide as its longest: GDAL would narrow the file afterwards, in a minute."""
    base = sqlite3.connect(between)
    try:
        longest = ", ".join(f"max(length(CAST({quoted(column['name'])} AS BLOB)))" for column in columns)
        widths = base.execute(f"SELECT {longest} FROM {quoted(layer)}").fetchone()
    finally:
        base.close()
    fields = []
    for column, width in zip(columns, widths, strict=True):
        name = quoted(column["name"])
        is_text = column["type"] == "string"
        wide = max(1, min(width or 0, LONGEST_TEXT))
        fields.append(f"CAST({name} AS character({wide})) AS {name}" if is_text else name)
    return fields
