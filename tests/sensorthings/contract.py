"""For the contract suite: a client of SensorThings over real HTTP, and which requirement of the standard each test is of.

Source of all that is asserted: OGC 18-088, SensorThings API Part 1: Sensing 1.1; OASIS OData 4.01, URL conventions.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from django.contrib.gis.geos import LineString, Point

from sensors.models import Datastream, FeatureOfInterest, Sensor, Thing, ThingLocation
from sensors.observations.columns import Columns
from sensors.observations.writer import write_observations
from tests.sensor_factories import NOON, make_property
from tests.sensorthings.reading import Post, at, city_of_sensors

ROOT = "/sta/v1.1"
BASE = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
# A page of the service, when no `$top` asks for another size, is smaller than what is stored.
MINUTES = 205
SETS = ("Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations",
        "FeaturesOfInterest")  # fmt: skip
MET: dict[str, list[str]] = {}
Test = TypeVar("Test", bound=Callable[..., Any])


def meets(*requirements: str) -> Callable[[Test], Test]:
    """Says of which requirements, by their paths after `req/`, a test is."""

    def note(test: Test) -> Test:
        for requirement in requirements:
            MET.setdefault(requirement, []).append(test.__name__)
        return test

    return note


@dataclass(frozen=True, slots=True)
class Town:
    """What is read: the river post (tests.sensorthings.reading), a weather station, a thing that is nowhere; ids.

    The station, "Stasiun Cuaca", stands at 107.0, -6.6 ("Atap"), and its pressure is 1000 hPa at 2026-03-03T00:00Z and one more
    in each of the next 204 minutes. The feature "River" is a line of a tenth of a degree from 106.9, -6.6 to the station.
    """

    river: Post
    station: int
    pressure: int
    barometer: int
    nowhere: int


def make_town() -> Town:
    river = city_of_sensors()
    station = Thing.objects.create(slug="cuaca", name="Stasiun Cuaca", description=" Atap balai kota ")
    ThingLocation.objects.create(thing=station, name="Atap", location=Point(107.0, -6.6), valid_from=at(1))
    barometer = Sensor.objects.create(name="BMP280", description="Barometer", metadata="https://example.org/b.pdf")
    pressure = Datastream.objects.create(
        thing=station,
        sensor=barometer,
        observed_property=make_property("air_pressure", name_en="Air pressure", definition="https://example.org/p"),
        unit_ucum="hPa",
        unit_name="hectopascal",
        name="Pressure",
    )
    columns = Columns()
    for minute in range(MINUTES):
        time = at(3).replace(hour=minute // 60, minute=minute % 60)
        columns.append(pressure.pk, time, 1000.0 + minute, NOON, 0, 0)
    write_observations(columns)
    FeatureOfInterest.objects.create(name="River", feature=LineString((106.9, -6.6), (107.0, -6.6)))
    nowhere = Thing.objects.create(slug="o-brien", name="Sensor Things", description="O'Brien's", properties={"n": 5})
    return Town(river, station.pk, pressure.pk, barometer.pk, nowhere.pk)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Service:
    """A client of the service at `url`; with a token it may write."""

    url: str
    token: str = ""

    @property
    def root(self) -> str:
        return self.url + ROOT

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`path` comes after the service root, or is a whole link, which is sent as it stands."""
        target = urlsplit(path)._replace(scheme="", netloc="").geturl() if path.startswith("http") else _escaped(path)
        said = {"Accept-Language": "en", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.token:
            said["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            said.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body)
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(method, target, body, said)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **options: str) -> Any:
        """The JSON of a 200; `filter="result gt 2"` is the query option `$filter`."""
        answer = self.ask("GET", with_options(path, options))
        assert answer.status == 200, (path, options, answer.status, answer.body)
        assert answer.headers["Content-Type"].startswith("application/json")
        return answer.json

    def status(self, path: str, **options: str) -> int:
        return self.ask("GET", with_options(path, options)).status

    def values(self, path: str, name: str, **options: str) -> list[Any]:
        """One property of each entity on the first page."""
        return [each[name] for each in self.get(path, select=name, **options)["value"]]

    def pages(self, path: str, **options: str) -> Iterator[list[dict[str, Any]]]:
        """Page after page, as their links lead, to the last."""
        page = self.get(path, **options)
        for _number in range(200):
            yield page["value"]
            if "@iot.nextLink" not in page:
                return
            page = self.get(page["@iot.nextLink"])
        raise AssertionError("the links have no end")

    def make(self, path: str, body: Any) -> dict[str, Any]:
        """The entity that a POST has made, as its Location shows it."""
        answer = self.ask("POST", path, body)
        assert answer.status == 201, (path, answer.status, answer.body)
        found: dict[str, Any] = self.get(answer.headers["Location"])
        return found

    def count(self, name: str) -> int:
        return int(self.get(name, top="0", count="true")["@iot.count"])


def with_options(path: str, options: dict[str, str]) -> str:
    query = "&".join(f"${name}={quote(value, safe='')}" for name, value in options.items())
    return f"{path}?{query}" if query else path


def _escaped(path: str) -> str:
    relative = quote(path, safe="$&?=()/:;,'%+@")
    return f"{ROOT}/{relative}" if relative else ROOT


def link(entity: dict[str, Any]) -> dict[str, Any]:
    return {"@iot.id": entity["@iot.id"]}


def counts(service: Service) -> dict[str, int]:
    """How many there are of each set."""
    return {name: service.count(name) for name in SETS}
