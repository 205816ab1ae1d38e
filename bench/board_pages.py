"""Pages of the list of reports: what each reads, and how long the first and a deep one take."""

import json
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

LIMIT = 100
# So many rows lie before the deep page; the steps on the way are as large as a page may be.
DEPTH, STEP = 10_000, 1_000
REPEATS = 15


@dataclass(frozen=True, slots=True)
class Page:
    """Of one filter: the rows of a page, the most that a page read, its queries, and the median time at both depths.

    `deep_s` is None where there are fewer rows than DEPTH.
    """

    query: str
    rows: int
    rows_read: int
    buffers: int
    queries: frozenset[int]
    first_s: float
    deep_s: float | None


def filters() -> list[str]:
    """By area, status, time and agency, alone and together; values that many reports have, and such that few have."""
    from django.utils import timezone

    from geo.models import Agency, Area

    district = Area.objects.current().filter(level__rank=1).order_by("code")[0].code
    smallest = Area.objects.current().filter(level__rank=2).order_by("code")[0].code
    agency = Agency.objects.order_by("slug")[0].slug
    today = timezone.now().date()
    month, year, older = (f"{today - timedelta(days=days)}" for days in (30, 365, 400))
    return [
        "",
        f"area={district}",
        f"area={smallest}",
        f"area={smallest}&status=in_progress,waiting",
        f"area={district}&status=resolved",
        "status=resolved",
        "status=waiting",
        f"start={month}",
        f"start={older}&end={year}",
        f"area={smallest}&start={older}&end={year}",
        f"status=rejected&end={year}",
        f"agency={agency}",
        f"agency={agency}&status=assigned,in_progress",
        "late=true",
        f"late=true&agency={agency}",
    ]


def measure() -> Iterator[Page]:
    """Each filter, asked by a superuser of the service's own views, in this process."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.create(username="bench", is_staff=True, is_superuser=True))
    for query in filters():
        first, deep = f"/api/reports/?limit={LIMIT}&{query}", _deep(client, query)
        pages = [url for url in (first, deep) if url is not None]
        seconds: dict[str, list[float]] = {url: [] for url in pages}
        # In turns: what else the machine does meanwhile meets both.
        for _i in range(REPEATS):
            for url in pages:
                begun = time.perf_counter()
                client.get(url)
                seconds[url].append(time.perf_counter() - begun)
        costs = [_cost(client, url) for url in pages]
        yield Page(
            query or "(no filter)",
            min(cost.rows for cost in costs),
            max(cost.rows_read for cost in costs),
            max(cost.buffers for cost in costs),
            frozenset(cost.queries for cost in costs),
            statistics.median(seconds[first]),
            statistics.median(seconds[deep]) if deep is not None else None,
        )


def _deep(client: Any, query: str) -> str | None:
    """The page behind the first DEPTH rows, of the same size as the first."""
    url = f"/api/reports/?limit={STEP}&{query}"
    for _step in range(DEPTH // STEP):
        following = client.get(url).json()["next"]
        if following is None:
            return None
        url = following
    return url.replace(f"limit={STEP}", f"limit={LIMIT}")


@dataclass(frozen=True, slots=True)
class _Cost:
    rows: int
    rows_read: int
    buffers: int
    queries: int


def _cost(client: Any, url: str) -> _Cost:
    """By EXPLAIN of the very statements that the page sent."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        rows = len(client.get(url).json()["results"])
    sent = [query["sql"] for query in captured.captured_queries]
    read = buffers = 0
    for sql in sent:
        if 'FROM "geo_report"' in sql:
            plan = _explained(sql)
            read += sum(_rows_read(node) for node in _scans(plan))
            buffers += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return _Cost(rows, read, buffers, len(sent))


def _explained(sql: str) -> dict[str, Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        (answer,) = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return plan


def _scans(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The nodes that read geo_report, or an index of it for a bitmap."""
    if node.get("Relation Name") == "geo_report" or node["Node Type"] == "Bitmap Index Scan":
        yield node
    for below in node.get("Plans", ()):
        yield from _scans(below)


def _rows_read(node: Mapping[str, Any]) -> int:
    """What a scan passed on and what it threw away."""
    thrown_away = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(node["Actual Loops"] * (node["Actual Rows"] + thrown_away))
