"""The town of the contract tests: a city of two districts, services of every kind, and reports that have a name here."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point

from geo.areas.models import City
from geo.models import Category, CategoryAttribute, HistoryNote, Report
from geo.reports.insertion import Contact
from tests.factories import make_agency, make_category, make_channel, make_city, make_report

# Planted where the public must not find it.
SECRETS = ("Siti Rahma", "081234567890", "siti@example.org", "Gang Mawar 7", "tiang-rahasia", "106.9711")
DEPTHS = [
    {"key": "mata-kaki", "name_id": "Semata kaki", "name_en": "To the ankle"},
    {"key": "lutut", "name_id": "Selutut", "name_en": "To the knee"},
]
QUESTIONS: list[dict[str, Any]] = [
    {"code": "petunjuk", "datatype": "text", "variable": False, "description_en": "Keep away from the water."},
    {"code": "kedalaman", "datatype": "singlevaluelist", "required": True, "description_en": "How deep?", "values": DEPTHS},
    {"code": "tinggi", "datatype": "number", "description_en": "How deep, in cm?", "datatype_description_en": "Centimetres."},
    {"code": "sejak", "datatype": "datetime", "description_en": "Since when?"},
    {"code": "patokan", "datatype": "string", "description_en": "Near what?"},
    {"code": "cerita", "datatype": "text", "description_en": "What happened?"},
    {"code": "akibat", "datatype": "multivaluelist", "description_en": "What came of it?", "values": [
        {"key": "macet", "name_id": "Macet", "name_en": "A jam"}, {"key": 2, "name_id": "Mogok", "name_en": "A stall"}]},
]  # fmt: skip


def make_town() -> City:
    """Services: banjir, genangan (below it, with questions), sampah, kekerasan (batch; shown on a grid), and one out of use."""
    city = make_city()
    flood = make_category("banjir", name_id="Banjir", name_en="Flood", keywords="air, hujan")
    puddle = make_category(
        "genangan", parent=flood, name_id="Genangan", name_en="Standing water", description_en="Water that stays.",
        description_id="Air yang tidak surut.", sla_working_hours=24,
    )  # fmt: skip
    make_category("sampah", name_id="Sampah", name_en="Rubbish")
    make_category("kekerasan", name_id="Kekerasan", name_en="Violence", public_grid_m=1000, open311_type="batch")
    make_category("usang", is_active=False)
    make_agency(city, "dbmsda", flood)
    for order, question in enumerate(QUESTIONS, start=1):
        values = {"description_id": question["description_en"], **question}
        CategoryAttribute.objects.create(category=puddle, order=order, **values)
    make_channel("pot")
    return city


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def make_reports() -> dict[str, str]:
    """Reports of March 2026, of today and of 91 days ago: their ids by their names here."""
    today = datetime.now(UTC).replace(microsecond=0)
    puddle, rubbish = Category.objects.get(slug="genangan"), Category.objects.get(slug="sampah")
    violence, old = Category.objects.get(slug="kekerasan"), Category.objects.get(slug="usang")
    west, east = Point(106.93, -6.25, srid=4326), Point(107.06, -6.21, srid=4326)
    made = {
        "puddle": _report(
            "2021-03-01T05:00:00+00:00", puddle, west, description="Air selutut di depan pasar",
            contact=Contact("Siti Rahma", "081234567890", "siti@example.org"), address="Gang Mawar 7",
            attributes={"patokan": "tiang-rahasia"}, due_at=at("2021-03-03T09:00:00+00:00"),
        ),
        "heap": _report("2021-03-01T05:00:00+00:00", rubbish, east, description="Tumpukan <b>sampah</b> & tikus"),
        "done": _report(
            "2021-03-02T16:59:59.500000+00:00", rubbish, west, status="resolved", closed_at=at("2021-03-05T02:00:00+00:00"),
            updated_at=at("2021-03-09T02:00:00+00:00"),
        ),
        "refused": _report("2021-03-02T17:00:00+00:00", rubbish, east, status="rejected", closed_at=at("2021-03-04T00:00:00+00:00")),
        "hidden": _report("2021-03-03T05:00:00+00:00", rubbish, west, is_public=False),
        "violence": _report("2021-03-04T05:00:00+00:00", violence, Point(106.9711, -6.2533, srid=4326)),
        "nowhere": _report("2021-03-05T05:00:00+00:00", rubbish, None, address="Jalan Kenari", description=""),
        "today": _report((today - timedelta(hours=1)).isoformat(), rubbish, west),
        "old": _report((today - timedelta(days=91)).isoformat(), rubbish, west),
    }  # fmt: skip
    Report.objects.filter(public_id=made["today"].public_id).update(category=old)
    HistoryNote.objects.create(report=made["done"], text="Truk dikirim.", is_public=True)
    HistoryNote.objects.create(report=made["done"], text="Sudah diangkut.", is_public=True)
    HistoryNote.objects.create(report=made["done"], text="tiang-rahasia", is_public=False)
    return {name: report.public_id for name, report in made.items()}


def _report(reported_at: str, category: Category, location: Point | None, **more: Any) -> Report:
    moment = at(reported_at)
    after = {name: more.pop(name) for name in ("due_at", "updated_at") if name in more}
    if location is None:
        more["area_code"] = None
    report = make_report(location=location, category=category, reported_at=moment, now=moment, **more)
    Report.objects.filter(pk=report.pk).update(**after)
    return report
