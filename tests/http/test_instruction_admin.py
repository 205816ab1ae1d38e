"""The mayor gives an instruction in the admin, about a report, an incident or an area, and its words stay readable."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from geo.areas.models import City
from geo.models import Area, CityRole, Instruction, OutboxMessage
from geo.operations.incidents.services import open_incident
from geo.reports.access.principals import Principal
from geo.reports.models import Agency
from tests.factories import make_agency, make_category, make_city, make_report

pytestmark = pytest.mark.django_db
ADD = "/admin/geo/instruction/add/"
WORDS = "Bersihkan sungai sebelum hujan"


@pytest.fixture(autouse=True)
def city() -> City:
    return make_city()


@pytest.fixture(autouse=True)
def dlh(city: City) -> Agency:
    return make_agency(city, "dlh", make_category("sampah", name_id="Sampah", name_en="Rubbish"))


@pytest.fixture
def mayor(city: City) -> Client:
    return person("wali", city, "mayor")


def person(name: str, city: City, role: str, **more: Any) -> Client:
    user = User.objects.create_user(name, f"{name}@example.org", is_staff=True)
    CityRole.objects.create(user=user, city=city, role=role, **more)
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def give(client: Client, city: City, *, days: int = 3, **more: Any) -> str:
    """The page that follows."""
    deadline = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")
    answer = client.post(ADD, {"city": city.pk, "deadline": deadline, "text": WORDS, **more}, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_mayor_gives_an_instruction_about_an_area_and_both_sides_read_its_words(
    city: City, dlh: Agency, mayor: Client
) -> None:
    officer = person("petugas", city, "officer", agency=dlh)
    area = Area.objects.get(code="kota-uji.1")
    shown = give(mayor, city, area=area.pk, agency=dlh.pk)
    one = Instruction.objects.get()
    assert (one.area, one.agency, one.given_by) == (area, dlh, User.objects.get(username="wali"))
    assert "The instruction was given to DLH." in shown
    assert WORDS in shown
    assert WORDS in officer.get(f"/admin/geo/instruction/{one.pk}/change/").content.decode()
    assert OutboxMessage.objects.filter(payload__instruction=one.public_id).exists()


def test_about_a_report_it_goes_to_the_agency_that_has_it(city: City, dlh: Agency, mayor: Client) -> None:
    report = make_report(is_public=False)
    assert report.agency == dlh
    assert f'value="{report.public_id}"' in mayor.get(f"{ADD}?report={report.public_id}").content.decode()
    give(mayor, city, report=report.public_id)
    one = Instruction.objects.get()
    assert (one.report, one.agency) == (report, dlh)


def test_about_an_incident(city: City, dlh: Agency, mayor: Client) -> None:
    by = Principal(is_superuser=True)
    incident = open_incident(city=city, title="Banjir", reports=[], by=by, now=datetime.now(UTC))
    give(mayor, city, incident=incident.pk, agency=dlh.pk)
    assert Instruction.objects.get().incident == incident


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"days": -1, "area": True, "agency": True}, "Is over already."),
        ({"area": True}, "Needed: the agency that is to do it."),
        ({"agency": True}, "Give one of report, incident and area."),
        ({"report": "TIDAKADA", "agency": True}, "There is no such report."),
    ],
)
def test_what_is_missing_is_said_and_the_words_stay_in_the_form(
    more: dict[str, Any], says: str, city: City, dlh: Agency, mayor: Client
) -> None:
    known = {"area": Area.objects.get(code="kota-uji.1").pk, "agency": dlh.pk}
    given = {name: known[name] if value is True else value for name, value in more.items()}
    shown = give(mayor, city, **given)
    assert says in shown
    assert f">\n{WORDS}</textarea>" in shown
    assert not Instruction.objects.exists()


@pytest.mark.parametrize("role", ["dispatcher", "planner", "administrator"])
def test_others_than_the_mayor_give_none(role: str, city: City, dlh: Agency) -> None:
    client = person("lain", city, role)
    assert client.get(ADD).status_code == 403
    area = Area.objects.get(code="kota-uji.1")
    assert client.post(ADD, {"city": city.pk, "area": area.pk, "agency": dlh.pk, "text": "x"}).status_code == 403
    assert not Instruction.objects.exists()


def test_a_mayor_gives_none_in_another_city(mayor: Client) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    damkar = make_agency(elsewhere, "damkar")
    give(mayor, elsewhere, area=Area.objects.get(code="kota-lain.1").pk, agency=damkar.pk)
    assert not Instruction.objects.exists()
