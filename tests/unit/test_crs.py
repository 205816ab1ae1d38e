"""Rectangles in the projections that layers can be asked in."""

import pytest

from geo.layers.crs import degrees_around, known_crs, parse_box, parse_crs
from server.core.errors import BadParameter

UTM_48S = "http://www.opengis.net/def/crs/EPSG/0/32748"


def test_epsg_4326_is_latitude_first_and_crs84_is_not() -> None:
    assert [(crs.uri[-5:], crs.is_y_first) for crs in known_crs()[:2]] == [("CRS84", False), ("/4326", True)]


def test_a_box_in_epsg_4326_comes_latitude_first() -> None:
    box = parse_box("-6.4,106.8,-6.1,107.1", parse_crs("EPSG:4326", "bbox-crs"))
    assert (box.west, box.south, box.east, box.north) == (106.8, -6.4, 107.1, -6.1)


def test_a_box_of_a_projection_lies_within_the_degrees_around_it() -> None:
    # EPSG:32748's corner (700000, 9290000) is at 106.8091 E, 6.4201 S.
    west, south, _east, _north = degrees_around(parse_box("700000,9290000,740000,9330000", parse_crs(UTM_48S, "crs")))
    assert 106.80 < west < 106.8091
    assert -6.43 < south < -6.4201


def test_a_web_map_that_sees_more_than_the_world_asks_for_the_world() -> None:
    box = parse_box("-40000000,-30000000,40000000,30000000", parse_crs("EPSG:3857", "crs"))
    assert degrees_around(box) == pytest.approx((-180.0, -85.052, 180.0, 85.052), abs=0.001)


@pytest.mark.parametrize("text", ["1e9,1e9,2e9,2e9", "nan,0,1,1", "0,0,1", "a,b,c,d", "5,5,1,1"])
def test_a_box_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        parse_box(text, parse_crs(UTM_48S, "bbox-crs"))
