"""CQL2 filters as SQL, and what is refused. What the SQL selects is in tests/db/test_cql2.py."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.gis.geos import GEOSGeometry
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.layers.cql2 import OPERATORS, compile_filter
from geo.layers.layer import Condition
from server.core.errors import BadParameter
from tests.probe_layer import probe_layer

LAYER = probe_layer()


def compiled(text: str, lang: Any = "cql2-text", srid: int = 4326, flip: bool = False) -> Condition:
    return compile_filter(text, lang=lang, layer=LAYER, zone=ZoneInfo("Asia/Jakarta"), srid=srid, flip=flip)


def refusal(text: str, lang: Any = "cql2-text", **crs: Any) -> str:
    with pytest.raises(BadParameter) as caught:
        compiled(text, lang, **crs)
    assert caught.value.name == "filter"
    return caught.value.detail


def geometry(text: str, **crs: Any) -> GEOSGeometry:
    (place,) = compiled(f"S_INTERSECTS(geom, {text})", **crs).params.values()
    return GEOSGeometry(place)


# --- What a filter becomes


def test_values_are_parameters_and_never_sql() -> None:
    condition = compiled("name = 'x'' OR 1=1 --' AND count > 3")
    assert condition.sql == "((s.name::text = %(cql_0)s::text) AND (s.count > %(cql_1)s))"
    assert condition.params == {"cql_0": "x' OR 1=1 --", "cql_1": 3}


def test_a_boolean_property_alone_is_a_filter() -> None:
    assert compiled("flag").sql == "s.flag"
    assert compiled("NOT flag").sql == "(NOT s.flag)"


def test_text_and_json_say_the_same() -> None:
    node = {"op": "and", "args": [{"op": "like", "args": [{"property": "name"}, "a%"]}, {"property": "flag"}]}
    assert compiled("name LIKE 'a%' AND flag") == compiled(json.dumps(node), "cql2-json")


def test_whole_numbers_of_json_keep_all_their_digits() -> None:
    node = {"op": "=", "args": [{"property": "count"}, 9007199254740993]}
    assert compiled(json.dumps(node), "cql2-json").params == {"cql_0": 9007199254740993}


def test_two_columns_or_arithmetic_meet_as_numeric() -> None:
    assert compiled("count = size").sql == "(s.count::numeric = s.size::numeric)"
    assert compiled("count + 1 = 2").sql == "((s.count::numeric + %(cql_0)s::numeric) = %(cql_1)s::numeric)"


def test_a_division_by_zero_has_no_value() -> None:
    assert "/ nullif(%(cql_1)s::numeric, 0)" in compiled("1 / 0 = 1").sql
    assert "mod(s.count::numeric, nullif(s.size::numeric, 0))" in compiled("count % size = 1").sql


def test_an_interval_ends_with_the_last_microsecond_of_its_day() -> None:
    condition = compiled("T_INTERSECTS(at, INTERVAL('2026-03-01', '2026-03-01'))")
    assert datetime(2026, 3, 1, 16, 59, 59, 999999, tzinfo=UTC) in condition.params.values()


def test_casei_and_accenti_are_the_same_in_either_order() -> None:
    sql = compiled("CASEI(ACCENTI(name)) = ACCENTI(CASEI('É'))").sql
    assert sql == (
        "(lower(unaccent(normalize(s.name::text, NFC))) = (SELECT lower(unaccent(normalize(%(cql_0)s::text, NFC)))))"
    )


def test_a_pattern_is_two_parameters_and_is_folded_once_and_not_for_each_row() -> None:
    """A thousand runs, each of them folded for each row, took 20 s; 3,900 overflowed PostgreSQL's stack."""
    condition = compiled(r"ACCENTI(name) LIKE ACCENTI('%a\%_b')")
    assert condition.params == {"cql_0": ["%", "", "_", ""], "cql_1": ["", "a%", "", "b"]}
    assert condition.sql.startswith("(unaccent(normalize(s.name::text, NFC)) LIKE (SELECT ")


def test_a_folded_literal_is_folded_once_and_not_for_each_row() -> None:
    sql = compiled("ACCENTI(name) = ACCENTI('é')").sql
    assert sql.endswith(" = (SELECT unaccent(normalize(%(cql_0)s::text, NFC))))")


# --- Each of these within the length of a filter took minutes on 7,000 rows, and nothing ended it


@pytest.mark.parametrize(
    ("one", "most"),
    [
        ("ACCENTI(name) = '{}'", 12),
        ("CASEI(name) LIKE '%{}%'", 100),
        ("S_INTERSECTS(geom, BBOX(106,-7,106.{},-6))", 40),
        ("S_TOUCHES(geom, BBOX(106,-7,106.{},-6))", 10),
        ("size ^ 16 = {}", 175),
        ("((1e300+size+1e-300)^9) / ((1e200+size+1e-200)^5) = {}", 0),
        ("((1e300+size+1e-300)^9) % (size+1e-300) = {}", 0),
    ],
)
def test_what_a_filter_costs_for_each_row_is_bounded(one: str, most: int) -> None:
    if most:
        compiled(" OR ".join(one.format(i) for i in range(100, 100 + most)))
    assert "takes too long for each row" in refusal(" OR ".join(one.format(i) for i in range(100, 101 + most)))


def test_what_holds_no_property_costs_nothing_for_each_row() -> None:
    compiled(" OR ".join(f"2 ^ 16 = {i} OR CASEI('A') = '{i}'" for i in range(200)))


def test_a_geometry_against_itself_is_not_computed() -> None:
    assert compiled("S_CONTAINS(geom, geom)").sql == "(s.geom IS NOT NULL OR NULL)"
    assert compiled("S_TOUCHES(geom, geom)").sql == "(s.geom IS NULL AND NULL)"


@pytest.mark.parametrize("place", [[1e10, 0], [0, -1e20], [1.7e308, 1.7e308], [10**300, 0]])
@pytest.mark.parametrize("srid", [3857, 32748])
def test_coordinates_beyond_the_earth_are_refused_before_a_transform_that_would_not_return(
    place: list[float], srid: int
) -> None:
    for shape in ({"type": "Point", "coordinates": place}, {"type": "LineString", "coordinates": [[0, 0], place]}):
        node = {"op": "s_intersects", "args": [{"property": "geom"}, shape]}
        assert f"lies where EPSG:{srid} is not defined" in refusal(json.dumps(node), "cql2-json", srid=srid)


def test_the_functions_are_listed_by_class() -> None:
    assert OPERATORS["text"] == ("casei", "accenti")
    assert len(OPERATORS["spatial"]) == 8
    assert len(OPERATORS["temporal"]) == 15


# --- Geometries


def test_a_geometry_is_transformed_and_the_column_is_not() -> None:
    condition = compiled("S_WITHIN(geom, POINT(723463 9307950))", srid=32748)
    assert condition.sql == "(ST_Within(s.geom, %(cql_0)s::geometry))"
    point = GEOSGeometry(condition.params["cql_0"])
    # By `echo 723463 9307950 | gdaltransform -s_srs EPSG:32748 -t_srs OGC:CRS84`.
    assert (point.srid, round(point.x, 5), round(point.y, 5)) == (4326, 107.01975, -6.25706)


def test_latitude_first_is_turned_round() -> None:
    assert geometry("POINT(-6.2 107.1)", flip=True).coords == (107.1, -6.2)
    assert geometry("BBOX(-6.3, 107, -6.2, 107.1)", flip=True).extent == (107.0, -6.3, 107.1, -6.2)


def test_a_box_across_the_antimeridian_is_two() -> None:
    box = geometry("BBOX(170, -10, -170, 10)")
    assert [part.extent for part in box] == [(170.0, -10.0, 180.0, 10.0), (-180.0, -10.0, -170.0, 10.0)]


def test_a_box_without_width_is_a_line_or_a_point() -> None:
    assert geometry("BBOX(107, -6, 107, -5)").geom_type == "LineString"
    assert geometry("BBOX(107, -6, 107, -6)").geom_type == "Point"
    assert geometry("BBOX(107, -6, 0, 108, -5, 9)").extent == (107.0, -6.0, 108.0, -5.0)


def test_heights_are_left_out() -> None:
    assert geometry("POINT Z (107 -6 12)").coords == (107.0, -6.0)


def test_a_mixed_collection_intersects_where_one_of_its_parts_does() -> None:
    text = "GEOMETRYCOLLECTION(POINT(107 -6), LINESTRING(107 -6, 108 -6), POINT(108 -6))"
    assert compiled(f"S_INTERSECTS(geom, {text})").sql == (
        "(ST_Intersects(s.geom, %(cql_0)s::geometry) OR ST_Intersects(s.geom, %(cql_1)s::geometry))"
    )
    assert "mixed" in refusal(f"S_TOUCHES(geom, {text})")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))", "Self-intersection[0.5 0.5]"),
        ("POLYGON((0 0, 1 1, 1 0))", "must end where it begins"),
        ("LINESTRING(0 0)", "cannot be built"),
        ("LINESTRING(0 0, 0 0)", "not valid"),
        ("POLYGON EMPTY", "empty"),
        ("POINT(107)", "POINT"),
        ("POINT(-6.2 107.1)", "outside the earth"),
        ("BBOX(0, 5, 1, 4)", "lower corner first"),
        ("BBOX(0, 5, 1)", "two corners"),
    ],
)
def test_a_geometry_that_is_none_is_refused(text: str, said: str) -> None:
    assert said in refusal(f"S_INTERSECTS(geom, {text})")


# --- What is refused, and how


def test_an_unknown_property_is_answered_with_the_known_ones() -> None:
    known = "name, id, count, size, exact, flag, at, until, tags, geom"
    assert refusal("colour = 'red'") == f"there is no property 'colour'; known are {known}"


def test_an_unknown_function_is_answered_with_the_known_ones() -> None:
    said = refusal("pg_sleep(10) = 1")
    assert said.startswith("there is no operator or function 'pg_sleep'; known are and, or, not, =")


def test_a_slip_is_answered_with_its_place() -> None:
    said = "the filter cannot be read at character 10, near '= 3': a property, a value or a function is expected"
    assert refusal("count >  = 3") == said
    assert "line 2, character 7, at its end" in refusal("flag\nAND n=")
    assert refusal("flag flag").endswith("character 6, near 'flag': an operator, or the end, is expected")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 1", "name is text and 1 is a number"),
        ("count = '1'", "count is a number and '1' is text"),
        ("count = flag", "count is a number and flag is true or false"),
        ("at > 5", "at is a time and 5 is a number"),
        ("at = name", "at is a time and name is text"),
        ("at = 'noon'", "'noon' is not a day"),
        ("flag < TRUE", "= and <> compare"),
        ("flag BETWEEN TRUE AND FALSE", "= and <> compare"),
        ("name IN ('a', 1)", "name is text and 1 is a number"),
        ("count BETWEEN 1 AND 'z'", "count is a number and 'z' is text"),
        ("geom = 1", "geom is a geometry"),
        ("tags = 'a'", "isNull is all"),
        ("at = INTERVAL('2026-01-01', '..')", "is an interval"),
        ("count LIKE 'a'", "like takes text; count is a number"),
        ("name LIKE id", "LIKE takes its pattern as text"),
        ("name + 1 = 2", "+ takes numbers; name is text"),
        ("CASEI(count) = 'a'", "casei takes text; count is a number"),
        ("S_WITHIN(name, POINT(1 2))", "s_within takes geometries; name is text"),
        ("T_AFTER(name, DATE('2026-01-01'))", "t_after takes times and intervals; name is text"),
        ("T_DURING(at, until)", "both moments"),
        ("name = NULL", "isNull"),
        ("name = ('a', 'b')", "only after IN"),
        ("isNull(1)", "isNull asks for a property's value"),
        ("name", "the filter must be true or false; name is text"),
        ("1", "the filter must be true or false; 1 is a number"),
        ("flag AND count", "and must be true or false; count is a number"),
        ("NOT count", "not must be true or false"),
    ],
)
def test_kinds_that_do_not_fit_together_are_refused(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("at = DATE('2026-02-30')", "is not a date"),
        ("at = DATE('9999-12-31')", "between 1000 and 8999"),
        ("at = DATE('2026-03-01T00:00:00Z')", "DATE takes a day"),
        ("at = TIMESTAMP('2026-03-01')", "TIMESTAMP takes a time"),
        ("at = TIMESTAMP('2026-03-01T25:00:00Z')", "is not a date"),
        ("at = TIMESTAMP('9000-01-01T00:00:00Z')", "between 1000 and 8999"),
        ("at = DATE(name)", "DATE takes a day"),
        ("T_DURING(at, INTERVAL('2026-03-02', '2026-03-01'))", "ends before it starts"),
        ("T_DURING(at, INTERVAL(1, '..'))", "INTERVAL takes days"),
        ("T_DURING(at, INTERVAL('', '..'))", "is not a day"),
        ("count = 1e400", "lies beyond"),
        ("count ^ 0.5 = 1", "whole number from -16 to 16, not 0.5"),
        ("count ^ count = 1", "whole number from -16 to 16, not count"),
        ("((size ^ 16) ^ 16) ^ 16 = 1", "more than 6000 digits"),
        (r"name LIKE 'a\'", "ends with a backslash"),
        (r"ACCENTI(name) LIKE ACCENTI('a\\\')", "ends with a backslash"),
        ("name LIKE '" + "a_" * 51 + "'", "more than 50 wildcards"),
        ("CASEI(name) LIKE '" + "%" * 51 + "'", "more than 50 wildcards"),
        ("name = '" + "x" * 2001 + "'", "has 2001 characters; 2000 are possible"),
        ("name = 'a\0'", "NUL"),
        ("name = '\ud800'", "surrogate"),
        ("", "empty"),
        ("name = '" + "x" * 10_000 + "'", "10000 are possible"),
    ],
)
def test_values_out_of_bounds_are_refused(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes at line 1, character 2"),
        ("[]", "a list stands only after IN"),
        ("null", "isNull"),
        ("{}", "no operator, property, time or geometry"),
        ('{"op": "=", "args": [1]}', "= takes 2 arguments, not 1"),
        ('{"op": "and", "args": [true]}', "and takes 2 or more arguments, not 1"),
        ('{"op": "=", "args": {"property": "name"}}', "list of arguments"),
        ('{"op": ["="], "args": [1, 2]}', "no operator or function"),
        ('{"op": "in", "args": [{"property": "count"}, 1]}', "IN takes a list"),
        ('{"op": "in", "args": [{"property": "count"}, []]}', "IN takes a list"),
        ('{"property": ["name"]}', "there is no property"),
        ('{"op": "=", "op": "<", "args": [1, 2]}', "the same name twice"),
        ('{"op": "=", "args": [{"property": "size"}, NaN]}', "NaN"),
        ('{"op": "=", "args": [{"property": "size"}, 1e999]}', "lies beyond"),
        ('{"op": "=", "args": [{"property": "count"}, 1' + "0" * 5000 + "]}", "too many digits"),
        ('{"op": "=", "args": [{"property": "name"}, "\\u0000"]}', "NUL"),
        ('{"op": "=", "args": [{"property": "name"}, "\\ud800"]}', "surrogate"),
        ('{"interval": ["2026-03-01"]}', "a start and an end"),
        ('{"type": "Point", "coordinates": ["107", -6]}', "not a number"),
        ('{"type": "Point", "coordinates": [1e999, -6]}', "not finite"),
        ('{"type": "Point"}', "position"),
        ('{"type": "Polygon", "coordinates": 7}', "must be lists"),
        ('{"type": "Curve", "coordinates": []}', "possible are Point"),
        ('{"type": ["Point"], "coordinates": [1, 2]}', "possible are Point"),
        ('{"type": "GeometryCollection", "geometries": [{"type": ["Point"]}]}', "plain geometries"),
        ("[" * 9_000, "nested too deeply"),
        ('{"op":"not","args":[' * 60 + "true" + "]}" * 60, "nested too deeply"),
    ],
)
def test_json_that_is_no_filter_is_refused(text: str, said: str) -> None:
    assert said in refusal(text, "cql2-json")


# --- The parser is native code: too deep a nesting would overflow its stack and end the process


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4000 + "flag" + ")" * 4000,
        "NOT " * 2400 + "flag",
        "count = " + "-" * 4000 + "1",
        "CASEI(" * 1300 + "name" + ")" * 1300,
        "=".join(["name"] * 1900),
        "count IN " + "(" * 4000 + "1" + ")" * 4000,
        "-(" * 3000 + "count" + ")" * 3000,
        " OR ".join(["1=1"] * 1200),
    ],
)
def test_what_would_overflow_the_parser_never_reaches_it(text: str) -> None:
    assert "too deep" in refusal(text) or "too large" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 30 + "flag",
        "CASEI((CASEI((" * 12 + "name name" + "))))" * 12,
        "(" * 8 + "count IN (" + ",".join(["1"] * 4400) + " 1)" + ")" * 8,
        "(" * 5 + " AND ".join(["flag"] * 480) + " 1" + ")" * 5,
    ],
)
def test_what_the_parser_would_read_over_and_over_is_answered_soon(text: str) -> None:
    started = time.perf_counter()
    refusal(text)
    assert time.perf_counter() - started < 2.0


def test_a_long_but_flat_filter_is_possible() -> None:
    compiled(" OR ".join(["count = 1"] * 400))
    compiled("count IN (" + ",".join(["1"] * 4000) + ")")
    ring = ", ".join(f"107.{i} -6.1" for i in range(700))
    compiled(f"NOT (flag AND S_INTERSECTS(geom, LINESTRING({ring})))")


# --- Whatever is sent, BadParameter alone comes back

WORDS = (
    *(
        "name",
        "count",
        "size",
        "flag",
        "at",
        "until",
        "tags",
        "geom",
        "other",
        '"name"',
        "true",
        "null",
        "1",
        "-2.5",
        "1e300",
    ),
    *(
        "'a'",
        "'%'",
        "'2026-03-01'",
        "'..'",
        "''",
        "DATE('2026-03-01')",
        "TIMESTAMP('2026-03-01T00:00:00Z')",
        "POINT(1 2)",
    ),
    *(
        "BBOX(1,2,3,4)",
        "POLYGON((0 0,1 0,1 1,0 0))",
        "INTERVAL('2026-03-01',",
        "(",
        "(",
        ")",
        ")",
        ",",
        "=",
        "<>",
        "<=",
        "+",
    ),
    *(
        "-",
        "*",
        "/",
        "%",
        "^",
        "DIV",
        "AND",
        "OR",
        "NOT",
        "IN",
        "LIKE",
        "BETWEEN",
        "IS NULL",
        "CASEI(",
        "S_WITHIN(",
        "T_AFTER(",
    ),
)
NODES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["..", "2026-03-01", "2026-03-01T00:00:00Z", "%\\"]),
        st.sampled_from([prop.name for prop in LAYER.properties] + ["geom", "x"]).map(lambda name: {"property": name}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.builds(
            lambda op, args: {"op": op, "args": args},
            st.sampled_from([op for ops in OPERATORS.values() for op in ops] + ["f"]),
            st.lists(inner, max_size=3),
        ),
        st.builds(
            lambda kind, value: {kind: value},
            st.sampled_from(["date", "timestamp", "interval", "bbox", "property"]),
            inner,
        ),
        st.builds(
            lambda kind, value: {"type": kind, "coordinates": value, "geometries": value},
            st.sampled_from(["Point", "LineString", "Polygon", "MultiPoint", "MultiPolygon", "GeometryCollection"]),
            inner,
        ),
    ),
    max_leaves=12,
)


def survives(text: str, lang: str, srid: int, flip: bool) -> None:
    with suppress(BadParameter):
        condition = compiled(text, lang, srid, flip)
        # As the driver fills it in: every place has its value.
        assert condition.sql % dict.fromkeys(condition.params, "")


CRS = {"srid": st.sampled_from([4326, 3857, 32748]), "flip": st.booleans()}


@settings(max_examples=200, deadline=None)
@given(text=st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)), **CRS)
def test_any_text_is_compiled_or_refused(text: str, srid: int, flip: bool) -> None:
    survives(text, "cql2-text", srid, flip)
    survives(text, "cql2-json", srid, flip)


@settings(max_examples=300, deadline=None)
@given(node=NODES, **CRS)
def test_any_json_is_compiled_or_refused(node: Any, srid: int, flip: bool) -> None:
    survives(json.dumps(node), "cql2-json", srid, flip)
