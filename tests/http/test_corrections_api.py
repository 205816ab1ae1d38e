"""`/api/datastreams/{id}/corrections/`, qualities among observations, and `/api/datastreams/states/`."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import ProgrammingError, connection, transaction
from django.db.models import ProtectedError
from django.test import Client

from geo.areas.models import City
from sensors.models import Correction, Datastream, DatastreamState, JournalEntry, Observation, Thing
from sensors.observations import corrections as module
from sensors.observations.columns import DOUBTED, IMPLAUSIBLE, SPIKE, STUCK, Columns
from sensors.observations.journal import Kind
from sensors.observations.partitions import ensure_partitions
from sensors.observations.rollups import refresh_all_rollups
from sensors.observations.writer import write_observations
from sensors.states.judging import judge
from tests.factories import make_city, make_datastream, make_thing

pytestmark = pytest.mark.django_db
# The last ten minutes of February and the first of March, in UTC: two partitions.
START = datetime(2026, 2, 28, 23, 50, tzinfo=UTC)


@pytest.fixture
def city(db: None) -> City:
    return make_city()


@pytest.fixture
def stream(city: City) -> Datastream:
    """Results 0 to 5, one each five minutes from START on; the last is outside the plausible range."""
    ensure_partitions([date(2026, 2, 1), date(2026, 3, 1)])
    stream: Datastream = make_datastream(make_thing(), plausible_max=4.5)
    columns = Columns()
    for number in range(6):
        columns.append(stream.pk, at(number), float(number), START, IMPLAUSIBLE if number == 5 else 0, 0)
    write_observations(columns)
    return stream


@pytest.fixture
def clerk(db: None) -> User:
    clerk = User.objects.create_user("petugas", password="kuda-lumping-77", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["add_correction", "view_correction"]))
    return clerk


@pytest.fixture
def staff(client: Client, clerk: User) -> Client:
    client.force_login(clerk)
    return client


def at(number: int) -> datetime:
    return START + timedelta(minutes=5 * number)


def text(number: int) -> str:
    return at(number).isoformat()


def url(stream: Datastream) -> str:
    return f"/api/datastreams/{stream.pk}/corrections/"


def correct(client: Client, stream: Datastream, **body: Any) -> Any:
    return client.post(url(stream), {"reason": "test of the gauge", **body}, content_type="application/json")


def stored(stream: Datastream) -> list[tuple[float, int]]:
    found = Observation.objects.filter(datastream=stream).order_by("phenomenon_time")
    return [(one.result, one.quality) for one in found]


# Deciding of one


def test_a_value_is_corrected_with_a_line_that_says_all(staff: Client, stream: Datastream, clerk: User) -> None:
    answer = correct(staff, stream, phenomenon_time="2026-03-01T06:55:00+07:00", result=1.25)
    assert answer.status_code == 201
    (line,) = answer.json()["results"]
    assert datetime.fromisoformat(line.pop("corrected_at")).tzinfo is not None
    assert line == {
        "id": Correction.objects.get().pk,
        "phenomenon_time": "2026-02-28T23:55:00Z",
        "old_result": 1.0,
        "new_result": 1.25,
        "old_quality": "good",
        "new_quality": "good",
        "reason": "test of the gauge",
        "corrected_by": "petugas",
    }
    assert stored(stream)[1] == (1.25, 0)
    entry = JournalEntry.objects.order_by("-id").first()
    assert entry is not None
    assert (entry.kind, entry.results, entry.qualities) == (Kind.CHANGED, [1.25], [0])


def test_a_corrected_value_is_held_against_the_plausible_range(staff: Client, stream: Datastream) -> None:
    correct(staff, stream, phenomenon_time=text(0), result=99)
    correct(staff, stream, phenomenon_time=text(5), result=4)
    assert [stored(stream)[place] for place in (0, 5)] == [(99.0, IMPLAUSIBLE), (4.0, 0)]


def test_a_value_is_confirmed_doubted_and_deleted(staff: Client, stream: Datastream) -> None:
    correct(staff, stream, phenomenon_time=text(5), confirm=True)
    correct(staff, stream, phenomenon_time=text(1), doubt=True)
    answer = correct(staff, stream, phenomenon_time=text(0), delete=True)
    assert stored(stream) == [(1.0, DOUBTED), (2.0, 0), (3.0, 0), (4.0, 0), (5.0, 0)]
    (line,) = answer.json()["results"]
    assert (line["old_result"], line["new_result"], line["new_quality"]) == (0.0, None, None)


def test_the_hours_follow(staff: Client, stream: Datastream) -> None:
    refresh_all_rollups()
    correct(staff, stream, phenomenon_time=text(0), delete=True)
    correct(staff, stream, phenomenon_time=text(1), doubt=True)
    correct(staff, stream, phenomenon_time=text(2), result=2.5)
    refresh_all_rollups()
    hours = staff.get(f"/api/datastreams/{stream.pk}/observations/?resolution=hour&tz=UTC").json()["results"]
    assert [(hour["start"], hour["n"], hour["sum"]) for hour in hours] == [("2026-03-01T00:00:00+00:00", 3, 9.5)]


def test_one_that_looked_before_another_changed_it_is_told(staff: Client, stream: Datastream) -> None:
    correct(staff, stream, phenomenon_time=text(1), result=1.5)
    answer = correct(staff, stream, phenomenon_time=text(1), result=1.75, old_result=1)
    assert (answer.status_code, answer.json()["result"]) == (409, 1.5)
    assert Correction.objects.count() == 1
    assert correct(staff, stream, phenomenon_time=text(1), result=1.75, old_result=1.5).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phenomenon_time": "2026-02-28T23:55:00Z"}, "result"),
        ({"phenomenon_time": "2026-02-28T23:55:00Z", "result": 1, "delete": True}, "result"),
        ({"phenomenon_time": "2026-02-28T23:55:00Z", "delete": False}, "result"),
        ({"phenomenon_time": "2026-02-28T23:55:00Z", "result": "warm"}, "result"),
        ({"phenomenon_time": "2026-02-28T23:55:00Z", "result": True}, "result"),
        ({"phenomenon_time": "2026-02-28T23:55:00", "result": 1}, "phenomenon_time"),
        ({"phenomenon_time": "yesterday", "result": 1}, "phenomenon_time"),
        ({"phenomenon_time": "0001-01-01T00:00:00+07:00", "result": 1}, "phenomenon_time"),
        ({"result": 1}, "phenomenon_time"),
        (
            {"phenomenon_time": "2026-02-28T23:55:00Z", "start": "2026-02-28T23:55:00Z", "delete": True},
            "phenomenon_time",
        ),
        ({"phenomenon_time": "2026-02-28T23:55:00Z", "result": 1, "reason": "  "}, "reason"),
        ({"phenomenon_time": "2026-02-28T23:55:00Z", "result": 1, "because": "x"}, "because"),
        ({"start": "2026-03-01T00:00:00Z", "end": "2026-02-28T00:00:00Z", "delete": True}, "end"),
        ({"start": "2026-02-28T00:00:00Z", "end": "2026-03-02T00:00:00Z", "result": 1}, "result"),
        ({"start": "2026-02-28T00:00:00Z", "delete": True}, "phenomenon_time"),
        (
            {"start": "2026-02-28T00:00:00Z", "end": "2026-03-02T00:00:00Z", "delete": True, "old_result": 1},
            "old_result",
        ),
    ],
)
def test_what_cannot_be_decided_is_refused_by_name_and_changes_nothing(
    staff: Client, stream: Datastream, body: dict[str, Any], field: str
) -> None:
    before = stored(stream)
    answer = correct(staff, stream, **body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert stored(stream) == before
    assert not Correction.objects.exists()


def test_an_observation_and_a_datastream_that_are_not_there_are_not_found(staff: Client, stream: Datastream) -> None:
    assert correct(staff, stream, phenomenon_time="2026-03-01T12:00:00Z", result=1).status_code == 404
    assert correct(staff, stream, phenomenon_time="2020-03-01T12:00:00Z", delete=True).status_code == 404
    empty = {"start": "2026-03-01T12:00:00Z", "end": "2026-03-01T13:00:00Z", "delete": True}
    assert correct(staff, stream, **empty).status_code == 404
    body = {"phenomenon_time": text(0), "result": 1, "reason": "x"}
    assert staff.post("/api/datastreams/987654/corrections/", body, "application/json").status_code == 404
    assert staff.get("/api/datastreams/99999999999999999999/corrections/").status_code == 404


# Of a period


def test_a_period_is_doubted_over_the_end_of_a_month(staff: Client, stream: Datastream) -> None:
    answer = correct(staff, stream, start=text(1), end=text(4), doubt=True)
    assert (answer.status_code, answer.json()["count"]) == (201, 3)
    assert [quality for _result, quality in stored(stream)] == [0, DOUBTED, DOUBTED, DOUBTED, 0, IMPLAUSIBLE]
    assert [line["phenomenon_time"] for line in answer.json()["results"]] == [
        "2026-02-28T23:55:00Z",
        "2026-03-01T00:00:00Z",
        "2026-03-01T00:05:00Z",
    ]


def test_a_doubt_keeps_what_was_known_already_and_a_confirmation_takes_all_away(
    staff: Client, stream: Datastream
) -> None:
    correct(staff, stream, start=text(4), end=text(6), doubt=True)
    assert [quality for _result, quality in stored(stream)][4:] == [DOUBTED, IMPLAUSIBLE | DOUBTED]
    correct(staff, stream, start=text(4), end=text(6), confirm=True)
    assert [quality for _result, quality in stored(stream)][4:] == [0, 0]


def test_a_period_is_deleted_with_a_line_and_an_entry_for_all(staff: Client, stream: Datastream) -> None:
    assert correct(staff, stream, start=text(0), end=text(5), delete=True).json()["count"] == 5
    assert stored(stream) == [(5.0, IMPLAUSIBLE)]
    lines = Correction.objects.order_by("phenomenon_time")
    assert [(line.old_result, line.new_result) for line in lines] == [(float(number), None) for number in range(5)]
    entry = JournalEntry.objects.order_by("-id").first()
    assert entry is not None
    assert (entry.kind, entry.results) == (Kind.DELETED, [0.0, 1.0, 2.0, 3.0, 4.0])


def test_too_long_a_period_is_refused_and_says_how_far_it_may_go(
    staff: Client, stream: Datastream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 3)
    answer = correct(staff, stream, start=text(0), end=text(6), delete=True)
    assert answer.status_code == 400
    assert "2026-03-01T00:05:00" in answer.json()["errors"]["end"][0]
    assert len(stored(stream)) == 6


# Who may, and what is kept


def test_who_may_not_is_refused(client: Client, stream: Datastream) -> None:
    assert correct(client, stream, phenomenon_time=text(0), result=1).status_code == 401
    assert client.get(url(stream)).status_code == 401
    client.force_login(User.objects.create_user("warga", password="kuda-lumping-77"))
    assert correct(client, stream, phenomenon_time=text(0), result=1).status_code == 403
    assert client.get(url(stream)).status_code == 403
    assert stored(stream)[0] == (0.0, 0)


def test_the_lines_are_listed_the_latest_first_page_by_page(staff: Client, stream: Datastream) -> None:
    for number in range(3):
        correct(staff, stream, phenomenon_time=text(number), result=number + 0.5)
    seen, page = [], f"{url(stream)}?limit=2"
    while page:
        answer = staff.get(page)
        assert "private" in answer["Cache-Control"]
        seen += [line["new_result"] for line in answer.json()["results"]]
        page = answer.json()["next"]
    assert seen == [2.5, 1.5, 0.5]


@pytest.mark.parametrize(
    "change",
    [
        lambda line: Correction.objects.update(reason="x"),
        lambda line: line.delete(),
        lambda line: Correction.objects.all().delete(),
    ],
)
def test_a_line_is_neither_changed_nor_deleted(
    staff: Client, stream: Datastream, change: Callable[[Correction], Any]
) -> None:
    correct(staff, stream, phenomenon_time=text(0), result=1)
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        change(Correction.objects.get())
    assert Correction.objects.get().reason == "test of the gauge"


def test_a_datastream_of_which_something_was_decided_cannot_be_deleted(staff: Client, stream: Datastream) -> None:
    correct(staff, stream, phenomenon_time=text(0), result=1)
    with pytest.raises(ProtectedError):
        stream.delete()


def test_the_lines_of_an_exercise_go_with_it(staff: Client, stream: Datastream) -> None:
    correct(staff, stream, phenomenon_time=text(0), result=1)
    Thing.objects.update(is_exercise=True)
    Correction.objects.all().delete()
    assert not Correction.objects.exists()


# Qualities among observations


@pytest.fixture
def flagged(stream: Datastream) -> Datastream:
    """Of the results 0 to 5: 2 a spike, 3 stuck and a spike, 5 implausible."""
    for number, quality in ((2, SPIKE), (3, SPIKE | STUCK)):
        Observation.objects.filter(datastream=stream, phenomenon_time=at(number)).update(quality=quality)
    return stream


@pytest.mark.parametrize(
    ("asked", "results"),
    [
        ("any", [0, 1, 2, 3, 4, 5]),
        ("good", [0, 1, 4]),
        ("flagged", [2, 3, 5]),
        ("spike", [2, 3]),
        ("stuck", [3]),
        ("stuck,implausible", [3, 5]),
        ("doubted", []),
    ],
)
def test_observations_are_asked_for_by_quality(
    client: Client, flagged: Datastream, asked: str, results: list[float]
) -> None:
    seen, page = [], f"/api/datastreams/{flagged.pk}/observations/?quality={asked}&limit=2"
    while page:
        answer = client.get(page).json()
        seen += [one["result"] for one in answer["results"]]
        page = answer["next"]
    assert seen == results


def test_a_quality_is_a_word_or_several_with_commas_between(client: Client, flagged: Datastream) -> None:
    answer = client.get(f"/api/datastreams/{flagged.pk}/observations/").json()
    words = [one["quality"] for one in answer["results"]]
    assert words == ["good", "good", "spike", "stuck,spike", "good", "implausible"]


@pytest.mark.parametrize("query", ["quality=bad", "quality=good,spike", "quality=good&resolution=hour"])
def test_a_quality_that_cannot_be_asked_for_is_refused(client: Client, flagged: Datastream, query: str) -> None:
    answer = client.get(f"/api/datastreams/{flagged.pk}/observations/?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "quality")


def test_checks_are_set_by_the_api_and_shown(client: Client, stream: Datastream) -> None:
    client.force_login(User.objects.create_superuser("kepala", password="kuda-lumping-77"))
    change = {"most_change_per_min": 2.5, "stuck_after_s": 3600, "stuck_except": 0, "counted_flags": ["stuck", "spike"]}
    answer = client.patch(f"/api/datastreams/{stream.pk}/", change, content_type="application/json")
    assert answer.status_code == 200
    found = client.get("/api/datastreams/").json()["results"][0]
    assert {name: found[name] for name in change} == {**change, "counted_flags": ["stuck", "spike"]}
    assert Datastream.objects.get().counted_flags == STUCK | SPIKE
    for wrong in ({"most_change_per_min": 0}, {"counted_flags": ["doubted"]}, {"stuck_after_s": 0}):
        refused = client.patch(f"/api/datastreams/{stream.pk}/", wrong, content_type="application/json")
        assert refused.status_code == 400


# States


def test_states_are_listed_with_their_counts(client: Client, stream: Datastream) -> None:
    make_datastream(make_thing("pos-2"), "rain")
    DatastreamState.objects.filter(datastream=stream).update(
        latest_at=at(5), latest_result=5, latest_quality=IMPLAUSIBLE, heard_at=at(5)
    )
    judge(at(5) + timedelta(hours=1))
    answer = client.get("/api/datastreams/states/?state=silent,late").json()
    assert answer["counts"] == {"never": 1, "heard": 0, "late": 0, "silent": 1, "flapping": 0}
    (found,) = answer["results"]
    assert {name: found[name] for name in ("datastream", "thing", "state", "since", "heard_at", "latest_quality")} == {
        "datastream": stream.pk,
        "thing": "pos-1",
        "state": "silent",
        "since": "2026-03-01T00:45:00Z",
        "heard_at": "2026-03-01T00:15:00Z",
        "latest_quality": "implausible",
    }


def test_states_are_asked_for_by_thing_and_property_page_by_page(client: Client, stream: Datastream) -> None:
    second = make_datastream(make_thing("pos-2"), "rain")
    assert [one["thing"] for one in client.get("/api/datastreams/states/?thing=pos-2").json()["results"]] == ["pos-2"]
    answer = client.get("/api/datastreams/states/?property=rain").json()
    assert ([one["datastream"] for one in answer["results"]], answer["counts"]["never"]) == ([second.pk], 1)
    first = client.get("/api/datastreams/states/?limit=1").json()
    rest = client.get(first["next"]).json()
    assert [one["datastream"] for one in (*first["results"], *rest["results"])] == [stream.pk, second.pk]
    assert rest["next"] is None


@pytest.mark.parametrize("parameter", ["state", "thing", "property"])
def test_a_state_that_cannot_be_asked_for_is_refused(client: Client, stream: Datastream, parameter: str) -> None:
    answer = client.get(f"/api/datastreams/states/?{parameter}=none")
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_states_take_as_many_queries_for_many_datastreams(
    client: Client, stream: Datastream, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        make_datastream(make_thing(f"pos-{number + 10}"), "rain")
    with django_assert_max_num_queries(3):
        assert len(client.get("/api/datastreams/states/").json()["results"]) == 21


def test_the_layer_has_the_flags_at_once_and_the_state(client: Client, flagged: Datastream) -> None:
    Observation.objects.filter(datastream=flagged, phenomenon_time=at(5)).update(quality=IMPLAUSIBLE | STUCK)
    DatastreamState.objects.update(state="silent", since=at(5), heard_at=at(4))
    feature = json.loads(client.get("/layers/sensors.geojson").getvalue())["features"][0]["properties"]
    assert {name: feature[name] for name in ("result", "quality", "state", "state_since", "heard_at")} == {
        "result": 5.0,
        "quality": "implausible,stuck",
        "state": "silent",
        "state_since": "2026-03-01T00:15:00+00:00",
        "heard_at": "2026-03-01T00:10:00+00:00",
    }


def test_the_layer_is_another_when_a_state_changes_and_only_then(client: Client, stream: Datastream) -> None:
    DatastreamState.objects.filter(datastream=stream).update(latest_at=at(5), latest_result=5, heard_at=at(5))
    judge(at(5))
    first = client.get("/layers/sensors.geojson")
    assert b'"silent"' not in first.getvalue()
    judge(at(6))
    assert client.get("/layers/sensors.geojson", headers={"If-None-Match": first["ETag"]}).status_code == 304
    judge(at(60))
    later = client.get("/layers/sensors.geojson", headers={"If-None-Match": first["ETag"]})
    assert later.status_code == 200
    assert b'"silent"' in later.getvalue()


# The operators' page


def test_operators_see_the_silent_ones(client: Client, stream: Datastream) -> None:
    make_datastream(make_thing("pos-2"), "rain")
    DatastreamState.objects.filter(datastream=stream).update(state="silent")
    client.force_login(User.objects.create_superuser("kepala", password="kuda-lumping-77"))
    page = client.get("/admin/sensors/datastream/?state__state__exact=silent").content.decode()
    assert "pos-1/pm25" in page
    assert "pos-2/rain" not in page


def test_operators_choose_which_flags_are_counted(client: Client, stream: Datastream) -> None:
    client.force_login(User.objects.create_superuser("kepala", password="kuda-lumping-77"))
    form = {
        "expected_interval_s": "600",
        "stuck_tolerance": "0",
        "counted_flags": ["4", "8"],
        "most_change_per_min": "3",
    }
    answer = client.post(f"/admin/sensors/datastream/{stream.pk}/change/", form)
    assert answer.status_code == 302
    changed = Datastream.objects.get(pk=stream.pk)
    assert (changed.counted_flags, changed.most_change_per_min) == (STUCK | SPIKE, 3.0)
    with connection.cursor() as cursor:
        # The hour of the implausible one: the others have no flagged values.
        cursor.execute("SELECT count(DISTINCT hour) FROM sensors_dirtyhour WHERE hour = '2026-03-01T00:00Z'")
        assert cursor.fetchone() == (1,)
