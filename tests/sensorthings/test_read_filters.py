"""`$filter` and `$orderby`: operators, functions, paths (OGC 18-088, tables 22 and 23)."""

from typing import Any

import pytest
from django.contrib.gis.geos import Point

from sensors.models import Thing, ThingLocation
from tests.sensor_factories import make_datastream
from tests.sensorthings.reading import Post, at, city_of_sensors

pytestmark = pytest.mark.django_db


@pytest.fixture
def post() -> Post:
    """Beside it a thing without a place, and one further away."""
    bare = Thing.objects.create(
        slug="bare", name="Bare 'x'", properties={"n": 5, "deep": {"er": True}, "allowed": "yes", "a-b": None}
    )
    make_datastream(bare.slug, code="pm10", unit_ucum="ug/m3")
    far = Thing.objects.create(slug="far", name="Far", description="Sensor Things ")
    ThingLocation.objects.create(thing=far, location=Point(107.0, -6.6), valid_from=at(1))
    return city_of_sensors()


def found(client: Any, path: str, text: str, name: str, **more: str) -> list[Any]:
    answer = client.get(f"/sta/v1.1/{path}", {"$filter": text, "$select": name, **more})
    assert answer.status_code == 200, answer.json()
    return [each[name] for each in answer.json()["value"]]


def results(client: Any, text: str) -> list[float]:
    return found(client, "Observations", text, "result", **{"$orderby": "result"})


def things(client: Any, text: str) -> list[str]:
    """The first words of their names."""
    return sorted(name.split()[0] for name in found(client, "Things", text, "name"))


OBSERVATIONS = {
    "comparison": [
        ("result eq 2", [2.0]),
        ("result ne 2", [-999.0, 1.5, 3.25]),
        ("result gt 2", [3.25]),
        ("result ge 2.0", [2.0, 3.25]),
        ("result lt 2", [-999.0, 1.5]),
        ("result le 2e0", [-999.0, 1.5, 2.0]),
    ],
    "logic": [
        ("result gt 1 and result lt 3", [1.5, 2.0]),
        ("result lt 1 or result gt 3", [-999.0, 3.25]),
        # `and` binds tighter than `or`.
        ("result eq 2 or result eq 1.5 and result gt 9", [2.0]),
        ("(result eq 2 or result eq 1.5) and result gt 9", []),
        ("not (result gt 2)", [-999.0, 1.5, 2.0]),
        ("result in (2, 1.5, 7)", [1.5, 2.0]),
    ],
    "arithmetic": [
        ("result add 5 gt 8", [3.25]),
        ("result sub 5 gt -3.4", [2.0, 3.25]),
        ("result mul 2 eq 3", [1.5]),
        ("result div 2 eq 1", [2.0]),
        ("result div 0 eq 1", []),
        ("result mod 2 eq 0", [2.0]),
        ("-result gt 998", [-999.0]),
        ("result add 1 mul 2 eq 4", [2.0]),
    ],
    "rounding": [
        ("round(result) eq 2", [1.5, 2.0]),
        ("floor(result) eq 3", [3.25]),
        ("ceiling(result) eq 4", [3.25]),
    ],
    "quality": [
        ("resultQuality eq 'good' and result gt 3", [3.25]),
        ("resultQuality eq 'implausible'", [-999.0]),
    ],
    "times": [
        ("phenomenonTime gt 2026-03-01T01:00:00Z", [3.25]),
        ("phenomenonTime ge 2026-03-01T08:00:00+07:00", [2.0, 3.25]),
        ("phenomenonTime ge 2026-03-01T08:00:00 07:00", [2.0, 3.25]),
        ("phenomenonTime lt '2026-03-01T00:30:00Z'", [1.5]),
        ("phenomenonTime ge 2026-03-02", [3.25]),
        ("phenomenonTime eq 2026-03-01T01:00:00Z", [2.0]),
        ("phenomenonTime gt 2026-03-01T23:00:00Z add duration'PT30M'", [3.25]),
        ("phenomenonTime lt now() sub duration'P1D' and result gt 3", [3.25]),
        ("resultTime lt mindatetime()", []),
        ("resultTime lt maxdatetime() and result eq 2", [2.0]),
        ("validTime eq null and result eq 2", [2.0]),
    ],
    "parts of times": [
        ("year(resultTime) eq 2026 and month(resultTime) eq 3 and day(resultTime) eq 2", [3.25]),
        ("hour(phenomenonTime) eq 1", [2.0]),
        ("minute(phenomenonTime) eq 30 and second(phenomenonTime) eq 0", [-999.0]),
        ("fractionalseconds(phenomenonTime) eq 0.5", [-999.0]),
        ("date(resultTime) eq 2026-03-02", [3.25]),
        ("date(resultTime) ne date(phenomenonTime)", []),
        ("time(resultTime) gt 00:45:00", [2.0]),
        ("totaloffsetminutes(resultTime) eq 0 and result eq 2", [2.0]),
    ],
    "relations of times": [
        ("during(phenomenonTime, 2026-03-01T01:00:00Z/2026-03-02T00:00:00Z)", [2.0]),
        ("before(phenomenonTime, 2026-03-01T00:30:00Z)", [1.5]),
        ("after(phenomenonTime, 2026-03-01T01:00:00Z/2026-03-02T00:00:00Z)", [3.25]),
        ("meets(phenomenonTime, 2026-03-01T01:00:00Z/2026-03-02T00:00:00Z)", [2.0, 3.25]),
        ("overlaps(phenomenonTime, 2026-03-01T01:00:00Z/2026-03-02T00:00:00Z)", [2.0]),
        ("starts(phenomenonTime, 2026-03-01T01:00:00Z/2026-03-02T00:00:00Z)", [2.0]),
        ("finishes(phenomenonTime, 2026-03-01T01:00:00Z/2026-03-02T00:00:00Z)", [3.25]),
    ],
    "related entities": [
        ("Datastream/unitOfMeasurement/symbol eq 'cm' and result gt 2", [3.25]),
        ("Datastream/Thing/name eq 'Far'", []),
        ("Datastream/Thing/Locations/name eq 'Katulampa' and result lt 0", [-999.0]),
        ("Datastream/Sensor/name eq 'Ultrasonic' and result lt 2", [1.5]),
        ("Datastream/Sensor/name ne 'Ultrasonic'", []),
        ("Datastream/Sensor/id eq null", [-999.0]),
        ("FeatureOfInterest/name eq 'Katulampa'", [3.25]),
    ],
    "null": [
        ("true and result eq 2", [2.0]),
        ("result eq null", []),
        ("result ne null and result gt 3", [3.25]),
    ],
}


@pytest.mark.parametrize("group", OBSERVATIONS)
def test_observations_by_filter(client: Any, post: Post, group: str) -> None:
    for text, expected in OBSERVATIONS[group]:
        assert results(client, text) == expected, text


THINGS = {
    "comparison": [
        ("name eq 'Far'", ["Far"]),
        ("name eq 'Bare ''x'''", ["Bare"]),
        ("name gt 'G'", ["Pos"]),
    ],
    "texts": [
        ("substringof('Air', name)", ["Pos"]),
        ("contains(name, 'Air')", ["Pos"]),
        ("startswith(name, 'F')", ["Far"]),
        ("endswith(name, 'Katulampa')", ["Pos"]),
        ("endswith(name, '')", ["Bare", "Far", "Pos"]),
        ("length(name) eq 3", ["Far"]),
        ("indexof(name, 'Air') eq 4", ["Pos"]),
        ("indexof(name, 'zzz') eq -1", ["Bare", "Far", "Pos"]),
        ("substring(name, 1) eq 'ar'", ["Far"]),
        ("substring(name, 0, 2) eq 'Fa'", ["Far"]),
        ("tolower(name) eq 'far'", ["Far"]),
        ("toupper(name) eq 'FAR'", ["Far"]),
        ("trim(description) eq 'Sensor Things'", ["Far"]),
        ("concat(concat(name, ', '), description) eq 'Far, Sensor Things '", ["Far"]),
        ("not startswith(description, 'Sensor') and length(description) gt 0", ["Pos"]),
    ],
    "inside JSON": [
        ("properties/slug eq 'far'", ["Far"]),
        ("properties/n eq 5", ["Bare"]),
        ("properties/n add 1 gt 5", ["Bare"]),
        ("properties/n eq 'five'", []),
        ("properties/deep/er eq true", ["Bare"]),
        ("properties/allowed eq 'yes'", ["Bare"]),
        ("properties/owner ne 'BBWS'", ["Bare", "Far"]),
        ("properties/owner eq null", ["Bare", "Far"]),
        ("properties/a-b eq null and properties/n eq 5", ["Bare"]),
    ],
    "related entities": [
        ("Datastreams/unitOfMeasurement/symbol eq 'mm'", ["Pos"]),
        ("Datastreams/ObservedProperty/properties/code eq 'pm10'", ["Bare"]),
        ("Datastreams/Observations/result gt 3", ["Pos"]),
        ("not (Datastreams/Observations/result gt 3)", ["Bare", "Far"]),
        # What stands together by `and` is said of one datastream.
        ("Datastreams/unitOfMeasurement/symbol eq 'mm' and Datastreams/Observations/result gt 3", []),
        ("Datastreams/unitOfMeasurement/symbol eq 'cm' and Datastreams/Observations/result gt 3", ["Pos"]),
        ("Datastreams/unitOfMeasurement/symbol eq 'mm' or name eq 'Far'", ["Far", "Pos"]),
        ("Locations/id ne null", ["Far", "Pos"]),
        ("HistoricalLocations/time lt 2026-03-02T00:00:00Z", ["Far", "Pos"]),
    ],
}


@pytest.mark.parametrize("group", THINGS)
def test_things_by_filter(client: Any, post: Post, group: str) -> None:
    for text, expected in THINGS[group]:
        assert things(client, text) == expected, text


PLACES = [
    ("st_within(Locations/location, geography'POLYGON((106.8 -6.7,106.95 -6.7,106.95 -6.5,106.8 -6.5,106.8 -6.7))')", ["Pos"]),
        ("geo.intersects(Locations/location, geography'POLYGON ((106 -7, 108 -7, 108 -6, 106 -6, 106 -7))')", ["Far", "Pos"]),
        ("geo.intersects(Locations/location, geography'SRID=4326;POINT (107 -6.6)')", ["Far"]),
        # A tenth of a degree of longitude at 6.6 degrees south is 11.06 km.
        ("geo.distance(Locations/location, geography'POINT (106.9 -6.6)') lt 11000", ["Pos"]),
        ("geo.distance(Locations/location, geography'POINT (106.9 -6.6)') lt 11100", ["Far", "Pos"]),
        ("geo.length(geography'LINESTRING (106.9 -6.6, 107 -6.6)') gt 11000 and name eq 'Far'", ["Far"]),
        ("geo.length(geography'LINESTRING (106.9 -6.6, 107 -6.6)') gt 11100", []),
        ("st_equals(Locations/location, geography'POINT (107 -6.6)')", ["Far"]),
        ("st_disjoint(Locations/location, geography'POINT (107 -6.6)')", ["Pos"]),
        ("st_touches(Locations/location, geography'POLYGON ((107 -7, 108 -7, 108 -6, 107 -6, 107 -7))')", ["Far"]),
        ("st_intersects(Locations/location, geography'LINESTRING (106.95 -6.6, 108 -6.6)')", ["Far"]),
        ("st_contains(Locations/location, geography'POINT (107 -6.6)')", ["Far"]),
        ("st_overlaps(Locations/location, geography'POINT (107 -6.6)')", []),
        ("st_crosses(Locations/location, geography'LINESTRING (106.95 -6.6, 108 -6.6)')", []),
        ("st_relate(Locations/location, geography'POLYGON ((106 -7, 106.95 -7, 106.95 -6, 106 -6, 106 -7))', 'T*F**F***')", ["Pos"]),
]  # fmt: skip


def test_things_by_place(client: Any, post: Post) -> None:
    for text, expected in PLACES:
        assert things(client, text) == expected, text


def test_intervals_of_datastreams_compare_with_times(client: Any, post: Post) -> None:
    def units(text: str) -> list[str]:
        return [unit["symbol"] for unit in found(client, "Datastreams", text, "unitOfMeasurement")]

    # cm from 00:00 on the 1st to 00:00 on the 2nd, mm at 00:30 on the 1st alone.
    assert units("phenomenonTime lt 2026-03-01T12:00:00Z") == ["mm"]
    assert units("phenomenonTime gt 2026-03-01T00:10:00Z") == ["mm"]
    assert units("phenomenonTime eq 2026-03-01T00:00:00Z/2026-03-02T00:00:00Z") == ["cm"]
    assert units("phenomenonTime le 2026-03-01T00:30:00.5Z/2026-03-01T12:00:00Z") == ["mm"]
    assert units("overlaps(phenomenonTime, 2026-03-01T12:00:00Z/2026-03-01T13:00:00Z)") == ["cm"]
    assert units("before(phenomenonTime, 2026-03-02T00:00:00Z)") == ["cm", "mm"]
    assert units("phenomenonTime eq null") == ["ug/m3"]


def test_features_are_found_by_their_observations(client: Any, post: Post) -> None:
    assert found(client, "FeaturesOfInterest", "Observations/result gt 3", "name") == ["Katulampa"]
    assert found(client, "FeaturesOfInterest", "Observations/Datastream/unitOfMeasurement/symbol eq 'mm'", "name") == [
        "Pos Air Katulampa"
    ]


def test_ids_are_compared_as_they_stand_in_urls(client: Any, post: Post) -> None:
    one = f"{post.level}-1772326800000000"
    assert results(client, f"id eq '{one}'") == [2.0]
    assert results(client, f"@iot.id eq '{one}'") == [2.0]
    assert results(client, f"id gt '{one}' and Datastream/id eq {post.level}") == [3.25]
    assert results(client, f"Datastream/id eq {post.rain}") == [-999.0]
    assert results(client, f"Datastream/@iot.id eq '{post.rain}'") == [-999.0]
    assert results(client, f"Datastream/Thing/id eq {post.thing} and result gt 2") == [3.25]
    assert results(client, f"FeatureOfInterest/id eq {post.place}") == [3.25]
    assert things(client, f"id in ({post.thing}, 999999)") == ["Pos"]
    assert things(client, f"Datastreams/Observations/id eq '{one}'") == ["Pos"]
    assert things(client, f"Datastreams/Observations/FeatureOfInterest/id eq {post.place}") == ["Pos"]


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("Things", "colour eq 1", "Thing has no 'colour'; it has id, name"),
        ("Things", "Datastreams eq 1", "leads to entities"),
        ("Things", "Datastreams/colour eq 1", "Datastream has no 'colour'"),
        ("Things", "name/first eq 'x'", "name has no 'first'"),
        ("Things", "name", "a condition takes true or false, not text"),
        ("Things", "name eq 5", "takes a number, not text"),
        ("Things", "id eq 'x'", "'x' is no id of Things"),
        ("Things", "soundex(name) eq 'x'", "there is no function 'soundex'"),
        ("Things", "length(name, name) eq 1", "length takes 1 arguments, not 2"),
        ("Things", "year(name) eq 1", "year takes a time, not text"),
        ("Things", "substringof(name) eq true", "substringof takes 2 arguments, not 1"),
        ("Things", "Datastreams/any(d: d/name eq 'x')", "CollectionLambda is not offered"),
        ("Observations", "result eq 'abc'", "takes a number, not 'abc'"),
        ("Observations", "phenomenonTime gt 'yesterday'", "'yesterday' is not a time"),
        ("Observations", "phenomenonTime gt 2026-02-31T00:00:00Z", "is not a time"),
        ("Observations", "date(phenomenonTime) eq 2026-02-31", "is not a date"),
        ("Observations", "id eq 5", "'5' is no id of Observations"),
        ("Observations", "Datastream/Observations/id eq FeatureOfInterest/id", "an id of another kind"),
        ("Observations", "result gt", "cannot be read"),
        ("Locations", "location eq 'x'", "takes"),
        ("Locations", "st_within(location, geography'POLYGON((1 2')", "not well-known text"),
        ("Locations", "st_within(location, geography'')", "not well-known text"),
        ("Locations", "st_within(location, geography'POINT (nan 1)')", "geography'POINT (nan 1)'"),
        ("Locations", "st_within(location, geography'POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))')", "is not valid: Self-intersection"),
        ("Locations", "st_within(location, 'POINT (1 2)')", "st_within takes a geometry"),
        ("Locations", "st_relate(location, geography'POINT (1 2)', 'TTT')", "a pattern of nine"),
        ("Locations", "geo.distance(name, geography'POINT (1 2)') lt 1", "geo.distance takes a geometry, not text"),
        ("Observations", "not result gt 2", "a condition takes true or false, not a number"),
        ("Things", "(" * 400 + "true" + ")" * 400 + " or " + "not " * 1500 + "true", "too deeply"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_filter_is_said(client: Any, path: str, text: str, says: str) -> None:
    answer = client.get(f"/sta/v1.1/{path}", {"$filter": text})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "$filter")
    assert says in answer.json()["detail"]


def test_a_number_out_of_range_is_a_bad_filter(client: Any, post: Post) -> None:
    answer = client.get("/sta/v1.1/Observations", {"$filter": "result mul 1e308 mul 1e308 gt 1"})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "$filter")


PM10, RAIN, LEVEL = "Bare 'x': pm10", "Pos Air Katulampa: rain", "Pos Air Katulampa: Tinggi muka air"
ORDERS = [
    ("Observations", "result desc", "result", [3.25, 2.0, 1.5, -999.0]),
    ("Observations", "phenomenonTime", "result", [1.5, -999.0, 2.0, 3.25]),
    ("Observations", "resultTime desc", "result", [3.25, 2.0, -999.0, 1.5]),
    ("Observations", "id desc", "result", [-999.0, 3.25, 2.0, 1.5]),
    ("Observations", "Datastream/unitOfMeasurement/symbol desc, phenomenonTime desc", "result", [-999.0, 3.25, 2.0, 1.5]),
    ("Observations", "Datastream/id desc,phenomenonTime", "result", [-999.0, 1.5, 2.0, 3.25]),
    ("Observations", "result mod 2 asc, result", "result", [-999.0, 2.0, 3.25, 1.5]),
    ("Things", "length(name),name", "name", ["Far", "Bare 'x'", "Pos Air Katulampa"]),
    ("Things", "properties/slug", "name", ["Bare 'x'", "Far", "Pos Air Katulampa"]),
    # Null comes first, and last where the order is turned round.
    ("Datastreams", "Sensor/name,id", "description", [PM10, RAIN, LEVEL]),
    ("Datastreams", "Sensor/name desc,id", "description", [LEVEL, PM10, RAIN]),
]  # fmt: skip


def test_order(client: Any, post: Post) -> None:
    for path, order, name, expected in ORDERS:
        answer = client.get(f"/sta/v1.1/{path}", {"$orderby": order, "$select": name}).json()
        assert [each[name] for each in answer["value"]] == expected, order


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("colour", "Thing has no 'colour'"),
        ("Datastreams/name", "leads to several"),
        ("name,,id", "empty"),
        ("name up", "cannot be read"),
        ("Datastreams", "leads to"),
    ],
)
def test_what_is_wrong_with_an_order_is_said(client: Any, order: str, says: str) -> None:
    answer = client.get("/sta/v1.1/Things", {"$orderby": order}).json()
    assert answer["parameter"] == "$orderby"
    assert says in answer["detail"]
