"""Odd bodies sent to the operation centre: each is refused by the name of what is wrong, and none is an error of the service."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from geo.models import City
from geo.operations.field_links.links import token_of
from geo.operations.field_links.models import AgencyContact
from geo.operations.field_links.services import send_links
from geo.reports.access.principals import Principal
from tests.factories import make_agency, make_category, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _agency(city: City) -> None:
    AgencyContact.objects.create(
        agency=make_agency(city, "dlh", make_category()), name="Piket", kind="email", address="piket@example.org"
    )


@pytest.fixture
def superuser(client: Any) -> Any:
    client.force_login(User.objects.create_superuser("admin"))
    return client


def faults(answer: Any) -> list[str]:
    assert answer.status_code == 400, answer.content
    return list(answer.json()["errors"])


@pytest.mark.parametrize("rings", [[[]], [[[106.9, -6.3], [106.95, -6.3], [106.95, -6.25], [106.9, -6.3]], []]])
def test_a_polygon_with_an_empty_ring_is_none(client: Any, rings: Any) -> None:
    polygon = {"type": "Polygon", "coordinates": rings}
    body = {"kind": "email", "email": "siti@example.org", "polygon": polygon}
    assert faults(client.post("/api/subscriptions/", body, content_type="application/json")) == ["polygon"]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "9999-12-31T20:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_other_zones_have_no_name_for_is_none(superuser: Any, moment: str) -> None:
    body = {"agency": "dlh", "report": make_report().public_id, "deadline": moment, "text": "Segera"}
    assert faults(superuser.post("/api/instructions/", body, content_type="application/json")) == ["deadline"]


@pytest.mark.parametrize("value", [True, 0, 1.5, "", [], {}, ["x"], "2026-13-01", "besok"])
@pytest.mark.parametrize("name", ["valid_from", "valid_to"])
def test_what_is_no_date_of_a_rule_is_named(superuser: Any, name: str, value: Any) -> None:
    body = {"rules": [{"agency": "dlh", name: value}]}
    answer = superuser.post("/api/routing/dry-run/", body, content_type="application/json")
    assert faults(answer) == [f"rules.1.{name}"]


@pytest.mark.parametrize("value", [7, ["x"], "\ud800"])
def test_what_is_no_text_of_a_rule_is_named(superuser: Any, value: Any) -> None:
    body = {"rules": [{"agency": "dlh", "note": value}]}
    answer = superuser.post("/api/routing/dry-run/", body, content_type="application/json")
    assert faults(answer) == ["rules.1.note"]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"action": "hand_over", "reason": "\0", "agency": "bpbd"}, 400),
        ({"action": "hand_over", "reason": "Bukan\0 kami", "agency": "b\0pbd"}, 303),
        ({"action": "acc\0ept", "note": "\0"}, 303),
    ],
)
def test_a_nul_in_the_form_behind_a_field_link_is_left_out(
    client: Any, city: City, form: dict[str, str], status: int
) -> None:
    make_agency(city, "bpbd")
    (link,) = send_links(report=make_report(), by=Principal(is_superuser=True), now=timezone.now())
    assert client.post(f"/field/{token_of(link)}/", form).status_code == status
