"""A moved thing in the city: what it measured before stays in the area where it was measured, whichever way it is moved."""

import csv
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.db import connection
from django.test import Client

from geo.models import City, ThingPlacement
from sensors.ingest.units import is_unit
from sensors.models import Thing, ThingLocation
from sensors.registry.services import RegistryConflict, ThingEntry, change_thing, move_thing, provision_things
from server.core import env
from tests.db.dossier_city import HERE, HOUR, START, THERE, compiled, gauge, reading
from tests.factories import centre, make_city, make_datastream, make_thing
from tests.waiting import wait_for

FIXTURES = Path(__file__).parents[2] / "fixtures"
MOVED = START + 10 * HOUR


@pytest.fixture
def city(db: None) -> City:
    return make_city()


@pytest.fixture
def staff(client: Client, settings: Any) -> Client:
    settings.BROKER_DIR = ""
    client.force_login(User.objects.create_superuser("kepala", password="kuda-lumping-77"))
    return client


def by_api(client: Client, there: Point, tmp_path: Path) -> None:
    body = {"location": {"type": "Point", "coordinates": list(there.coords)}, "moved_at": MOVED.isoformat()}
    answer = client.post("/api/things/pindah/locations/", json.dumps(body), "application/json")
    assert answer.status_code == 201


def by_put(client: Client, there: Point, tmp_path: Path) -> None:
    location = {"type": "Point", "coordinates": list(there.coords)}
    body = {"name": "Pindah", "location": location, "moved_at": MOVED.isoformat()}
    assert client.put("/api/things/pindah/", json.dumps(body), "application/json").status_code == 200


def by_upload(client: Client, there: Point, tmp_path: Path) -> None:
    text = f"slug,name,lon,lat\npindah,Pindah,{there.x!r},{there.y!r}\n"
    path = f"/api/things/import/?moved_at={MOVED:%Y-%m-%dT%H:%M:%SZ}"
    assert client.generic("POST", path, text.encode(), "text/csv").json()["counts"]["things_moved"] == 1


def by_csv_file(client: Client, there: Point, tmp_path: Path) -> None:
    path = tmp_path / "things.csv"
    path.write_text(f"slug,name,lon,lat\npindah,Pindah,{there.x!r},{there.y!r}\n")
    call_command("import_things", str(path), "--map", "slug=slug,name=name,lon=lon,lat=lat", "--moved-at", str(MOVED))


def by_geojson_file(client: Client, there: Point, tmp_path: Path) -> None:
    path = tmp_path / "things.geojson"
    feature = {
        "type": "Feature",
        "properties": {"slug": "pindah", "name": "Pindah"},
        "geometry": {"type": "Point", "coordinates": list(there.coords)},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    call_command("import_things", str(path), "--map", "slug=slug,name=name,lon=lon,lat=lat", "--moved-at", str(MOVED))


def by_admin(client: Client, there: Point, tmp_path: Path) -> None:
    thing = Thing.objects.get()
    form = {
        "slug": "pindah",
        "name": "Pindah",
        "properties": "{}",
        "lon": repr(there.x),
        "lat": repr(there.y),
        # In Jakarta's time, as the form has it.
        "moved_at_0": "2026-01-05",
        "moved_at_1": "10:00:00",
        "datastreams-TOTAL_FORMS": "0",
        "datastreams-INITIAL_FORMS": "0",
        "locations-TOTAL_FORMS": "0",
        "locations-INITIAL_FORMS": "0",
    }
    assert client.post(f"/admin/sensors/thing/{thing.pk}/change/", form).status_code == 302


@pytest.mark.parametrize("move", [by_api, by_put, by_upload, by_csv_file, by_geojson_file, by_admin])
def test_what_was_measured_before_a_move_stays_in_its_area(
    city: City, staff: Client, tmp_path: Path, move: Callable[[Client, Point, Path], None]
) -> None:
    # Ten hours of 20 degrees here; from then on 30 degrees, there.
    gauge("pindah", HERE, "temperature", [20.0] * 10 + [30.0] * 10, unit_ucum="Cel")
    move(staff, centre(THERE), tmp_path)
    end = START + 20 * HOUR
    here, there = (reading(compiled(city, area, end=end), "temperature") for area in (HERE, THERE))
    assert [(entry["things"][0]["mean"]["value"], entry["things"][0]["mean"]["n"]) for entry in (here, there)] == [
        (20.0, 10),
        (30.0, 10),
    ]
    placements = ThingPlacement.objects.order_by("valid_from").values_list("area__code", "valid_to")
    # On the line between two subdistricts, of which the one with the lower code has it.
    assert list(placements) == [("kota-uji.1.1", MOVED), ("kota-uji.2.1", None)]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["csv", "geojson"])
def test_file_that_comes_in_twice_changes_nothing_the_second_time(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    settings.BROKER_DIR = ""
    path = tmp_path / f"things.{kind}"
    if kind == "csv":
        path.write_text("slug,name,lon,lat,properties\na,A,106.9,-6.3,\n")
    else:
        point = {"type": "Point", "coordinates": [106.9, -6.3]}
        feature = {"type": "Feature", "properties": {"slug": "a", "name": "A", "properties": ""}, "geometry": point}
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    call_command("import_things", str(path))
    capsys.readouterr()
    call_command("import_things", str(path))
    assert "1 things unchanged" in capsys.readouterr().out
    assert (Thing.objects.count(), ThingLocation.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_fault_of_the_registry_is_told_with_its_line(tmp_path: Path, settings: Any) -> None:
    settings.BROKER_DIR = ""
    path = tmp_path / "things.csv"
    path.write_text("slug,name,lon,lat,properties\na,A,1,2,\nb,B,1,2,wind=m/s\n")
    with pytest.raises(Exception, match=r"line 3: thing 'b': no observed property 'wind'"):
        call_command("import_things", str(path))
    assert not Thing.objects.exists()


@pytest.mark.django_db
def test_thing_that_stands_where_it_stands_has_not_moved() -> None:
    thing = make_thing()
    assert not move_thing(thing, lon_lat=(106.93, -6.25), moved_at=datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(RegistryConflict):
        move_thing(thing, lon_lat=(107, -6), moved_at=datetime(2019, 1, 1, tzinfo=UTC))
    assert ThingLocation.objects.count() == 1


@pytest.mark.django_db
def test_change_starts_from_what_the_thing_is_and_not_from_what_the_caller_read() -> None:
    thing = make_thing(properties={"a": 1})
    stale = Thing.objects.get()
    change_thing(thing, {"properties": {"b": 2}})
    change_thing(stale, {"properties": {"c": 3}})
    assert Thing.objects.get().properties == {"a": 1, "b": 2, "c": 3}


@pytest.mark.django_db(transaction=True)
def test_two_who_register_the_same_thing_at_once_make_one() -> None:
    entry = ThingEntry("pos-1", "Pos 1", lon_lat=(106.9, -6.3))
    counts = []

    def register() -> None:
        try:
            counts.append(provision_things([entry], moved_at=MOVED))
        finally:
            connection.close()

    threads = [threading.Thread(target=register) for _number in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(counts) == 4, "the four registrations")
    for thread in threads:
        thread.join()
    assert sorted(sorted(each.items()) for each in counts) == [
        [("things_created", 1)],
        [("things_unchanged", 1)],
        [("things_unchanged", 1)],
        [("things_unchanged", 1)],
    ]
    assert (Thing.objects.count(), ThingLocation.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_two_datastreams_of_a_thing_are_never_sent_under_one_name() -> None:
    stream = make_datastream(make_thing(), "rain", unit_ucum="mm", sent_as="r")
    with pytest.raises(Exception, match="one_datastream_per_sent_name"):
        make_datastream(stream.thing, "wind", unit_ucum="m/s", sent_as="r")


def test_every_unit_of_the_fixtures_is_one_of_ucum() -> None:
    entries = json.loads((FIXTURES / "bekasi" / "observed_properties.json").read_text())
    units = {entry["unit_ucum"] for entry in entries}
    assert len(units) >= 8
    assert {unit for unit in units if not is_unit(unit)} == set()
    with (FIXTURES / "bekasi" / "things.csv").open() as file:
        assert next(csv.reader(file))[0] == "slug"


def test_setting_that_is_none_of_the_words_ends_the_process_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PANTAU_AUTO_PROVISION", raising=False)
    assert env.choice("PANTAU_AUTO_PROVISION", ("off", "pending")) == "off"
    monkeypatch.setenv("PANTAU_AUTO_PROVISION", "Pending")
    assert env.choice("PANTAU_AUTO_PROVISION", ("off", "pending")) == "pending"
    monkeypatch.setenv("PANTAU_AUTO_PROVISION", "yes")
    with pytest.raises(env.BadSetting, match="PANTAU_AUTO_PROVISION must be off or pending, not 'yes'"):
        env.choice("PANTAU_AUTO_PROVISION", ("off", "pending"))
