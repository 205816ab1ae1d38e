"""Making one file: PostgreSQL's rows go as they are through a pipe to a child process that encodes them.

No row becomes an object here, and no value stands on a command line: the child gets its question and the rows on stdin, and
neither the database's address nor a secret in its environment. What it starts belongs to its session, and is ended with it.
"""

import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg2
from django.conf import settings
from django.contrib.gis.gdal import SpatialReference
from django.contrib.gis.gdal.libgdal import lgdal
from django.db import connection

from geo.layers.crs import STORAGE_SRID
from geo.layers.export.child.__main__ import CANNOT
from geo.layers.export.statements import ID, Rows, in_crs, plain_value_sql, point_sql, rows_sql, value_sql
from geo.layers.geojson import Output, chosen
from geo.layers.layer import Property
from geo.layers.select import count_rows, selected_sql
from server.core.errors import BadParameter, NotReady

log = logging.getLogger(__name__)

# Excel's last row, less the header's.
MOST_EXCEL_ROWS = 1_048_575
LONGEST_S = 900
LOOK_EVERY_S = 1.0
BLOCK_BYTES = 1 << 20
# As large as any process may have it: the two wait for each other less often.
PIPE_BYTES = 1 << 20
# Read by Arrow, as CSV; the others are read as PostgreSQL's own text.
BY_ARROW = ("geoparquet", "flatgeobuf")
BY_SQLITE = ("gpkg", "shp-zip")


class Abandoned(NotReady):
    """The client went away, or it took too long: the child was ended."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file to be made: its format (a key of geo.ogc.formats.DOWNLOADS), its rows, and what is said of them inside."""

    format: str
    rows: Rows
    output: Output
    title: str
    description: str
    metadata: Mapping[str, str]
    zone: str


def make_file(export: Export, path: Path, *, is_abandoned: Callable[[], bool]) -> None:
    """Writes the file. Inside `snapshot`. BadParameter where the format cannot hold it; Abandoned where nobody waits for it."""
    with _Watch(is_abandoned) as watch:
        _make(export, path, watch)


def _make(export: Export, path: Path, watch: "_Watch") -> None:
    if export.format == "xlsx":
        _check_excel(export)
    columns, expressions = _columns(export)
    question = {
        "format": export.format,
        "path": str(path),
        "layer": export.rows.layer.id,
        "title": export.title,
        "description": export.description,
        "metadata": dict(export.metadata),
        "zone": export.zone,
        "columns": columns,
        "geometry": _geometry(export),
        "block_bytes": _block_bytes(export) if export.format in BY_ARROW else None,
    }
    sql, params = rows_sql(export.rows, ", ".join(expressions))
    with tempfile.TemporaryFile() as said:
        child = _start(path.parent, said)
        try:
            watch.child = child
            _feed(child, question, sql, params, "csv" if export.format in BY_ARROW else "text")
            child.wait()
        finally:
            if child.poll() is None:
                _kill(child)
                child.wait()
        if watch.is_given_up:  # it was ended, and has not failed
            raise _abandoned()
        _check(child, said, export)


def _check_excel(export: Export) -> None:
    if export.rows.limit is not None and export.rows.limit <= MOST_EXCEL_ROWS:
        return
    if count_rows(export.rows.selection, most=MOST_EXCEL_ROWS + export.rows.offset) is None:
        raise BadParameter(
            "f",
            f"an Excel sheet holds {MOST_EXCEL_ROWS:,} rows, and more match; take CSV (csv), or filter",
        )


def _columns(export: Export) -> tuple[list[dict[str, Any]], list[str]]:
    """The columns as the child is told of them, and their expressions."""
    layer, crs = export.rows.layer, export.output.crs
    columns = [_column(Property(ID, "string", "Feature id", "As in every other form of this layer."))]
    expressions = ["s.fid::text"]
    for prop in chosen(layer, export.output):
        columns.append(_column(prop))
        expressions.append(value_sql(prop) if export.format in BY_ARROW else plain_value_sql(prop))
    if not export.output.has_geometry:
        return columns, expressions
    geometry = in_crs("s.geom", crs)
    if export.format == "xlsx":
        about = "" if layer.geometry_type == "Point" else "Of a point inside the area."
        for name, axis in zip(("lon", "lat") if crs.digits == 7 else ("x", "y"), "XY", strict=True):
            columns.append(_column(Property(name, "number", name, about)))
            expressions.append(f"round(ST_{axis}({point_sql(layer, geometry)})::numeric, {crs.digits})")
        return columns, expressions
    if export.format == "geoparquet" or (export.format in BY_SQLITE and layer.geometry_type != "Point"):
        for side, function in (("xmin", "XMin"), ("ymin", "YMin"), ("xmax", "XMax"), ("ymax", "YMax")):
            columns.append({"name": side, "type": "number"} | {"title": "", "description": ""})
            expressions.append(f"ST_{function}({geometry})")
    columns.append({"name": "geom", "type": "geometry"})
    expressions.append(f"encode(ST_AsBinary({geometry}, 'NDR'), 'hex')")
    return columns, expressions


def _column(prop: Property) -> dict[str, Any]:
    unit = f"[{prop.unit}]" if prop.unit else ""
    return {
        "name": prop.name,
        "type": prop.type,
        "title": str(prop.title),
        "description": " ".join(filter(None, [str(prop.description), unit])),
        "unit": prop.unit,
    }


def _geometry(export: Export) -> dict[str, Any] | None:
    if not export.output.has_geometry or export.format == "xlsx":
        return None
    srid = export.output.crs.srid
    found: dict[str, Any] = {"type": export.rows.layer.geometry_type, "crs": f"EPSG:{srid}"}
    if export.format == "geoparquet":
        # Without one it is CRS84.
        found["projjson"] = None if srid == STORAGE_SRID else _projjson(srid)
    return found


def _projjson(srid: int) -> Any:
    system, text = SpatialReference(srid), ctypes.c_char_p()
    # Django has no name for it.
    to_projjson = lgdal.OSRExportToPROJJSON
    to_projjson.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_void_p]
    if to_projjson(system.ptr, ctypes.byref(text), None) != 0 or text.value is None:
        raise RuntimeError(f"EPSG:{srid} has no PROJJSON")
    try:
        return json.loads(text.value)
    finally:
        lgdal.VSIFree(text)


def _block_bytes(export: Export) -> int:
    """Of what the child reads at once: a row has to fit, and the hexadecimal digits of a boundary are twice its bytes."""
    if export.rows.layer.geometry_type == "Point":
        return BLOCK_BYTES
    where, params = selected_sql(export.rows.selection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(ST_NPoints(s.geom) * 16 + ST_NumGeometries(s.geom) * 64) {where}", params)
        longest = cursor.fetchone()[0] or 0
    return BLOCK_BYTES + 4 * int(longest)


def _start(folder: Path, said: IO[bytes]) -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "geo.layers.export.child"],
        stdin=subprocess.PIPE,
        pipesize=PIPE_BYTES,
        stdout=subprocess.DEVNULL,
        stderr=said,
        cwd=settings.BASE_DIR,
        env={**kept, "TMPDIR": str(folder)},
        start_new_session=True,
    )


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """With what it has started; nothing where it has ended and been waited for."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _abandoned() -> Abandoned:
    return Abandoned("This download was given up.", retry_after_s=60)


class _Watch:
    """A thread that looks each second whether to go on: no longer than LONGEST_S, and only while somebody waits.

    Otherwise it ends the child and the statement that runs, again and again until the block has ended: one that comes
    between two statements is ignored by PostgreSQL. What then fails inside the block is Abandoned.
    """

    def __init__(self, is_abandoned: Callable[[], bool]) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self._is_abandoned = is_abandoned
        self._deadline = time.monotonic() + LONGEST_S
        # Django gives each thread a connection of its own; this is that of the thread which makes the file.
        self._connection = connection.connection
        # Held while it cancels: after the block has ended, the next statement must not be hit.
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.is_given_up = False
        self._thread = threading.Thread(target=self._look, name="download", daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._lock:
            self._ended.set()
        self._thread.join()
        if self.is_given_up and kind is not None and issubclass(kind, Exception):
            raise _abandoned() from None

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            if not self.is_given_up and not self._is_abandoned() and time.monotonic() <= self._deadline:
                continue
            with self._lock:
                if self._ended.is_set():
                    return
                self.is_given_up = True
                if self.child is not None:
                    _kill(self.child)
                # A connection that broke has no statement left.
                with suppress(psycopg2.Error):
                    self._connection.cancel()


class _Pipe:
    """The child's stdin as COPY writes to it, a row at a time.

    What goes wrong here must not be raised into COPY, which would leave the connection in the midst of it: the statement
    is cancelled instead, and the rest of its rows are let go.
    """

    def __init__(self, stdin: IO[bytes]) -> None:
        self._stdin = stdin
        self.error: OSError | None = None

    def write(self, row: bytes) -> None:
        if self.error is not None:
            return
        try:
            self._stdin.write(row)
        except OSError as error:
            self.error = error
            connection.connection.cancel()


def _feed(
    child: "subprocess.Popen[bytes]", question: dict[str, Any], sql: str, params: Mapping[str, Any], form: str
) -> None:
    assert child.stdin is not None
    pipe = _Pipe(child.stdin)
    try:
        child.stdin.write(json.dumps(question).encode() + b"\n")
        with connection.cursor() as cursor:
            # COPY takes no parameters of its own; psycopg binds them, as it does for every statement.
            copy = cursor.mogrify(f"COPY ({sql}) TO STDOUT (FORMAT {form})", params)
            cursor.copy_expert(copy, pipe)
        if pipe.error is not None:  # too late for the statement to be cancelled
            raise pipe.error
        child.stdin.close()
    except Exception:
        _kill(child)
        child.wait()
        if pipe.error is None:
            raise
        # The child has ended by itself; what it said is looked at next.
    finally:
        _close(child.stdin)


def _close(stdin: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        stdin.close()


def _check(child: "subprocess.Popen[bytes]", said: IO[bytes], export: Export) -> None:
    if child.returncode == 0:
        return
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - 2000))
    text = said.read().decode(errors="replace")
    if child.returncode == CANNOT:
        raise BadParameter("f", f"{export.format} cannot hold so much; take gpkg or csv, or filter")
    log.error("a %s of %s could not be written (%s): %s", export.format, export.rows.layer.id, child.returncode, text)
    raise RuntimeError(f"the {export.format} encoder ended with {child.returncode}")
