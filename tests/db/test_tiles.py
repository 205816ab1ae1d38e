"""Vector tiles of any row-source, read back by GDAL and held against the rows themselves."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from geo.areas.models import City
from geo.layers.breaks import quantile_edges
from geo.layers.catalogue import layer_by_id
from geo.layers.layer import Condition, Layer, Property, Query, RowSource, Style
from geo.layers.select import Selection
from geo.layers.tiles import CLUSTER_BELOW_ZOOM, Tile, tile_at, tile_sql, vector_tile
from server.core.params import BBox
from tests.factories import make_city, scatter_reports
from tests.vector_tiles import read_tile

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, tzinfo=UTC)
Place = tuple[float, float]
# Corners, edges of tiles of every zoom, the antimeridian from both sides, three at one place, and two beyond the projection.
WORLD: list[Place] = [
    *((0.0, 0.0), (-180.0, 0.0), (180.0, 0.0), (180.0, 60.0), (-90.0, 66.51326044311186), (45.0, 0.0)),
    *((106.93, -6.25), (106.93, -6.25), (106.93, -6.25), (106.9301, -6.2501), (107.05, -6.2), (-73.9, 40.7)),
    *((179.99999, -85.0), (-179.99999, 85.05), (5.625, -5.61598581915534), (151.2, -33.9)),
]
BEYOND: list[Place] = [(10.0, 85.06), (10.0, -90.0)]
PROPERTIES = (
    Property("name", "string", "Name"),
    Property("level", "number", "Level", decimals=2),
    Property("seen_at", "datetime", "Seen at"),
    Property("is_open", "boolean", "Open"),
    Property("things", "array", "Things"),
    Property("story", "string", "Story", is_long=True),
)


def dots(places: Sequence[Place], **more: Any) -> Layer:
    """A layer of points; the key counts from 1."""
    source = (
        "SELECT i AS key, 'dot-' || i AS fid, ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS geom, 'Dot ' || i AS name,"
        " i::double precision AS level, CASE WHEN i = 1 THEN timestamptz '2026-03-01T05:00:00Z' END AS seen_at,"
        " i % 2 = 0 AS is_open, ARRAY['a', 'b'] AS things, 'long' AS story"
        " FROM unnest(%(lons)s::double precision[], %(lats)s::double precision[]) WITH ORDINALITY p(lon, lat, i)"
    ).replace("i % 2", "i %% 2")
    params = {"lons": [lon for lon, _lat in places], "lats": [lat for _lon, lat in places]}
    return Layer(
        id="dots",
        title="Dots",
        description="",
        geometry_type="Point",
        properties=PROPERTIES,
        rows=lambda query: RowSource(source, params),
        versions={},
        style=Style("circle", None, ("#000000",)),
        **more,
    )


def squares(boxes: Sequence[tuple[float, float, float, float]]) -> Layer:
    union = " UNION ALL ".join(
        f"SELECT {i}::bigint AS key, 'box-{i}' AS fid, ST_Multi(ST_MakeEnvelope({w}, {s}, {e}, {n}, 4326)) AS geom,"
        f" 'Box {i}' AS name, {i}::double precision AS level"
        for i, (w, s, e, n) in enumerate(boxes, 1)
    )
    return Layer(
        id="squares",
        title="Squares",
        description="",
        geometry_type="MultiPolygon",
        properties=PROPERTIES[:2],
        rows=lambda query: RowSource(union, {}),
        versions={},
        style=Style("fill", "level", ("#000000", "#ffffff")),
    )


def selection(layer: Layer, **more: Any) -> Selection:
    query = Query(City(slug="x"), {}, NOW, **more)
    return Selection(layer, query, layer.rows(query))


def counts(layer: Layer, tile: Tile, folder: Path) -> int:
    """How many rows a clustered tile stands for."""
    content = vector_tile(selection(layer), tile)
    if not content:
        return 0
    return sum(feature["properties"].get("point_count") or 1 for feature in read_tile(content, tile, folder))


def around(places: Sequence[Place], z: int) -> set[Tile]:
    """The tiles that hold the places, and all their neighbours: where a point might be counted twice."""
    last = 2**z - 1
    near = (-1, 0, 1)
    held = [tile_at(lon, lat, z) for lon, lat in places]
    found = {Tile(z, t.x + dx, t.y + dy) for t in held for dx in near for dy in near}
    return {tile for tile in found if 0 <= tile.x <= last and 0 <= tile.y <= last}


@pytest.mark.parametrize("z", [0, 1, 2, 5])
def test_the_counts_of_all_tiles_of_a_zoom_add_up_to_the_rows(z: int, tmp_path: Path) -> None:
    layer = dots(WORLD + BEYOND)
    assert sum(counts(layer, tile, tmp_path) for tile in around(WORLD, z)) == 16


def test_a_point_on_the_edge_of_clustered_tiles_is_in_one_of_them(tmp_path: Path) -> None:
    layer = dots([(0.0, 0.0)])
    found = [(t.x, t.y) for t in around([(0.0, 0.0)], 1) if vector_tile(selection(layer), t)]
    assert found == [(1, 1)]


def test_either_side_of_the_antimeridian_is_in_its_own_column(tmp_path: Path) -> None:
    east, west = dots([(180.0, 10.0)]), dots([(-180.0, 10.0)])
    last, first = Tile(3, 7, 3), Tile(3, 0, 3)
    assert [bool(vector_tile(selection(east), tile)) for tile in (first, last)] == [False, True]
    assert [bool(vector_tile(selection(west), tile)) for tile in (first, last)] == [True, False]


def test_points_of_one_cell_are_a_cluster_at_their_mean(tmp_path: Path) -> None:
    # A cell of zoom 0 is 11.25 degrees wide: the first three lie in one, from 0 to 11.25 degrees east.
    layer = dots([(1.0, 1.0), (2.0, 1.0), (6.0, 1.0), (100.0, 50.0)])
    cluster, alone = read_tile(vector_tile(selection(layer), Tile(0, 0, 0)), Tile(0, 0, 0), tmp_path)
    assert cluster["geometry"]["coordinates"] == pytest.approx([3.0, 1.0], abs=0.05)
    shown = {name: value for name, value in cluster["properties"].items() if value is not None}
    assert shown == {"mvt_id": 1, "point_count": 3, "is_cluster": True}
    assert alone["geometry"]["coordinates"] == pytest.approx([100.0, 50.0], abs=0.05)
    properties = alone["properties"]
    assert (properties["id"], properties["name"], properties["level"], properties["mvt_id"]) == (
        "dot-4",
        "Dot 4",
        4.0,
        4,
    )
    assert (properties.get("point_count"), properties.get("is_cluster")) == (None, None)


def test_clusters_count_what_the_filter_keeps(tmp_path: Path) -> None:
    layer = dots([(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)])
    kept = selection(layer, condition=Condition("s.level > %(least)s", {"least": 1.5}))
    (cluster,) = read_tile(vector_tile(kept, Tile(0, 0, 0)), Tile(0, 0, 0), tmp_path)
    assert cluster["properties"]["point_count"] == 2


def test_a_rectangle_over_the_antimeridian_keeps_both_sides(tmp_path: Path) -> None:
    layer = dots([(175.0, 0.5), (-175.0, 0.5), (0.5, 0.5)])
    kept = selection(layer, bbox=BBox(170.0, -10.0, -170.0, 10.0))
    features = read_tile(vector_tile(kept, Tile(0, 0, 0)), Tile(0, 0, 0), tmp_path)
    assert sorted(feature["properties"]["name"] for feature in features) == ["Dot 1", "Dot 2"]


def test_above_the_clusters_a_tile_of_13000_points_holds_them_all(tmp_path: Path) -> None:
    # 130 by 100 points in the middle of tile 14/8192/8191, which spans 0.02197 degrees from (0, 0).
    layer = dots([(0.002 + i * 0.0001, 0.002 + j * 0.0001) for i in range(130) for j in range(100)])
    tile = Tile(CLUSTER_BELOW_ZOOM, 8192, 8191)
    features = read_tile(vector_tile(selection(layer), tile), tile, tmp_path)
    assert len(features) == 13_000
    assert [feature["properties"]["mvt_id"] for feature in features] == list(range(1, 13_001))
    assert sum(counts(layer, Tile(13, 4096 + dx, 4095 + dy), tmp_path) for dx in (-1, 0) for dy in (0, 1)) == 13_000


def test_coordinates_are_those_of_the_rows(tmp_path: Path) -> None:
    places = [(106.93, -6.25), (106.9305, -6.2507)]
    tile = Tile(14, 13058, 8477)
    features = read_tile(vector_tile(selection(dots(places)), tile), tile, tmp_path)
    # A unit of zoom 14 is 0.6 m, 0.0000054 degrees.
    for feature, place in zip(features, places, strict=True):
        assert feature["geometry"]["coordinates"] == pytest.approx(place, abs=0.000003)


def test_a_point_just_over_the_edge_is_in_the_neighbour_as_well() -> None:
    # A tile of zoom 14 is 0.02197265625 degrees wide; 64 of its 4096 units are 0.00034332 degrees.
    near, far = dots([(-0.00034, 0.01)]), dots([(-0.00036, 0.01)])
    tile = Tile(14, 8192, 8191)
    assert vector_tile(selection(near), tile) != b""
    assert vector_tile(selection(far), tile) == b""


def test_properties_keep_their_types(tmp_path: Path) -> None:
    names = ("name", "level", "seen_at", "is_open", "things")
    tile = Tile(14, 8192, 8191)
    content = vector_tile(selection(dots([(0.01, 0.01), (0.012, 0.01)])), tile, names)
    first, second = (feature["properties"] for feature in read_tile(content, tile, tmp_path))
    assert first == {
        "mvt_id": 1,
        "id": "dot-1",
        "name": "Dot 1",
        "level": 1.0,
        "seen_at": "2026-03-01T05:00:00+00:00",
        "is_open": False,
        # GDAL reads JSON in a text as what it is.
        "things": ["a", "b"],
    }
    assert (second["is_open"], second.get("seen_at"), isinstance(second["level"], float)) == (True, None, True)


@pytest.mark.parametrize(
    ("declared", "asked", "expected"),
    [
        (None, None, {"id", "name", "level", "seen_at", "is_open"}),
        (("name",), None, {"id", "name"}),
        (("name",), ("story", "level"), {"id", "story", "level"}),
        (None, (), {"id"}),
    ],
)
def test_a_feature_carries_what_is_asked_for_or_declared_or_short(
    declared: Any, asked: Any, expected: set[str], tmp_path: Path
) -> None:
    tile = Tile(14, 8192, 8191)
    content = vector_tile(selection(dots([(0.01, 0.01)], tile_properties=declared)), tile, asked)
    (feature,) = read_tile(content, tile, tmp_path)
    assert set(feature["properties"]) - {"mvt_id"} == expected


def test_polygons_are_cut_at_the_buffer_and_keep_their_corners(tmp_path: Path) -> None:
    layer = squares([(1.0, 1.0, 3.0, 4.0), (-30.0, -30.0, 5.0, 2.0)])
    tile = Tile(5, 16, 15)
    inside, across = read_tile(vector_tile(selection(layer), tile), tile, tmp_path)
    # The tile spans 11.25 degrees from (0, 0): a unit is 0.00275 degrees, the buffer 0.17578.
    assert extent(inside) == pytest.approx([1.0, 1.0, 3.0, 4.0], abs=0.003)
    assert extent(across) == pytest.approx([-0.17578, -0.17578, 5.0, 2.0], abs=0.003)
    assert (inside["properties"]["name"], across["properties"]["mvt_id"]) == ("Box 1", 2)


def test_polygons_are_not_clustered_and_may_leave_a_tile_empty() -> None:
    layer = squares([(1.0, 1.0, 3.0, 4.0)])
    assert vector_tile(selection(layer), Tile(0, 0, 0)) != b""
    assert vector_tile(selection(layer), Tile(3, 0, 0)) == b""


def extent(feature: dict[str, Any]) -> list[float]:
    coordinates = feature["geometry"]["coordinates"]
    rings = coordinates if feature["geometry"]["type"] == "Polygon" else [r for part in coordinates for r in part]
    points = [point for ring in rings for point in ring]
    xs, ys = [x for x, _y in points], [y for _x, y in points]
    return [min(xs), min(ys), max(xs), max(ys)]


def test_a_tile_knows_its_box() -> None:
    # OGC 17-083r4, table D.1: the set ends at 85.0511287798 degrees. Beyond it is the 64th part of the square.
    assert Tile(0, 0, 0).box(64) == pytest.approx((-180.0, -85.5134, 180.0, 85.5134), abs=0.0001)
    assert Tile(1, 1, 1).box() == pytest.approx((0.0, -85.0511287798, 180.0, 0.0), abs=1e-9)
    assert Tile(2, 1, 1).box() == pytest.approx((-90.0, 0.0, 0.0, 66.5132604431), abs=1e-9)


@pytest.mark.parametrize(
    ("place", "z", "expected"),
    [
        ((106.93, -6.25), 14, (13058, 8477)),
        ((180.0, -90.0), 3, (7, 7)),
        ((-180.0, 90.0), 3, (0, 0)),
        ((0.0, 0.0), 1, (1, 1)),
    ],
)
def test_a_place_has_its_tile(place: Place, z: int, expected: tuple[int, int]) -> None:
    assert tile_at(*place, z) == Tile(z, *expected)


@pytest.mark.parametrize("z", [CLUSTER_BELOW_ZOOM - 1, CLUSTER_BELOW_ZOOM])
def test_the_rows_of_a_tile_are_found_by_their_index(z: int) -> None:
    city = make_city()
    scatter_reports()
    layer = layer_by_id("reports")
    query = Query(city, {}, NOW)
    sql, params = tile_sql(Selection(layer, query, layer.rows(query)), tile_at(106.93, -6.25, z))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = json.dumps(cursor.fetchone()[0])
    assert "geo_report_public_location" in plan
    assert "public_location && " in plan


def test_classes_without_declared_breaks_hold_as_many_rows_each() -> None:
    layer = dots([(0.0, 0.0)] * 10)
    assert quantile_edges(selection(layer), "level", 5) == [1.0, 3.0, 5.0, 7.0, 9.0]


def test_classes_of_repeated_values_are_fewer() -> None:
    layer = squares([(0, 0, 1, 1)])
    assert quantile_edges(selection(layer), "level", 5) == [1.0]
    assert quantile_edges(selection(layer, condition=Condition("false")), "level", 5) == []


def test_every_value_above_zero_lies_in_a_class_as_features_carry_it() -> None:
    # Two digits are kept: 14.343734 is carried as 14.34, below itself; 0.004 is carried as 0.0, and is no class of its own.
    raw = ["14.343734", "14.347", "17.389554", "0.004", "0"]
    rows = " UNION ALL ".join(
        f"SELECT {i}::bigint AS key, {value}::double precision AS level" for i, value in enumerate(raw)
    )
    layer = replace(dots([]), rows=lambda query: RowSource(rows, {}))
    assert quantile_edges(selection(layer), "level", 5) == [14.34, 14.35, 17.39]
