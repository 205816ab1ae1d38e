"""GeoParquet 1.1: WKB with the CRS, the extent, and each geometry's box for readers that skip what lies elsewhere."""

import json
from pathlib import Path
from typing import IO, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from geo.layers.export.child.columns import BOX, GEOMETRY
from geo.layers.export.child.rows import TYPES, batches

COVERING = "bbox"
ROWS_IN_A_GROUP = 65_536


def write_parquet(question: dict[str, Any], source: IO[bytes], path: Path) -> None:
    columns = [column for column in question["columns"] if column["name"] not in BOX]
    schema = pa.schema([_field(column) for column in columns])
    if question["geometry"]:
        schema = schema.append(pa.field(COVERING, pa.struct([(side, pa.float64()) for side in BOX])))
    extent: list[float | None] = [None] * 4
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        for batch in batches(question, source):
            arrays = [batch.column(column["name"]) for column in columns]
            if question["geometry"]:
                sides = [batch.column(side) for side in BOX]
                _widen(extent, sides)
                arrays.append(pa.StructArray.from_arrays(sides, names=list(BOX)))
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema), row_group_size=ROWS_IN_A_GROUP)
        about = {"title": question["title"], "description": question["description"], **question["metadata"]}
        writer.add_key_value_metadata({"pantau": json.dumps(about, ensure_ascii=False)})
        if question["geometry"]:
            writer.add_key_value_metadata({"geo": json.dumps(_geo(question["geometry"], extent))})


def _field(column: dict[str, Any]) -> Any:
    about = {name: column.get(name) for name in ("title", "description", "unit")}
    return pa.field(column["name"], TYPES[column["type"]], metadata={n: t for n, t in about.items() if t})


def _widen(extent: list[float | None], sides: list[Any]) -> None:
    for i, side in enumerate(sides):
        here = (pc.min if i < 2 else pc.max)(side).as_py()
        if here is not None:
            before = extent[i]
            extent[i] = here if before is None else (min if i < 2 else max)(before, here)


def _geo(geometry: dict[str, Any], extent: list[float | None]) -> dict[str, Any]:
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [geometry["type"]],
        "covering": {COVERING: {side: [COVERING, side] for side in BOX}},
    }
    if geometry["projjson"] is not None:
        column["crs"] = geometry["projjson"]
    if None not in extent:
        column["bbox"] = extent
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
