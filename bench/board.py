"""Pages of a million reports, the board's figures of the last 30 days, and the export, each against what it has to keep up with.

A deep page against the first one of the same list; what a page reads against its rows; the figures against the same by plain ORM
aggregation (bench.board_orm); the memory of a long table against that of a short one.
"""

import statistics
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import astuple
from datetime import timedelta
from typing import Any

from bench import board_data, board_pages
from bench.servers import bench_database, take_off

# What is to be reached.
READ_PER_ROW = 20.0
DEEP_TO_FIRST = 1.5
TIMES_ORM = 2.0
MORE_MEMORY = 1.2

DAYS = 30
REPEATS = 7
FEW_ROWS, MANY_ROWS = 10_000, 100_000

Mark = tuple[str, bool]


def main() -> int:
    """0 when all marks are reached. Each is printed as soon as it is known."""
    missed = 0
    with bench_database("board"):
        from django.core.management import call_command

        call_command("load_fixtures", verbosity=0)
        fill()
        for part in (pages, figures, export):
            for sentence, is_reached in part():
                missed += not is_reached
                print(f"{'reached' if is_reached else 'MISSED '}  {sentence}", flush=True)
    return 1 if missed else 0


def fill() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        indexes = take_off(cursor, "geo_report")
        board_data.fill(cursor)
        for definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE geo_report")
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE closed_at IS NULL) FROM geo_report")
        rows, still_open = cursor.fetchone()
    print(f"  {rows:,} reports of three years, {still_open:,} of them open", flush=True)


def pages() -> Iterator[Mark]:
    print(
        f"  pages of {board_pages.LIMIT}; first and behind {board_pages.DEPTH:,} rows, medians of {board_pages.REPEATS}"
    )
    for page in board_pages.measure():
        deep = f"{page.deep_s * 1000:6.1f} ms" if page.deep_s is not None else "no such page"
        print(
            f"    {page.query:52} {page.rows:4} rows, {page.rows_read:5} read, {page.buffers:5} buffers,"
            f" first {page.first_s * 1000:6.1f} ms, deep {deep}"
        )
        says = f"{page.query}: {page.rows_read / max(page.rows, 1):.1f} read for each row (at most {READ_PER_ROW:g})"
        yield says, page.rows_read <= READ_PER_ROW * max(page.rows, 1)
        yield f"{page.query}: {sorted(page.queries)} queries, at whatever depth", len(page.queries) == 1
        if page.deep_s is not None:
            ratio = page.deep_s / page.first_s
            yield f"{page.query}: deep at {ratio:.2f} times the first (under {DEEP_TO_FIRST:g})", ratio < DEEP_TO_FIRST


def figures() -> Iterator[Mark]:
    from django.utils import timezone

    from bench import board_orm
    from geo.areas.models import City
    from geo.operations.board.figures import Question, board
    from server.core.params import day_start

    city, now = City.objects.order_by("id")[0], timezone.now()
    end = day_start(now + timedelta(days=1), city.zone)
    start = end - timedelta(days=DAYS)
    ours, theirs = [], []
    for _i in range(REPEATS):
        begun = time.perf_counter()
        found = board(Question(city_id=city.pk, start=start, end=end, now=now), by="agency")
        ours.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        plain = board_orm.figures(city.pk, start, end, now)
        theirs.append(time.perf_counter() - begun)
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"  board by agency, {DAYS} days: {mine * 1000:.0f} ms; by plain ORM aggregation {other * 1000:.0f} ms")
    same = {group.key: _comparable(group) for group in found.groups} == {
        None if pk is None else str(pk): _comparable_row(row) for pk, row in plain.items()
    }
    yield "the board has the figures that plain ORM aggregation finds", same
    yield (
        f"{other / mine:.1f} times as fast as plain ORM aggregation (at least {TIMES_ORM:g})",
        other >= TIMES_ORM * mine,
    )


def _comparable(group: Any) -> tuple[Any, ...]:
    now, told = group.now, group.period
    hours = [
        (told.first_response_h.median, told.first_response_h.p90),
        (told.resolution_h.median, told.resolution_h.p90),
    ]
    counts = (told.reported, told.resolved, told.reopened, told.handed_over, told.with_target, told.late)
    return (*astuple(now)[:5], *counts, told.late_first_response, *map(_rounded, hours))


def _comparable_row(row: dict[str, Any]) -> tuple[Any, ...]:
    names = (
        "open",
        "due_soon",
        "late_now",
        "unanswered",
        "open_reopened",
        "reported",
        "resolved",
        "reopened",
        "handed_over",
    )
    counts = (row[name] for name in (*names, "with_target", "late", "late_first_response"))
    return (*counts, _rounded(row["first_response_h"]), _rounded(row["resolution_h"]))


def _rounded(pair: tuple[float | None, float | None] | None) -> tuple[float, ...] | None:
    """To the thousandth of an hour: the two add up in another order."""
    return None if pair is None or None in pair else tuple(round(value, 3) for value in pair if value is not None)


def export() -> Iterator[Mark]:
    few, many = _exported(FEW_ROWS), _exported(MANY_ROWS)
    (few_rows, _few_s, few_mb), (many_rows, many_s, many_mb) = few, many
    print(f"  export of {few_rows:,} reports: peak {few_mb:.1f} MB; of {many_rows:,}: {many_mb:.1f} MB, {many_s:.1f} s")
    yield (
        f"{many_mb / few_mb:.2f} times the memory for {many_rows / few_rows:.0f} times the reports (at most {MORE_MEMORY:g})",
        many_mb <= MORE_MEMORY * few_mb,
    )


def _exported(rows: int) -> tuple[int, float, float]:
    """About so many of the newest reports: how many they were, in which time, and the peak of what Python held, in MB."""
    from django.test import Client
    from django.utils import timezone

    days = board_data.DAYS * rows / board_data.ROWS
    start = (timezone.now() - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    tracemalloc.start()
    begun = time.perf_counter()
    response: Any = Client(SERVER_NAME="127.0.0.1").get(f"/api/reports/export.csv?start={start}")
    lines = sum(piece.count(b"\r\n") for piece in response.streaming_content)
    seconds = time.perf_counter() - begun
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return lines - 1, seconds, peak / 1e6


if __name__ == "__main__":
    sys.exit(main())
