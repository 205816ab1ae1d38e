"""OGC 21-065r2, CQL2: spatial and temporal functions, each as text, as JSON and as SQL or worked by hand."""

import json
import re

import pytest
from django.db import connection
from django.test import Client

from tests.contracts.ogc.asking import ids, items, report_ids
from tests.contracts.ogc.cql2_cases import Case, at, cases, check, day, op, prop, span

pytestmark = pytest.mark.usefixtures("town")
HEAP = {"type": "Point", "coordinates": [106.93, -6.25]}
WEST = [[[106.9, -6.3], [107.0, -6.3], [107.0, -6.2], [106.9, -6.2], [106.9, -6.3]]]
WEST_SQL = "ST_GeomFromText('POLYGON((106.9 -6.3,107 -6.3,107 -6.2,106.9 -6.2,106.9 -6.3))', 4326)"
WEST_WKT = "POLYGON((106.9 -6.3,107.0 -6.3,107.0 -6.2,106.9 -6.2,106.9 -6.3))"


@cases(
    (
        "S_INTERSECTS(geometry, POINT(106.93 -6.25))",
        op("s_intersects", prop("geometry"), HEAP),
        "ST_Intersects(r.public_location, ST_SetSRID(ST_MakePoint(106.93, -6.25), 4326))",
    ),
    (
        "S_INTERSECTS(geometry, BBOX(106.9,-6.3,107.0,-6.2))",
        op("s_intersects", prop("geometry"), {"bbox": [106.9, -6.3, 107.0, -6.2]}),
        "ST_X(r.public_location) BETWEEN 106.9 AND 107.0 AND ST_Y(r.public_location) BETWEEN -6.3 AND -6.2",
    ),
    (
        "NOT S_INTERSECTS(geometry, BBOX(106.9,-6.3,107.0,-6.2))",
        op("not", op("s_intersects", prop("geometry"), {"bbox": [106.9, -6.3, 107.0, -6.2]})),
        "ST_X(r.public_location) > 107.0",
    ),
)
def test_req_basic_spatial_functions_spatial_functions_points_and_boxes(client: Client, case: Case) -> None:
    check(client, case)


@cases(
    (
        f"S_INTERSECTS(geometry, {WEST_WKT})",
        op("s_intersects", prop("geometry"), {"type": "Polygon", "coordinates": WEST}),
        f"ST_Intersects(r.public_location, {WEST_SQL})",
    ),
    (
        "S_INTERSECTS(geometry, LINESTRING(106.9 -6.25,107.1 -6.25))",
        op("s_intersects", prop("geometry"), {"type": "LineString", "coordinates": [[106.9, -6.25], [107.1, -6.25]]}),
        "ST_Y(r.public_location) = -6.25",
    ),
    (
        "S_INTERSECTS(geometry, MULTIPOINT((106.93 -6.25),(107.05 -6.22)))",
        op(
            "s_intersects",
            prop("geometry"),
            {"type": "MultiPoint", "coordinates": [[106.93, -6.25], [107.05, -6.22]]},
        ),
        "r.external_id IN ('heap', 'bin')",
    ),
    (
        "S_INTERSECTS(geometry, MULTILINESTRING((106.9 -6.25,106.94 -6.25),(107 -6.25,107.02 -6.25)))",
        op(
            "s_intersects",
            prop("geometry"),
            {
                "type": "MultiLineString",
                "coordinates": [[[106.9, -6.25], [106.94, -6.25]], [[107, -6.25], [107.02, -6.25]]],
            },
        ),
        "r.external_id IN ('heap', 'lamp')",
    ),
    (
        "S_INTERSECTS(geometry, MULTIPOLYGON(((106.9 -6.3,107.0 -6.3,107.0 -6.2,106.9 -6.2,106.9 -6.3))))",
        op("s_intersects", prop("geometry"), {"type": "MultiPolygon", "coordinates": [WEST]}),
        f"ST_Intersects(r.public_location, {WEST_SQL})",
    ),
    (
        "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(106.93 -6.25),LINESTRING(107.0 -6.25,107.02 -6.25)))",
        op(
            "s_intersects",
            prop("geometry"),
            {
                "type": "GeometryCollection",
                "geometries": [HEAP, {"type": "LineString", "coordinates": [[107.0, -6.25], [107.02, -6.25]]}],
            },
        ),
        "r.external_id IN ('heap', 'lamp')",
    ),
)
def test_req_basic_spatial_functions_plus_spatial_data_types(client: Client, case: Case) -> None:
    check(client, case)


@cases(
    (
        "S_WITHIN(geometry, " + WEST_WKT + ")",
        op("s_within", prop("geometry"), {"type": "Polygon", "coordinates": WEST}),
        f"ST_Within(r.public_location, {WEST_SQL})",
    ),
    (
        "S_DISJOINT(geometry, " + WEST_WKT + ")",
        op("s_disjoint", prop("geometry"), {"type": "Polygon", "coordinates": WEST}),
        f"ST_Disjoint(r.public_location, {WEST_SQL})",
    ),
    ("S_EQUALS(geometry, POINT(106.93 -6.25))", op("s_equals", prop("geometry"), HEAP), "r.external_id = 'heap'"),
    (
        "S_TOUCHES(geometry, LINESTRING(106.93 -6.25,107.0 -6.3))",
        op("s_touches", prop("geometry"), {"type": "LineString", "coordinates": [[106.93, -6.25], [107.0, -6.3]]}),
        "r.external_id = 'heap'",
    ),
)
def test_req_spatial_functions_of_points(client: Client, case: Case) -> None:
    check(client, case)


@pytest.mark.parametrize(
    ("function", "wkt", "expected"),
    [
        # Subdistricts: 1.1 is 106.9 to 106.95, 1.2 to 107, 2.1 to 107.05, 2.2 to 107.1; all from -6.3 to -6.2.
        ("S_CONTAINS", "POINT(106.93 -6.25)", ["kota-uji.1.1"]),
        ("S_CONTAINS", "POINT(106.95 -6.25)", []),
        ("S_INTERSECTS", "POINT(106.95 -6.25)", ["kota-uji.1.1", "kota-uji.1.2"]),
        ("S_TOUCHES", "POINT(106.95 -6.25)", ["kota-uji.1.1", "kota-uji.1.2"]),
        ("S_TOUCHES", "POLYGON((106.8 -6.3,106.9 -6.3,106.9 -6.2,106.8 -6.2,106.8 -6.3))", ["kota-uji.1.1"]),
        ("S_CROSSES", "LINESTRING(106.8 -6.25,106.97 -6.25)", ["kota-uji.1.1", "kota-uji.1.2"]),
        ("S_OVERLAPS", "POLYGON((106.8 -6.3,106.92 -6.3,106.92 -6.2,106.8 -6.2,106.8 -6.3))", ["kota-uji.1.1"]),
        ("S_EQUALS", "POLYGON((106.9 -6.2,106.95 -6.2,106.95 -6.3,106.9 -6.3,106.9 -6.2))", ["kota-uji.1.1"]),
        (
            "S_WITHIN",
            "POLYGON((106.8 -6.4,107.0 -6.4,107.0 -6.1,106.8 -6.1,106.8 -6.4))",
            ["kota-uji.1.1", "kota-uji.1.2"],
        ),
        (
            "S_DISJOINT",
            "POLYGON((106.8 -6.4,106.97 -6.4,106.97 -6.1,106.8 -6.1,106.8 -6.4))",
            ["kota-uji.2.1", "kota-uji.2.2"],
        ),
    ],
)
def test_req_spatial_functions_of_polygons(client: Client, function: str, wkt: str, expected: list[str]) -> None:
    assert ids(items(client, "subdistricts", {"filter": f"{function}(geometry, {wkt})"})) == expected
    with connection.cursor() as cursor:
        cursor.execute("SELECT ST_AsGeoJSON(ST_GeomFromText(%s, 4326))", [wkt])
        geometry = json.loads(cursor.fetchone()[0])
    geometry.pop("crs", None)
    as_json = json.dumps(op(function.lower(), prop("geometry"), geometry))
    assert ids(items(client, "subdistricts", {"filter": as_json, "filter-lang": "cql2-json"})) == expected


NOON, END = "2026-02-28T05:30:00Z", "2026-02-28T17:00:00Z"
BETWEEN_TEXT = f"INTERVAL('{NOON}','{END}')"


@cases(
    (
        f"T_AFTER(reported_at, TIMESTAMP('{NOON}'))",
        op("t_after", prop("reported_at"), at(NOON)),
        f"r.reported_at > '{NOON}'",
    ),
    (
        f"T_BEFORE(reported_at, TIMESTAMP('{NOON}'))",
        op("t_before", prop("reported_at"), at(NOON)),
        f"r.reported_at < '{NOON}'",
    ),
    (
        f"T_EQUALS(reported_at, TIMESTAMP('{NOON}'))",
        op("t_equals", prop("reported_at"), at(NOON)),
        f"r.reported_at = '{NOON}'",
    ),
    (
        f"T_DISJOINT(reported_at, TIMESTAMP('{NOON}'))",
        op("t_disjoint", prop("reported_at"), at(NOON)),
        f"r.reported_at <> '{NOON}'",
    ),
    (
        f"T_INTERSECTS(reported_at, {BETWEEN_TEXT})",
        op("t_intersects", prop("reported_at"), span(NOON, END)),
        f"r.reported_at BETWEEN '{NOON}' AND '{END}'",
    ),
    (
        f"T_DISJOINT(reported_at, {BETWEEN_TEXT})",
        op("t_disjoint", prop("reported_at"), span(NOON, END)),
        f"r.reported_at NOT BETWEEN '{NOON}' AND '{END}'",
    ),
    (
        f"T_AFTER(reported_at, {BETWEEN_TEXT})",
        op("t_after", prop("reported_at"), span(NOON, END)),
        f"r.reported_at > '{END}'",
    ),
    (
        f"T_BEFORE(reported_at, {BETWEEN_TEXT})",
        op("t_before", prop("reported_at"), span(NOON, END)),
        f"r.reported_at < '{NOON}'",
    ),
    (
        f"T_INTERSECTS(reported_at, INTERVAL('..','{NOON}'))",
        op("t_intersects", prop("reported_at"), span("..", NOON)),
        f"r.reported_at <= '{NOON}'",
    ),
    (
        f"T_INTERSECTS(reported_at, INTERVAL('{NOON}','..'))",
        op("t_intersects", prop("reported_at"), span(NOON, "..")),
        f"r.reported_at >= '{NOON}'",
    ),
    # A date is a day of the city: 28 February is from 27 February 17:00Z.
    (
        "T_INTERSECTS(reported_at, DATE('2026-02-28'))",
        op("t_intersects", prop("reported_at"), day("2026-02-28")),
        "r.reported_at >= '2026-02-27T17:00:00Z' AND r.reported_at < '2026-02-28T17:00:00Z'",
    ),
    (
        "T_AFTER(reported_at, DATE('2026-02-28'))",
        op("t_after", prop("reported_at"), day("2026-02-28")),
        "r.reported_at >= '2026-02-28T17:00:00Z'",
    ),
    (
        "T_BEFORE(reported_at, DATE('2026-02-28'))",
        op("t_before", prop("reported_at"), day("2026-02-28")),
        "r.reported_at < '2026-02-27T17:00:00Z'",
    ),
    (
        "T_INTERSECTS(reported_at, INTERVAL('2026-02-28','2026-03-01'))",
        op("t_intersects", prop("reported_at"), span("2026-02-28", "2026-03-01")),
        "r.reported_at >= '2026-02-27T17:00:00Z' AND r.reported_at < '2026-03-01T17:00:00Z'",
    ),
)
def test_req_temporal_functions_of_instants(client: Client, case: Case) -> None:
    check(client, case)


# Each report as the interval from when it was reported to when it was stored last, 1 March 05:00Z.
ITSELF = "INTERVAL(reported_at, updated_at)"
ITSELF_JSON = span(prop("reported_at"), prop("updated_at"))
STORED = "2026-03-01T05:00:00Z"
INTERVALS: list[tuple[str, str, str, set[str]]] = [
    ("T_AFTER", NOON, NOON, {"lamp", "bin", "wish"}),
    ("T_BEFORE", STORED, "2026-03-02T00:00:00Z", set()),
    ("T_CONTAINS", "2026-02-28T06:00:00Z", "2026-03-01T04:30:00Z", {"heap", "flood", "puddle"}),
    ("T_DURING", END, "2026-03-02T00:00:00Z", {"wish"}),
    ("T_EQUALS", NOON, STORED, {"puddle"}),
    ("T_FINISHEDBY", END, STORED, {"heap", "flood", "puddle", "lamp"}),
    ("T_FINISHES", NOON, STORED, {"lamp", "bin", "wish"}),
    ("T_INTERSECTS", "2026-02-20T00:00:00Z", NOON, {"heap", "flood", "puddle"}),
    ("T_DISJOINT", "2026-02-20T00:00:00Z", NOON, {"lamp", "bin", "wish"}),
    ("T_MEETS", STORED, "2026-03-02T00:00:00Z", {"heap", "flood", "puddle", "lamp", "bin", "wish"}),
    ("T_METBY", "2026-02-20T00:00:00Z", NOON, {"puddle"}),
    ("T_OVERLAPPEDBY", "2026-02-20T00:00:00Z", NOON, {"heap", "flood"}),
    ("T_OVERLAPS", NOON, "2026-03-02T00:00:00Z", {"heap", "flood"}),
    ("T_STARTEDBY", NOON, END, {"puddle"}),
    ("T_STARTS", NOON, "2026-03-02T00:00:00Z", {"puddle"}),
]


@pytest.mark.parametrize(("function", "start", "end", "expected"), INTERVALS, ids=[case[0] for case in INTERVALS])
def test_req_temporal_functions_of_intervals(
    client: Client, reports: dict[str, str], function: str, start: str, end: str, expected: set[str]
) -> None:
    """Allen's relations, worked by hand (21-065r2, table 8)."""
    wanted = {reports[name] for name in expected}
    text = f"{function}({ITSELF}, INTERVAL('{start}','{end}'))"
    assert set(report_ids(client, {"filter": text})) == wanted
    name = re.sub("by$", "By", function.lower())  # t_metBy, t_startedBy … in JSON
    as_json = json.dumps(op(name, ITSELF_JSON, span(start, end)))
    assert set(report_ids(client, {"filter": as_json, "filter-lang": "cql2-json"})) == wanted
