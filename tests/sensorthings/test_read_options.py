"""How query options are read, without a database (OGC 18-088, clause 9.3)."""

from typing import Any

import pytest

from sensors.sensorthings.entities import DATASTREAM, OBSERVATION, THING
from sensors.sensorthings.options import Expansion, parse_query, split
from sensors.sensorthings.paths import parse_path
from sensors.sensorthings.syntax import parse_expression
from server.core.errors import BadParameter, NotFound, Unsupported


def expansions(text: str, entity: Any = THING) -> tuple[Expansion, ...]:
    return parse_query(entity, {"$expand": text}).expand


def test_a_list_is_split_outside_parentheses_and_quotes_alone() -> None:
    assert split("a,b(c,d),concat('x,y',z) desc", ",", "$orderby") == ["a", "b(c,d)", "concat('x,y',z) desc"]
    assert split("'a '' , b',c", ",", "$orderby") == ["'a '' , b'", "c"]


@pytest.mark.parametrize("text", ["a,,b", "a,", "(a", "a)", "'a", "a)b("])
def test_a_list_with_a_gap_or_an_open_end_is_refused(text: str) -> None:
    with pytest.raises(BadParameter) as error:
        split(text, ",", "$select")
    assert error.value.name == "$select"


def test_options_inside_an_expansion_belong_to_it() -> None:
    (streams,) = expansions(
        "Datastreams($select=name,id;$expand=Observations($top=1;$orderby=phenomenonTime desc);$count=true)"
    )
    assert (streams.name, streams.query.select, streams.query.count) == ("Datastreams", ("name", "id"), True)
    (observations,) = streams.query.expand
    assert (observations.name, observations.query.top) == ("Observations", 1)
    assert observations.query.orderby[0].is_descending


def test_a_filter_inside_an_expansion_may_hold_its_separators() -> None:
    (streams,) = expansions("Datastreams($filter=name eq 'a;b)' and contains(name,'(');$top=3)")
    assert streams.query.top == 3
    assert streams.query.given[0] == ("$filter", "name eq 'a;b)' and contains(name,'(')")


def test_slashes_are_expansions_in_expansions_whose_options_are_the_last_ones() -> None:
    (streams,) = expansions("Datastreams/Observations($top=2)")
    assert (streams.query.top, streams.query.expand[0].query.top) == (100, 2)


def test_two_ways_that_begin_alike_are_one_with_two_branches() -> None:
    (streams,) = expansions("Datastreams/Sensor,Datastreams/ObservedProperty,Datastreams($top=4)")
    assert [each.name for each in streams.query.expand] == ["Sensor", "ObservedProperty"]
    assert streams.query.top == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Datastream", "leads to no 'Datastream', but to Locations, HistoricalLocations, Datastreams"),
        ("Datastreams($top=x)", r"in Datastreams(…): $top must be a whole number"),
        ("Datastreams(top=1)", "'top=1' is no query option"),
        ("Datastreams($resultFormat=dataArray)", "is no query option"),
        ("Datastreams($top=1;$top=2)", "$top is given twice"),
        ("Datastreams($top=1),Datastreams($top=2)", "Datastreams is given twice"),
        ("Datastreams($filter=)", "$filter"),
        ("Datastreams($expand=Observations($filter=result gt))", "in Observations(…): $filter"),
        ("Datastreams($top=1)x", "cannot be read"),
        (
            "Datastreams/Observations/Datastream/Thing/HistoricalLocations/Thing/Locations/Things/Locations",
            "deeper than 8",
        ),
    ],
)
def test_what_is_wrong_with_an_expansion_is_said(text: str, says: str) -> None:
    with pytest.raises(BadParameter) as error:
        expansions(text)
    assert error.value.name == "$expand"
    assert says in error.value.detail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("$top", "-1"),
        ("$top", "1.5"),
        ("$skip", "-1"),
        ("$count", "yes"),
        ("$select", "colour"),
        ("$select", "name,"),
        ("$orderby", "name descending"),
        ("$orderby", ""),
        ("$resultFormat", "CSV"),
        ("colour", "red"),
    ],
)
def test_an_option_that_cannot_be_understood_is_named(name: str, value: str) -> None:
    with pytest.raises(BadParameter) as error:
        parse_query(OBSERVATION, {name: value})
    assert error.value.name == name


def test_an_option_of_odata_that_is_not_offered_is_another_error() -> None:
    with pytest.raises(Unsupported):
        parse_query(THING, {"$search": "x"})


def test_a_data_array_is_of_observations_alone() -> None:
    assert parse_query(OBSERVATION, {"$resultFormat": "dataArray"}).is_data_array
    with pytest.raises(BadParameter, match="Observations alone"):
        parse_query(DATASTREAM, {"$resultFormat": "dataArray"})
    with pytest.raises(BadParameter, match="no room"):
        parse_query(OBSERVATION, {"$resultFormat": "dataArray", "$expand": "Datastream"})


def test_a_page_is_a_hundred_entities_and_ten_thousand_at_most() -> None:
    assert (parse_query(THING, {}).top, parse_query(THING, {"$top": "99999"}).top) == (100, 10_000)


@pytest.mark.parametrize(
    "text",
    [
        "result gt 5 and",
        "result ~ 5",
        "(result gt 5",
        "result gt 5)",
        "name eq 'x",
        "name eq x y",
        "/name eq 1",
        "()",
        "f(a=1,b=2,c=3)",
        "phenomenonTime gt 2026-13-01T00:00:00Zx",
    ],
)
def test_what_is_no_expression_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(BadParameter) as error:
        parse_expression(text, "$filter")
    assert error.value.name == "$filter"


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(BadParameter, match="too deeply"):
        parse_expression("/".join("a" * 3900) + " eq 1", "$filter")


@pytest.mark.parametrize(
    "path",
    [
        "Nothing",
        "things",
        "Things(x)",
        "Things(1)/colour",
        "Things(1)/name/more",
        "Things(1)/$value",
        "Things(1)/name/$ref",
        "Things/Datastreams",
        "Things/name",
        "Things(1)(2)",
        "Things(1)/Datastreams/Observations",
        "Observations(12)",
        "Observations('1-999999999999999999')",
        "Datastreams(1)/unitOfMeasurement/colour",
        "Things(1)//name",
        "/".join(["Things(1)"] * 30),
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        parse_path(path)


def test_an_observation_is_found_with_and_without_quotes_around_its_id() -> None:
    for text in ("Observations('12-1772323200000000')", "Observations(12-1772323200000000)"):
        key = parse_path(text).steps[0].key
        assert key is not None
        assert (key[0], str(key[1])) == (12, "2026-03-01 00:00:00+00:00")
