"""FlatGeobuf, written by pyogrio's GDAL: Debian's 3.6 has no place for a title or a licence in it."""

from pathlib import Path
from typing import IO, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyogrio  # type: ignore[import-untyped]

from geo.layers.export.child.columns import GEOMETRY
from geo.layers.export.child.rows import batches, schema_of


def write_flatgeobuf(question: dict[str, Any], source: IO[bytes], path: Path) -> None:
    # The format has a place for these two; the rest of the metadata goes into the second.
    about = [question["description"], *(f"{name}: {text}" for name, text in question["metadata"].items())]
    # Without just this suffix GDAL makes a folder.
    draft = path.with_suffix(".fgb")
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(schema_of(question), batches(question, source)),
        draft,
        layer=question["layer"],
        driver="FlatGeobuf",
        geometry_name=GEOMETRY,
        geometry_type=question["geometry"]["type"],
        crs=question["geometry"]["crs"],
        layer_options={
            "TITLE": question["title"],
            "DESCRIPTION": "\n".join(about),
            "TEMPORARY_DIR": str(path.parent),
        },
    )
    draft.replace(path)
