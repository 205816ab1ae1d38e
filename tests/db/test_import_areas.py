"""import_areas: any vector file, mended, all or nothing, the same the second time."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from geo.areas.loaders import DRIVERS
from geo.models import Area, AreaAncestry, City
from tests.db.squares import (
    feature,
    import_areas,
    make_levels,
    make_report,
    make_square_city,
    polygon,
    square,
    write_geojson,
)

pytestmark = pytest.mark.django_db
needs_ogr2ogr = pytest.mark.skipif(
    shutil.which("ogr2ogr") is None, reason="ogr2ogr comes with gdal-bin, which ./pantau installs"
)


@pytest.fixture
def city() -> City:
    return make_square_city()


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two kelurahan for the east half, as most files have them: one Polygon, one MultiPolygon."""
    north = {"type": "MultiPolygon", "coordinates": [square(2, 2, 2)["coordinates"]]}
    return write_geojson(
        tmp_path / "two.geojson", [feature("32.99.02.1001", square(2, 0, 2)), feature("32.99.02.1002", north)]
    )


def convert(source: Path, target: Path, *options: str) -> Path:
    subprocess.run(["ogr2ogr", *options, str(target), str(source)], check=True, capture_output=True)
    return target


def test_a_file_becomes_areas_and_reports_are_placed_in_them(city, two, capsys):
    report = make_report(city, (3, 3))
    said = import_areas(two, "kelurahan", capsys)
    assert "kelurahan: 2 added, 0 changed, 0 unchanged, 0 retired, 0 repaired" in said
    assert "reports: 1 placed, 1 of them anew, 0 outside every area" in said
    report.refresh_from_db()
    assert report.area.code == "32.99.02.1002"
    area = Area.objects.get(code="32.99.02.1001")
    assert (area.parent.code, area.boundary.geom_type, area.boundary_source) == (
        "32.99.02",
        "MultiPolygon",
        "two.geojson",
    )
    # Four cells of one degree at the equator: 12,308.8 km² each on the sphere of equal area, a little less to the north.
    assert area.area_km2 == pytest.approx(49_200, rel=0.005)
    assert set(AreaAncestry.objects.filter(area=area).values_list("ancestor__code", flat=True)) == {
        "32.99.02.1001", "32.99.02", "32.99"
    }  # fmt: skip


def test_the_same_file_again_changes_nothing(city, two, capsys):
    import_areas(two, "kelurahan", capsys)
    before = list(Area.objects.order_by("id").values())
    said = import_areas(two, "kelurahan", capsys)
    assert "kelurahan: 0 added, 0 changed, 2 unchanged, 0 retired, 0 repaired" in said
    assert list(Area.objects.order_by("id").values()) == before


def test_a_mended_file_again_changes_nothing(city, tmp_path, capsys):
    bow = polygon((2, 0), (4, 2), (4, 0), (2, 2))
    path = write_geojson(tmp_path / "bow.geojson", [feature("b", bow)])
    import_areas(path, "kelurahan", capsys)
    assert "0 added, 0 changed, 1 unchanged, 0 retired, 1 repaired" in import_areas(path, "kelurahan", capsys)


def test_replace_retires_what_is_gone_and_a_later_file_brings_it_back(city, two, tmp_path, capsys):
    report = make_report(city, (1, 3))
    said = import_areas(two, "kelurahan", capsys, replace=True)
    assert "2 added, 0 changed, 0 unchanged, 2 retired" in said
    report.refresh_from_db()
    assert report.area.code == "32.99.01"
    old = write_geojson(tmp_path / "old.geojson", [feature("32.99.01.1002", square(0, 2, 2), parent_code="32.99.01")])
    assert "0 added, 1 changed" in import_areas(old, "kelurahan", capsys)
    assert Area.objects.get(code="32.99.01.1002").retired_at is None
    report.refresh_from_db()
    assert report.area.code == "32.99.01.1002"


def test_without_replace_nothing_is_retired(city, two, capsys):
    assert " 0 retired" in import_areas(two, "kelurahan", capsys)
    assert Area.objects.current().count() == 7


def test_areas_whose_parent_was_retired_are_pointed_out(city, tmp_path, capsys):
    path = write_geojson(tmp_path / "k.geojson", [feature("32.99.02", square(2, 0, 2), parent_code="32.99")])
    assert "note: 2 kelurahan lie under a parent that is retired" in import_areas(
        path, "kecamatan", capsys, replace=True
    )


def test_schematic_boundaries_are_marked_and_lose_the_mark_with_the_official_ones(city, two, capsys):
    import_areas(two, "kelurahan", schematic=True, source="drawn by us")
    assert Area.objects.filter(is_schematic=True, boundary_source="drawn by us").count() == 2
    import_areas(two, "kelurahan", source="BIG 2024")
    assert Area.objects.filter(is_schematic=False, boundary_source="BIG 2024").count() == 2


def test_invalid_rings_are_mended_and_named(city, tmp_path, capsys):
    bow = polygon((2, 0), (4, 2), (4, 0), (2, 2))
    unclosed = {"type": "Polygon", "coordinates": [[[2, 2], [3, 2], [3, 3], [2, 3]]]}
    with_scrap = square(3, 3)
    with_scrap["coordinates"].append([[3.2, 3.2], [3.3, 3.3], [3.2, 3.2]])
    said = import_areas(
        write_geojson(
            tmp_path / "bad.geojson", [feature("bow", bow), feature("open", unclosed), feature("scrap", with_scrap)]
        ),
        "kelurahan",
        capsys,
    )
    assert "repaired: feature 1 (bow): Self-intersection[3 1]" in said
    assert "repaired: feature 2 (open): a ring was not closed" in said
    assert "repaired: feature 3 (scrap): a ring had fewer than 3 corners" in said
    assert "3 repaired" in said
    areas = {area.code: area.boundary for area in Area.objects.filter(code__in=["bow", "open", "scrap"])}
    assert all(boundary.valid for boundary in areas.values())
    assert areas["bow"].area == pytest.approx(2.0)  # two triangles of base 2 and height 1
    assert areas["open"].area == pytest.approx(1.0)


def test_a_doubled_part_is_mended_without_cutting_it_out(city, tmp_path):
    twice = {"type": "MultiPolygon", "coordinates": [square(2, 0, 2)["coordinates"], square(3, 0)["coordinates"]]}
    import_areas(write_geojson(tmp_path / "t.geojson", [feature("t", twice)]), "kelurahan")
    assert Area.objects.get(code="t").boundary.area == pytest.approx(4.0)


def test_heights_are_left_out(city, tmp_path):
    high = polygon((2, 0, 5), (3, 0, 5), (3, 1, 5))
    import_areas(write_geojson(tmp_path / "z.geojson", [feature("z", high)]), "kelurahan")
    assert not Area.objects.get(code="z").boundary.hasz


def test_codes_may_be_numbers_and_fields_have_other_names(city, tmp_path):
    record = {"type": "Feature", "properties": {"KODE": 3275040006, "NAMOBJ": " Margahayu ", "INDUK": "32.99.02"}}
    path = write_geojson(tmp_path / "n.geojson", [{**record, "geometry": square(2, 0)}])
    import_areas(path, "kelurahan", code_field="KODE", name_field="NAMOBJ", parent_field="INDUK")
    assert Area.objects.get(code="3275040006").name == "Margahayu"


def test_one_parent_can_be_given_for_all(city, tmp_path):
    path = write_geojson(tmp_path / "p.geojson", [feature("p", square(2, 0), parent_code=None)])
    import_areas(path, "kelurahan", parent="32.99.02")
    assert Area.objects.get(code="p").parent.code == "32.99.02"


@needs_ogr2ogr
@pytest.mark.parametrize("epsg", [4326, 32748, 3857, 4755])
def test_a_zipped_shapefile_in_any_crs_lands_in_the_same_place(city, tmp_path, epsg):
    """UTM, web Mercator and the Indonesian DGN95, whose axes are latitude, longitude by the book."""
    source = write_geojson(tmp_path / "s.geojson", [feature("s", square(106, -7))])
    folder = tmp_path / "a folder"
    folder.mkdir()
    convert(source, folder / "s.shp", "-t_srs", f"EPSG:{epsg}")
    archive = tmp_path / "s.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for part in folder.iterdir():
            file.write(part, f"inside/{part.name}")
    import_areas(archive, "kelurahan", parent_field="parent_cod")  # a shapefile cuts names to ten characters
    assert Area.objects.get(code="s").boundary.extent == pytest.approx((106, -7, 107, -6), abs=2e-5)


@needs_ogr2ogr
@pytest.mark.parametrize(
    ("name", "driver"), [("g.gpkg", "GPKG"), ("f.fgb", "FlatGeobuf"), ("m.gml", "GML"), ("k.kml", "LIBKML")]
)
def test_other_formats_are_read_too_longitude_first(city, tmp_path, name, driver):
    source = write_geojson(tmp_path / "s.geojson", [feature("s", square(106, -7))])
    name_field = "Name" if driver == "LIBKML" else "name"
    import_areas(convert(source, tmp_path / name, "-f", driver), "kelurahan", name_field=name_field)
    assert Area.objects.get(code="s").boundary.extent == pytest.approx((106, -7, 107, -6), abs=1e-6)


@needs_ogr2ogr
def test_of_several_layers_one_has_to_be_named(city, two, tmp_path):
    package = convert(two, tmp_path / "l.gpkg", "-nln", "first")
    convert(two, package, "-nln", "second", "-update")
    with pytest.raises(CommandError, match=r"several layers \(first, second\): name one with --layer"):
        import_areas(package, "kelurahan")
    with pytest.raises(CommandError, match=r"no layer 'third'. It has: first, second"):
        import_areas(package, "kelurahan", layer="third")
    import_areas(package, "kelurahan", layer="second")
    assert Area.objects.filter(code="32.99.02.1001").exists()


@needs_ogr2ogr
def test_a_file_without_a_crs_asks_for_one(city, tmp_path):
    source = write_geojson(tmp_path / "s.geojson", [feature("s", square(106, -7))])
    shape = convert(source, tmp_path / "s.shp", "-t_srs", "EPSG:32748")
    shape.with_suffix(".prj").unlink()
    with pytest.raises(CommandError, match=r"does not say its coordinate reference system: give it with --srid"):
        import_areas(shape, "kelurahan", parent_field="parent_cod")
    import_areas(shape, "kelurahan", parent_field="parent_cod", srid=32748)
    assert Area.objects.get(code="s").boundary.extent == pytest.approx((106, -7, 107, -6), abs=1e-6)


SAYS = {
    "an empty code": ([feature(None, square(2, 0))], r"feature 1: the field 'code' \(--code-field\) is empty"),
    "an empty name": (
        [feature("a", square(2, 0), name=" ")],
        r"feature 1 \(a\): the field 'name' \(--name-field\) is empty",
    ),
    "a code twice": (
        [feature("a", square(2, 0)), feature("b", square(2, 1)), feature("a", square(2, 2))],
        r"the code a occurs more than once, in features 1 and 3",
    ),
    "an unknown parent": (
        [feature("a", square(2, 0), parent_code="x")],
        r"feature 1 \(a\): its parent 'x' is not a current area of",
    ),
    "no parent": ([feature("a", square(2, 0), parent_code=None)], r"feature 1 \(a\): it names no parent"),
    "a parent of the same level": (
        [feature("a", square(2, 0), parent_code="32.99.01.1001")],
        r"on a level above kelurahan",
    ),
    "no geometry": ([feature("a", square(2, 0)), feature("b", None)], r"feature 2 \(b\): there is no geometry"),
    "a point": (
        [feature("a", {"type": "Point", "coordinates": [2, 2]})],
        r"feature 1 \(a\): the geometry is a Point, not a polygon",
    ),
    "a flat polygon": (
        [feature("a", polygon((2, 2), (3, 3), (2, 2)))],
        r"feature 1 \(a\): the boundary encloses nothing",
    ),
    "metres as degrees": (
        [feature("a", square(700_000, 9_000_000))],
        r"feature 1 \(a\): .* give the CRS of the file with --srid",
    ),
    "another level's code": (
        [feature("32.99.01", square(0, 0))],
        r"feature 1: 32.99.01 is already a kecamatan of the city kotak",
    ),
    "nothing": ([], r"has no feature"),
}


@pytest.mark.parametrize("case", SAYS)
def test_an_error_names_the_feature_and_leaves_everything_as_it_was(city, tmp_path, case):
    features, sentence = SAYS[case]
    good = [feature("good", square(3, 3))]
    before = list(Area.objects.values())
    with pytest.raises(CommandError, match=sentence) as caught:
        import_areas(
            write_geojson(tmp_path / "bad.geojson", features + (good if features else [])), "kelurahan", replace=True
        )
    assert "bad.geojson" in str(caught.value)
    assert "Nothing was changed" in str(caught.value)
    assert list(Area.objects.values()) == before


def test_a_missing_field_is_named_with_the_fields_there_are(city, two):
    with pytest.raises(CommandError, match=r"no field 'kode' \(--code-field\). Its fields: code, name, parent_code"):
        import_areas(two, "kelurahan", code_field="kode")


def test_an_unknown_level_is_named_with_the_levels_there_are(city, two):
    with pytest.raises(CommandError, match=r"no level 'desa'. The levels: kota, kecamatan, kelurahan"):
        import_areas(two, "desa")


def test_with_two_cities_one_has_to_be_named_and_keeps_its_codes(city, two):
    City.objects.create(slug="lain", name="Lain")
    with pytest.raises(CommandError, match=r"Name a city with --city. The cities: kotak, lain"):
        import_areas(two, "kelurahan")
    with pytest.raises(CommandError, match=r"no city 'x'"):
        import_areas(two, "kelurahan", city="x")
    import_areas(two, "kelurahan", city="kotak")
    with pytest.raises(CommandError, match=r"32.99.02.1001 is already a kelurahan of the city kotak"):
        import_areas(two, "kelurahan", city="lain")


def test_a_city_has_one_root_unless_it_is_replaced(city, tmp_path):
    path = write_geojson(tmp_path / "r.geojson", [feature("32.98", square(0, 0, 4), parent_code="32")])
    with pytest.raises(CommandError, match=r"kotak already has the kota 32.99; --replace retires it"):
        import_areas(path, "kota")
    import_areas(path, "kota", replace=True)
    assert Area.objects.current().get(level__code="kota").code == "32.98"
    two_roots = write_geojson(tmp_path / "rr.geojson", [feature("1", square(0, 0)), feature("2", square(1, 0))])
    with pytest.raises(CommandError, match=r"has 2 features, but a city has one kota"):
        import_areas(two_roots, "kota")


@pytest.mark.parametrize("name", ["absent.geojson", "/vsicurl/http://example.invalid/a.geojson", "<OGRVRTDataSource/>"])
def test_what_is_not_a_file_here_is_not_opened(city, name):
    with pytest.raises(CommandError, match="is not a file"):
        import_areas(Path(name), "kelurahan")


def test_a_file_that_points_elsewhere_is_not_followed(city, two, tmp_path):
    virtual = tmp_path / "v.vrt"
    virtual.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="two"><SrcDataSource>{two}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    )
    with pytest.raises(CommandError, match=r"not a vector file that can be read here. Formats: GeoJSON"):
        import_areas(virtual, "kelurahan")
    assert "OGR_VRT" not in DRIVERS


def test_a_broken_file_is_a_sentence(city, tmp_path):
    path = tmp_path / "half.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection"})[:-4])
    with pytest.raises(CommandError, match="not a vector file that can be read here"):
        import_areas(path, "kelurahan")


def test_progress_goes_to_standard_error(city, two, capsys):
    call_command("import_areas", str(two), level="kelurahan")
    assert "two.geojson: 100%" in capsys.readouterr().err


@override_settings(LANGUAGE_CODE="en")
def test_a_first_city_is_built_from_the_top(tmp_path, capsys):
    make_levels()
    City.objects.create(slug="baru", name="Baru")
    kota = write_geojson(tmp_path / "kota.geojson", [feature("1", square(0, 0, 2), parent_code="0")])
    assert "kota: 1 added" in import_areas(kota, "kota", capsys)
    kecamatan = write_geojson(tmp_path / "kec.geojson", [feature("1.1", square(0, 0), parent_code="1")])
    assert "kecamatan: 1 added" in import_areas(kecamatan, "kecamatan", capsys)
