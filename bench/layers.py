"""Layers over HTTP against PostGIS alone and against what else serves PostGIS, on the same rows in one run."""

import json
import os
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench import layers_data, layers_tile, peers
from bench.layers_http import CLIENTS, PIECE, Memory, fetch, psql_seconds, requests_per_second, watched_memory
from bench.layers_statements import statement_log
from bench.servers import Serving, bench_database, gunicorn, served, serving
from server.run.ports import unused_port

FEATURES = 10_000
DEPTH = 190_000
LOAD_FEATURES = 1_000
POINTS = 13_000
ROUNDS = 9
# What a server still tidies up after its answer is not to fall on the next one.
PAUSE_S = 0.2
CONDITIONAL = 100
# Of the connection, not of the request: Django's check of one that it kept, and the bounds of a new one.
OF_THE_CONNECTION = ("SELECT 1", "SET statement_timeout")

# What is to be reached.
TIMES_POSTGIS, FIRST_BYTE_SHARE, TIMES_DEPTH, EXPORT_MB = 1.5, 0.2, 1.3, 60.0
TIMES_PEER, TIMES_DRF = 6.0, 20.0


@dataclass(frozen=True, slots=True)
class Mark:
    """One claim with its figure, and whether it holds."""

    sentence: str
    is_reached: bool


@dataclass(frozen=True, slots=True)
class Contender:
    """Another server of the same rows. `address(limit)` is a page; the service is to be `times` faster."""

    name: str
    address: Callable[[int], str]
    times: float


def main() -> int:
    """0 when all marks are reached. Each is printed as soon as it is known."""
    missed = 0

    def tell(marks: Iterable[Mark]) -> None:
        nonlocal missed
        for mark in marks:
            missed += not mark.is_reached
            print(f"{'reached' if mark.is_reached else 'MISSED '}  {mark.sentence}", flush=True)

    with bench_database("layers"):
        city_id = layers_data.fill()
        layers_data.add_view(city_id)
        with served() as server, contenders(tell) as others:
            tell(pages(server, others, city_id))
            tell(depth(server))
            tell(tile(server))
            throughput(server, others)
        tell(conditional())
        layers_data.add_reports(city_id, layers_data.REPORTS + 1, layers_data.REPORTS_OF_EXPORT)
        for name in ("csv", "gpkg"):
            tell([export(name)])
    return 1 if missed else 0


@contextmanager
def contenders(tell: Callable[[Iterable[Mark]], None]) -> Iterator[list[Contender]]:
    """The others, started; one that cannot be had is a mark missed."""
    with ExitStack() as stack:
        port = unused_port()
        settings = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.layers_drf_settings"}
        drf = serving("DRF-GIS", gunicorn(port), port, ready="/reports?limit=1", environment=settings)
        url = stack.enter_context(drf).url
        found = [Contender("DRF-GIS's serializer", lambda limit: f"{url}/reports?limit={limit}", TIMES_DRF)]
        try:
            programs = peers.install()
            pygeoapi = stack.enter_context(peers.pygeoapi(programs))
            tipg = stack.enter_context(peers.tipg(programs))
            found += [
                Contender("pygeoapi", lambda limit: peers.pygeoapi_items(pygeoapi, limit), TIMES_PEER),
                Contender("tipg", lambda limit: peers.tipg_items(tipg, limit), TIMES_PEER),
            ]
        except (peers.NotInstalled, RuntimeError) as error:
            tell([Mark(f"faster than pygeoapi and tipg: they could not be run here ({error})", False)])
        yield found


def items(server: Serving, limit: int) -> str:
    return f"{server.url}/ogc/collections/reports/items?limit={limit}"


def pages(server: Serving, others: Sequence[Contender], city_id: int) -> list[Mark]:
    """The first page of 10,000: over HTTP, from PostGIS alone, and from the others, in turns so that noise falls on all."""
    whole, first = [], []
    baseline = whole_record_sql(city_id)
    in_psql: list[float] = []
    elsewhere: dict[str, list[float]] = {other.name: [] for other in others}
    ids = ids_of(fetch(items(server, FEATURES)).body)
    for other in others:
        shared = len(ids & ids_of(fetch(other.address(FEATURES)).body))
        # The few that a page puts first, so that every property has a value in the first ten, may be other rows.
        assert shared >= 0.99 * FEATURES, f"{other.name} serves another page: {shared} features are the same"
    for _ in range(ROUNDS):
        time.sleep(PAUSE_S)
        in_psql.append(psql_seconds(baseline))
        fetched = fetch(items(server, FEATURES))
        whole.append(fetched.whole_s)
        first.append(fetched.first_s)
        for other in others:
            time.sleep(PAUSE_S)
            elsewhere[other.name].append(fetch(other.address(FEATURES)).whole_s)
    ours, first_s, postgis = (statistics.median(times) for times in (whole, first, in_psql))
    print(f"  {FEATURES:,} features, PostGIS alone (ST_AsGeoJSON, psql) {_ms(postgis)}")
    print(f"  {FEATURES:,} features over HTTP                          {_ms(ours)}, first byte {_ms(first_s)}")
    for name, times in elsewhere.items():
        print(f"  {FEATURES:,} features, {name:<34}{_ms(statistics.median(times))}")
    return [
        _at_most(ours / postgis, TIMES_POSTGIS, "PostGIS's own time for a page of 10,000 features"),
        Mark(
            f"first byte after {first_s / ours:.0%} of the page (under {FIRST_BYTE_SHARE:.0%})",
            first_s < FIRST_BYTE_SHARE * ours,
        ),
        *(
            _at_least(statistics.median(elsewhere[other.name]) / ours, other.times, f"faster than {other.name}")
            for other in others
        ),
    ]


def whole_record_sql(city_id: int) -> str:
    """PostGIS's own way to the same features: ST_AsGeoJSON of the whole record, 7 digits."""
    from django.db import connection

    from geo.layers.catalogue import layer_by_id

    rows, params = layers_data.rows_sql(city_id)
    columns = ", ".join(f"s.{prop.name}" for prop in layer_by_id("reports").properties)
    sql = (
        f"SELECT ST_AsGeoJSON(page, 'geom', 7) FROM (SELECT {columns}, s.geom FROM ({rows}) s"
        f" ORDER BY s.key DESC LIMIT {FEATURES}) page"
    )
    with connection.cursor() as cursor:
        return str(cursor.mogrify(sql, params).decode())


def ids_of(body: bytes) -> set[str]:
    """The public ids; a feature's own id may be the row's key."""
    return {feature["properties"].get("id", feature["id"]) for feature in json.loads(body)["features"]}


def depth(server: Serving) -> list[Mark]:
    """A page at depth 190,000, by the `next` links, against the first."""
    address, seen = items(server, FEATURES), 0
    while seen < DEPTH:
        page = json.loads(fetch(address).body)
        seen += len(page["features"])
        address = next(link["href"] for link in page["links"] if link["rel"] == "next")
    first, deep = [], []
    for _ in range(ROUNDS):
        first.append(fetch(items(server, FEATURES)).whole_s)
        deep.append(fetch(address).whole_s)
    at_first, at_depth = statistics.median(first), statistics.median(deep)
    print(f"  page at depth {seen:,}: {_ms(at_depth)}, the first: {_ms(at_first)}")
    return [_at_most(at_depth / at_first, TIMES_DEPTH, f"the first page's time at depth {seen:,}")]


def tile(server: Serving) -> list[Mark]:
    """A tile of more than 13,000 points against ST_AsMVT alone."""
    z, x, y = layers_data.DENSE_TILE
    address = f"{server.url}/tiles/reports/{z}/{x}/{y}.mvt"
    try:
        served_tile = layers_tile.read_tile(fetch(address).body)
    except urllib.error.HTTPError as error:
        return [Mark(f"a vector tile: {address} answers {error.code}", False)]
    statement = layers_tile.tile_sql(served_tile, layers_data.DENSE_TILE)
    alone, ours = [], []
    for _ in range(ROUNDS):
        alone.append(psql_seconds(statement))
        ours.append(fetch(address).whole_s)
    in_psql, over_http = statistics.median(alone), statistics.median(ours)
    print(
        f"  tile of {served_tile.features:,} points, {len(served_tile.keys)} properties, {len(served_tile.body) / 1e6:.2f} MB:"
        f" {_ms(over_http)}, ST_AsMVT alone {_ms(in_psql)}"
    )
    is_same = served_tile.body == layers_tile.made_alone(statement)
    is_dense = served_tile.features >= POINTS
    return [
        Mark(f"the tile is that of PostGIS alone, byte by byte; {served_tile.features:,} points", is_same and is_dense),
        _at_most(over_http / in_psql, TIMES_POSTGIS, "PostGIS's own time for the tile"),
    ]


def throughput(server: Serving, others: Sequence[Contender]) -> None:
    addresses = {"pantau": items(server, LOAD_FEATURES)}
    addresses |= {other.name: other.address(LOAD_FEATURES) for other in others}
    for name, address in addresses.items():
        print(f"  {CLIENTS} clients, pages of {LOAD_FEATURES:,}: {name:<22}{requests_per_second(address):7.1f} pages/s")


def conditional() -> list[Mark]:
    """What a request costs whose answer is 304, by the database's own log."""
    database = urlsplit(os.environ["DATABASE_URL"])
    name, port = database.path[1:], database.port or 5432
    with statement_log(name, port) as log, served() as server:
        address = items(server, FEATURES)
        for _ in range(10):  # both workers have connected, and know what they keep
            with urllib.request.urlopen(address) as response:
                etag = response.headers["ETag"]
                response.read()
        log.begin()
        times = [_not_modified_s(address, etag) for _ in range(CONDITIONAL)]
        statements = log.statements()
    checks = sum(text.startswith(OF_THE_CONNECTION) for text in statements)
    statements = [text for text in statements if not text.startswith(OF_THE_CONNECTION)]
    per_request = len(statements) / CONDITIONAL
    for text in dict.fromkeys(statements):
        print(f"  {CONDITIONAL} times asked for a 304, {statements.count(text)} times: {text[:140]}")
    touched = [text for text in statements if "geo_report " in text]
    return [
        Mark(
            f"a 304 costs {per_request:.2f} queries (at most 1) beside {checks / CONDITIONAL:.2f} checks of the connection, "
            f"{len(touched)} of them on reports;{_ms(statistics.median(times))}",
            per_request <= 1 and not touched,
        )
    ]


def _not_modified_s(address: str, etag: str) -> float:
    begun = time.perf_counter()
    try:
        urllib.request.urlopen(urllib.request.Request(address, headers={"If-None-Match": etag})).close()
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return time.perf_counter() - begun
        raise
    raise AssertionError("a conditional request was answered by a page")


def export(name: str) -> Mark:
    """The memory that a download of a million features adds to the idle service: the web server and what it starts."""
    count = layers_data.REPORTS_OF_EXPORT
    with served() as server:
        for _ in range(20):  # idle, but no longer new: both workers have served
            fetch(items(server, LOAD_FEATURES))
        size, begin = 0, b""
        with watched_memory(server.pid) as memory:
            try:
                with urllib.request.urlopen(f"{server.url}/layers/reports.{name}", timeout=600) as response:
                    while piece := response.read(PIECE):
                        begin = begin or piece[:16]
                        size += len(piece)
            except urllib.error.HTTPError as error:
                return Mark(f"an export as {name}: answers {error.code}", False)
    print(f"  {count:,} features as {name}: {size / 1e6:.0f} MB; {_memory(memory)}")
    added = memory.peak_mb - memory.idle_mb
    is_whole = size > 50 * count and (name != "gpkg" or begin.startswith(b"SQLite format 3"))
    return Mark(
        f"an export of {count:,} as {name} adds {added:.0f} MB, its own process and all (at most {EXPORT_MB:g})",
        is_whole and added <= EXPORT_MB,
    )


def _memory(memory: Memory) -> str:
    return (
        f"idle {memory.idle_mb:.0f} MB, at most {memory.peak_mb:.0f} MB (PSS); web server {memory.peak_web_mb:.0f}, "
        f"its children {memory.peak_children_mb:.0f}; largest process {memory.peak_rss_mb:.0f} MB (RSS); {memory.samples} samples"
    )


def _at_most(ratio: float, bound: float, what: str) -> Mark:
    return Mark(f"{ratio:.2f} times {what} (at most {bound:g})", ratio <= bound)


def _at_least(ratio: float, bound: float, what: str) -> Mark:
    return Mark(f"{ratio:.1f} times {what} (at least {bound:g})", ratio >= bound)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:7.1f} ms"


if __name__ == "__main__":
    sys.exit(main())
