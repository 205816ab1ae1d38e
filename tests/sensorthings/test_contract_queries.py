"""Query options (OGC 18-088, clause 9.3), over HTTP: each alone, and together in the standard's order; pages; errors."""

from typing import Any

import pytest

from tests.sensorthings.contract import MINUTES, Service, Town, meets

pytestmark = pytest.mark.django_db


@pytest.fixture
def pressure(town: Town) -> str:
    """205 observations: 1000, 1001, … 1204."""
    return f"Datastreams({town.pressure})/Observations"


def results(service: Service, path: str, **options: str) -> list[float]:
    return [each["result"] for each in service.get(path, **options)["value"]]


# The order of evaluation


@meets("request-data", "request-data/order")
def test_filter_count_orderby_skip_and_top_are_evaluated_in_this_order(service: Service, pressure: str) -> None:
    page = service.get(
        # In another order in the URL, which means nothing.
        pressure,
        top="3",
        expand="Datastream($select=name)",
        select="result",
        skip="2",
        orderby="result desc",
        count="true",
        filter="result ge 1010",
    )
    # 1010 to 1204 are 195; from the highest down, the first two are left out.
    assert page["@iot.count"] == 195
    stream = {"Datastream": {"name": "Pressure"}}
    assert page["value"] == [{"result": 1202.0, **stream}, {"result": 1201.0, **stream}, {"result": 1200.0, **stream}]
    following = service.get(page["@iot.nextLink"])
    assert following["value"][0] == {"result": 1199.0, **stream}
    assert following["@iot.count"] == 195


@meets("request-data/order")
def test_what_is_filtered_by_or_sorted_by_need_not_be_selected(service: Service, pressure: str) -> None:
    found = service.get(
        pressure, filter="result lt 1003", orderby="phenomenonTime desc", select="resultQuality,result", top="1"
    )
    assert found["value"] == [{"result": 1002.0, "resultQuality": "good"}]


# $expand


@meets("request-data/expand")
def test_one_relation_or_several_are_expanded(service: Service, town: Town) -> None:
    stream = service.get(f"Datastreams({town.pressure})", expand="Thing,ObservedProperty")
    assert (stream["Thing"]["name"], stream["ObservedProperty"]["name"]) == ("Stasiun Cuaca", "Air pressure")
    assert "Sensor" not in stream
    assert stream["Sensor@iot.navigationLink"] == f"{service.root}/Datastreams({town.pressure})/Sensor"


@meets("request-data/expand")
def test_a_path_expands_every_entity_on_it(service: Service, town: Town) -> None:
    thing = service.get(f"Things({town.river.thing})", expand="Datastreams/ObservedProperty")
    codes = [each["ObservedProperty"]["properties"]["code"] for each in thing["Datastreams"]]
    assert codes == ["water_level", "rain"]
    assert thing["Datastreams"][0]["unitOfMeasurement"]["symbol"] == "cm"


@meets("request-data/expand")
def test_expansions_are_nested_with_options_of_their_own(service: Service, town: Town) -> None:
    inner = "Observations($orderby=phenomenonTime desc;$top=1;$select=result)"
    outer = f"Datastreams($select=name;$filter=unitOfMeasurement/symbol eq 'hPa';$expand={inner},Sensor($select=name))"
    (stream,) = service.get(f"Things({town.station})", select="name", expand=outer)["Datastreams"]
    link = stream.pop("Observations@iot.nextLink")
    assert stream == {"name": "Pressure", "Observations": [{"result": 1204.0}], "Sensor": {"name": "BMP280"}}
    assert results(service, link)[0] == 1203


EXPANSIONS = {
    "$filter=result eq 1001": [1001],
    "$filter=result lt 1003 and result gt 1000;$orderby=result desc": [1002, 1001],
    "$top=2": [1000, 1001],
    "$top=0": [],
    "$skip=203": [1203, 1204],
    "$orderby=result desc;$skip=1;$top=2": [1203, 1202],
    "$count=true;$top=1": [1000],
    "$select=result;$top=1": [1000],
}


@meets("request-data/expand")
@pytest.mark.parametrize("options", EXPANSIONS)
def test_an_option_inside_an_expansion_is_of_what_is_expanded(service: Service, town: Town, options: str) -> None:
    stream = service.get(f"Datastreams({town.pressure})", expand=f"Observations({options})")
    assert [each["result"] for each in stream["Observations"]] == EXPANSIONS[options]
    assert stream.get("Observations@iot.count") == (MINUTES if "$count=true" in options else None)


@meets("request-data/expand")
def test_what_is_expanded_and_empty_is_an_empty_array(service: Service, town: Town) -> None:
    assert service.get(f"Things({town.nowhere})", expand="Datastreams,Locations")["Datastreams"] == []


@meets("request-data/expand", "request-data/pagination")
def test_an_expanded_page_leads_on_to_its_end(service: Service, town: Town) -> None:
    stream = service.get(f"Datastreams({town.pressure})", expand="Observations($top=50;$select=result)")
    shown = [each["result"] for each in stream["Observations"]]
    for page in service.pages(stream["Observations@iot.nextLink"]):
        shown += [each["result"] for each in page]
    assert shown == [float(result) for result in range(1000, 1205)]


# $select


@meets("request-data/select")
def test_the_selected_properties_alone_are_returned(service: Service, town: Town) -> None:
    assert service.get(f"Things({town.station})", select="name") == {"name": "Stasiun Cuaca"}
    both = service.get("Things", select="description,name", filter="name eq 'Sensor Things'")
    assert both == {"value": [{"name": "Sensor Things", "description": "O'Brien's"}]}


@meets("request-data/select")
def test_an_id_and_a_relation_are_selected_as_properties_are(service: Service, town: Town) -> None:
    link = f"{service.root}/Datastreams({town.pressure})/Thing"
    found = service.get(f"Datastreams({town.pressure})", select="id,Thing")
    assert found == {"@iot.id": town.pressure, "Thing@iot.navigationLink": link}


@meets("request-data/select")
def test_what_is_expanded_is_returned_beside_what_is_selected(service: Service, pressure: str) -> None:
    found = service.get(pressure, select="result", expand="Datastream($select=name)", top="1")["value"]
    assert found == [{"result": 1000.0, "Datastream": {"name": "Pressure"}}]


# $orderby

ORDERS: list[tuple[str, str, str, list[Any]]] = [
    # Ascending unless it says otherwise.
    ("Things", "name", "name", ["Pos Air Katulampa", "Sensor Things", "Stasiun Cuaca"]),
    ("Things", "name asc", "name", ["Pos Air Katulampa", "Sensor Things", "Stasiun Cuaca"]),
    ("Things", "name desc", "name", ["Stasiun Cuaca", "Sensor Things", "Pos Air Katulampa"]),
    ("Things", "length(name) desc,name desc", "name", ["Pos Air Katulampa", "Stasiun Cuaca", "Sensor Things"]),
    ("HistoricalLocations", "Thing/name desc,time desc", "time",
     ["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"]),
    ("Datastreams", "unitOfMeasurement/symbol", "unitOfMeasurement", ["cm", "hPa", "mm"]),
    # Null before all values, and after them where it descends.
    ("Datastreams", "Sensor/name", "unitOfMeasurement", ["mm", "hPa", "cm"]),
    ("Datastreams", "Sensor/name desc", "unitOfMeasurement", ["cm", "hPa", "mm"]),
]  # fmt: skip


@meets("request-data/orderby")
@pytest.mark.parametrize(("path", "order", "name", "expected"), ORDERS)
def test_entities_are_sorted(
    service: Service, town: Town, path: str, order: str, name: str, expected: list[Any]
) -> None:
    shown = service.values(path, name, orderby=order)
    assert [each["symbol"] if isinstance(each, dict) else each for each in shown] == expected


@meets("request-data/orderby")
def test_observations_are_sorted_by_datastream_then_by_time(service: Service, town: Town) -> None:
    order = "Datastream/id desc,phenomenonTime"
    found = service.get("Observations", filter="result lt 1002", orderby=order, select="result")["value"]
    # The pressure's datastream was made last, the level's first.
    assert [each["result"] for each in found] == [1000, 1001, -999, 1.5, 2, 3.25]


# $top and $skip


@meets("request-data/top")
def test_top_is_how_many_at_most(service: Service, pressure: str) -> None:
    assert results(service, pressure, top="3") == [1000, 1001, 1002]
    assert results(service, pressure, top="0") == []
    assert results(service, pressure, top="3", filter="result gt 1203") == [1204]


@meets("request-data/top")
def test_top_beyond_what_the_service_gives_at_once_is_its_own_limit(service: Service, pressure: str) -> None:
    assert len(results(service, pressure, top="999999999")) == MINUTES


@meets("request-data/top")
def test_the_order_without_orderby_is_the_same_each_time(service: Service, pressure: str) -> None:
    whole = service.values(pressure, "@iot.id", top="205")
    assert service.values(pressure, "@iot.id", top="10", skip="20") == whole[20:30]
    assert service.values(pressure, "@iot.id", top="40") == whole[:40]


@meets("request-data/skip")
def test_skip_is_how_many_are_left_out_first(service: Service, pressure: str) -> None:
    assert results(service, pressure, skip="202") == [1202, 1203, 1204]
    assert results(service, pressure, skip="205") == []
    assert results(service, pressure, skip="1", top="2", orderby="result desc") == [1203, 1202]


# $count


@meets("request-data/count")
def test_count_is_of_all_whatever_is_shown(service: Service, pressure: str) -> None:
    assert service.get(pressure, count="true")["@iot.count"] == 205
    assert service.get(pressure, count="true", top="1", skip="7", expand="Datastream")["@iot.count"] == 205
    assert service.get(pressure, count="true", filter="result lt 1007")["@iot.count"] == 7
    assert service.get(pressure, count="true", filter="result lt 0")["@iot.count"] == 0


@meets("request-data/count")
def test_what_is_not_to_be_counted_has_no_count(service: Service, pressure: str) -> None:
    assert "@iot.count" not in service.get(pressure, count="false")
    assert "@iot.count" not in service.get(pressure)


# Pages

LISTS: list[dict[str, str]] = [
    {},
    {"top": "7"},
    {"top": "50", "orderby": "result desc"},
    {"top": "50", "orderby": "phenomenonTime desc"},
    {"top": "50", "orderby": "result mod 10,result"},
    {"top": "50", "filter": "result ge 1100 or result lt 1050"},
    {"top": "50", "skip": "30"},
    {"top": "50", "expand": "Datastream($select=id)", "select": "id,result"},
]


@meets("request-data/pagination")
@pytest.mark.parametrize("options", LISTS)
def test_the_links_lead_to_every_entity_once(service: Service, pressure: str, options: dict[str, str]) -> None:
    pages = list(service.pages(pressure, **options))
    size = int(options.get("top", 100))
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= size
    shown = [each["result"] for page in pages for each in page]
    expected = {"filter": 155, "skip": 175}
    assert len(shown) == next((expected[name] for name in expected if name in options), 205)
    assert len(set(shown)) == len(shown)
    whole = [each for page in service.pages(pressure, **{**options, "top": "999"}) for each in page]
    assert [each for page in pages for each in page] == whole


@meets("request-data/pagination")
def test_a_page_that_holds_all_there_is_has_no_link(service: Service, pressure: str) -> None:
    assert "@iot.nextLink" not in service.get(pressure, top="205")
    assert "@iot.nextLink" not in service.get(pressure, top="5", skip="200")
    assert "@iot.nextLink" not in service.get("Things")


@pytest.mark.parametrize("name", ["Things", "Locations", "HistoricalLocations", "Datastreams", "ObservedProperties"])
def test_every_set_is_read_entity_by_entity_to_its_end(service: Service, town: Town, name: str) -> None:
    """req/request-data/pagination"""
    shown = [each for page in service.pages(name, top="1") for each in page]
    assert shown == service.get(name)["value"]
    assert len(shown) >= 3


# Data arrays (clause 12)


@meets("data-array/data-array")
def test_a_data_array_has_the_values_of_its_components_in_their_order(service: Service, town: Town) -> None:
    (array,) = service.get(
        f"Datastreams({town.river.level})/Observations", resultFormat="dataArray", select="phenomenonTime,result"
    )["value"]
    assert array == {
        "Datastream@iot.navigationLink": f"{service.root}/Datastreams({town.river.level})",
        "components": ["phenomenonTime", "result"],
        "dataArray@iot.count": 3,
        "dataArray": [["2026-03-01T00:00:00Z", 1.5], ["2026-03-01T01:00:00Z", 2.0], ["2026-03-02T00:00:00Z", 3.25]],
    }


@meets("data-array/data-array")
def test_a_data_array_groups_by_datastream_and_is_filtered_and_paged_as_a_list_is(service: Service, town: Town) -> None:
    options = {"resultFormat": "dataArray", "filter": "result lt 1200", "orderby": "id", "count": "true", "top": "102"}
    first = service.get("Observations", **options)
    # 3 of the level, 1 of the rain, 98 of the pressure.
    assert [len(array["dataArray"]) for array in first["value"]] == [3, 1, 98]
    assert first["@iot.count"] == 204
    ids = [row[array["components"].index("id")] for array in first["value"] for row in array["dataArray"]]
    for page in service.pages(first["@iot.nextLink"]):
        ids += [row[array["components"].index("id")] for array in page for row in array["dataArray"]]
    assert len(set(ids)) == len(ids) == 204


# As clients ask, several options at once

TOGETHER: list[tuple[str, int]] = [
    ("Observations?$expand=Datastream($expand=ObservedProperty),FeatureOfInterest&$filter=result gt 1203", 1),
    ("Observations?$expand=Datastream/Thing/Locations&$orderby=Datastream/Thing/name,phenomenonTime desc&$top=2", 2),
    ("Observations?$filter=result sub 5 gt 1195 and Datastream/id eq {pressure}&$orderby=result&$count=true", 4),
    ("Observations?$filter=phenomenonTime ge 2026-03-01T00:00:00Z and phenomenonTime lt 2026-03-02 and result gt 0", 2),
    ("Datastreams?$filter=substringof('level',ObservedProperty/name)&$select=name,unitOfMeasurement", 1),
    ("Datastreams({pressure})/Observations?$filter=minute(phenomenonTime) eq 0 and hour(phenomenonTime) gt 0", 3),
    ("Things?$orderby=id desc&$expand=Datastreams($count=true;$top=0)", 3),
    ("Things?$orderby=@iot.id&$filter=Datastreams/Observations/phenomenonTime gt now() sub duration'P1D'", 0),
    ("Things?$filter=Datastreams/Sensor/name eq 'BMP280' or properties/n eq 5", 2),
    ("Things?$filter=not (Datastreams/Sensor/name eq 'BMP280')&$expand=Locations($select=location)", 2),
    ("Things('{station}')/Datastreams?$expand=Observations($top=1)", 1),
    ("Locations?$filter=st_within(location, geography'POLYGON ((106 -7, 108 -7, 108 -6, 106 -6, 106 -7))')&$top=3", 3),
    ("FeaturesOfInterest?$expand=Observations($filter=result lt 0;$select=result)&$filter=Observations/result lt 0", 1),
    ("Sensors?$expand=Datastreams($expand=Thing($select=name);$select=name)&$skip=1", 1),
]


@meets("request-data")
@pytest.mark.parametrize(("request_line", "count"), TOGETHER)
def test_options_together(service: Service, town: Town, request_line: str, count: int) -> None:
    line = request_line.replace("{pressure}", str(town.pressure)).replace("{station}", str(town.station))
    assert len(service.get(line)["value"]) == count


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "application/json;odata.metadata=minimal", "text/html,application/xml;q=0.9,*/*;q=0.8"],
)
def test_whoever_asks_gets_json(service: Service, town: Town, accept: str) -> None:
    """Clause 9.1 knows JSON alone; a browser, which would rather have HTML, gets it as well."""
    answer = service.ask("GET", "Things?$top=1", Accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")


# Errors

MALFORMED = [
    ("Things", "$top=-1"),
    ("Things", "$top=ten"),
    ("Things", "$skip=-1"),
    ("Things", "$skip=1.5"),
    ("Things", "$count=1"),
    ("Things", "$select=colour"),
    ("Things", "$orderby=colour"),
    ("Things", "$orderby=name sideways"),
    ("Things", "$expand=Colours"),
    ("Things", "$expand=Datastreams($top=x)"),
    ("Things", "$expand=Datastreams($top=1"),
    ("Things", "$expand=Datastreams($colour=red)"),
    ("Things", "$filter=name"),
    ("Things", "$filter=name eq"),
    ("Things", "$filter=name eq 'x"),
    ("Things", "$filter=(name eq 'x'"),
    ("Things", "$filter=name eq 'x')"),
    ("Things", "$filter=name is 'x'"),
    ("Things", "$filter=colour eq 'red'"),
    ("Things", "$filter=shout(name) eq 'X'"),
    ("Things", "$filter=length(name,name) eq 1"),
    ("Things", "$filter=length(name) eq 'x'"),
    ("Observations", "$filter=result gt 'much'"),
    ("Observations", "$filter=phenomenonTime gt yesterday"),
    ("Observations", "$filter=phenomenonTime gt 2026-02-30T00:00:00Z"),
    ("Locations", "$filter=geo.intersects(location, geography'POLYGON ((1 2')"),
    ("Observations", "$resultFormat=CSV"),
    ("Things", "$resultFormat=dataArray"),
    ("Things(1)/name", "$top=1"),
]


@meets("request-data/query-status-code")
@pytest.mark.parametrize(("path", "query"), MALFORMED)
def test_a_malformed_option_is_a_400_that_names_it(service: Service, town: Town, path: str, query: str) -> None:
    answer = service.ask("GET", f"{path.replace('1', str(town.station))}?{query}")
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json["parameter"] == query.partition("=")[0]


@meets("request-data/query-status-code")
@pytest.mark.parametrize("option", ["$search=x", "$apply=x", "$format=xml", "$level=2"])
def test_an_option_that_is_not_offered_fails_the_request(service: Service, town: Town, option: str) -> None:
    """OData 4.01 protocol, 11.2.1: 501 for a system query option that is not supported."""
    assert service.ask("GET", f"Things?{option}").status == 501
