"""The schematic boundaries are a coverage, and true to the published facts they were built from."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

BEKASI = Path(__file__).parents[2] / "fixtures" / "bekasi"


def features(level: str) -> dict[str, dict[str, Any]]:
    collection = json.loads((BEKASI / f"{level}.geojson").read_text(encoding="utf-8"))
    return {item["properties"]["code"]: item for item in collection["features"]}


def shapes(level: str) -> dict[str, Any]:
    return {code: shapely.from_geojson(json.dumps(item["geometry"])) for code, item in features(level).items()}


def facts(level: str) -> dict[str, dict[str, str]]:
    with (BEKASI / f"{level}.csv").open(newline="", encoding="utf-8") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


def authalic(lat_rad: np.ndarray) -> np.ndarray:
    """Area between the equator and a latitude per radian of longitude, over a^2: Snyder 1987, eq. 3-12, halved."""
    e2 = 0.00669437999014
    e, s = math.sqrt(e2), np.sin(lat_rad)
    return (1 - e2) / 2 * (s / (1 - e2 * s**2) + np.arctanh(e * s) / e)


def geodesic_km2(polygon: Any) -> float:
    """Area on the WGS 84 ellipsoid, each edge taken as straight in the cylindrical equal-area plane."""
    ring = np.radians(shapely.get_coordinates(polygon.exterior))
    x, y = ring[:, 0] - ring[0, 0], authalic(ring[:, 1])
    y = y - y[0]
    return abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2 * 6378.137**2


def test_the_city_has_one_kota_twelve_kecamatan_and_fifty_six_kelurahan():
    assert [len(features(level)) for level in ("kota", "kecamatan", "kelurahan")] == [1, 12, 56]


@pytest.mark.parametrize("level", ["kecamatan", "kelurahan"])
def test_codes_names_and_parents_are_the_published_ones(level):
    published = {code: (row["name"], row["parent_code"]) for code, row in facts(level).items()}
    drawn = {c: (f["properties"]["name"], f["properties"]["parent_code"]) for c, f in features(level).items()}
    assert drawn == published


@pytest.mark.parametrize("level", ["kota", "kecamatan", "kelurahan"])
def test_every_area_is_one_valid_polygon_without_holes(level):
    for code, shape in shapes(level).items():
        assert shape.is_valid, code
        assert shape.geom_type == "Polygon", code
        assert not shape.interiors, code


@pytest.mark.parametrize("level", ["kota", "kecamatan", "kelurahan"])
def test_every_area_says_that_it_is_schematic(level):
    for item in features(level).values():
        assert item["properties"]["schematic"] is True
        assert item["properties"]["level"] == level
        assert "not surveyed" in item["properties"]["boundary_source"]


@pytest.mark.parametrize("level", ["kecamatan", "kelurahan"])
def test_areas_of_a_level_cover_the_city_without_gaps_or_overlaps(level):
    parts = list(shapes(level).values())
    city = shapes("kota")["32.75"]
    assert shapely.coverage_is_valid(parts)
    assert shapely.union_all(parts).area == pytest.approx(city.area, rel=1e-12)
    assert sum(part.area for part in parts) == pytest.approx(city.area, rel=1e-12)
    tree = shapely.STRtree(parts)
    first, second = tree.query(parts, predicate="intersects")
    overlaps = [parts[i].intersection(parts[j]).area for i, j in zip(first, second, strict=True) if i < j]
    assert max(overlaps) == 0


def test_a_kecamatan_is_exactly_the_union_of_its_kelurahan():
    kelurahan, rows = shapes("kelurahan"), facts("kelurahan")
    for code, shape in shapes("kecamatan").items():
        parts = [kelurahan[k] for k, row in rows.items() if row["parent_code"] == code]
        assert shapely.coverage_union_all(parts).normalize() == shape.normalize()


@pytest.mark.parametrize("level", ["kecamatan", "kelurahan"])
def test_areas_are_within_half_a_percent_of_the_published_ones(level):
    for code, row in facts(level).items():
        assert geodesic_km2(shapes(level)[code]) == pytest.approx(float(row["area_km2"]), rel=0.005), code


def test_the_geodesic_area_of_a_known_cell_is_right():
    # One degree square at the equator: 12 308.8 km2 (WGS 84, GeographicLib's Planimeter, rounded)
    assert geodesic_km2(shapely.box(0, 0, 1, 1)) == pytest.approx(12308.8, rel=2e-4)


def test_each_kelurahan_contains_its_published_centroid():
    drawn = shapes("kelurahan")
    astray = [
        code
        for code, row in facts("kelurahan").items()
        if not drawn[code].contains(shapely.Point(float(row["centroid_lon"]), float(row["centroid_lat"])))
    ]
    assert astray == []


def test_no_kelurahan_is_a_splinter():
    # 4 pi A / P^2: 1 for a disc, 0.79 for a square, 0.35 for a strip of 1 by 7
    metres = np.array([110_660.0, 110_590.0])  # per degree of longitude and latitude at 6.3 degrees south
    for code, shape in shapes("kelurahan").items():
        flat = shapely.transform(shape, lambda xy: xy * metres)
        assert 4 * math.pi * flat.area / flat.length**2 > 0.45, code
