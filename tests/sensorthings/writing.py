"""What clients of SensorThings send in these tests, and how."""

from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

ROOT = "/sta/v1.1/"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
SENSOR = {
    "name": "BMP280",
    "description": "Barometer",
    "encodingType": "text/html",
    "metadata": "https://example.org/b",
}
PRESSURE = {"name": "Air pressure", "definition": "https://example.org/pressure", "description": "At the station"}
NOON, ONE = "2026-03-01T05:00:00Z", "2026-03-01T06:00:00Z"


def signed_in(*permissions: str, client: Client | None = None) -> Client:
    """Somebody with these permissions (`add_thing`), or with all of them where none is named."""
    user = User.objects.create_user(f"user-{User.objects.count()}", is_superuser=not permissions)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="sensors"))
    client = client or Client()
    client.force_login(user)
    return client


def place(lon: float = 106.99, lat: float = -6.23, **more: Any) -> dict[str, Any]:
    return {
        "name": "Roof",
        "description": "Of the town hall",
        "encodingType": "application/geo+json",
        "location": {"type": "Point", "coordinates": [lon, lat]},
        **more,
    }


def datastream(**more: Any) -> dict[str, Any]:
    return {
        "name": "Pressure on the roof",
        "description": "Every minute",
        "observationType": MEASUREMENT,
        "unitOfMeasurement": {"name": "hectopascal", "symbol": "hPa", "definition": "https://ucum.org"},
        "Sensor": SENSOR,
        "ObservedProperty": PRESSURE,
        **more,
    }


def thing(**more: Any) -> dict[str, Any]:
    return {"name": "Weather Station 7", "description": "On the roof", **more}


def station(*observations: dict[str, Any]) -> dict[str, Any]:
    """A thing with all that stands in it."""
    return thing(
        properties={"owner": "city"}, Locations=[place()], Datastreams=[datastream(Observations=list(observations))]
    )


def send(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return getattr(client, method)(
        ROOT + path, body, content_type="application/json", headers={"Accept-Language": "en", **headers}
    )


def made(client: Client, path: str, body: Any) -> dict[str, Any]:
    """The entity that a POST answers with."""
    answer = send(client, "post", path, body)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def got(client: Client, path: str) -> Any:
    answer = client.get(ROOT + path, headers={"Accept-Language": "en"})
    assert answer.status_code == 200, answer.content
    return answer.json()
