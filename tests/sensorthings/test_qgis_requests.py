"""The requests of QGIS's SensorThings provider, to the letter, and what it looks for in the answers.

The provider came with QGIS 3.36, and its expansions with 3.38; Debian 12 has 3.22, which is without it, so that there is no QGIS
here to send them. They are worked out from its source: qgssensorthingsutils.cpp (`availableGeometryTypes`, `filterForWkbType`,
`filterForExtent`, `asQueryString`), qgssensorthingsshareddata.cpp (`featureCount`, `getFeatureIdsInExtent`), and QgsRectangle's
`asWktPolygon`; QUrl escapes blanks, and leaves quotes, parentheses and dollar signs as they are.
"""

import re
from typing import Any

import pytest

from tests.sensorthings.contract import ROOT, Service, Town

pytestmark = pytest.mark.django_db

POINT = "location/type%20eq%20'Point'%20or%20location/geometry/type%20eq%20'Point'"
# Around the river post's present place, 106.9, -6.6.
EXTENT = "geography'POLYGON((106.85%20-6.7,%20106.95%20-6.7,%20106.95%20-6.55,%20106.85%20-6.55,%20106.85%20-6.7))'"
EXPANSION = (
    "$expand=Things($top=100;$expand=Datastreams($top=10;$expand=Observations($orderby=phenomenonTime%20desc;$top=2)))"
)


@pytest.fixture(autouse=True)
def _filled(town: Town) -> None:
    pass


def sent(service: Service, request: str) -> Any:
    """The request line as it stands."""
    return service.get(f"{service.url}{ROOT}{request}")


def test_the_version_and_the_sets_are_read_from_the_root(service: Service) -> None:
    """`determineServiceCapabilities`: the first number in the conformance class of the data model, and the names in `value`."""
    root = sent(service, "/")
    models = [claim for claim in root["serverSettings"]["conformance"] if re.search(r".*/datamodel\b", claim)]
    assert {re.search(r"\d+\.\d+", claim)[0] for claim in models} == {"1.1"}  # type: ignore[index]
    # It would offer them in its dialogue.
    assert [claim for claim in root["serverSettings"]["conformance"] if "multi-datastream" in claim] == []
    assert {each["name"]: each["url"] for each in root["value"]}["Locations"] == f"{service.root}/Locations"


@pytest.mark.parametrize(
    ("request_line", "count"),
    [
        (f"/Locations?$top=0&$count=true&$filter={POINT}", 3),
        (f"/Locations?$top=0&$count=true&$filter={POINT.replace('Point', 'LineString')}", 0),
        (f"/Locations?$top=0&$count=true&$filter={POINT.replace('Point', 'Polygon')}", 0),
        (f"/FeaturesOfInterest?$top=0&$count=true&$filter={POINT.replace('location', 'feature')}", 3),
        (
            "/FeaturesOfInterest?$top=0&$count=true&$filter="
            "feature/type%20eq%20'LineString'%20or%20feature/geometry/type%20eq%20'LineString'",
            1,
        ),
        # The river post was moved: its two datastreams have observed an area.
        (
            "/Datastreams?$top=0&$count=true&$filter="
            "observedArea/type%20eq%20'Polygon'%20or%20observedArea/geometry/type%20eq%20'Polygon'",
            2,
        ),
        ("/Things?$top=0&$count=true", 3),
        ("/Observations?$top=0&$count=true", 209),
        (f"/Locations?$top=0&$count=true&$filter=({POINT})%20and%20(geo.intersects(location,%20{EXTENT}))", 1),
        (
            f"/Locations?$top=0&$count=true&$filter=({POINT})%20and%20(geo.intersects(location,%20{EXTENT}))"
            "%20and%20(name%20eq%20'Atap')",
            0,
        ),
    ],
)
def test_features_are_counted_and_none_is_sent(service: Service, request_line: str, count: int) -> None:
    page = sent(service, request_line)
    assert (page["@iot.count"], page["value"]) == (count, [])


def test_the_features_of_an_extent(service: Service) -> None:
    page = sent(
        service, f"/Locations?$top=200&$count=false&$filter=({POINT})%20and%20(geo.intersects(location,%20{EXTENT}))"
    )
    (place,) = page["value"]
    assert (place["name"], place["location"]) == ("Katulampa", {"type": "Point", "coordinates": [106.9, -6.6]})
    assert "@iot.nextLink" not in page


def test_pages_are_followed_and_their_size_is_changed_in_the_link(service: Service) -> None:
    """`getFeatureIdsInExtent` writes another `$top` into the link, once a limit of features is near."""
    first = sent(service, f"/Locations?$top=1&$count=false&$filter={POINT}")
    link = re.sub(r"\$top=\d+", "$top=200", first["@iot.nextLink"])
    assert link != first["@iot.nextLink"]
    rest = service.get(link)
    assert [each["name"] for each in first["value"] + rest["value"]] == ["Pos Air Katulampa", "Katulampa", "Atap"]
    assert "@iot.nextLink" not in rest


def test_an_extent_beyond_the_world(service: Service) -> None:
    world = "geography'POLYGON((-360%20-180,%20360%20-180,%20360%20180,%20-360%20180,%20-360%20-180))'"
    page = sent(service, f"/Locations?$top=200&$count=false&$filter=geo.intersects(location,%20{world})")
    assert len(page["value"]) == 3


def test_each_place_with_its_things_their_datastreams_and_latest_observations(service: Service) -> None:
    page = sent(service, f"/Locations?$top=200&$count=false&{EXPANSION}&$filter={POINT}")
    station = page["value"][2]["Things"][0]["Datastreams"][0]
    assert [each["result"] for each in station["Observations"]] == [1204, 1203]
    (river,) = page["value"][1]["Things"]
    assert [each["unitOfMeasurement"]["symbol"] for each in river["Datastreams"]] == ["cm", "mm"]
    # A place that was left is nobody's.
    assert page["value"][0]["Things"] == []


def test_a_table_of_things_with_what_is_filtered_in_them(service: Service) -> None:
    expansion = "$expand=Datastreams($orderby=name;$top=10;$filter=unitOfMeasurement/symbol%20eq%20'hPa')"
    things = sent(service, f"/Things?$top=200&$count=false&{expansion}")["value"]
    assert [len(each["Datastreams"]) for each in things] == [0, 1, 0]


def test_ids_and_times_are_what_it_can_read(service: Service) -> None:
    """It reads whole numbers as 32 bits, others as text; times as ISO 8601, and intervals by the slash between two."""
    observations = sent(service, "/Observations?$top=200&$count=false")["value"]
    assert {type(each["@iot.id"]) for each in observations} == {str}
    streams = sent(service, "/Datastreams?$top=200&$count=false")["value"]
    assert max(each["@iot.id"] for each in streams) < 2**31
    assert streams[0]["phenomenonTime"].split("/") == ["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"]
