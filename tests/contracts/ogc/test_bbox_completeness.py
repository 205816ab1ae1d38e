"""`bbox` against PostGIS itself, for boxes that nobody chose: in every CRS, over the antimeridian, near the edges."""

from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from geo.areas.models import City
from geo.models import Report
from geo.reports.models.report import new_public_id
from tests.contracts.ogc.asking import CRS84, EPSG_3857, EPSG_4326, EPSG_32748, ids, items

LONGITUDES = [
    -180.0,
    -179.995,
    -150.0,
    -75.0,
    0.0,
    30.5,
    96.0,
    105.0,
    106.93,
    107.0,
    111.5,
    120.0,
    150.0,
    179.995,
    180.0,
]
LATITUDES = [-85.0, -60.0, -30.25, -6.3, -6.25, 0.0, 45.0, 66.5, 85.0]
generated = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def world(town: City) -> None:
    """A report at each crossing of the grid, stored as it is: the API refuses such places, the layer must still be right."""
    kept = Report.objects.order_by("id").first()
    assert kept is not None
    rows = []
    for lon in LONGITUDES:
        for lat in LATITUDES:
            at = Point(lon, lat, srid=4326)
            row = Report.objects.get(pk=kept.pk)
            row.pk, row.public_id, row.external_id = None, new_public_id(), None
            row.location = row.public_location = at
            rows.append(row)
    Report.objects.bulk_create(rows)


def in_box(sql: str, params: list[Any]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT public_id FROM geo_report WHERE is_public AND {sql}", params)
        return {row[0] for row in cursor.fetchall()}


def found(client: Client, bbox: tuple[float, ...], crs: str) -> set[str]:
    answer = items(
        client,
        "reports",
        {
            "bbox": ",".join(map(repr, bbox)),
            "bbox-crs": crs,
            "limit": "10000",
            "skipGeometry": "true",
            "properties": "id",
        },
    )
    assert answer["numberMatched"] == len(answer["features"])
    return set(ids(answer))


def ordered(low: float, high: float) -> Any:
    """Two numbers, the lower first: often those of the grid, so that edges and corners are met.

    Of nine digits: a degree's fraction of 1e-279 is beyond what GEOS tells apart.
    """
    grid = [value for value in (*LONGITUDES, *LATITUDES) if low <= value <= high]
    number = st.floats(low, high, allow_nan=False).map(lambda value: round(value, 9)) | st.sampled_from(grid or [low])
    return st.tuples(number, number).map(lambda pair: tuple(sorted(pair)))


# ST_MakeEnvelope makes a broken polygon of a box without width, which intersects nothing; a point on it does lie in it.
DEGREES_SQL = "(ST_X(public_location) BETWEEN %s AND %s AND ST_Y(public_location) BETWEEN %s AND %s)"


def projected_sql(srid: int) -> str:
    at = f"ST_Transform(public_location, {srid})"
    return f"(ST_X({at}) BETWEEN %s AND %s AND ST_Y({at}) BETWEEN %s AND %s)"


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("crs", [CRS84, EPSG_4326])
def test_a_box_in_degrees_holds_what_postgis_says(client: Client, crs: str) -> None:
    @generated
    @given(ordered(-180, 180), ordered(-90, 90))
    @example((-180.0, 180.0), (-90.0, 90.0))
    @example((180.0, 180.0), (-90.0, 90.0))
    @example((-180.0, -180.0), (-85.0, 85.0))
    @example((106.93, 106.93), (-6.25, -6.25))
    def check(x: tuple[float, float], y: tuple[float, float]) -> None:
        box = (x[0], y[0], x[1], y[1]) if crs == CRS84 else (y[0], x[0], y[1], x[1])
        assert found(client, box, crs) == in_box(DEGREES_SQL, [*x, *y])

    check()


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("crs", [CRS84, EPSG_4326])
def test_a_box_over_the_antimeridian_is_its_two_halves(client: Client, crs: str) -> None:
    @generated
    @given(ordered(-180, 180), ordered(-90, 90))
    @example((-179.995, 179.995), (-90.0, 90.0))
    @example((-180.0, 180.0), (-90.0, 90.0))
    def check(x: tuple[float, float], y: tuple[float, float]) -> None:
        east, west = x
        if west == east:
            return
        box = (west, y[0], east, y[1]) if crs == CRS84 else (y[0], west, y[1], east)
        both = f"({DEGREES_SQL} OR {DEGREES_SQL})"
        assert found(client, box, crs) == in_box(both, [west, 180, *y, -180, east, *y])

    check()


@pytest.mark.usefixtures("world")
def test_a_box_in_web_mercator_holds_what_postgis_says(client: Client) -> None:
    edge = 20037508.342789244

    @generated
    @given(ordered(-edge, edge), ordered(-edge, edge))
    @example((-edge, edge), (-edge, edge))
    @example((11903393.0, 11903394.0), (-697131.0, -697130.0))
    @example((0.0, edge), (0.0, 20000000.0))
    def check(x: tuple[float, float], y: tuple[float, float]) -> None:
        assert found(client, (x[0], y[0], x[1], y[1]), EPSG_3857) == in_box(projected_sql(3857), [*x, *y])

    check()


@pytest.mark.usefixtures("world")
def test_a_box_in_the_citys_grid_holds_what_postgis_says(client: Client) -> None:
    """UTM 48 south, on and around its zone. What lies on the far side of the earth has no place in it."""

    @generated
    @given(ordered(0, 1_000_000), ordered(2_000_000, 10_000_000))
    @example((713532.0, 713533.0), (9308768.0, 9308769.0))
    @example((0.0, 1_000_000.0), (2_000_000.0, 10_000_000.0))
    @example((500_000.0, 500_000.0), (0.0, 10_000_000.0))
    def check(x: tuple[float, float], y: tuple[float, float]) -> None:
        near = f"ST_X(public_location) BETWEEN 60 AND 150 AND {projected_sql(32748)}"
        assert found(client, (x[0], y[0], x[1], y[1]), EPSG_32748) == in_box(near, [*x, *y])

    check()
