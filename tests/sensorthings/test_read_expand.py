"""`$expand`, `$select`, `$count`, and pages of what is expanded (OGC 18-088, clause 9.3)."""

from typing import Any

import pytest

from sensors.sensorthings.entities import ENTITY_TYPES
from tests.sensorthings.reading import Post, city_of_sensors

pytestmark = pytest.mark.django_db
ROOT = "http://testserver/sta/v1.1"


@pytest.fixture
def post() -> Post:
    return city_of_sensors()


def get(client: Any, path: str, **options: str) -> Any:
    answer = client.get(f"/sta/v1.1/{path}", {f"${name}": value for name, value in options.items()})
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_only_what_is_selected_is_shown(client: Any, post: Post) -> None:
    assert get(client, f"Things({post.thing})", select="name") == {"name": "Pos Air Katulampa"}
    assert get(client, f"Things({post.thing})", select="@iot.id, Datastreams") == {
        "@iot.id": post.thing,
        "Datastreams@iot.navigationLink": f"{ROOT}/Things({post.thing})/Datastreams",
    }
    assert get(client, "Things", select="selfLink")["value"] == [{"@iot.selfLink": f"{ROOT}/Things({post.thing})"}]


def test_what_is_expanded_is_shown_beside_what_is_selected(client: Any, post: Post) -> None:
    assert get(
        client, f"Datastreams({post.level})", select="id", expand="Thing($select=name),Sensor($select=name)"
    ) == {
        "@iot.id": post.level,
        "Thing": {"name": "Pos Air Katulampa"},
        "Sensor": {"name": "Ultrasonic"},
    }


def test_latest_observation_of_each_datastream(client: Any, post: Post) -> None:
    things = get(
        client,
        "Things",
        select="name",
        expand="Datastreams($select=id;$expand=Observations($top=1;$orderby=phenomenonTime desc;$select=result))",
    )
    link = f"{ROOT}/Datastreams({post.level})/Observations?$top=1&$skip=1"
    assert things["value"] == [
        {
            "name": "Pos Air Katulampa",
            "Datastreams": [
                {
                    "@iot.id": post.level,
                    "Observations": [{"result": 3.25}],
                    "Observations@iot.nextLink": f"{link}&$orderby=phenomenonTime%20desc&$select=result",
                },
                {"@iot.id": post.rain, "Observations": [{"result": -999.0}]},
            ],
        }
    ]


def test_a_link_inside_leads_on_to_the_rest(client: Any, post: Post) -> None:
    expand = "Observations($top=2;$select=result;$filter=result gt 0;$skip=0)"
    stream = get(client, f"Datastreams({post.level})", select="id", expand=expand)
    assert stream["Observations"] == [{"result": 1.5}, {"result": 2.0}]
    rest = client.get(stream["Observations@iot.nextLink"]).json()
    assert rest == {"value": [{"result": 3.25}]}


def test_slashes_expand_each_on_the_way(client: Any, post: Post) -> None:
    thing = get(client, f"Things({post.thing})", expand="Datastreams/ObservedProperty,Datastreams/Sensor")
    properties = [each["ObservedProperty"]["properties"]["code"] for each in thing["Datastreams"]]
    sensors = [each["Sensor"] and each["Sensor"]["name"] for each in thing["Datastreams"]]
    assert (properties, sensors) == (["water_level", "rain"], ["Ultrasonic", None])


def test_options_inside_an_expansion_are_applied_in_it(client: Any, post: Post) -> None:
    expand = "Datastreams($filter=unitOfMeasurement/symbol eq 'mm';$count=true;$select=id)"
    thing = get(client, f"Things({post.thing})", select="id", expand=expand)
    assert thing == {"@iot.id": post.thing, "Datastreams@iot.count": 1, "Datastreams": [{"@iot.id": post.rain}]}
    ordered = get(
        client, f"Things({post.thing})", expand="Datastreams($orderby=unitOfMeasurement/symbol desc;$select=id)"
    )
    assert ordered["Datastreams"] == [{"@iot.id": post.rain}, {"@iot.id": post.level}]
    none = get(client, f"Things({post.thing})", select="id", expand="Datastreams($top=0;$count=true)")
    assert none == {"@iot.id": post.thing, "Datastreams@iot.count": 2, "Datastreams": []}


def test_a_filter_inside_speaks_of_entities_around_it(client: Any, post: Post) -> None:
    expand = "Observations($filter=Datastream/Thing/name eq 'Pos Air Katulampa' and result gt 2;$select=result)"
    assert get(client, f"Datastreams({post.level})", select="id", expand=expand)["Observations"] == [{"result": 3.25}]


def test_every_way_can_be_expanded(client: Any, post: Post) -> None:
    for entity in ENTITY_TYPES.values():
        for name, navigation in entity.navigations.items():
            page = get(client, entity.plural, expand=name)["value"]
            assert page
            assert all(isinstance(each[name], list) is navigation.is_many for each in page if each[name] is not None)
            followed = client.get(get(client, entity.plural)["value"][0][f"{name}@iot.navigationLink"])
            assert followed.status_code in (200, 204)


def test_data_array_groups_observations_by_datastream(client: Any, post: Post) -> None:
    answer = get(client, "Observations", resultFormat="dataArray", filter="result gt 1.5 or result lt 0", count="true")
    components = ["id", "phenomenonTime", "resultTime", "result", "resultQuality"]
    assert answer == {
        "@iot.count": 3,
        "value": [
            {
                "Datastream@iot.navigationLink": f"{ROOT}/Datastreams({post.level})",
                "components": components,
                "dataArray@iot.count": 2,
                "dataArray": [
                    [f"{post.level}-1772326800000000", "2026-03-01T01:00:00Z", "2026-03-01T01:00:00Z", 2.0, "good"],
                    [f"{post.level}-1772409600000000", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", 3.25, "good"],
                ],
            },
            {
                "Datastream@iot.navigationLink": f"{ROOT}/Datastreams({post.rain})",
                "components": components,
                "dataArray@iot.count": 1,
                "dataArray": [
                    [f"{post.rain}-1772325000500000", "2026-03-01T00:30:00.5Z", "2026-03-01T00:30:00.5Z", -999.0, "implausible"]
                ],
            },
        ],
    }  # fmt: skip


def test_data_array_has_the_selected_components_and_a_link_to_more(client: Any, post: Post) -> None:
    path = f"Datastreams({post.level})/Observations"
    answer = get(client, path, resultFormat="dataArray", select="result,validTime", top="2")
    assert answer["value"][0]["components"] == ["result", "validTime"]
    assert answer["value"][0]["dataArray"] == [[1.5, None], [2.0, None]]
    rest = client.get(answer["@iot.nextLink"]).json()
    assert rest["value"][0]["dataArray"] == [[3.25, None]]


WRONG = [
    ("Things", "$expand", "Nothing"),
    ("Things", "$expand", "Datastreams($filter=colour eq 1)"),
    ("Things", "$expand", "Datastreams($orderby=colour)"),
    ("Things", "$select", "colour"),
    ("Things", "$resultFormat", "dataArray"),
    ("Observations", "$resultFormat", "GeoJSON"),
    ("Things({thing})", "$filter", "name eq 'x'"),
    ("Things({thing})/name", "$select", "name"),
    ("Things", "$count", "maybe"),
    ("Things", "colour", "red"),
    ("", "$top", "1"),
]


def test_a_wrong_option_is_named(client: Any, post: Post) -> None:
    for path, option, value in WRONG:
        answer = client.get(f"/sta/v1.1/{path.format(thing=post.thing)}", {option: value})
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), value
        assert answer.json()["parameter"] == option, value


def test_an_option_of_odata_that_is_not_offered_is_not_implemented(client: Any) -> None:
    for option in ("$search", "$apply", "$format", "$compute"):
        assert client.get("/sta/v1.1/Things", {option: "x"}).status_code == 501


def test_an_option_given_twice_is_refused(client: Any) -> None:
    assert client.get("/sta/v1.1/Things?$top=1&$top=2").json()["parameter"] == "$top"
