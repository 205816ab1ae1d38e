"""Whatever JSON stands where, in a body that is otherwise right, is answered: stored, or refused with a sentence."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sensor_factories import make_datastream
from tests.sensorthings.writing import NOON, ONE, PRESSURE, SENSOR, place, signed_in, station

pytestmark = pytest.mark.django_db

LAKE = {
    "name": "Lake",
    "description": "",
    "encodingType": "application/geo+json",
    "feature": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
}
OBSERVATION = {"phenomenonTime": NOON, "resultTime": ONE, "result": 1009.5, "FeatureOfInterest": LAKE}
LINK = {"@iot.id": "THING"}
BODIES = [
    ("post", "Things", station(OBSERVATION)),
    ("post", "Sensors", {**SENSOR, "properties": {"a": [1, {"b": None}]}}),
    ("post", "ObservedProperties", {**PRESSURE, "properties": {"code": "p", "domain": "health", "aggregate": "max"}}),
    ("post", "Locations", {**place(), "Things": [LINK]}),
    ("post", "HistoricalLocations", {"time": NOON, "Thing": LINK, "Locations": [place()]}),
    ("post", "Observations", {**OBSERVATION, "Datastream": {"@iot.id": "STREAM"}}),
    ("patch", "Things(THING)", {"name": "a", "properties": {"slug": "ws-7"}, "Locations": [{"@iot.id": 1}]}),
    ("put", "Datastreams(STREAM)", {**station()["Datastreams"][0], "Sensor": {"@iot.id": 1}, "ObservedProperty": LINK}),
    ("post", "CreateObservations", [{"Datastream": {"@iot.id": "STREAM"}, "components": ["phenomenonTime", "result",
     "FeatureOfInterest/id"], "dataArray@iot.count": 2, "dataArray": [[NOON, 1, None], [ONE, 2, -1]]}]),
    ("post", "$batch", {"requests": [{"id": "1", "method": "post", "url": "Things", "headers": {"Prefer": "x"},
     "atomicityGroup": "g", "body": {"name": "a", "description": ""}},
     {"id": "2", "method": "patch", "url": "$1", "atomicityGroup": "g", "body": {"Locations": [{"@iot.id": "$1"}]}}]}),
]  # fmt: skip
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["\0", "\ud800", "1e999", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "/", "a/b", "$1", "Things(1)"]
    ),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"@iot.id": 2**63}),
    st.just({"@iot.id": {"a": [1]}}),
    st.just({"type": "Point", "coordinates": [1e308, 1e308]}),
    st.just({"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 1]}]}),
    st.just({"type": "Feature", "geometry": {"type": "Point", "coordinates": []}}),
)


def ways(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value inside a value."""
    yield before
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from ways(each, (*before, key))


def with_odd(body: Any, way: tuple[Any, ...], odd: Any) -> Any:
    if not way:
        return odd
    changed = copy.deepcopy(body)
    at = changed
    for key in way[:-1]:
        at = at[key]
    at[way[-1]] = odd
    return changed


@pytest.mark.parametrize(("method", "path", "body"), BODIES, ids=[path for _method, path, _body in BODIES])
def test_an_odd_value_anywhere_is_answered(method: str, path: str, body: Any) -> None:
    client: Client = signed_in()
    stream = make_datastream("ws-7", "air_temperature", unit_ucum="Cel")

    def filled(text: str) -> str:
        for name, id_ in (("STREAM", stream.pk), ("THING", stream.thing_id)):
            text = text.replace(f'"{name}"', str(id_)).replace(name, str(id_))
        return text

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(way=st.sampled_from(list(ways(body))), odd=ODD)
    def ask(way: tuple[Any, ...], odd: Any) -> None:
        with transaction.atomic():
            text = filled(json.dumps(with_odd(body, way, odd)))
            answer = client.generic(method.upper(), filled(f"/sta/v1.1/{path}"), text, content_type="application/json")
            transaction.set_rollback(True)
        assert answer.status_code in (200, 201, 400, 404, 409), (answer.status_code, text)
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["detail"]
        elif path == "$batch":
            assert all(each["status"] < 500 for each in answer.json()["responses"]), text

    ask()
