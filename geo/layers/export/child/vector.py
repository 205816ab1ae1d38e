"""GeoPackage, FlatGeobuf and zipped Shapefile, written by GDAL."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyogrio  # type: ignore[import-untyped]

from geo.layers.export.child.rows import GEOMETRY, batches, schema_of
from geo.layers.export.child.short_names import short_names

# dBASE has no empty text beside null, no times, and no more bytes in a text.
DBASE_NOTE = """
What a Shapefile cannot carry:
- Names of fields have at most ten characters (the list is above).
- Text is cut after 254 bytes; an empty text comes back as null.
- Times are text in UTC, such as 2026-01-01T00:00:00Z; true is 1 and false is 0.
GeoPackage (.gpkg) has none of these limits.
"""


def write_geopackage(question: dict[str, Any], source: IO[bytes], path: Path) -> None:
    _write(
        question,
        batches(question, source),
        path.with_suffix(".gpkg"),
        driver="GPKG",
        dataset_metadata=question["metadata"],
        layer_metadata=question["metadata"],
        # 1.2 is what QGIS 3.22's GDAL knows, and it wants milliseconds in each time.
        dataset_options={"VERSION": "1.2"},
        layer_options={
            "IDENTIFIER": question["title"],
            "DESCRIPTION": question["description"],
            "DATETIME_PRECISION": "MILLISECOND",
        },
    )
    path.with_suffix(".gpkg").replace(path)


def write_flatgeobuf(question: dict[str, Any], source: IO[bytes], path: Path) -> None:
    # The format has a place for these two; the rest of the metadata goes into the second.
    about = [question["description"], *(f"{name}: {text}" for name, text in question["metadata"].items())]
    _write(
        question,
        batches(question, source),
        # Without just this suffix GDAL makes a folder.
        path.with_suffix(".fgb"),
        driver="FlatGeobuf",
        layer_options={
            "TITLE": question["title"],
            "DESCRIPTION": "\n".join(about),
            "TEMPORARY_DIR": str(path.parent),
        },
    )
    path.with_suffix(".fgb").replace(path)


def write_shapefile(question: dict[str, Any], source: IO[bytes], path: Path) -> None:
    folder, layer = path.parent / "shapefile", question["layer"]
    folder.mkdir()
    columns = [column for column in question["columns"] if column["type"] != "geometry"]
    names = short_names([column["name"] for column in columns])
    schema = pa.schema(
        [
            f.with_name(names.get(f.name, f.name)).with_type(pa.int16() if f.type == pa.bool_() else f.type)
            for f in schema_of(question)
        ]
    )
    renamed = (pa.RecordBatch.from_arrays(_without_booleans(b), schema=schema) for b in batches(question, source))
    _write(
        question,
        renamed,
        folder / f"{layer}.shp",
        schema=schema,
        driver="ESRI Shapefile",
        encoding="UTF-8",
        layer_options={"RESIZE": "YES"},
    )
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


def _without_booleans(batch: Any) -> list[Any]:
    return [column.cast(pa.int16()) if column.type == pa.bool_() else column for column in batch.columns]


def _write(
    question: dict[str, Any], rows: Iterator[Any], path: Path, *, driver: str, schema: Any = None, **more: Any
) -> None:
    geometry = question["geometry"]
    shape = {"geometry_name": GEOMETRY, "geometry_type": geometry["type"], "crs": geometry["crs"]} if geometry else {}
    reader = pa.RecordBatchReader.from_batches(schema or schema_of(question), rows)
    pyogrio.write_arrow(reader, path, layer=question["layer"], driver=driver, **shape, **more)
