"""Points that clients send in another CRS. The rest of a feature's way in is in tests/http/test_ogc_transactions.py."""

from typing import Any

import pytest

from geo.layers.crs import parse_crs
from geo.ogc.feature_input import parse_point
from server.core.errors import InvalidFields


@pytest.mark.parametrize("code", [3857, 32748])
@pytest.mark.parametrize("position", [[1e10, 0.0], [0.0, -1e20], [1.7e308, 1.7e308], [10**300, 0]])
def test_a_point_beyond_the_earth_is_refused_before_a_transform_that_would_not_return(position: Any, code: int) -> None:
    crs = parse_crs(f"EPSG:{code}", "Content-Crs")
    with pytest.raises(InvalidFields) as caught:
        parse_point({"type": "Point", "coordinates": position}, crs)
    assert list(caught.value.fields) == ["geometry"]


def test_a_point_of_web_mercator_comes_out_in_degrees() -> None:
    # 20037508.34 m are 180°, so a 180th of them is 1°.
    point = parse_point({"type": "Point", "coordinates": [111319.4908, 0.0]}, parse_crs("EPSG:3857", "Content-Crs"))
    assert (round(point.x, 6), round(point.y, 6)) == (1.0, 0.0)
