"""What a browser needs for the first map of a city with a million reports, and how smoothly it moves; and the other pages' weight.

Debian's Chromium without a graphics card, on the same cores as the service: a phone of the middle, and not a fast one. Counted are
requests and bytes as they come over the line (compressed), the time to the first paint and to the map, and every task of the page's
main thread that kept it from answering for longer than 50 ms while the map was being moved.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from bench import board_data
from bench.servers import bench_database, gunicorn, serving, take_off
from server.run.ports import unused_port
from server.run.processes import UVICORN

# What is to be reached.
MOST_REQUESTS, MOST_KB, MOST_FORM_KB, LONGEST_TASK_MS = 40, 400, 60, 200
LIBRARY = "/static/maplibre-gl/"
ROWS, FEW_ROWS = 1_000_000, 2_000
# All three years: the whole million is on the map.
PERIOD = "1095d"
# Each a drag across a third of the map; and the wheel, in and out.
DRAGS = ((300, 0), (0, 200), (-300, -100), (-200, 150), (400, -250)) * 2
ZOOMS = (-240, -240, 240, 240, -480, 480)
SPREAD_SQL = """
UPDATE geo_report SET location = moved, public_location = moved
FROM (SELECT id AS moved_id, ST_Translate(location, (random() - 0.5) * 0.02, (random() - 0.5) * 0.02) AS moved FROM geo_report) m
WHERE id = moved_id
"""
WATCH_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((each) => each.duration)))
  .observe({ type: "longtask", buffered: true });
"""

Mark = tuple[str, bool]


class Traffic:
    """What came over the line of a page and of its workers: each request, and the bytes of those that ended."""

    def __init__(self, page: Any) -> None:
        self.requests: list[Any] = []
        self._ended: list[Any] = []
        page.on("request", lambda each: self.requests.append(each))
        page.on("requestfinished", lambda each: self._ended.append(each))

    def kilobytes(self, *, library: bool) -> float:
        sizes = [each.sizes() for each in self._ended if urlsplit(each.url).path.startswith(LIBRARY) is library]
        return sum(each["responseHeadersSize"] + each["responseBodySize"] for each in sizes) / 1000


def main(arguments: Sequence[str] = ()) -> int:
    """0 when all marks are reached, each printed as soon as it is known; of a smoke run, when everything ran."""
    missed = 0
    with bench_database("web"):
        from django.core.management import call_command

        call_command("load_fixtures", verbosity=0)
        fill(FEW_ROWS if arguments else ROWS)
        port, stream_port = unused_port(), unused_port()
        environment = _environment(port, stream_port)
        live = [sys.executable, *UVICORN, "--host", "127.0.0.1", "--port", str(stream_port)]
        call_command("collectstatic", interactive=False, verbosity=0)
        with (
            serving("the stream", live, stream_port, ready="/health/live", environment=environment),
            serving("the web server", gunicorn(port), port, ready="/health/live", environment=environment) as web,
        ):
            for sentence, is_reached in pages(web.url):
                missed += not is_reached
                print(f"{'reached' if is_reached else 'MISSED '}  {sentence}", flush=True)
    if arguments:
        print("a smoke run: everything ran, and the figures say nothing")
        return 0
    return 1 if missed else 0


def _environment(port: int, stream_port: int) -> dict[str, str]:
    return {**os.environ, "PANTAU_PORT": str(port), "PANTAU_STREAM_PORT": str(stream_port)}


def fill(rows: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        indexes = take_off(cursor, "geo_report")
        board_data.fill(cursor, rows=rows)
        cursor.execute(SPREAD_SQL)
        for definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE geo_report")
    print(f"  {rows:,} reports of three years", flush=True)


def pages(url: str) -> Iterator[Mark]:
    from tests.clients.browser import DESKTOP, PHONE, chromium

    with chromium() as browser:
        for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
            yield from first_map(browser, url, name, size)
        for path, most_kb in (("/report/", MOST_FORM_KB), ("/city/", MOST_KB)):
            page, traffic = opened(browser, url + path, PHONE, "html")
            kilobytes = traffic.kilobytes(library=False)
            yield (
                f"{path}: {len(traffic.requests)} requests, {kilobytes:.0f} kB (at most {most_kb:g})",
                kilobytes <= most_kb,
            )
            page.context.close()


def first_map(browser: Any, url: str, name: str, size: dict[str, int]) -> Iterator[Mark]:
    from tests.clients.browser import SETTLED

    page, traffic = opened(browser, f"{url}/#period={PERIOD}", size, SETTLED)
    first = page.evaluate("performance.timeOrigin + performance.getEntriesByName('first-map')[0].startTime")
    # What came later (the stream of readings, the next round of asking) is not needed for the map.
    asked = [urlsplit(each.url).path for each in traffic.requests if each.timing["startTime"] < first]
    requests, kilobytes = len(asked), traffic.kilobytes(library=False)
    if requests > MOST_REQUESTS:
        print("  " + " ".join(asked))
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
    print(
        f"  {name}: first paint after {painted:,.0f} ms, map after {first - page.evaluate('performance.timeOrigin'):,.0f} ms;"
        f" the map library {traffic.kilobytes(library=True):,.0f} kB",
        flush=True,
    )
    yield f"{name}: {requests} requests to the first map (at most {MOST_REQUESTS})", requests <= MOST_REQUESTS
    yield f"{name}: {kilobytes:.0f} kB besides the map library (under {MOST_KB})", kilobytes < MOST_KB
    tasks = move(page, size)
    longest = max(tasks, default=0.0)
    yield (
        f"{name}: {len(tasks)} tasks over 50 ms while the map was moved, the longest {longest:.0f} ms"
        f" (at most {LONGEST_TASK_MS})",
        longest <= LONGEST_TASK_MS,
    )
    page.context.close()


def opened(browser: Any, address: str, size: dict[str, int], until: str) -> tuple[Any, Traffic]:
    context = browser.new_context(viewport=size, locale="id-ID")
    page = context.new_page()
    page.set_default_timeout(120_000)
    traffic = Traffic(page)
    page.add_init_script(WATCH_TASKS)
    page.goto(address)
    page.wait_for_selector(until)
    page.wait_for_load_state("load")
    return page, traffic


def move(page: Any, size: dict[str, int]) -> list[float]:
    """Milliseconds of each long task while the map is dragged and zoomed."""
    from tests.clients.browser import SETTLED

    page.evaluate("window.longTasks.length = 0")
    box = page.locator("#map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    reach = min(1.0, box["width"] / 900)
    for right, down in DRAGS:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + right * reach, y + down * reach, steps=20)
        page.mouse.up()
    for wheel in ZOOMS:
        page.mouse.move(x, y)
        page.mouse.wheel(0, wheel)
    page.wait_for_selector(SETTLED)
    tasks: list[float] = page.evaluate("window.longTasks")
    return tasks


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
