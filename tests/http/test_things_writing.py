"""Registering things, what they measure and where they stand, by HTTP; one at a time and as a file."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from geo.reports.access.tokens import create_token
from sensors.models import Datastream, ObservedProperty, Thing, ThingLocation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from server.core import broker_credentials
from tests.factories import make_datastream, make_observed_property, make_thing
from tests.sensor_factories import columns_of

pytestmark = pytest.mark.django_db

GAUGE = {
    "slug": "river-p2c",
    "name": "P2C",
    "location": {"type": "Point", "coordinates": [106.9692, -6.3005]},
    "datastreams": [
        {
            "observed_property": "river_level",
            "unit_ucum": "cm",
            "plausible_min": 0,
            "plausible_max": 1500,
            "expected_interval_s": 300,
            "sensor": "Radar water level gauge",
        }
    ],
}
CSV = "slug,name,lon,lat,properties\nr1,Pos 1,106.9,-6.3,rain=mm\nr2,Pos 2,106.91,-6.31,rain=mm;river_level=cm\n"


@pytest.fixture(autouse=True)
def broker_dir(settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "broker"
    folder.mkdir(mode=0o700)
    settings.BROKER_DIR = str(folder)
    return folder


@pytest.fixture(autouse=True)
def _properties(db: None) -> None:
    make_observed_property("river_level")
    make_observed_property("rain")


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("kepala", password="kuda-lumping-77"))
    return client


def send(client: Client, method: str, path: str, body: Any, **headers: str) -> Any:
    return client.generic(method, path, json.dumps(body), "application/json", headers=headers)


def register(client: Client, **more: Any) -> Any:
    return send(client, "POST", "/api/things/", {**GAUGE, **more})


def upload(client: Client, text: str, query: str = "", kind: str = "text/csv") -> Any:
    return client.generic("POST", f"/api/things/import/{query}", text.encode(), kind)


def places(slug: str) -> list[tuple[Any, datetime, datetime | None]]:
    found = ThingLocation.objects.filter(thing__slug=slug).order_by("valid_from", "id")
    return [(place.location.coords, place.valid_from, place.valid_to) for place in found]


# One thing


def test_thing_is_registered_with_its_place_and_what_it_measures(staff: Client) -> None:
    answer = register(staff, properties={"pemilik": "BBWS"})
    assert (answer.status_code, answer["Location"]) == (201, "/api/things/river-p2c/")
    body = answer.json()
    assert body["location"] == {"type": "Point", "coordinates": [106.9692, -6.3005]}
    assert body["properties"] == {"pemilik": "BBWS"}
    (stream,) = body["datastreams"]
    assert stream["unit_of_measurement"] == {"name": "", "symbol": "cm"}
    assert (stream["plausible_min"], stream["plausible_max"], stream["expected_interval_s"]) == (0.0, 1500.0, 300)
    assert stream["sensor"] == "Radar water level gauge"
    assert staff.get("/api/things/river-p2c/").json() == {k: v for k, v in body.items() if k != "broker"}


def test_password_of_a_new_thing_is_told_once_and_to_nobody_else(staff: Client, broker_dir: Path) -> None:
    answer = register(staff)
    broker = answer.json()["broker"]
    password = broker_credentials.devices(broker_dir)["river-p2c"]
    assert broker == {
        "state": "created",
        "username": "river-p2c",
        "topic": "sensors/river-p2c/",
        "password": password,
    }
    assert "no-store" in answer["Cache-Control"]
    assert register(staff).json()["broker"] == {
        "state": "kept",
        "username": "river-p2c",
        "topic": "sensors/river-p2c/",
    }
    for path in ("/api/things/", "/api/things/river-p2c/", "/api/things/river-p2c/locations/"):
        assert password not in staff.get(path).content.decode()


def test_thing_is_registered_where_the_brokers_users_are_anothers_or_cannot_be_written(
    staff: Client, settings: Any, tmp_path: Path
) -> None:
    settings.BROKER_DIR = ""
    assert register(staff).json()["broker"]["state"] == "elsewhere"
    settings.BROKER_DIR = str(tmp_path / "nowhere")
    answer = register(staff, slug="river-2")
    assert (answer.status_code, answer.json()["broker"]["state"]) == (201, "failed")
    assert Thing.objects.filter(slug="river-2").exists()


def test_same_thing_sent_again_is_a_repeat_and_another_of_its_slug_a_conflict(staff: Client) -> None:
    assert register(staff).status_code == 201
    assert register(staff).status_code == 200
    answer = register(staff, name="Lain")
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert "PUT /api/things/river-p2c/" in answer.json()["detail"]
    assert Thing.objects.get().name == "P2C"
    assert Datastream.objects.count() == ThingLocation.objects.count() == 1


def test_put_makes_a_thing_and_then_changes_it(staff: Client) -> None:
    body = {name: value for name, value in GAUGE.items() if name != "slug"}
    assert send(staff, "PUT", "/api/things/river-p2c/", body).status_code == 201
    again = send(staff, "PUT", "/api/things/river-p2c/", {"name": "P2C baru", "properties": {"a": 1}})
    assert (again.status_code, again.json()["name"], again.json()["properties"]) == (200, "P2C baru", {"a": 1})
    assert [stream["observed_property"] for stream in again.json()["datastreams"]] == ["river_level"]


def test_put_elsewhere_is_a_move_and_the_past_stays(staff: Client) -> None:
    register(staff)
    there = {"type": "Point", "coordinates": [107.0, -6.2]}
    body = {"name": "P2C", "location": there, "moved_at": "2026-03-01T00:00:00+07:00"}
    assert send(staff, "PUT", "/api/things/river-p2c/", body).json()["location"] == there
    since, moved = datetime(1990, 1, 1, tzinfo=UTC), datetime(2026, 2, 28, 17, tzinfo=UTC)
    assert places("river-p2c") == [((106.9692, -6.3005), since, moved), ((107.0, -6.2), moved, None)]


def test_patch_changes_what_is_given_and_a_null_takes_a_property_away(staff: Client) -> None:
    register(staff, description="Lama", properties={"a": 1, "b": 2})
    answer = send(staff, "PATCH", "/api/things/river-p2c/", {"description": "", "properties": {"a": None, "c": 3}})
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["description"]) == ("P2C", "")
    assert answer.json()["properties"] == {"b": 2, "c": 3}
    assert send(staff, "PATCH", "/api/things/none/", {"name": "X"}).status_code == 404


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"slug": "River P2C"}, "slug"),
        ({"slug": "import"}, "slug"),
        ({"slug": "x" * 65}, "slug"),
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"location": {"type": "Point", "coordinates": [-6.3, 106.9]}}, "location"),
        ({"location": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}}, "location"),
        ({"location": [106.9, -6.3]}, "location"),
        ({"moved_at": "2026-03-01T00:00:00"}, "moved_at"),
        ({"moved_at": "2999-01-01T00:00:00Z"}, "moved_at"),
        ({"standing_since": "0001-01-01T00:00:00+07:00"}, "standing_since"),
        ({"properties": []}, "properties"),
        ({"properties": {"a": "x\0y"}}, "properties"),
        ({"properties": {"a": "\ud800"}}, "properties"),
        ({"datastreams": [{"observed_property": "river_level", "unit_ucum": "centimetres"}]}, "datastreams"),
        ({"datastreams": [{"observed_property": "river_level"}]}, "datastreams"),
        ({"datastreams": [{"observed_property": "rain", "unit_ucum": "mm", "plausible_min": "nan"}]}, "datastreams"),
        ({"datastreams": [{"observed_property": "rain", "unit_ucum": "mm", "plausible_mni": 1}]}, "datastreams"),
        ({"datastreams": [{"observed_property": "wind", "unit_ucum": "m/s"}]}, "thing"),
        ({"datastreams": [{"observed_property": "rain", "unit_ucum": "mm", "plausible_min": 9, "plausible_max": 1}]}, "thing"),
        ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_thing_is_refused_by_its_field_and_nothing_is_kept(
    staff: Client, change: Mapping[str, Any], named: str
) -> None:
    answer = register(staff, **change)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert list(answer.json()["errors"]) == [named]
    assert not Thing.objects.exists()


def test_who_writes_needs_to_be_somebody_with_the_permission(client: Client) -> None:
    writes: list[tuple[str, str]] = [
        ("POST", "things/"),
        ("PUT", "things/pos-1/"),
        ("PATCH", "things/pos-1/"),
        ("POST", "things/pos-1/locations/"),
        ("POST", "things/pos-1/datastreams/"),
        ("PATCH", f"datastreams/{make_datastream(make_thing()).pk}/"),
        ("POST", "observed-properties/"),
    ]
    for method, path in writes:
        answer = send(client, method, f"/api/{path}", {})
        assert (answer.status_code, answer["WWW-Authenticate"][:6]) == (401, "Bearer"), path
    assert upload(client, CSV).status_code == 401
    client.force_login(User.objects.create_user("tamu", is_staff=True))
    for method, path in writes:
        assert send(client, method, f"/api/{path}", {}).status_code == 403, path
    assert upload(client, CSV).status_code == 403


def test_one_who_may_only_add_things_changes_none(client: Client) -> None:
    user = User.objects.create_user("teknisi", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_thing", "add_datastream"]))
    client.force_login(user)
    assert register(client).status_code == 201
    assert send(client, "PATCH", "/api/things/river-p2c/", {"name": "X"}).status_code == 403
    assert send(client, "PUT", "/api/things/river-p2c/", {"name": "X"}).status_code == 403


def test_person_writes_by_access_token_and_readers_need_none(client: Client) -> None:
    user = User.objects.create_superuser("kepala", password="kuda-lumping-77")
    _token, text = create_token(user=user, name="uji", scopes=["read", "write"], now=timezone.now())
    assert send(client, "POST", "/api/things/", GAUGE, Authorization=f"Bearer {text}").status_code == 201
    assert "public" in client.get("/api/things/river-p2c/")["Cache-Control"]


# Where it stands


def test_move_by_api_keeps_where_it_stood_and_the_history_is_listed(staff: Client) -> None:
    register(staff)
    there = {"type": "Point", "coordinates": [107.0, -6.2]}
    body = {"location": there, "moved_at": "2026-02-28T17:00:00Z"}
    answer = send(staff, "POST", "/api/things/river-p2c/locations/", body)
    assert answer.status_code == 201
    assert answer.json() == {"location": there, "valid_from": "2026-02-28T17:00:00Z", "valid_to": None}
    assert send(staff, "POST", "/api/things/river-p2c/locations/", body).status_code == 200
    listed = Client().get("/api/things/river-p2c/locations/").json()
    assert [(row["location"]["coordinates"], row["valid_to"]) for row in listed["results"]] == [
        ([106.9692, -6.3005], "2026-02-28T17:00:00Z"),
        ([107.0, -6.2], None),
    ]


def test_pages_of_locations_join_without_a_gap(staff: Client) -> None:
    register(staff)
    for month in (1, 2, 3, 4):
        body = {"location": {"type": "Point", "coordinates": [107, -month]}, "moved_at": f"2026-0{month}-01T00:00:00Z"}
        assert send(staff, "POST", "/api/things/river-p2c/locations/", body).status_code == 201
    seen, url = [], "/api/things/river-p2c/locations/?limit=2"
    while url:
        page = staff.get(url).json()
        seen += [row["location"]["coordinates"][1] for row in page["results"]]
        url = page["next"]
    assert seen == [-6.3005, -1.0, -2.0, -3.0, -4.0]


def test_thing_cannot_have_moved_before_it_came(staff: Client) -> None:
    register(staff, standing_since="2026-03-01T00:00:00Z")
    body = {"location": {"type": "Point", "coordinates": [107, -6]}, "moved_at": "2026-02-01T00:00:00Z"}
    answer = send(staff, "POST", "/api/things/river-p2c/locations/", body)
    assert (answer.status_code, "cannot have moved before" in answer.json()["detail"]) == (409, True)
    assert len(places("river-p2c")) == 1


# What it measures


def test_datastream_is_added_and_changed_and_a_null_takes_a_bound_away(staff: Client) -> None:
    register(staff)
    rain = {"observed_property": "rain", "unit_ucum": "mm", "plausible_max": 100}
    added = send(staff, "POST", "/api/things/river-p2c/datastreams/", rain)
    assert (added.status_code, added.json()["plausible_max"]) == (201, 100.0)
    assert send(staff, "POST", "/api/things/river-p2c/datastreams/", rain).status_code == 200
    path = f"/api/datastreams/{added.json()['id']}/"
    changed = send(staff, "PATCH", path, {"plausible_max": None, "plausible_min": -1.5, "expected_interval_s": 60})
    assert changed.status_code == 200
    body = changed.json()
    assert (body["plausible_min"], body["plausible_max"], body["expected_interval_s"]) == (-1.5, None, 60)
    assert Client().get(path).json() == body


def test_unit_is_changed_while_nothing_is_observed_and_never_after(staff: Client) -> None:
    register(staff)
    stream = Datastream.objects.get()
    path = f"/api/datastreams/{stream.pk}/"
    assert send(staff, "PATCH", path, {"unit_ucum": "m"}).json()["unit_of_measurement"]["symbol"] == "m"
    ensure_partitions([date(2026, 3, 1)])
    write_observations(columns_of((stream, "2026-03-01T05:00:00Z", 3.12)))
    refused = send(staff, "PATCH", path, {"unit_ucum": "cm"})
    assert (refused.status_code, "satuannya tetap" in refused.json()["detail"]) == (409, True)
    by_property = {"observed_property": "river_level", "unit_ucum": "cm"}
    assert send(staff, "POST", "/api/things/river-p2c/datastreams/", by_property).status_code == 409
    assert send(staff, "PATCH", path, {"unit_ucum": "m", "unit_name": "metre"}).status_code == 200


def test_datastream_that_is_not_there_is_not_found(staff: Client) -> None:
    for number in (999_999_999, 2**70):
        assert staff.get(f"/api/datastreams/{number}/").status_code == 404
        assert send(staff, "PATCH", f"/api/datastreams/{number}/", {}).status_code == 404


def test_observed_property_is_made_once(staff: Client) -> None:
    body = {"code": "wind_speed", "name_id": "Kecepatan angin", "name_en": "Wind speed", "domain": "environment"}
    answer = send(staff, "POST", "/api/observed-properties/", body)
    assert (answer.status_code, answer.json()["aggregate"]) == (201, "mean")
    assert send(staff, "POST", "/api/observed-properties/", body).status_code == 200
    assert send(staff, "POST", "/api/observed-properties/", {**body, "aggregate": "max"}).status_code == 409
    assert ObservedProperty.objects.get(code="wind_speed").aggregate == "mean"
    assert "domain" in send(staff, "POST", "/api/observed-properties/", {**body, "domain": "x"}).json()["errors"]


# A file


def test_file_makes_its_things_and_a_second_time_changes_nothing(staff: Client, broker_dir: Path) -> None:
    first = upload(staff, CSV).json()
    passwords = broker_credentials.devices(broker_dir)
    assert first == {
        "dry_run": False,
        "things": 2,
        "counts": {"things_created": 2, "datastreams_created": 3},
        "broker": {
            "state": "created",
            "credentials": [{"username": slug, "password": passwords[slug]} for slug in ("r1", "r2")],
        },
    }
    second = upload(staff, CSV).json()
    assert second["counts"] == {"things_unchanged": 2}
    assert second["broker"] == {"state": "kept", "credentials": []}


def test_geojson_file_makes_its_things(staff: Client) -> None:
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [106.9, -6.3]},
        "properties": {"judul": "Pos Hujan", "is_simulated": True},
    }
    text = json.dumps({"type": "FeatureCollection", "features": [feature]})
    query = "?map=name=judul&default_property=rain&unit=mm&since=2026-01-01"
    assert upload(staff, text, query, "application/geo+json").json()["counts"]["things_created"] == 1
    assert upload(staff, text, query, "application/geo+json").json()["counts"] == {"things_unchanged": 1}
    # The first of January begins in Jakarta at 17:00 UTC the day before.
    assert places("pos-hujan") == [((106.9, -6.3), datetime(2025, 12, 31, 17, tzinfo=UTC), None)]
    assert (Thing.objects.get().is_simulated, Datastream.objects.get().unit_ucum) == (True, "mm")


def test_file_with_another_place_is_a_move(staff: Client) -> None:
    upload(staff, CSV)
    upload(staff, "slug,lon,lat\nr1,107.0,-6.2\n", "?moved_at=2026-02-28T17:00:00Z")
    moved = datetime(2026, 2, 28, 17, tzinfo=UTC)
    assert places("r1")[0][2] == places("r1")[1][1] == moved


def test_dry_run_counts_and_keeps_nothing(staff: Client, broker_dir: Path) -> None:
    answer = upload(staff, CSV, "?dry_run=true").json()
    assert (answer["counts"], answer["broker"]) == ({"things_created": 2, "datastreams_created": 3}, None)
    assert not Thing.objects.exists()
    assert broker_credentials.devices(broker_dir) == {}


def test_faults_of_a_file_are_told_by_row_and_nothing_is_kept(staff: Client) -> None:
    text = "slug,name,lon,lat,properties\na,A,106.9,-6.3,rain=mm\nb,B,x,-6.3,\nc,C,1,2,wind\nd,D,1,2,rain=drops\n"
    answer = upload(staff, text)
    assert answer.status_code == 400
    assert answer.json()["errors"] == {
        "line 3": ["column lon: 'x' is not a number of degrees"],
        "line 4": ["column properties: no unit is known for 'wind'; known are none"],
    }
    lines = text.splitlines(keepends=True)
    assert upload(staff, lines[0] + lines[4]).json()["errors"] == {"line 2": ["'drops' is no unit of UCUM"]}
    assert upload(staff, lines[0] + lines[1] + "e,E,1,2,wind=m/s\n").json()["errors"] == {
        "line 3": ["thing 'e': no observed property 'wind'; there are rain, river_level"]
    }
    assert not Thing.objects.exists()


def test_unit_that_a_file_would_change_is_a_conflict_at_its_row(staff: Client) -> None:
    upload(staff, CSV)
    answer = upload(staff, "slug,name,properties\nr1,Pos 1,\nr2,Pos 2,rain=cm\n")
    assert (answer.status_code, list(answer.json()["errors"])) == (409, ["line 3"])


@pytest.mark.parametrize(
    ("text", "kind", "status", "named"),
    [
        ("", "text/csv", 400, "body"),
        ("slug,name\n", "text/csv", 400, "body"),
        ("slug,name\na,A,B,C\n", "text/csv", 400, "body"),
        ("slug,name\na,A\0\n", "text/csv", 400, "line 2"),
        ("colour\nred\n", "text/csv", 400, "line 2"),
        ("{", "application/geo+json", 400, "body"),
        ("[" * 100_000, "application/geo+json", 400, "body"),
        ('{"features": 5}', "application/geo+json", 400, "body"),
        ('{"features": [5]}', "application/geo+json", 400, "body"),
        ('{"features": [{"geometry": {"type": "Point"}}]}', "application/geo+json", 400, "body"),
        ('{"features": [{"geometry": {"type": "Point", "coordinates": 5}}]}', "application/geo+json", 400, "body"),
        ('{"features": [{"properties": {"name": "\\ud800"}}]}', "application/geo+json", 400, "feature 1"),
        ('{"features": [{"properties": {"name": "' + "n" * 201 + '"}}]}', "application/geo+json", 400, "feature 1"),
        ('{"features": []}', "application/geo+json", 400, "body"),
        ("slug,name\na,A\n", "application/xml", 415, None),
    ],
)
def test_file_that_cannot_be_read_is_a_sentence(
    staff: Client, text: str, kind: str, status: int, named: str | None
) -> None:
    answer = upload(staff, text, kind=kind)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert list(answer.json().get("errors", [])) == ([named] if named else [])
    assert not Thing.objects.exists()


def test_file_in_another_encoding_is_a_sentence(staff: Client) -> None:
    answer = staff.generic("POST", "/api/things/import/", "slug,name\na,Caf\u00e9\n".encode("latin-1"), "text/csv")
    assert (answer.status_code, answer.json()["errors"]) == (400, {"body": ["Bukan UTF-8."]})


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("dry_run=maybe", "dry_run"),
        ("map=colour=x", "map"),
        ("map=/etc/hostname.json", "map"),
        ("unit=mm", "unit"),
        ("default_property=rain&unit=drops", "unit"),
        ("moved_at=yesterday", "moved_at"),
        ("moved_at=2999-01-01", "moved_at"),
        ("since=1900-01-01", "since"),
        ("other=1", "other"),
    ],
)
def test_bad_parameter_of_an_import_is_named(staff: Client, query: str, named: str) -> None:
    answer = upload(staff, CSV, f"?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, named)


def test_import_asks_at_most_eleven_queries_for_each_new_thing(
    staff: Client, django_assert_max_num_queries: Any
) -> None:
    rows = "".join(f"pos-{n},Pos {n},106.9,-6.3,rain=mm\n" for n in range(20))
    with django_assert_max_num_queries(20 * 11 + 10):
        assert upload(staff, "slug,name,lon,lat,properties\n" + rows).status_code == 200
