"""Things and pending devices in the admin: a place is a move, a unit stays, credentials are told once, devices are approved."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from sensors.ingest.models import RejectedMessage
from sensors.ingest.pending.models import PendingThing
from sensors.models import Datastream, Observation, Thing, ThingLocation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from server.core import broker_credentials
from tests.factories import make_datastream, make_observed_property, make_thing
from tests.sensor_factories import NOON, columns_of

pytestmark = pytest.mark.django_db

THINGS, PENDING = "/admin/sensors/thing/", "/admin/sensors/pendingthing/"
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def broker_dir(settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "broker"
    folder.mkdir(mode=0o700)
    settings.BROKER_DIR = str(folder)
    return folder


@pytest.fixture(autouse=True)
def _signed_in(client: Client) -> None:
    client.force_login(User.objects.create_superuser("kepala", password="kuda-lumping-77"))


def form_of(thing: Thing | None, **changes: str) -> dict[str, str]:
    """What a browser sends from the page of a thing."""
    streams = list(thing.datastreams.order_by("id")) if thing else []
    form = {
        "slug": thing.slug if thing else "",
        "name": thing.name if thing else "",
        "properties": "{}",
        "lon": "106.93" if thing else "",
        "lat": "-6.25" if thing else "",
        "datastreams-TOTAL_FORMS": str(len(streams)),
        "datastreams-INITIAL_FORMS": str(len(streams)),
        "locations-TOTAL_FORMS": "0",
        "locations-INITIAL_FORMS": "0",
    }
    for number, stream in enumerate(streams):
        row = {
            "id": stream.pk,
            "thing": stream.thing_id,
            "observed_property": stream.observed_property_id,
            "unit_ucum": stream.unit_ucum,
            "expected_interval_s": 600,
        }
        form |= {f"datastreams-{number}-{name}": str(value) for name, value in row.items()}
    return form | changes


def save(client: Client, thing: Thing, **changes: str) -> Any:
    return client.post(f"{THINGS}{thing.pk}/change/", form_of(thing, **changes), follow=True)


def places() -> list[tuple[Any, datetime, datetime | None]]:
    found = ThingLocation.objects.order_by("valid_from", "id")
    return [(place.location.coords, place.valid_from, place.valid_to) for place in found]


def act(client: Client, page: str, action: str, *rows: Any) -> str:
    body = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(page, body, follow=True).content.decode()


def test_another_place_in_the_form_is_a_move_and_the_past_stays(client: Client) -> None:
    thing = make_thing()
    # In the zone of the installation, which is Jakarta's: 17:00 UTC the day before.
    save(client, thing, lon="107.0", lat="-6.2", moved_at_0="2026-03-01", moved_at_1="00:00:00")
    moved = datetime(2026, 2, 28, 17, tzinfo=UTC)
    assert places() == [((106.93, -6.25), SINCE, moved), ((107.0, -6.2), moved, None)]


def test_form_saved_without_another_place_moves_nothing(client: Client) -> None:
    thing = make_thing()
    save(client, thing, name="Baru")
    assert (Thing.objects.get().name, places()) == ("Baru", [((106.93, -6.25), SINCE, None)])


def test_wrong_place_is_put_right_from_the_time_it_was_given(client: Client) -> None:
    thing = make_thing()
    save(client, thing, lon="107.0", lat="-6.2", moved_at_0="2020-01-01", moved_at_1="07:00:00")
    assert places() == [((106.93, -6.25), SINCE, SINCE), ((107.0, -6.2), SINCE, None)]


@pytest.mark.parametrize(
    "changes",
    [
        {"lon": "107.0", "lat": ""},
        {"lon": "", "lat": ""},
        {"lon": "181", "lat": "0"},
        {"lon": "107.0", "lat": "-6.2", "moved_at_0": "2999-01-01", "moved_at_1": "00:00:00"},
        {"lon": "107.0", "lat": "-6.2", "moved_at_0": "2019-01-01", "moved_at_1": "00:00:00"},
    ],
)
def test_move_that_cannot_be_is_said_in_the_form(client: Client, changes: dict[str, str]) -> None:
    thing = make_thing()
    assert "errornote" in save(client, thing, **changes).content.decode()
    assert places() == [((106.93, -6.25), SINCE, None)]


def test_slug_of_a_thing_stays_whatever_the_form_says(client: Client) -> None:
    thing = make_thing()
    save(client, thing, slug="lain")
    assert Thing.objects.get().slug == "pos-1"


def test_history_of_places_and_the_datastreams_are_on_the_page(client: Client) -> None:
    thing = make_datastream(make_thing()).thing
    save(client, thing, lon="107.0", lat="-6.2")
    page = client.get(f"{THINGS}{thing.pk}/change/").content.decode()
    assert "106.9300000, -6.2500000" in page
    assert "107.0000000, -6.2000000" in page
    assert 'name="datastreams-0-unit_ucum"' in page
    assert not re.search(r'name="locations-\d+-location"', page)


def test_new_thing_stands_where_it_is_said_and_its_password_is_told_once(client: Client, broker_dir: Path) -> None:
    form = form_of(None, slug="pos-9", name="Pos 9", lon="106.9", lat="-6.3")
    page = client.post(f"{THINGS}add/", form, follow=True).content.decode()
    password = broker_credentials.devices(broker_dir)["pos-9"]
    assert password in page
    assert places() == [((106.9, -6.3), datetime(1990, 1, 1, tzinfo=UTC), None)]
    assert password not in act(client, THINGS, "give_credential", Thing.objects.get())


def test_new_password_ends_the_old_one(client: Client, broker_dir: Path) -> None:
    thing = make_thing()
    act(client, THINGS, "give_credential", thing)
    old = broker_credentials.devices(broker_dir)["pos-1"]
    page = act(client, THINGS, "renew_credential", thing)
    new = broker_credentials.devices(broker_dir)["pos-1"]
    assert (new != old, new in page) == (True, True)
    (line,) = (broker_dir / "passwords").read_text().splitlines()
    assert (broker_credentials.line_matches(line, new), broker_credentials.line_matches(line, old)) == (True, False)


def test_folder_that_cannot_be_written_is_said(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.BROKER_DIR = str(tmp_path / "nowhere")
    assert "No such file or directory" in act(client, THINGS, "give_credential", make_thing())
    settings.BROKER_DIR = ""
    assert "PANTAU_BROKER_DIR" in act(client, THINGS, "give_credential", Thing.objects.get())


def test_unit_stays_once_there_are_observations(client: Client) -> None:
    stream = make_datastream(make_thing())
    save(client, stream.thing, **{"datastreams-0-unit_ucum": "mg/m3"})
    stream.refresh_from_db()
    assert stream.unit_ucum == "mg/m3"
    ensure_partitions([date(2026, 3, 1)])
    write_observations(columns_of((stream, "2026-03-01T05:00:00Z", 3.12)))
    page = save(client, stream.thing, **{"datastreams-0-unit_ucum": "ug/m3"}).content.decode()
    assert "errornote" in page
    stream.refresh_from_db()
    assert stream.unit_ucum == "mg/m3"


def test_unit_that_is_none_of_ucum_is_refused(client: Client) -> None:
    stream = make_datastream(make_thing())
    assert "errornote" in save(client, stream.thing, **{"datastreams-0-unit_ucum": "microgram"}).content.decode()
    assert Datastream.objects.get().unit_ucum == "ug/m3"


# Pending devices


@pytest.fixture
def device() -> PendingThing:
    """A device that has sent one reading of the rain."""
    make_observed_property("rain")
    payload = b'{"result": 0.4, "unit": "mm", "phenomenon_time": "2026-03-01T05:00:00Z"}'
    RejectedMessage.objects.create(
        topic="sensors/pos-9/rain", payload=payload, reason="unknown_thing", thing="pos-9", received_at=NOON
    )
    return PendingThing.objects.create(
        slug="pos-9",
        topic="sensors/pos-9/rain",
        seen={"rain": {"result": 0.4, "unit": "mm", "time": "2026-03-01T05:00:00+00:00"}},
        messages=1,
        first_seen=NOON,
        last_seen=NOON,
    )


def test_device_is_approved_by_one_click_and_its_readings_are_stored(
    client: Client, device: PendingThing, broker_dir: Path
) -> None:
    assert "rain 0.4 mm" in client.get(PENDING).content.decode()
    act(client, PENDING, "approve", device)
    assert [row.result for row in Observation.objects.all()] == [0.4]
    assert (Thing.objects.get().slug, PendingThing.objects.count()) == ("pos-9", 0)
    assert list(broker_credentials.devices(broker_dir)) == ["pos-9"]


def test_device_is_rejected_and_reopened(client: Client, device: PendingThing) -> None:
    act(client, PENDING, "reject", device)
    device.refresh_from_db()
    assert device.state == "rejected"
    act(client, PENDING, "reopen", device)
    device.refresh_from_db()
    assert device.state == "pending"


def test_one_who_may_register_nothing_cannot_approve(client: Client, device: PendingThing) -> None:
    user = User.objects.create_user("teknisi", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__endswith="_pendingthing"))
    client.force_login(user)
    act(client, PENDING, "approve", device)
    assert not Thing.objects.exists()
    act(client, PENDING, "reject", device)
    assert PendingThing.objects.get().state == "rejected"
