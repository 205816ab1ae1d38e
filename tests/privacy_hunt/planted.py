"""A city with personal data in every place where some can be, and the words by which it would be known again.

The exact place of the sensitive report lies in another subdistrict than the middle of its cell, which the public sees.
"""

import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from geo.layers.saving import save_analysis
from geo.models import (
    Area,
    Category,
    DeadLetter,
    HistoryNote,
    Intervention,
    Report,
    ReportContact,
    ReportPhoto,
    Subscription,
)
from geo.open311.intake import token_of
from geo.operations.incidents.messages import message_reporters
from geo.operations.incidents.services import open_incident
from geo.operations.notifications.links import confirm_link, end_link
from geo.reports.access.principals import Principal
from geo.reports.insertion import Contact
from geo.reports.services import support_report
from sensors.observations.models import HourlyRollup
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
from tests.workflow_paths import take_step

EXACT = Point(106.9484321, -6.2532145, srid=4326)
# In the same cell of 500 m, in the other subdistrict.
ELSEWHERE = Point(106.9514321, -6.2561234, srid=4326)
PUBLIC = (106.9500534, -6.2546104)
OPEN_PLACE = Point(106.9287654, -6.2812345, srid=4326)

NIK, PHONE, EMAIL, NAME = "3275014107900001", "081234567890", "siti.rahma@example.org", "Siti Rahma"
ADDRESS, LANDMARK = "Jalan Kenanga Raya 77", "samping warung Kenanga"
ANSWER, NOTE = "pagar-ungu-kenanga", "Pelapor minta dirahasiakan ZX81"
FILE, EXTERNAL_ID, DEVICE = "siti-rahma-081234567890.jpg", "pos-4711-rahasia", "d3v1ce-0f-s1t1"
HIDDEN = "Tersembunyi-QQ7"
TEXT = f"Saya {NAME} takut. NIK {NIK}, WA {PHONE}, surel {EMAIL}. Tolong segera."
# Of a report whose exact place is not public.
SENSITIVE_TEXT = f"{TEXT} Posisi {EXACT.y}, {EXACT.x}"

# As they would be seen: in small letters, and numbers as digits alone.
WORDS = (
    *("siti rahma", "siti-rahma", "siti_rahma", "sitirahma", "siti.rahma", "rahma@", "kenanga", "zx81", "dirahasiakan"),
    *("4711-rahasia", "d3v1ce", "qq7", "pelapor minta"),
)
DIGITS = (NIK, PHONE.lstrip("0"), "321234567")


@dataclass(slots=True)
class City:
    """What was planted. `values` fill the addresses of the routes."""

    sensitive: Report
    plain: Report
    hidden: Report
    values: dict[str, Any] = field(default_factory=dict)


def tagged_photo(colour: str) -> SimpleUploadedFile:
    """A JPEG with the exact place, a name and a telephone number in its EXIF, and a comment."""
    exif = Image.Exif()
    exif[0x010E] = f"{NAME} {PHONE}"  # ImageDescription
    exif[0x013B] = NAME  # Artist
    exif.get_ifd(0x8825).update({1: "S", 2: (6.0, 15.0, 11.57), 3: "E", 4: (106.0, 56.0, 54.36)})
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "JPEG", exif=exif, comment=EMAIL.encode())
    return SimpleUploadedFile(FILE, out.getvalue())


def plant() -> City:
    now = timezone.now() - timedelta(hours=2)
    city = make_city(districts=8)
    sensitive_category = make_category("kekerasan", public_grid_m=500)
    make_agency(city, "dp3a", sensitive_category, make_category("sampah"))
    personal = {
        "description": TEXT,
        "contact": Contact(NAME, PHONE, EMAIL),
        "address": ADDRESS,
        "landmark": LANDMARK,
        "attributes": {"warna": ANSWER},
        "device_hash": DEVICE,
        "channel": make_channel("qlue"),
        "now": now,
    }
    sensitive = make_report(
        **{**personal, "description": SENSITIVE_TEXT},
        category=sensitive_category,
        location=EXACT,
        external_id=EXTERNAL_ID,
        photos=[tagged_photo("red")],
    )
    plain = make_report(**personal, location=OPEN_PLACE, photos=[tagged_photo("blue")])
    hidden = make_report(description=HIDDEN, location=OPEN_PLACE, is_public=False, now=now)
    # So that the sensitive one stands before some and after others whatever it is sorted by.
    for number in range(4):
        make_report(location=Point(106.91 + number / 50, -6.27, srid=4326), now=now + timedelta(minutes=number - 2))
    # Five in one cell are shown as one incident, which must not be where they really are.
    for number in range(5):
        place = Point(EXACT.x + number * 1e-5, EXACT.y, srid=4326)
        make_report(category=make_category("pelecehan", public_grid_m=500), location=place, now=now)
    wish = make_report(kind="aspirasi", area_code="kota-uji.2", now=now)
    support_report(report=wish, device_hash=DEVICE, now=now)
    for report in (sensitive, plain):
        take_step(report, "in_progress", now=now, note=f"Hubungi {PHONE} ({EMAIL})")
        take_step(report, "coordination", now=now, note=f"{NOTE} {NIK}", note_is_public=False)
    DeadLetter.objects.create(
        channel=sensitive.channel,
        external_id=f"{EXTERNAL_ID}-2",
        payload={"profile_name": NAME, "post_desc": TEXT},
        reason=f"{NAME}: no such category",
        received_at=now,
    )
    found = Report.objects.get(pk=sensitive.pk)
    assert (found.area.code, found.public_area.code) == ("kota-uji.1.1", "kota-uji.1.2")
    assert (round(found.public_location.x, 7), round(found.public_location.y, 7)) == PUBLIC
    values = {"report": found.public_id, "plain": plain.public_id, "hidden": hidden.public_id, "token": token_of(found)}
    values |= plant_subscription(city, found, now) | plant_incident(city, [found, plain, hidden], now)
    values["alert"] = make_alert(city, note=f"{NAME}, WA {PHONE}").public_id
    return City(found, plain, hidden, values | plant_analyses(city, sensitive_category, now))


def plant_subscription(city: Any, report: Report, now: datetime) -> dict[str, Any]:
    """Somebody's address, and the tokens of the links in the letters to it."""
    made = Subscription.objects.create(
        kind="email", email=EMAIL, city=city, report=report, scope="report", events=["status"], created_at=now
    )
    links = {"confirm": confirm_link(made), "end": end_link(made)}
    return {"subscription": made.key, **{name: link.split("/")[-2] for name, link in links.items()}}


def plant_incident(city: Any, reports: list[Report], now: datetime) -> dict[str, Any]:
    """An incident that everybody sees, of reports that not everybody does, and a message that names a reporter."""
    staff = Principal(is_superuser=True)
    incident = open_incident(
        city=city, title=f"Warga resah, WA {PHONE}", reports=reports, by=staff, now=now, is_public=True
    )
    message_reporters(incident=incident, text=f"Terima kasih {NAME}, WA {PHONE}", by=staff, now=now)
    return {"incident": incident.public_id}


def plant_analyses(city: Any, category: Category, now: datetime) -> dict[str, Any]:
    """A thing with readings, a public saved analysis of the sensitive category, an intervention: what other routes show."""
    thing = make_thing("pos-1")
    stream = make_datastream(thing)
    HourlyRollup.objects.bulk_create(
        HourlyRollup(
            datastream_id=stream.pk,
            hour=now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hour),
            n=60, sum=60.0 * (hour % 24), min=0.0, max=float(hour % 24),
        )
        for hour in range(1, 24 * 20)
    )  # fmt: skip
    user = User.objects.create(username="perencana", is_staff=True)
    saved = save_analysis(
        city=city, layer_id="clusters", parameters={"category": category.slug, "level": "kelurahan"}, title="Kekerasan",
        slug="kekerasan", description="", visibility="public", refresh="live", owner_id=user.pk, now=now,
    )  # fmt: skip
    intervention = Intervention.objects.create(
        city=city, owner=user, area=Area.objects.get(code="kota-uji.1"), category=category, title="Pos jaga",
        date=(now - timedelta(days=20)).date(), created_at=now, updated_at=now,
    )  # fmt: skip
    return {"saved": saved.slug, "intervention": intervention.pk, "datastream": stream.pk}


def disturb(city: City) -> None:
    """Changes all that the public must not see, and nothing else: no answer to the public may change with it."""
    report = city.sensitive
    other = Report.objects.select_related("public_area").get(pk=report.pk)
    Report.objects.filter(pk=report.pk).update(
        location=ELSEWHERE,
        area=other.public_area,
        description="Sesuatu yang lain, 085699998888",
        address="Jalan Lain 1",
        landmark="dekat jembatan lain",
        attributes={"warna": "biru"},
        external_id="lain-1",
    )
    Report.objects.filter(category__slug="pelecehan").update(location=ELSEWHERE, area=other.public_area)
    ReportContact.objects.filter(report=report).update(
        name="Budi", phone="085699998888", email="b@example.org", device_hash="b"
    )
    HistoryNote.objects.filter(report=report, is_public=False).update(text="lain")
    ReportPhoto.objects.filter(report=report).update(taken_at=timezone.now(), distance_m=99)
    Report.objects.filter(pk=city.hidden.pk).update(
        description="lain", public_description="lain", location=ELSEWHERE, public_location=ELSEWHERE, status="resolved"
    )
