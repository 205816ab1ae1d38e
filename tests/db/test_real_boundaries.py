"""Boundaries are replaced, twice: every report and thing is in its right area again, against ST_Covers of every pair.

Where ../shared/data lies beside the checkout, with Kota Bekasi's real boundaries: kecamatan.geojson and kelurahan.geojson (2026), then
kelurahan_hdx2020.geojson (an older vintage). All three carry the Kemendagri code in `code` and its parent in `parent_code`, which are
the defaults of --code-field and --parent-field; `bps_code` is the statistics office's and matches nothing here. Everywhere, with
the project's schematic boundaries pulled out of shape by hand.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.db import connection

from geo.models import Area, City, Report, ThingPlacement
from sensors.models import ThingLocation
from tests.db.squares import assert_placed_as_by_brute_force, import_areas, make_levels, make_reports

pytestmark = pytest.mark.django_db
BEKASI = Path(__file__).parents[2] / "fixtures/bekasi"
SHARED = Path(__file__).parents[2].parent / "shared/data"
REAL = sorted(SHARED.glob("kelurahan*.geojson")) if (SHARED / "kecamatan.geojson").is_file() else []


def where_shared(test: Callable[..., None]) -> Callable[..., None]:
    """Collects a test only where the real boundaries are; they are not part of the project."""
    test.__test__ = bool(REAL)  # type: ignore[attr-defined]
    return test


@pytest.fixture
def bekasi() -> City:
    """The fixtures, with 1,500 reports about the city, some outside it, some exactly on corners of boundaries."""
    call_command("load_fixtures", verbosity=0)
    city = City.objects.get()
    chance = random.Random(2016)
    make_reports(city, (((chance.uniform(106.88, 107.06), chance.uniform(-6.42, -6.16)), None) for _i in range(1000)))
    corners = (corner for area in Area.objects.filter(level__code="kelurahan") for corner in area.boundary[0][0][:8])
    make_reports(city, ((at, Point(round(at[0], 3), round(at[1], 3), srid=4326)) for at in corners))
    call_command("rebuild_placements")
    return city


def pulled(source: Path, target: Path, *, shift: float, scale: float) -> Path:
    """The same areas, moved and stretched in degrees."""
    collection = json.loads(source.read_text(encoding="utf-8"))
    for item in collection["features"]:
        rings = item["geometry"]["coordinates"]
        item["geometry"]["coordinates"] = [
            [[106.97 + (lon - 106.97) * scale + shift, -6.28 + (lat + 6.28) * scale - shift] for lon, lat in ring]
            for ring in rings
        ]
    target.write_text(json.dumps(collection))
    return target


def placed_in_kelurahan() -> int:
    return Report.objects.filter(area__level__code="kelurahan").count()


def test_schematic_boundaries_give_way_to_others_and_these_to_older_ones(bekasi, tmp_path, capsys):
    assert_placed_as_by_brute_force()
    for number, (shift, scale) in enumerate([(0.004, 1.03), (-0.003, 0.97)]):
        for level in ("kecamatan", "kelurahan"):
            path = pulled(BEKASI / f"{level}.geojson", tmp_path / f"{level}{number}.geojson", shift=shift, scale=scale)
            said = import_areas(path, level, capsys, replace=True)
            assert (
                f"{level}: 0 added, {12 if level == 'kecamatan' else 56} changed, 0 unchanged, 0 retired, 0 repaired"
                in said
            )
            assert_placed_as_by_brute_force()
    assert ThingPlacement.objects.count() == ThingLocation.objects.count() > 60


@where_shared
def test_the_real_boundaries_replace_the_schematic_ones(bekasi, capsys):
    before = set(Report.objects.values_list("id", "area__code"))
    for name, level, count in [
        ("kecamatan", "kecamatan", 12),
        ("kelurahan", "kelurahan", 56),
        ("kelurahan_hdx2020", "kelurahan", 56),
    ]:
        said = import_areas(SHARED / f"{name}.geojson", level, capsys, replace=True)
        assert f"{level}: 0 added, {count} changed, 0 unchanged, 0 retired, 0 repaired" in said
        assert_placed_as_by_brute_force()
        assert placed_in_kelurahan() > 300
    assert set(Report.objects.values_list("id", "area__code")) != before
    again = import_areas(SHARED / "kelurahan_hdx2020.geojson", "kelurahan", capsys, replace=True)
    assert "kelurahan: 0 added, 0 changed, 56 unchanged, 0 retired, 0 repaired" in again


@where_shared
def test_every_regency_of_indonesia_imports_at_size(tmp_path, capsys):
    """514 areas that are no coverage: their neighbours were simplified each for itself."""
    make_levels()
    country = City.objects.create(slug="indonesia", name="Indonesia")
    world = [[94.0, -12.0], [142.0, -12.0], [142.0, 7.0], [94.0, 7.0], [94.0, -12.0]]
    root = {
        "type": "Feature",
        "properties": {"code": "0", "name": "Indonesia"},
        "geometry": {"type": "Polygon", "coordinates": [world]},
    }
    path = tmp_path / "root.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [root]}))
    import_areas(path, "kota")
    chance = random.Random(514)
    make_reports(country, (((chance.uniform(95, 141), chance.uniform(-10, 5)), None) for _i in range(300)))
    said = import_areas(SHARED / "indonesia_kabkota.geojson", "kecamatan", capsys, parent="0")
    assert "kecamatan: 514 added" in said
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM geo_area WHERE NOT ST_IsValid(boundary)")
        assert cursor.fetchone() == (0,)
    assert_placed_as_by_brute_force()
