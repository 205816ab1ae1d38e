"""What QGIS's SensorThings provider sends, word for word (its qgssensorthingsutils.cpp and qgssensorthingsshareddata.cpp)."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.sensorthings.reading import Post, city_of_sensors

pytestmark = pytest.mark.django_db
POLYGON = "geography'POLYGON((106.85 -6.7, 107 -6.7, 107 -6.55, 106.85 -6.55, 106.85 -6.7))'"


@pytest.fixture
def post() -> Post:
    return city_of_sensors()


def ask(client: Any, url: str) -> Any:
    """As QUrl escapes it: blanks and quotes inside, the rest as it stands."""
    answer = client.get(quote(url, safe="$&?=()/:;,'"))
    assert answer.status_code == 200, answer.json()
    return answer.json()


def entity_url(client: Any, name: str) -> str:
    root = ask(client, "/sta/v1.1")
    return next(each["url"] for each in root["value"] if each["name"] == name)


@pytest.mark.parametrize(
    ("name", "geometry", "points", "polygons"),
    [
        ("Locations", "location", 2, 0),
        ("FeaturesOfInterest", "feature", 2, 0),
        # The area of a post that was moved is a rectangle.
        ("Datastreams", "observedArea", 0, 2),
    ],
)
def test_which_kinds_of_geometry_there_are(
    client: Any, post: Post, name: str, geometry: str, points: int, polygons: int
) -> None:
    counts = {}
    for kind in ("Point", "LineString", "Polygon"):
        condition = f"{geometry}/type eq '{kind}' or {geometry}/geometry/type eq '{kind}'"
        page = ask(client, f"{entity_url(client, name)}?$top=0&$count=true&$filter={condition}")
        assert page["value"] == []
        counts[kind] = page["@iot.count"]
    assert counts == {"Point": points, "LineString": 0, "Polygon": polygons}


def test_features_in_an_extent_page_by_page(client: Any, post: Post) -> None:
    kind = "location/type eq 'Point' or location/geometry/type eq 'Point'"
    condition = f"({kind}) and (geo.intersects(location, {POLYGON}))"
    page = ask(client, f"{entity_url(client, 'Locations')}?$top=1&$count=false&$filter={condition}")
    assert [each["@iot.id"] for each in page["value"]] == [post.place]
    assert "@iot.nextLink" not in page
    assert "@iot.count" not in page
    first = ask(client, f"{entity_url(client, 'Locations')}?$top=1&$count=false&$filter={kind}")
    second = client.get(first["@iot.nextLink"]).json()
    assert [each["@iot.id"] for each in first["value"] + second["value"]] == [post.first_place, post.place]
    # QGIS looks for this in the link, to ask for fewer.
    assert "?$top=1&" in first["@iot.nextLink"]


def test_an_extent_beyond_the_world_is_taken(client: Any, post: Post) -> None:
    world = "geography'POLYGON((-400 -200, 400 -200, 400 200, -400 200, -400 -200))'"
    url = entity_url(client, "Locations")
    assert ask(client, f"{url}?$top=0&$count=true&$filter=geo.intersects(location, {world})")["@iot.count"] == 2


def test_locations_with_all_that_stands_there(client: Any, post: Post) -> None:
    observations = "$expand=Observations($orderby=phenomenonTime desc;$top=2)"
    datastreams = f"$expand=Datastreams($top=10;{observations})"
    url = f"{entity_url(client, 'Locations')}?$top=200&$count=false&$expand=Things($top=101;{datastreams})"
    page = ask(client, f"{url}&$filter=location/type eq 'Point' or location/geometry/type eq 'Point'")
    (thing,) = page["value"][1]["Things"]
    newest = [each["result"] for each in thing["Datastreams"][0]["Observations"]]
    assert newest == [3.25, 2.0]
    rest = client.get(thing["Datastreams"][0]["Observations@iot.nextLink"]).json()
    assert [each["result"] for each in rest["value"]] == [1.5]


def test_datastreams_with_their_observed_property_by_area(client: Any, post: Post) -> None:
    condition = f"(observedArea/type eq 'Polygon') and (geo.intersects(observedArea, {POLYGON}))"
    expand = "$expand=ObservedProperty($filter=name eq 'rain')"
    page = ask(client, f"{entity_url(client, 'Datastreams')}?$top=200&$count=false&{expand}&$filter={condition}")
    assert [each["ObservedProperty"] and each["ObservedProperty"]["name"] for each in page["value"]] == [None, "rain"]


def test_a_subset_string_of_the_user_joins_the_others(client: Any, post: Post) -> None:
    subset = "phenomenonTime gt 2026-03-01T00:10:00Z and (unitOfMeasurement/symbol eq 'mm')"
    page = ask(client, f"{entity_url(client, 'Datastreams')}?$top=0&$count=true&$filter=({subset}) and (name ne 'x')")
    assert page["@iot.count"] == 1


def test_ids_of_observations_are_texts(client: Any, post: Post) -> None:
    """QGIS reads a number as 32 bits, and takes two observations with the same rest for one."""
    page = ask(client, f"{entity_url(client, 'Observations')}?$top=200&$count=false")
    assert {type(each["@iot.id"]) for each in page["value"]} == {str}
