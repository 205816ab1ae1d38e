"""Two cities with something hidden in each, and one of everybody who may ask."""

import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from geo.layers.saving import save_analysis
from geo.models import AccessToken, Agency, Area, CityRole, Intervention, Report, Shift, Subscription
from geo.open311.intake import token_of
from geo.operations.incidents.services import open_incident
from geo.operations.notifications.links import confirm_link, end_link
from geo.reports.access.channel_keys import create_key
from geo.reports.access.links import HEADER, make_link
from geo.reports.access.principals import Principal
from geo.reports.access.tokens import create_token
from geo.reports.insertion import Contact
from tests.alerts import make_alert
from tests.factories import (
    make_agency,
    make_category,
    make_channel,
    make_city,
    make_datastream,
    make_report,
    make_thing,
)

# Each stands in nothing but what it names. `a`: a hidden report of the city asked about; `b`: one of the other city.
SECRETS = {
    "a": "rahasia-kota-ini",
    "b": "rahasia-kota-lain",
    "contact": "081234567890",
    "insight": "analisis-kota-ini",
    "incident": "insiden-kota-ini",
    "alert_note": "catatan-siaga-kota-ini",
    "shift": "serah-terima-kota-ini",
    "token": "token-si-admin",
    "subscription": "langganan@example.org",
}
SUPERUSER = Principal(is_superuser=True)


@dataclass(slots=True)
class Cities:
    """`values` fill the addresses; `clients` and `headers` are by the name of who asks."""

    values: dict[str, Any]
    clients: dict[str, Client] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)


def plant() -> Cities:
    now = timezone.now() - timedelta(hours=2)
    here = make_city()
    there = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    category = make_category("sampah")
    agencies = {slug: make_agency(here, slug) for slug in ("dlh", "dbmsda")}
    agencies["b"] = make_agency(there, "dlh-lain")
    qlue, pot = make_channel("qlue"), make_channel("pot")
    at = {"category": category, "channel": qlue, "now": now}
    place = Point(106.91, -6.25, srid=4326)
    mine = make_report(**at, location=place, description=SECRETS["a"], is_public=False, photos=[_photo("red")])
    contact = Contact("Siti", SECRETS["contact"], "")
    shown = make_report(**at, location=place, description="Lampu padam", contact=contact, photos=[_photo("blue")])
    other = make_report(**at, location=place, description="Lampu padam lagi")
    elsewhere = Point(119.43, -5.15, srid=4326)
    theirs = make_report(category=category, location=elsewhere, description=SECRETS["b"], is_public=False, now=now)
    _give(agencies["dlh"], mine, shown, other)
    _give(agencies["b"], theirs)
    for report in (mine, shown, other, theirs):
        report.refresh_from_db()
    users = _users(here, there, agencies)
    cities = Cities(
        {
            "mine": mine.public_id,
            "shown": shown.public_id,
            "other": other.public_id,
            "theirs": theirs.public_id,
            "mine_pk": mine.pk,
            "shown_pk": shown.pk,
            "theirs_pk": theirs.pk,
            "token": token_of(shown),
            "here_pk": here.pk,
            "agency_pk": agencies["dlh"].pk,
            "agency_b_pk": agencies["b"].pk,
        }
        | _made_by_staff(here, category, users, [shown], now)
        | _made_by_people(here, shown, users, now)
    )
    _people(
        cities,
        users,
        link=make_link(shown, now=now),
        own=create_key(channel=qlue)[1],
        foreign=create_key(channel=pot)[1],
    )
    return cities


def _photo(colour: str) -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "JPEG")
    return SimpleUploadedFile("a.jpg", out.getvalue(), "image/jpeg")


def _give(agency: Agency, *reports: Report) -> None:
    Report.objects.filter(pk__in=[report.pk for report in reports]).update(agency=agency)


def _users(here: Any, there: Any, agencies: dict[str, Agency]) -> dict[str, User]:
    own_area, other_area = (Area.objects.get(code=f"kota-uji.1.{n}") for n in (1, 2))
    roles: dict[str, dict[str, Any]] = {
        "officer": {"role": "officer", "city": here, "agency": agencies["dlh"]},
        "other_officer": {"role": "officer", "city": here, "agency": agencies["dbmsda"]},
        "lurah": {"role": "officer", "city": here, "area": own_area},
        "other_lurah": {"role": "officer", "city": here, "area": other_area},
        "dispatcher": {"role": "dispatcher", "city": here},
        "foreign_dispatcher": {"role": "dispatcher", "city": there},
        "planner": {"role": "planner", "city": here},
        "mayor": {"role": "mayor", "city": here},
        "administrator": {"role": "administrator", "city": here},
        "foreign_administrator": {"role": "administrator", "city": there},
    }
    users = {"citizen": User.objects.create(username="citizen")}
    for name, role in roles.items():
        users[name] = User.objects.create(username=name, is_staff=True)
        CityRole.objects.create(user=users[name], **role)
    users["superuser"] = User.objects.create(username="superuser", is_staff=True, is_superuser=True)
    return users


def _made_by_staff(here: Any, category: Any, users: dict[str, User], reports: list[Report], now: Any) -> dict[str, Any]:
    analysis: dict[str, Any] = {
        "city": here, "layer_id": "clusters", "parameters": {"category": category.slug, "level": "kelurahan"},
        "description": "", "refresh": "live", "owner_id": users["planner"].pk, "now": now,
    }  # fmt: skip
    saved = save_analysis(title="Terbuka", slug="terbuka", visibility="public", **analysis)
    kept = save_analysis(title=SECRETS["insight"], slug="tertutup", visibility="city", **analysis)
    done = Intervention.objects.create(
        city=here, owner=users["planner"], area=Area.objects.get(code="kota-uji.1"), category=category, title="Pos jaga",
        date=(now - timedelta(days=20)).date(), created_at=now, updated_at=now,
    )  # fmt: skip
    incident = open_incident(
        city=here, title=SECRETS["incident"], reports=reports, by=SUPERUSER, now=now, is_public=False
    )
    shift = Shift.objects.create(
        city=here, started_at=now, started_by=users["dispatcher"], ended_at=now, ended_by=users["dispatcher"],
        note=SECRETS["shift"],
    )  # fmt: skip
    thing = make_thing("pos-1")
    alert = make_alert(here, note=SECRETS["alert_note"])
    return {
        "alert": alert.public_id, "alert_pk": alert.pk,
        "saved": saved.slug, "kept": kept.slug, "intervention": done.pk, "incident": incident.public_id,
        "datastream": make_datastream(thing).pk, "saved_pk": saved.pk, "incident_pk": incident.pk, "shift": shift.pk,
        "planner_pk": users["planner"].pk,
    }  # fmt: skip


def _made_by_people(here: Any, report: Report, users: dict[str, User], now: Any) -> dict[str, Any]:
    token, _text = create_token(user=users["administrator"], name=SECRETS["token"], scopes=["read"], now=now)
    assert AccessToken.objects.count() == 1
    made = Subscription.objects.create(
        kind="email",
        email=SECRETS["subscription"],
        city=here,
        report=report,
        scope="report",
        events=["status"],
        created_at=now,
    )
    links = {"confirm": confirm_link(made), "end": end_link(made)}
    return {
        "access_token": token.pk,
        "subscription": made.key,
        **{name: link.split("/")[-2] for name, link in links.items()},
    }


def _people(cities: Cities, users: dict[str, User], *, link: str, own: str, foreign: str) -> None:
    cities.headers = {
        "anonymous": {},
        "link": {HEADER: link},
        "channel": {"X-Api-Key": own},
        "other_channel": {"X-Api-Key": foreign},
    }
    cities.clients = {name: Client() for name in (*cities.headers, *users)}
    for name, user in users.items():
        cities.clients[name].force_login(user)
