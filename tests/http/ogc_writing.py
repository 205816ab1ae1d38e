"""How the tests of OGC API writes ask, and what they look for in a refusal."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from geo.models import CityRole, Report
from tests.factories import make_channel, make_report

ITEMS = "/ogc/collections/reports/items"
GEOJSON = "application/geo+json"
PATCH = "application/merge-patch+json"
POINT = {"type": "Point", "coordinates": [106.93, -6.25]}
UTM = "<http://www.opengis.net/def/crs/EPSG/0/32748>"
LAT_LON = "<http://www.opengis.net/def/crs/EPSG/0/4326>"


def feature(geometry: Any = POINT, **properties: Any) -> dict[str, Any]:
    given = {"category": "sampah", "kind": "laporan", "description": "Tumpukan sampah", **properties}
    return {"type": "Feature", "geometry": geometry, "properties": given}


def send(
    client: Client, method: str, path: str, body: Any = None, key: str = "", kind: str = GEOJSON, **more: str
) -> Any:
    headers = {**more, **({"X-Api-Key": key} if key else {})}
    text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
    return client.generic(method, path, text, content_type=kind, headers=headers)


def own(**more: Any) -> Report:
    """A report of the channel qlue."""
    return make_report(channel=make_channel("qlue"), **more)


def at(report: Report) -> str:
    return f"{ITEMS}/{report.public_id}"


def get(client: Client, path: str) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == 200, response.content
    return response.json()


def allowed(client: Client, path: str, **headers: str) -> set[str]:
    response = client.options(path, headers=headers)
    assert response.status_code == 200
    return set(response["Allow"].split(", "))


def officer(client: Client, *cities: Any, **more: Any) -> User:
    user = User.objects.create_user("petugas", password="x", is_staff=True, **more)
    for city in cities:
        CityRole.objects.create(user=user, city=city, role=CityRole.Role.DISPATCHER)
    client.force_login(user)
    return user


def refused(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    return response.json()
