"""`$filter` (OGC 18-088, clauses 9.3.3.5.1 and 9.3.3.5.2), over HTTP: every operator and function, worked by hand."""

from typing import Any

import pytest

from tests.sensorthings.contract import Service, Town, meets

pytestmark = pytest.mark.django_db

KATULAMPA, STATION, NOWHERE = "Pos Air Katulampa", "Stasiun Cuaca", "Sensor Things"
ALL = [1.5, 2.0, 3.25]


def level(service: Service, town: Town, text: str) -> list[Any]:
    """Of 1.5 at 00:00 and 2 at 01:00 on the 1st, 3.25 at 00:00 on the 2nd of March 2026."""
    return service.values(f"Datastreams({town.river.level})/Observations", "result", filter=text)


# Operators (table 22)

OPERATORS: dict[str, list[Any]] = {
    "result eq 2": [2.0],
    "result ne 2": [1.5, 3.25],
    "result gt 2": [3.25],
    "result ge 2": [2.0, 3.25],
    "result lt 2": [1.5],
    "result le 2": [1.5, 2.0],
    "result le 3.5 and result gt 1.75": [2.0, 3.25],
    "result lt 1.75 or result gt 3": [1.5, 3.25],
    "not (result lt 1.75 or result gt 3)": [2.0],
    "result add 5 gt 8": [3.25],
    "result sub 1 eq 1": [2.0],
    "result mul 2 eq 6.5": [3.25],
    "result div 2 eq 0.75": [1.5],
    "result mod 2 eq 1.25": [3.25],
    "2 eq result": [2.0],
    "result gt -1e3": ALL,
    "0 sub result lt -3": [3.25],
    "true": ALL,
    "false": [],
}
PRECEDENCE: dict[str, list[Any]] = {
    # `and` before `or`: otherwise nothing would be left.
    "result eq 1.5 or result eq 2 and result gt 9": [1.5],
    "(result eq 1.5 or result eq 2) and result gt 9": [],
    # `not` before `and`: otherwise all but 2 would be found.
    "not (result gt 2) and result gt 1.75": [2.0],
    # Multiplication before addition: 2 + 1 · 2 is 4, (2 + 1) · 2 is 6.
    "result add 1 mul 2 eq 4": [2.0],
    "(result add 1) mul 2 eq 6": [2.0],
    "10 sub result div 2 eq 9": [2.0],
    # From the left: (8 − 4) − 2 is 2, (8 ÷ 4) · 2 is 4.
    "8 sub 4 sub 2 eq result": [2.0],
    "8 div 4 mul result eq 4": [2.0],
    # Comparison before `and`, arithmetic before comparison.
    "result sub 1 gt 1 and result mul 2 lt 7": [3.25],
}


@meets("request-data/filter", "request-data/built-in-filter-operations")
@pytest.mark.parametrize("text", [*OPERATORS, *PRECEDENCE])
def test_an_operator(service: Service, town: Town, text: str) -> None:
    assert level(service, town, text) == {**OPERATORS, **PRECEDENCE}[text]


NULLS: dict[str, list[Any]] = {
    "validTime eq null": ALL,
    "validTime ne null": [],
    "result eq null": [],
    "result ne null and result gt 3": [3.25],
    # A comparison with null other than of equality is not true (OData, 5.1.1.1).
    "result gt null": [],
}


@meets("request-data/built-in-filter-operations")
@pytest.mark.parametrize("text", NULLS)
def test_null_is_equal_to_itself_alone(service: Service, town: Town, text: str) -> None:
    assert level(service, town, text) == NULLS[text]


# Functions of texts (table 23)

TEXTS: dict[str, list[str]] = {
    "substringof('Air',name)": [KATULAMPA],
    "substringof('air',name)": [],
    "endswith(description,'jembatan')": [KATULAMPA],
    "startswith(name,'S')": [NOWHERE, STATION],
    "not startswith(name,'S')": [KATULAMPA],
    "length(name) eq 17": [KATULAMPA],
    "indexof(name,'Air') eq 4": [KATULAMPA],
    "indexof(name,'nowhere') eq -1": [KATULAMPA, NOWHERE, STATION],
    "substring(name,8) eq 'Cuaca'": [STATION],
    "substring(name,0,6) eq 'Sensor'": [NOWHERE],
    "substring(name,7,3) eq 'Thi'": [NOWHERE],
    "tolower(name) eq 'sensor things'": [NOWHERE],
    "toupper(name) eq 'STASIUN CUACA'": [STATION],
    "trim(description) eq 'Atap balai kota'": [STATION],
    "description eq 'Atap balai kota'": [],
    "concat(concat(name,': '),description) eq 'Pos Air Katulampa: Di jembatan'": [KATULAMPA],
    "description eq 'O''Brien''s'": [NOWHERE],
    "name gt 'Sf'": [STATION],
}


@meets("request-data/built-in-query-functions")
@pytest.mark.parametrize("text", TEXTS)
def test_a_function_of_texts(service: Service, town: Town, text: str) -> None:
    assert service.values("Things", "name", filter=text, orderby="name") == TEXTS[text]


# Functions of times

TIMES: dict[str, list[Any]] = {
    "year(resultTime) eq 2026": ALL,
    "year(resultTime) eq 2025": [],
    "month(resultTime) eq 3": ALL,
    "day(resultTime) eq 2": [3.25],
    "hour(phenomenonTime) eq 1": [2.0],
    "minute(resultTime) eq 0": ALL,
    "second(resultTime) eq 0": ALL,
    "fractionalseconds(resultTime) ne 0": [],
    "date(resultTime) eq 2026-03-02": [3.25],
    "date(resultTime) ne date(validTime)": ALL,
    "time(resultTime) eq 01:00:00": [2.0],
    "time(phenomenonTime) lt 00:30:00": [1.5, 3.25],
    # Times are told in UTC.
    "totaloffsetminutes(resultTime) eq 0": ALL,
    "totaloffsetminutes(resultTime) eq 60": [],
    "resultTime lt now()": ALL,
    "resultTime ge now()": [],
    "resultTime eq mindatetime()": [],
    "resultTime gt mindatetime()": ALL,
    "resultTime lt maxdatetime()": ALL,
    # The same moment by the clock of Jakarta.
    "phenomenonTime eq 2026-03-01T08:00:00+07:00": [2.0],
    "phenomenonTime ge 2026-03-01T01:00:00.000Z and phenomenonTime lt 2026-03-02T00:00:00Z": [2.0],
    "phenomenonTime gt 2026-03-01T23:30:00Z sub duration'PT1H'": [3.25],
    "date(resultTime) le date(2026-03-01T12:00:00Z)": [1.5, 2.0],
}


@meets("request-data/built-in-query-functions")
@pytest.mark.parametrize("text", TIMES)
def test_a_function_of_times(service: Service, town: Town, text: str) -> None:
    assert level(service, town, text) == TIMES[text]


@meets("request-data/built-in-query-functions")
@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("minute(resultTime) eq 30", True),
        ("second(resultTime) eq 0", True),
        ("fractionalseconds(resultTime) eq 0.5", True),
        ("fractionalseconds(resultTime) eq 0", False),
        ("time(resultTime) eq 00:30:00.5", True),
        ("phenomenonTime eq 2026-03-01T00:30:00.500Z", True),
    ],
)
def test_parts_of_a_second(service: Service, town: Town, text: str, is_found: bool) -> None:
    """The rain was read at 00:30:00.5 on the 1st of March."""
    assert service.values(f"Datastreams({town.river.rain})/Observations", "result", filter=text) == [-999.0] * is_found


# Mathematical functions

NUMBERS: dict[str, list[Any]] = {
    # Half goes away from zero (OData, 5.1.1.9.1).
    "round(result) eq 2": [1.5, 2.0],
    "round(result) eq 3": [3.25],
    "round(0 sub result) eq -2": [1.5, 2.0],
    "floor(result) eq 1": [1.5],
    "floor(0 sub result) eq -4": [3.25],
    "ceiling(result) eq 4": [3.25],
    "ceiling(result) eq 2": [1.5, 2.0],
}


@meets("request-data/built-in-query-functions")
@pytest.mark.parametrize("text", NUMBERS)
def test_a_function_of_numbers(service: Service, town: Town, text: str) -> None:
    assert level(service, town, text) == NUMBERS[text]


# Functions of places

FIRST, NOW, ROOF, RIVER = KATULAMPA, "Katulampa", "Atap", "River"
# Around the river post's present place; its east border cuts the river in the middle.
AROUND = "geography'POLYGON ((106.85 -6.7, 106.95 -6.7, 106.95 -6.55, 106.85 -6.55, 106.85 -6.7))'"
# Its west border goes through the station, where the river ends.
EAST = "geography'POLYGON ((107 -7, 108 -7, 108 -6, 107 -6, 107 -7))'"
ACROSS = "geography'LINESTRING (106.95 -7, 106.95 -6)'"
PLACES: dict[str, list[str]] = {
    # On the spheroid, a tenth of a degree of longitude at 6.6° south is 11.06 km:
    # 6378.42 km · cos 6.6° · 0.1 · π/180, with 6378.42 km the radius of curvature in the prime vertical.
    "geo.distance(feature, geography'POINT (106.9 -6.6)') lt 11000": [NOW, RIVER],
    "geo.distance(feature, geography'POINT (106.9 -6.6)') lt 11100": [ROOF, NOW, RIVER],
    "geo.length(feature) gt 11000 and geo.length(feature) lt 11100": [RIVER],
    "geo.length(geography'LINESTRING (106.9 -6.6, 107 -6.6)') gt 11100": [],
    f"geo.intersects(feature, {AROUND})": [NOW, RIVER],
    "st_equals(feature, geography'POINT (107 -6.6)')": [ROOF],
    f"st_disjoint(feature, {AROUND})": [ROOF, FIRST],
    f"st_touches(feature, {EAST})": [ROOF, RIVER],
    f"st_within(feature, {AROUND})": [NOW],
    "st_overlaps(feature, geography'LINESTRING (106.95 -6.6, 107.05 -6.6)')": [RIVER],
    f"st_crosses(feature, {ACROSS})": [RIVER],
    f"st_intersects(feature, {ACROSS})": [RIVER],
    "st_contains(feature, geography'POINT (106.95 -6.6)')": [RIVER],
    # Interiors meet, and nothing of the first is outside: within.
    f"st_relate(feature, {AROUND}, 'T*F**F***')": [NOW],
    f"not st_disjoint(feature, {ACROSS}) and name ne 'x'": [RIVER],
}


@meets("request-data/built-in-query-functions")
@pytest.mark.parametrize("text", PLACES)
def test_a_function_of_places(service: Service, town: Town, text: str) -> None:
    assert service.values("FeaturesOfInterest", "name", filter=text, orderby="name") == PLACES[text]


# Paths

PATHS: list[tuple[str, str, str, list[Any]]] = [
    ("Datastreams", "unitOfMeasurement/name eq 'hectopascal'", "name", ["Pressure"]),
    ("Things", "properties/n eq 5", "name", [NOWHERE]),
    ("Things", "properties/owner eq 'BBWS'", "name", [KATULAMPA]),
    ("Things", "Locations/name eq 'Atap'", "name", [STATION]),
    ("Things", "Datastreams/Observations/result ge 1204", "name", [STATION]),
    ("Things", "Datastreams/Observations/result gt 1204", "name", []),
    ("Things", "geo.distance(Locations/location, geography'POINT (107 -6.6)') lt 1", "name", [STATION]),
    ("Sensors", "Datastreams/Thing/name eq 'Stasiun Cuaca'", "name", ["BMP280"]),
    ("Observations", "Datastream/Thing/name eq 'Stasiun Cuaca' and result le 1001", "result", [1000, 1001]),
    ("Observations", "result le 1.75 and FeatureOfInterest/name eq 'Pos Air Katulampa'", "result", [1.5, -999]),
    ("ObservedProperties", "Datastreams/unitOfMeasurement/symbol eq 'mm'", "name", ["rain"]),
]


@meets("request-data/filter")
@pytest.mark.parametrize(("path", "text", "name", "expected"), PATHS)
def test_a_path_to_what_is_related(
    service: Service, town: Town, path: str, text: str, name: str, expected: list[Any]
) -> None:
    assert service.values(path, name, filter=text) == expected


@meets("request-data/filter")
def test_ids_are_compared_with_and_without_quotes(service: Service, town: Town) -> None:
    """The standard's own examples have both: `Datastream/id eq '1'`."""
    for id_ in (f"{town.river.level}", f"'{town.river.level}'"):
        assert service.values("Observations", "result", filter=f"Datastream/id eq {id_}") == ALL
    assert service.values("Things", "name", filter=f"id eq {town.station}") == [STATION]


@meets("request-data/filter")
def test_the_standards_example_of_features_and_days(service: Service, town: Town) -> None:
    """9.3.3.5, the last example: things that observed a feature from a day to a day, with those observations' datastreams."""
    way = "Datastreams/Observations"

    def until(day: str) -> list[Any]:
        text = (
            f"{way}/FeatureOfInterest/id eq {town.river.first_place} and {way}/resultTime ge 2026-03-01T00:00:00Z"
            f" and date({way}/resultTime) le date({day}T23:00:00Z)"
        )
        found: list[Any] = service.get("Things", filter=text, expand=f"{way}/FeatureOfInterest")["value"]
        return found

    assert until("2026-02-28") == []
    (thing,) = until("2026-03-01")
    assert thing["name"] == KATULAMPA
    seen = thing["Datastreams"][0]["Observations"][0]["FeatureOfInterest"]
    assert seen["@iot.id"] == town.river.first_place


@meets("request-data/filter")
def test_a_filter_is_read_as_a_url_is(service: Service, town: Town) -> None:
    """Of a form-encoded query `+` is a blank, and `%27` a quote."""
    for query in (
        "$filter=name+eq+'Stasiun+Cuaca'",
        "$filter=name%20eq%20%27Stasiun%20Cuaca%27",
        "%24filter=name%20eq%20'Stasiun%20Cuaca'",
    ):
        (thing,) = service.get(f"{service.root}/Things?{query}")["value"]
        assert thing["name"] == STATION
