"""Observations: one by one, again, corrected and deleted, with features of their own; and as data arrays."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from sensors.observations.models import Correction, DirtyHour, JournalEntry, Observation, ObservationFeature
from sensors.observations.partitions import existing_partitions
from sensors.registry.models import Datastream, FeatureOfInterest, ThingLocation
from tests.sensor_factories import make_datastream
from tests.sensorthings.writing import NOON, ONE, got, made, send, signed_in

pytestmark = pytest.mark.django_db
NOON_US = 1_772_341_200_000_000  # date -u -d 2026-03-01T05:00:00Z +%s
LAKE = {
    "name": "Lake",
    "description": "",
    "encodingType": "application/geo+json",
    "feature": {"type": "Point", "coordinates": [106.5, -6.5]},
}


@pytest.fixture
def editor() -> Client:
    return signed_in()


@pytest.fixture
def stream() -> Datastream:
    return make_datastream("ws-7", "air_pressure", unit_ucum="hPa", plausible_min=800, plausible_max=1100)


def posted(client: Client, stream: Datastream, **observation: Any) -> dict[str, Any]:
    return made(
        client, f"Datastreams({stream.pk})/Observations", {"phenomenonTime": NOON, "result": 1009.5, **observation}
    )


def stored() -> list[tuple[str, float]]:
    found = Observation.objects.order_by("datastream_id", "phenomenon_time")
    return [(f"{each.phenomenon_time:%Y-%m-%dT%H:%M:%SZ}", each.result) for each in found]


def path_of(stream: Datastream) -> str:
    return f"Observations('{stream.pk}-{NOON_US}')"


def test_an_observation_is_stored_marked_and_told_of(editor: Client, stream: Datastream) -> None:
    answer = send(editor, "post", f"Datastreams({stream.pk})/Observations", {"phenomenonTime": NOON, "result": 1009.5})
    assert answer["Location"] == f"http://testserver/sta/v1.1/{path_of(stream)}"
    assert answer.json() == got(Client(), path_of(stream))
    assert (stored(), DirtyHour.objects.count()) == ([(NOON, 1009.5)], 1)
    (entry,) = JournalEntry.objects.all()
    assert (entry.datastream_ids, entry.phenomenon_times, entry.results) == ([stream.pk], [NOON_US], [1009.5])


def test_an_observation_names_its_datastream(editor: Client, stream: Datastream) -> None:
    made(editor, "Observations", {"phenomenonTime": NOON, "result": 1009.5, "Datastream": {"@iot.id": stream.pk}})
    assert stored() == [(NOON, 1009.5)]
    answer = send(editor, "post", "Observations", {"result": 1})
    assert list(answer.json()["errors"]) == ["Datastream"]


def test_the_month_of_a_late_observation_is_made(editor: Client, stream: Datastream) -> None:
    assert "sensors_observation_199907" not in existing_partitions()
    posted(editor, stream, phenomenonTime="1999-07-01T00:00:00+07:00")
    assert stored() == [("1999-06-30T17:00:00Z", 1009.5)]


def test_the_same_again_is_fine_and_another_result_a_conflict(editor: Client, stream: Datastream) -> None:
    first = posted(editor, stream)
    assert posted(editor, stream) == first
    answer = send(editor, "post", f"Datastreams({stream.pk})/Observations", {"phenomenonTime": NOON, "result": 1})
    assert (answer.status_code, "1009.5" in answer.json()["detail"]) == (409, True)
    assert stored() == [(NOON, 1009.5)]


def test_two_results_of_one_time_in_one_request_are_a_conflict_and_nothing_is_stored(
    editor: Client, stream: Datastream
) -> None:
    feature = {**LAKE, "Observations": [
        {"phenomenonTime": NOON, "result": 1, "Datastream": {"@iot.id": stream.pk}},
        {"phenomenonTime": NOON, "result": 2, "Datastream": {"@iot.id": stream.pk}},
    ]}  # fmt: skip
    assert send(editor, "post", "FeaturesOfInterest", feature).status_code == 409
    assert (stored(), FeatureOfInterest.objects.count()) == ([], 0)


def test_an_implausible_result_is_stored_and_flagged(editor: Client, stream: Datastream) -> None:
    assert posted(editor, stream, result=5)["resultQuality"] == "implausible"


def test_without_a_time_it_is_of_its_result_time_else_of_now(editor: Client, stream: Datastream) -> None:
    posted(editor, stream, phenomenonTime=None, resultTime=ONE)
    assert stored() == [(ONE, 1009.5)]
    before = datetime.now(UTC)
    posted(editor, stream, phenomenonTime=None)
    last = Observation.objects.latest("phenomenon_time")
    assert before <= last.phenomenon_time <= datetime.now(UTC)
    assert (last.time_source, Observation.objects.earliest("phenomenon_time").time_source) == (1, 0)


def test_of_an_interval_the_start_counts(editor: Client, stream: Datastream) -> None:
    assert posted(editor, stream, phenomenonTime=f"{NOON}/{ONE}")["phenomenonTime"] == NOON


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"phenomenonTime": "2026-03-01"}, "phenomenonTime"),
        ({"phenomenonTime": "2026-03-01T05:00:00"}, "phenomenonTime"),
        ({"phenomenonTime": 1772341200}, "phenomenonTime"),
        ({"phenomenonTime": f"{ONE}/{NOON}"}, "phenomenonTime"),
        ({"phenomenonTime": "1989-12-31T23:59:59Z"}, "phenomenonTime"),
        ({"phenomenonTime": "2999-01-01T00:00:00Z"}, "phenomenonTime"),
        ({"resultTime": "soon"}, "resultTime"),
        ({"result": None}, "result"),
        ({"result": "12"}, "result"),
        ({"result": True}, "result"),
        ({"result": {"a": 1}}, "result"),
        ({"parameters": {"tilt": 30}}, "parameters"),
        ({"validTime": f"{NOON}/{ONE}"}, "validTime"),
        ({"resultQuality": "bad"}, "resultQuality"),
        ({"unit": "hPa"}, "unit"),
    ],
)
def test_what_cannot_be_kept_is_named_and_nothing_stored(
    editor: Client, stream: Datastream, change: dict[str, Any], name: str
) -> None:
    body = {"phenomenonTime": NOON, "result": 1009.5, **change}
    answer = send(editor, "post", f"Datastreams({stream.pk})/Observations", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])
    assert stored() == []


@pytest.mark.parametrize("result", ["1e999", "NaN", "-Infinity"])
def test_a_number_that_is_not_finite_is_a_400(editor: Client, stream: Datastream, result: str) -> None:
    body = f'{{"phenomenonTime": "{NOON}", "result": {result}}}'
    path = f"/sta/v1.1/Datastreams({stream.pk})/Observations"
    assert editor.post(path, body, content_type="application/json").status_code == 400
    assert stored() == []


# Corrected and deleted


def test_another_result_is_a_correction_with_its_reason(editor: Client, stream: Datastream) -> None:
    posted(editor, stream)
    DirtyHour.objects.all().delete()
    answer = send(editor, "patch", path_of(stream), {"result": 5}, **{"Correction-Reason": "Spider in the tube"})
    assert (answer.status_code, answer.json()["result"], answer.json()["resultQuality"]) == (200, 5.0, "implausible")
    line = Correction.objects.get()
    assert (line.old_result, line.new_result, line.reason) == (1009.5, 5.0, "Spider in the tube")
    assert (line.corrected_by_id is not None, DirtyHour.objects.count()) == (True, 1)


def test_the_same_result_is_no_correction(editor: Client, stream: Datastream) -> None:
    shown = posted(editor, stream)
    assert send(editor, "put", path_of(stream), shown).json() == shown
    assert send(editor, "patch", path_of(stream), {}).json() == shown
    assert not Correction.objects.exists()


def test_an_observation_keeps_its_time_and_its_datastream(editor: Client, stream: Datastream) -> None:
    posted(editor, stream)
    other = make_datastream("ws-8", "air_pressure")
    for change, name in (
        ({"phenomenonTime": ONE}, "phenomenonTime"),
        ({"Datastream": {"@iot.id": other.pk}}, "Datastream"),
    ):
        answer = send(editor, "patch", path_of(stream), {"result": 5, **change})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])
    assert stored() == [(NOON, 1009.5)]


def test_a_deleted_observation_leaves_its_audit_line(editor: Client, stream: Datastream) -> None:
    posted(editor, stream, FeatureOfInterest=LAKE)
    assert send(editor, "delete", path_of(stream)).status_code == 200
    assert (stored(), ObservationFeature.objects.count()) == ([], 0)
    line = Correction.objects.get()
    assert (line.old_result, line.new_result, line.reason) == (1009.5, None, "DELETE by SensorThings")
    assert send(editor, "delete", path_of(stream)).status_code == 404
    assert send(editor, "patch", path_of(stream), {"result": 1}).status_code == 404


def test_corrections_need_their_permissions(editor: Client, stream: Datastream) -> None:
    posted(editor, stream)
    other = signed_in("add_observation")
    assert send(other, "patch", path_of(stream), {"result": 1}).status_code == 403
    assert send(other, "delete", path_of(stream)).status_code == 403
    assert stored() == [(NOON, 1009.5)]


# Features of interest


def test_without_a_feature_it_is_of_the_place_where_the_thing_stood(editor: Client, stream: Datastream) -> None:
    where = ThingLocation.objects.create(
        thing=stream.thing, location=Point(106.8, -6.5), valid_from=datetime(2025, 1, 1, tzinfo=UTC)
    )
    posted(editor, stream, FeatureOfInterest={"@iot.id": where.pk})
    assert got(Client(), f"{path_of(stream)}/FeatureOfInterest")["@iot.id"] == where.pk
    assert not ObservationFeature.objects.exists()


def test_the_place_of_another_thing_is_no_feature_of_it(editor: Client, stream: Datastream) -> None:
    where = ThingLocation.objects.create(
        thing=make_datastream().thing, location=Point(106.8, -6.5), valid_from=datetime(2025, 1, 1, tzinfo=UTC)
    )
    body = {"phenomenonTime": NOON, "result": 1, "FeatureOfInterest": {"@iot.id": where.pk}}
    answer = send(editor, "post", f"Datastreams({stream.pk})/Observations", body)
    assert list(answer.json()["errors"]) == ["FeatureOfInterest"]


def test_a_feature_of_its_own_is_made_with_it_or_linked_later(editor: Client, stream: Datastream) -> None:
    posted(editor, stream, FeatureOfInterest=LAKE)
    shown = got(Client(), f"{path_of(stream)}/FeatureOfInterest")
    assert (shown["name"], shown["@iot.id"]) == ("Lake", -FeatureOfInterest.objects.get().pk)
    river = made(editor, "FeaturesOfInterest", {**LAKE, "name": "River"})["@iot.id"]
    assert send(editor, "patch", path_of(stream), {"FeatureOfInterest": {"@iot.id": river}}).status_code == 200
    assert got(Client(), f"{path_of(stream)}/FeatureOfInterest")["name"] == "River"
    assert send(editor, "delete", f"FeaturesOfInterest({river})").status_code == 409
    assert not Correction.objects.exists()


def test_an_observation_is_posted_to_its_feature(editor: Client, stream: Datastream) -> None:
    lake = made(editor, "FeaturesOfInterest", LAKE)["@iot.id"]
    body = {"phenomenonTime": NOON, "result": 1, "Datastream": {"@iot.id": stream.pk}}
    made(editor, f"FeaturesOfInterest({lake})/Observations", body)
    assert [each["result"] for each in got(Client(), f"FeaturesOfInterest({lake})/Observations")["value"]] == [1.0]


# Data arrays


def arrays(client: Client, *each: dict[str, Any]) -> Any:
    return send(client, "post", "CreateObservations", list(each))


def of(
    stream: Datastream, *rows: list[Any], components: tuple[str, ...] = ("phenomenonTime", "result")
) -> dict[str, Any]:
    return {
        "Datastream": {"@iot.id": stream.pk},
        "components": list(components),
        "dataArray@iot.count": len(rows),
        "dataArray": list(rows),
    }


def test_a_data_array_answers_with_the_address_of_each_or_error(editor: Client, stream: Datastream) -> None:
    other = make_datastream("ws-8", "air_pressure")
    answer = arrays(
        editor,
        of(stream, [NOON, 1009.5], [ONE, "high"], ["noon", 1], [ONE]),
        of(other, [NOON, 7], [NOON, 7], [NOON, 8]),
    )
    assert answer.status_code == 201
    first = f"http://testserver/sta/v1.1/{path_of(stream)}"
    second = f"http://testserver/sta/v1.1/{path_of(other)}"
    assert answer.json() == [first, "error", "error", "error", second, second, "error"]
    assert stored() == [(NOON, 1009.5), (NOON, 7.0)]


def test_a_data_array_repeats_and_conflicts_as_single_observations_do(editor: Client, stream: Datastream) -> None:
    posted(editor, stream)
    answer = arrays(editor, of(stream, [NOON, 1009.5]), of(stream, [NOON, 3]), of(stream, [ONE, 3]))
    assert [each == "error" for each in answer.json()] == [False, True, False]
    assert stored() == [(NOON, 1009.5), (ONE, 3.0)]


def test_the_rows_of_a_datastream_that_is_not_there_are_errors(editor: Client, stream: Datastream) -> None:
    answer = arrays(editor, {**of(stream, [NOON, 1]), "Datastream": {"@iot.id": 99}}, of(stream, [NOON, 1]))
    assert [each == "error" for each in answer.json()] == [True, False]


def test_a_data_array_links_features(editor: Client, stream: Datastream) -> None:
    lake = made(editor, "FeaturesOfInterest", LAKE)["@iot.id"]
    names = ("phenomenonTime", "result", "FeatureOfInterest/id")
    answer = arrays(editor, of(stream, [NOON, 1, lake], [ONE, 2, -99], [ONE, 3, None], components=names))
    assert [each == "error" for each in answer.json()] == [False, True, False]
    assert [each.feature_id for each in ObservationFeature.objects.all()] == [-lake]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"Datastream": {"name": "new"}}, "0/Datastream"),
        ({"components": ["phenomenonTime"]}, "0/components"),
        ({"components": ["result", "result"]}, "0/components"),
        ({"components": ["result", "colour"]}, "0/components"),
        ({"components": "result"}, "0/components"),
        ({"dataArray": {"a": 1}}, "0/dataArray"),
        ({"dataArray@iot.count": 5}, "0/dataArray@iot.count"),
        ({"extra": 1}, "0/extra"),
    ],
)
def test_a_data_array_of_another_shape_is_a_400(
    editor: Client, stream: Datastream, change: dict[str, Any], name: str
) -> None:
    answer = arrays(editor, {**of(stream, [NOON, 1]), **change})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])
    assert stored() == []


def test_a_data_array_needs_the_permission(stream: Datastream) -> None:
    assert arrays(signed_in("change_observation"), of(stream, [NOON, 1])).status_code == 403


def test_a_thousand_observations_are_a_handful_of_statements(
    editor: Client, stream: Datastream, django_assert_max_num_queries: Any
) -> None:
    rows = [[f"2026-03-01T05:{n // 60:02}:{n % 60:02}Z", n] for n in range(1000)]
    arrays(editor, of(stream, [NOON, 0]))  # the month is there
    with django_assert_max_num_queries(14):
        answer = arrays(editor, of(stream, *rows))
    assert ("error" not in answer.json(), Observation.objects.count()) == (True, 1000)
