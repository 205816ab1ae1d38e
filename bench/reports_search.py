"""The search for duplicates among all reports: what its plan reads for what it finds."""

import json
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SEARCHES = 200
WITHOUT_INDEX = 3


@dataclass(frozen=True, slots=True)
class Search:
    """All searches together: rows read and returned, the indexes used, and the median times with and without them."""

    rows_read: int
    rows_returned: int
    indexes: frozenset[str]
    scans_whole_table: bool
    median_s: float
    without_index_s: float
    plan: str


def measure() -> Search:
    """Duplicates of reports that are spread over all of them, as the service looks for them when one comes in."""
    from django.db import connection

    read = returned = 0
    indexes: set[str] = set()
    scans_whole_table, seconds, plan = False, [], ""
    statements = list(_statements())
    with connection.cursor() as cursor:
        for sql, params in statements:
            cursor.execute(sql, params)
            begun = time.perf_counter()
            cursor.execute(sql, params)
            returned += len(cursor.fetchall())
            seconds.append(time.perf_counter() - begun)
            for node in _scans(_explained(cursor, sql, params)):
                read += _rows_read(node)
                scans_whole_table |= node["Node Type"] == "Seq Scan"
                indexes |= {node["Index Name"]} if "Index Name" in node else set()
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) " + statements[0][0], statements[0][1])
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
        slow = []
        for sql, params in statements[:WITHOUT_INDEX]:
            begun = time.perf_counter()
            cursor.execute(sql, params)
            slow.append(time.perf_counter() - begun)
        cursor.execute("RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan")
    return Search(
        read,
        returned,
        frozenset(indexes),
        scans_whole_table,
        statistics.median(seconds),
        statistics.median(slow),
        plan,
    )


def _statements() -> Iterator[tuple[str, Any]]:
    """The statement of each search with its parameters, as find_duplicates sends it."""
    from django.db import connection

    from geo.reports.duplicates import find_duplicates
    from geo.reports.models import Report

    first, last = Report.objects.earliest("id").pk, Report.objects.latest("id").pk
    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    step = (last - first) // SEARCHES
    for i in range(SEARCHES):
        report = Report.objects.filter(pk__gte=first + i * step, area__isnull=False).order_by("pk")[0]
        assert report.public_location is not None
        sent.clear()
        with connection.execute_wrapper(note):
            find_duplicates(
                category=report.category,
                location=report.public_location,
                at=report.reported_at,
                text=report.public_description,
                exclude=report,
            )
        yield from ((sql, params) for sql, params in sent if "ST_DWithin" in sql)


def _explained(cursor: Any, sql: str, params: Any) -> dict[str, Any]:
    cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql, params)
    (answer,) = cursor.fetchone()
    whole = json.loads(answer) if isinstance(answer, str) else answer
    plan: dict[str, Any] = whole[0]["Plan"]
    return plan


def _scans(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The nodes that read geo_report."""
    if node.get("Relation Name") == "geo_report":
        yield node
    for below in node.get("Plans", ()):
        yield from _scans(below)


def _rows_read(node: Mapping[str, Any]) -> int:
    """What a scan passed on and what it threw away."""
    thrown_away = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(node["Actual Loops"] * (node["Actual Rows"] + thrown_away))
