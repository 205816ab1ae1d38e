"""The archive's Parquet files: written whole or not at all, and read back with every page checked. Knows no database."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

ROWS_IN_A_GROUP = 65_536
SCHEMA = pa.schema(
    [
        pa.field("datastream_id", pa.int64(), nullable=False),
        pa.field("thing", pa.string()),
        pa.field("observed_property", pa.string()),
        pa.field("unit", pa.string()),
        pa.field("phenomenon_time", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("result", pa.float64(), nullable=False),
        pa.field("received_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("quality", pa.int16(), nullable=False),
        pa.field("time_source", pa.int16(), nullable=False),
    ]
)
# A row as PostgreSQL sends its columns in binary: big-endian, times as microseconds since 2000.
_WIRE = np.dtype(
    [("stream", ">i8"), ("at", ">i8"), ("result", ">f8"), ("received", ">i8"), ("quality", ">i2"), ("source", ">i2")]
)
_US_FROM_1970_TO_2000 = 946_684_800_000_000


class ArchiveFailed(Exception):
    """A sentence that names the file or the month, and why it could not be written, read or verified. Nothing was dropped."""


class Row(NamedTuple):
    """An observation; times are microseconds since 1970."""

    datastream_id: int
    phenomenon_us: int
    result: float
    received_us: int
    quality: int
    time_source: int


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows there are, and the sum of their hashes modulo 2^64: equal for the same rows in any order."""

    rows: int = 0
    checksum: int = 0

    def __add__(self, other: "Content") -> "Content":
        return Content(self.rows + other.rows, (self.checksum + other.checksum) % 2**64)


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says of its rows beside them: the property's code, each datastream's thing and unit, and the registry's facts."""

    observed_property: str
    things: dict[int, str]
    units: dict[int, str]
    facts: dict[str, Any]


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What goes wrong with a file is told with its name."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).strip().split("\n")[0]
        raise ArchiveFailed(f"{path}: {why}") from error


def write_file(path: Path, batches: Iterable[Sequence[Row]], source: Source) -> Content:
    """Writes a file that is there whole, on the disk, under its name; or, after any error or kill, is not there.

    Errors: ArchiveFailed, a full disk among the reasons; also where the name is taken, since no file is written over.
    """
    unfinished = unfinished_path(path)
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise FileExistsError(17, "there is a file of this name already")
        try:
            with unfinished.open("wb") as file:
                content = _write(file, batches, source)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)
        _sync_folder(path.parent)
    return content


def unfinished_path(path: Path) -> Path:
    # Readers of Parquet folders pass over names that begin with a point.
    return path.with_name(f".{path.name}.unfinished")


def _write(file: Any, batches: Iterable[Sequence[Row]], source: Source) -> Content:
    about = {b"pantau": json.dumps(source.facts, ensure_ascii=False).encode()}
    content = Content()
    with pq.ParquetWriter(
        file, SCHEMA.with_metadata(about), compression="zstd", write_page_checksum=True, store_schema=True
    ) as writer:
        for rows in batches:
            batch = _record_batch(rows, source)
            writer.write_batch(batch, row_group_size=ROWS_IN_A_GROUP)
            content += Content(len(rows), checksum_of(batch))
    return content


def _record_batch(rows: Sequence[Row], source: Source) -> Any:
    ids, times, results, received, qualities, time_sources = zip(*rows, strict=True)
    columns = [
        ids,
        [source.things.get(each) for each in ids],
        [source.observed_property or None] * len(ids),
        [source.units.get(each) for each in ids],
        times,
        results,
        received,
        qualities,
        time_sources,
    ]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _sync_folder(folder: Path) -> None:
    # The name is on the disk only when its folder is.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_batches(path: Path) -> Iterator[Any]:
    """The file's record batches, in bounded memory. Errors: ArchiveFailed where it is gone, or a page's checksum is wrong."""
    with naming(path), path.open("rb") as raw, pq.ParquetFile(raw, page_checksum_verification=True) as file:
        if file.schema_arrow.names != SCHEMA.names:
            raise ArchiveFailed(f"{path}: its columns are {', '.join(file.schema_arrow.names)}")
        yield from file.iter_batches(batch_size=ROWS_IN_A_GROUP)


def content_of(path: Path) -> Content:
    """What a file holds, read from its first byte to its last. Errors: ArchiveFailed."""
    return sum((Content(batch.num_rows, checksum_of(batch)) for batch in read_batches(path)), Content())


def microseconds_of(batch: Any, name: str) -> Any:
    """A time column as int64, microseconds since 1970."""
    return batch.column(name).cast(pa.int64()).to_numpy(zero_copy_only=False)


def checksum_of(batch: Any) -> int:
    """The sum of the rows' hashes modulo 2^64; `contents` in archive.sql computes the same of a table."""
    wire = np.empty(batch.num_rows, _WIRE)
    wire["stream"] = batch.column("datastream_id").to_numpy()
    wire["at"] = microseconds_of(batch, "phenomenon_time") - _US_FROM_1970_TO_2000
    wire["result"] = batch.column("result").to_numpy()
    wire["received"] = microseconds_of(batch, "received_at") - _US_FROM_1970_TO_2000
    wire["quality"] = batch.column("quality").to_numpy()
    wire["source"] = batch.column("time_source").to_numpy()
    raw, size = wire.tobytes(), _WIRE.itemsize
    hashes = b"".join(sha256(raw[start : start + size]).digest()[:8] for start in range(0, len(raw), size))
    # Adding unsigned integers wraps around at 2^64.
    return int(np.frombuffer(hashes, ">u8").astype(np.uint64).sum(dtype=np.uint64))
