"""Service discovery: where GeoReport is spoken, and since when its services are what they are."""

from datetime import datetime

import pytest

from geo.models import Category, CategoryAttribute
from tests.contracts.open311.asking import Open311, commit
from tests.contracts.open311.schemas import check

pytestmark = pytest.mark.django_db
ENDPOINT = "discovery/endpoints/endpoint"


def test_discovery_holds_changeset_contact_key_service_and_endpoints(open311: Open311) -> None:
    reply = open311.get("discovery")
    assert reply.status == 200
    assert reply.names("discovery") == [["changeset", "contact", "key_service", "endpoints"]]
    assert open311.url in reply.text("discovery/contact")
    assert open311.url in reply.text("discovery/key_service")


def test_an_endpoint_has_specification_url_changeset_type_and_formats(open311: Open311) -> None:
    reply = open311.get("discovery")
    assert reply.names(ENDPOINT) == [["specification", "url", "changeset", "type", "formats"]]
    assert reply.text(f"{ENDPOINT}/specification") == "http://wiki.open311.org/GeoReport_v2"
    assert reply.text(f"{ENDPOINT}/url") == f"{open311.url}/open311/v2"
    assert reply.text(f"{ENDPOINT}/type") == "production"
    assert reply.texts(f"{ENDPOINT}/formats/format") == ["text/xml", "application/json"]


def test_discovery_json_keeps_the_published_rules(open311: Open311) -> None:
    if open311.form == "json":
        check("discovery", open311.get("discovery").json)
    assert open311.get("discovery").text("discovery/changeset")


def test_changeset_is_a_later_text_once_a_service_or_its_questions_changed(open311: Open311) -> None:
    seen = [open311.get("discovery").text("discovery/changeset")]
    assert open311.get("discovery").text("discovery/changeset") == seen[0]
    commit(lambda: Category.objects.filter(slug="sampah").update(keywords="bau"))
    seen.append(open311.get("discovery").text("discovery/changeset"))
    commit(lambda: CategoryAttribute.objects.filter(code="patokan").update(required=False))
    seen.append(open311.get("discovery").text(f"{ENDPOINT}/changeset"))
    assert seen == sorted(set(seen))
    assert all(datetime.fromisoformat(text).tzinfo is not None for text in seen)
