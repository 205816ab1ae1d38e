"""Reports over HTTP, one by one: several clients at once, each on a connection that it keeps."""

import http.client
import json
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.reports_data import photo
from bench.servers import gunicorn, served, serving
from server.run.ports import unused_port

CLIENTS = 8
WARM_UP_S, LOAD_S = 2.0, 8.0
BOUNDARY = "pantau-bench"
# All over Bekasi, so that few have another near that may be the same.
LONS, LATS = (106.93, 107.03), (-6.31, -6.21)
DESCRIPTION = "Jalan berlubang di depan pasar, belum ada petugas"


@dataclass(frozen=True, slots=True)
class Door:
    """A way in: where to, with which headers, and what a report has there beside its common fields (lon, lat -> fields)."""

    url: str
    path: str
    headers: Mapping[str, str]
    fields: Callable[[float, float], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Rates:
    """Reports a second."""

    plain: float
    with_photo: float


def measure() -> tuple[Rates, Rates]:
    """The service's and plain DRF's, in turns."""
    with ExitStack() as stack:
        service = _service_door(stack.enter_context(served()).url)
        port = unused_port()
        settings = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.reports_drf_settings"}
        drf = serving("DRF", gunicorn(port), port, ready="/reports/", environment=settings)
        plain_drf = _drf_door(stack.enter_context(drf).url)
        image = photo()
        ours: list[float] = []
        theirs: list[float] = []
        for picture in (None, image):
            for door, rates in ((plain_drf, theirs), (service, ours)):
                _reports_per_second(door, picture, WARM_UP_S)
                rates.append(_reports_per_second(door, picture, LOAD_S))
        print(f"  {CLIENTS} clients, keep-alive; the photo has {len(image) / 1000:.0f} kB")
        return Rates(*ours), Rates(*theirs)


def _service_door(url: str) -> Door:
    from geo.reports.access.channel_keys import create_key
    from geo.reports.models import Channel

    _key, text = create_key(channel=Channel.objects.get(slug="pot"))
    return Door(url, "/api/reports/", {"X-Api-Key": text}, lambda lon, lat: {"lon": str(lon), "lat": str(lat)})


def _drf_door(url: str) -> Door:
    from geo.areas.models import City
    from geo.reports.models import Channel

    city, channel = City.objects.get().pk, Channel.objects.get(slug="pot").pk

    def fields(lon: float, lat: float) -> Mapping[str, str]:
        return {
            "city": str(city),
            "channel": str(channel),
            "location": json.dumps({"type": "Point", "coordinates": [lon, lat]}),
            "location_flag": "inside",
            "public_description": DESCRIPTION,
        }

    return Door(url, "/reports/", {}, fields)


def _reports_per_second(door: Door, image: bytes | None, seconds: float) -> float:
    counts = [0] * CLIENTS
    stop_at = time.perf_counter() + seconds
    failures: list[str] = []

    def client(number: int) -> None:
        server = urlsplit(door.url)
        connection = http.client.HTTPConnection(server.hostname or "", server.port, timeout=60)
        while time.perf_counter() < stop_at and not failures:
            body, kind = _request(door, image)
            connection.request("POST", door.path, body, {**door.headers, "Content-Type": kind})
            response = connection.getresponse()
            answer = response.read()
            if response.status != 201:
                failures.append(f"{response.status} {answer[:300]!r}")
            counts[number] += 1
        connection.close()

    begun = time.perf_counter()
    _all_at_once(client)
    if failures:
        raise RuntimeError(f"{door.url}{door.path} answers {failures[0]}")
    return sum(counts) / (time.perf_counter() - begun)


def _all_at_once(client: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _request(door: Door, image: bytes | None) -> tuple[bytes, str]:
    """A new report each time: JSON, or a form with a photo."""
    fields = {
        **door.fields(random.uniform(*LONS), random.uniform(*LATS)),
        "external_id": uuid.uuid4().hex,
        "kind": "laporan",
        "category": "jalan-berlubang",
        "description": DESCRIPTION,
        "reported_at": "2025-11-05T07:00:00+07:00",
    }
    if image is None:
        return json.dumps(fields).encode(), "application/json"
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = b"".join([*parts, head.encode(), image, f"\r\n--{BOUNDARY}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={BOUNDARY}"
