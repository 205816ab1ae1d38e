"""Rows from stdin as Arrow record batches: PostgreSQL's COPY … (FORMAT csv), read with the types that the question names."""

import binascii
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pacsv  # type: ignore[import-untyped]

TIME = pa.timestamp("us", tz="UTC")
# As they stand in the text, and as they are afterwards.
READ_AS = {
    "string": pa.string(),
    "array": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.int64(),
    "geometry": pa.string(),
}
TYPES = {**READ_AS, "datetime": TIME, "geometry": pa.binary()}


def field(column: dict[str, Any]) -> Any:
    """A column's field; the metadata are GDAL's words for a title and a description."""
    if column["type"] == "geometry":
        return pa.field(column["name"], TYPES["geometry"], metadata={"ARROW:extension:name": "geoarrow.wkb"})
    about = {"GDAL:OGR:alternative_name": column["title"], "GDAL:OGR:comment": column["description"]}
    return pa.field(
        column["name"], TYPES[column["type"]], metadata={name: text for name, text in about.items() if text}
    )


def schema_of(question: dict[str, Any]) -> Any:
    return pa.schema([field(column) for column in question["columns"]])


def batches(question: dict[str, Any], source: IO[bytes]) -> Iterator[Any]:
    """The record batches, of the question's own columns; none where there is no row."""
    columns = question["columns"]
    names = [column["name"] for column in columns]
    schema = schema_of(question)
    try:
        reader = pacsv.open_csv(
            pa.PythonFile(source, mode="r"),
            # A row has to fit into a block, and a boundary may be long.
            read_options=pacsv.ReadOptions(column_names=names, block_size=question["block_bytes"]),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types={column["name"]: READ_AS[column["type"]] for column in columns},
                null_values=[""],
                strings_can_be_null=True,
                # COPY quotes the empty text, and leaves null without quotes.
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise
    for batch in reader:
        arrays = [_rich(batch.column(i), column["type"]) for i, column in enumerate(columns)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _rich(values: Any, kind: str) -> Any:
    if kind == "datetime":
        return values.cast(TIME)
    return binary_of_hex(values) if kind == "geometry" else values


def binary_of_hex(values: Any) -> Any:
    """Binary out of hexadecimal text, all values at once: the bytes are half of the digits, and so is each offset."""
    if values.offset:
        values = pa.concat_arrays([values])
    validity, offsets, digits = values.buffers()
    halves = memoryview(offsets).cast("i")[: len(values) + 1]
    content = binascii.unhexlify(memoryview(digits)[halves[0] : halves[-1]]) if digits is not None else b""
    moved = pa.array([(at - halves[0]) // 2 for at in halves], pa.int32())
    return pa.Array.from_buffers(
        pa.binary(), len(values), [validity, moved.buffers()[1], pa.py_buffer(content)], null_count=values.null_count
    )
