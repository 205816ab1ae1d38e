"""Files that the encoder writes of a few rows, read by Debian's GDAL."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from geo.layers.export.child.geopackage import run_ogr2ogr, write_geopackage
from geo.layers.export.child.shapefile import write_shapefile

ID = {"name": "feature_id", "type": "string", "title": "Id", "description": ""}
# Little-endian WKB of POINT (1 2), and of POINT EMPTY.
ROWS = [
    b"a\t0101000000000000000000F03F0000000000000040\n",
    b"b\t\\N\n",
    b"c\t0101000000000000000000F87F000000000000F87F\n",
]


def question(*, has_geometry: bool = True) -> dict[str, Any]:
    return {
        "layer": "reports",
        "title": "Laporan",
        "description": "",
        "metadata": {},
        "columns": [ID, *([{"name": "geom", "type": "geometry"}] if has_geometry else [])],
        "geometry": {"type": "Point", "crs": "EPSG:4326"} if has_geometry else None,
    }


def read(source: object) -> str:
    return subprocess.run(["ogrinfo", "-al", str(source)], check=True, capture_output=True, text=True).stdout


def test_a_layer_of_one_column_has_its_rows_with_a_place_or_without(tmp_path: Path) -> None:
    write_geopackage(question(), ROWS, tmp_path / "file")
    said = read((tmp_path / "file").rename(tmp_path / "reports.gpkg"))
    assert "Feature Count: 3" in said
    assert "Extent: (1.000000, 2.000000) - (1.000000, 2.000000)" in said
    assert said.count("POINT (1 2)") == 1
    assert said.count("POINT EMPTY") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["reports.gpkg"]


def test_a_table_without_geometry_and_without_anything_said_of_it(tmp_path: Path) -> None:
    write_geopackage(question(has_geometry=False), [b"a\n", b"\\N\n"], tmp_path / "file")
    said = read((tmp_path / "file").rename(tmp_path / "reports.gpkg"))
    assert "Geometry: None" in said
    assert "feature_id (String) = a" in said
    assert "feature_id (String) = (null)" in said


def test_a_text_of_a_shapefile_is_as_wide_as_its_longest_and_cut_after_254_bytes(tmp_path: Path) -> None:
    rows = ["é中".encode() + b"\t\\N\n", b"x" * 300 + b"\t\\N\n"]
    write_shapefile(question(), rows[:1], tmp_path / "short.zip")
    write_shapefile(question(), rows, tmp_path / "long.zip")
    assert "feature_id: String (5.0)" in read(f"/vsizip/{tmp_path}/short.zip")
    said = read(f"/vsizip/{tmp_path}/long.zip")
    assert "feature_id: String (254.0)" in said
    assert f"= {'x' * 254}\n" in said


def test_what_gdal_cannot_do_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Unable to open datasource"):
        run_ogr2ogr("-f", "GPKG", tmp_path / "a.gpkg", tmp_path / "nothing.gpkg")
