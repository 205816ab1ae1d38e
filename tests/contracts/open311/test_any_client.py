"""A client that knows the GeoReport v2 document, and of this service nothing but where its discovery is."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from requests import Response, Session

from tests.contracts.open311.asking import BASE

pytestmark = pytest.mark.django_db
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
MIME = {"json": "application/json", "xml": "text/xml"}


class GeoReportClient:
    """Speaks one format. Answers are lists of fields (a field is its text), as the document lays them out."""

    def __init__(self, discovery_url: str, form: str, session: Session) -> None:
        self._form, self._session = form, session
        document = self._session.get(discovery_url, timeout=60)
        assert document.status_code == 200
        self.endpoint = self._endpoint(document)

    def _endpoint(self, document: Response) -> str:
        """The url of the production endpoint that speaks GeoReport v2 in this client's format."""
        if self._form == "json":
            endpoints = document.json()["endpoints"]
        else:
            endpoints = [
                {**_fields(one), "formats": [kind.text for kind in one.findall("formats/format")]}
                for one in ElementTree.fromstring(document.content).findall("endpoints/endpoint")
            ]
        for one in endpoints:
            if (
                one["specification"] == SPECIFICATION
                and one["type"] == "production"
                and MIME[self._form] in one["formats"]
            ):
                return str(one["url"])
        raise AssertionError("no endpoint speaks GeoReport v2")

    def services(self) -> list[dict[str, Any]]:
        return self._read(self._session.get(f"{self.endpoint}/services.{self._form}", timeout=60))

    def attributes(self, service_code: str) -> list[dict[str, Any]]:
        answer = self._session.get(f"{self.endpoint}/services/{service_code}.{self._form}", timeout=60)
        if self._form == "json":
            return list(answer.json()["attributes"])
        found = []
        for one in ElementTree.fromstring(answer.content).findall("attributes/attribute"):
            values = [_fields(value) for value in one.findall("values/value")]
            found.append({**_fields(one), "values": values})
        return found

    def post(self, **fields: str) -> dict[str, Any]:
        (created,) = self._read(self._session.post(f"{self.endpoint}/requests.{self._form}", data=fields, timeout=60))
        return created

    def number_of(self, token: str) -> str:
        (found,) = self._read(self._session.get(f"{self.endpoint}/tokens/{token}.{self._form}", timeout=60))
        assert found["token"] == token
        return str(found["service_request_id"])

    def request(self, number: str) -> dict[str, Any]:
        (found,) = self._read(self._session.get(f"{self.endpoint}/requests/{number}.{self._form}", timeout=60))
        return found

    def requests(self, **filters: str) -> list[dict[str, Any]]:
        return self._read(self._session.get(f"{self.endpoint}/requests.{self._form}", params=filters, timeout=60))

    def _read(self, answer: Response) -> list[dict[str, Any]]:
        assert answer.ok, answer.text
        if self._form == "json":
            return list(json.loads(answer.content))
        return [_fields(one) for one in ElementTree.fromstring(answer.content)]


def _fields(element: ElementTree.Element) -> dict[str, Any]:
    return {child.tag: child.text for child in element}


def answers_to(attributes: list[dict[str, Any]]) -> dict[str, str]:
    """An answer to each question that has to be answered, as its datatype wants it."""
    made = {"string": "x", "text": "x", "number": "1", "datetime": "2026-03-01T07:00:00+07:00"}
    return {
        f"attribute[{one['code']}]": one["values"][0]["key"] if one.get("values") else made[one["datatype"]]
        for one in attributes
        if str(one["required"]).lower() == "true"
    }


@pytest.fixture
def client311(server: str, form: str, session: Session) -> GeoReportClient:
    return GeoReportClient(f"{server}{BASE}/discovery.{form}", form, session)


def test_a_client_that_knows_the_document_alone_posts_to_every_service_and_reads_its_requests(
    client311: GeoReportClient, key: str
) -> None:
    services = client311.services()
    assert {service["type"] for service in services} == {"realtime", "batch"}
    for service in services:
        has_questions = str(service["metadata"]).lower() == "true"
        attributes = client311.attributes(service["service_code"]) if has_questions else []
        created = client311.post(
            api_key=key, service_code=service["service_code"], lat="-6.25", long="106.93", description="Tolong segera",
            **answers_to(attributes),
        )  # fmt: skip
        assert ("token" in created) == (service["type"] == "batch")
        number = client311.number_of(created["token"]) if "token" in created else created["service_request_id"]
        told = client311.request(number)
        assert told["service_request_id"] == number
        assert (told["status"], told["service_code"]) == ("open", service["service_code"])
        assert told["description"] == "Tolong segera"
        assert number in [one["service_request_id"] for one in client311.requests(status="open")]
        assert number not in [one["service_request_id"] for one in client311.requests(status="closed")]
