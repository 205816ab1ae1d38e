"""Reports on their way in: one by one over HTTP, a million from a file, and the search for duplicates among a million.

Each is compared with a baseline of the same run: the same insert by plain DRF in the same web server; PostgreSQL's own COPY of
the same file into one table; the same search without its index.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench import reports_import, reports_intake, reports_search
from bench.reports_data import write_csv
from bench.servers import bench_database

ROWS, FEW_ROWS = 1_000_000, 100_000

# What is to be reached.
# A share, since DRF here only stores what it is given: no place looked up, no text masked, no photo encoded anew, no history.
SHARE_OF_DRF, SHARE_OF_DRF_WITH_PHOTO = 0.25, 0.1
TIMES_COPY, TIMES_FINISHED_COPY = 6.0, 2.0
MORE_MEMORY, MORE_MEMORY_MB = 1.1, 30.0
READ_PER_RETURNED = 20.0

Mark = tuple[str, bool]


def main() -> int:
    """0 when all marks are reached. Each is printed as soon as it is known."""
    missed = 0

    def tell(marks: Iterable[Mark]) -> None:
        nonlocal missed
        for sentence, is_reached in marks:
            missed += not is_reached
            print(f"{'reached' if is_reached else 'MISSED '}  {sentence}", flush=True)

    with bench_database("reports"), tempfile.TemporaryDirectory() as folder:
        from django.core.management import call_command

        call_command("load_fixtures", verbosity=0)
        tell(intake())
        reports_import.wipe()
        tell(imports(Path(folder)))
        tell(search())
    return 1 if missed else 0


def intake() -> Iterator[Mark]:
    ours, theirs = reports_intake.measure()
    for name, mine, other, share in (
        ("without photos", ours.plain, theirs.plain, SHARE_OF_DRF),
        ("with a photo each", ours.with_photo, theirs.with_photo, SHARE_OF_DRF_WITH_PHOTO),
    ):
        print(f"  {name}: {mine:.0f} reports/s; plain DRF, which only stores them, {other:.0f}/s")
        yield f"intake {name} at {mine / other:.2f} of plain DRF's rate (at least {share:g})", mine >= share * other


def imports(folder: Path) -> Iterator[Mark]:
    """Leaves the million reports in the database."""
    many, few = folder / "many.csv", folder / "few.csv"
    write_csv(many, ROWS)
    write_csv(few, FEW_ROWS)
    print(f"  {ROWS:,} rows, {many.stat().st_size / 1e6:.0f} MB")
    small = reports_import.import_file(few)
    reports_import.wipe()
    copies = [reports_import.copy_seconds(many) for _ in range(2)]
    large = reports_import.import_file(many)
    copies.append(reports_import.copy_seconds(many))
    copy_s = statistics.median(copies)
    print(f"  COPY of the same file into one table: {', '.join(f'{s:.1f}' for s in copies)} s")
    yield (
        f"{large.seconds / copy_s:.1f} times PostgreSQL's COPY of the file (at most {TIMES_COPY:g})",
        (large.seconds <= TIMES_COPY * copy_s),
    )
    bare_s, finished_s = reports_import.copy_finished_seconds()
    print(
        f"  COPY of the finished rows into a table without index or constraint: {bare_s:.1f} s, {bare_s / copy_s:.1f} times"
        f" that of the file; into geo_report, its indexes and constraints kept: {finished_s:.1f} s, {finished_s / copy_s:.1f} times"
    )
    yield (
        f"{large.seconds / finished_s:.2f} times COPY into geo_report itself (at most {TIMES_FINISHED_COPY:g})",
        (large.seconds <= TIMES_FINISHED_COPY * finished_s),
    )
    yield (
        f"peak memory {large.peak_mb:.0f} MB with {ROWS:,} rows, {small.peak_mb:.0f} MB with {FEW_ROWS:,}"
        f" (at most {MORE_MEMORY:g} times, or {MORE_MEMORY_MB:g} MB more)",
        large.peak_mb <= max(MORE_MEMORY * small.peak_mb, small.peak_mb + MORE_MEMORY_MB),
    )


def search() -> Iterator[Mark]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE geo_report")
    found = reports_search.measure()
    print("  " + found.plan.replace("\n", "\n  "))
    print(
        f"  {reports_search.SEARCHES} searches for duplicates among {ROWS:,}: median {found.median_s * 1000:.1f} ms,"
        f" {found.without_index_s / found.median_s:,.0f} times as fast as without an index"
    )
    yield (
        f"the search uses {', '.join(sorted(found.indexes)) or 'no index'}, and never reads the whole table",
        bool(found.indexes) and not found.scans_whole_table,
    )
    yield (
        f"{found.rows_read / max(found.rows_returned, 1):.1f} rows read for each of {found.rows_returned:,} returned"
        f" (at most {READ_PER_RETURNED:g})",
        0 < found.rows_read <= READ_PER_RETURNED * found.rows_returned,
    )


if __name__ == "__main__":
    sys.exit(main())
