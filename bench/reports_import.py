"""A file into the database: by PostgreSQL's own COPY, and by `manage import_reports`."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FLAT_SQL = """
CREATE TABLE bench_flat (external_id text, category text, description text, lon float8, lat float8, reported_at timestamptz,
                         name text, phone text)
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """An import as its process saw it: wall clock seconds, start of Python and all, and its largest resident size."""

    seconds: float
    peak_mb: float


def copy_seconds(path: Path) -> float:
    """COPY of the file into one table that has the file's columns, of their types, and nothing else."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_flat")
        cursor.execute(FLAT_SQL)
        return _copy_in(path, "bench_flat", "(FORMAT csv, HEADER)")


def copy_finished_seconds() -> tuple[float, float]:
    """COPY of the finished rows of geo_report by one connection: into a table of its columns without index or constraint, and
    into geo_report itself, with its own."""
    from django.db import connection

    with tempfile.TemporaryDirectory() as folder, connection.cursor() as cursor:
        path = Path(folder) / "finished.copy"
        with path.open("w", encoding="utf-8") as file:
            cursor.copy_expert("COPY (SELECT * FROM geo_report ORDER BY id) TO STDOUT", file)
        cursor.execute("CREATE TABLE bench_bare (LIKE geo_report)")
        bare_s = _copy_in(path, "bench_bare", "")
        cursor.execute("DROP TABLE bench_bare")
        wipe()
        return bare_s, _copy_in(path, "geo_report", "")


def _copy_in(path: Path, table: str, options: str) -> float:
    from django.db import connection

    with connection.cursor() as cursor, path.open(encoding="utf-8") as file:
        begun = time.perf_counter()
        cursor.copy_expert(f"COPY {table} FROM STDIN {options}", file)
        return time.perf_counter() - begun


def import_file(path: Path) -> Imported:
    """`manage import_reports` as an administrator calls it, in a process of its own."""
    begun = time.perf_counter()
    command = [sys.executable, "manage.py", "import_reports", str(path), "--channel", "pot", "-v", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise RuntimeError(f"import_reports ended with {process.returncode}")
    print(f"  import_reports: {said.strip()}; {seconds:.1f} s", flush=True)
    return Imported(seconds, usage.ru_maxrss / 1024)


def wipe() -> None:
    """No reports, and tables as new."""
    from django.db import connection

    with connection.cursor() as cursor:
        # The benchmark's own database: one that is not marked so keeps its history (geo/migrations/0013_operation_functions).
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"COMMENT ON DATABASE {name} IS 'disposable'")
        cursor.execute("TRUNCATE geo_historyentry")
        cursor.execute("TRUNCATE geo_report CASCADE")
