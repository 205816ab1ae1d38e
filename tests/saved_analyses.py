"""A city with a computed layer that is quick and of its own, analyses of it, and people who may or may not change them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from geo.analysis.computed import Computed, Progress, Row
from geo.areas.models import City
from geo.layers import catalogue
from geo.layers import parameters as p
from geo.layers import saved as saved_layers
from geo.layers.analyses.stored import AREA, stored_rows
from geo.layers.area_layers import SCHEMATIC
from geo.layers.layer import Layer, Property, Query, Style
from geo.layers.saving import save_analysis
from geo.models import Area, CityRole, Report, SavedAnalysis
from tests.factories import make_category, make_city

# A period of its own, so that the day on which a test runs does not matter.
FIXED = {"category": "banjir", "start": "2026-02-01", "end": "2026-02-20", "seed": "7"}
OPEN_ENDED = {"category": "banjir"}
NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


def _count(query: Query, progress: Progress) -> Computed:
    """Reports of the category in each area; an area without one has no figure."""
    values = query.values
    found = Report.objects.filter(
        category_id__in=values["category"], reported_at__gte=values["start"], reported_at__lt=values["end"]
    )
    rows = []
    for area in Area.objects.filter(city=query.city, level__code=values["level"], retired_at=None):
        n = found.filter(public_area__ancestry__ancestor=area).count()
        rows.append(Row(area.pk, {"reports": n or None, "p_value": 0.01 if n > 1 else 0.5}))
    return Computed(rows, {"total": sum(row.figures["reports"] or 0 for row in rows), "caveats": ["Hanya contoh."]})


PROPERTIES = [
    *AREA,
    Property("reports", "integer", "Laporan"),
    Property("p_value", "number", "p", decimals=4),
    SCHEMATIC,
]
COUNTED = Layer(
    id="counted",
    title="Counted",
    description="Counts reports by area.",
    geometry_type="MultiPolygon",
    properties=PROPERTIES,
    parameters=[
        p.level("kecamatan"),
        p.Parameter("category", "Categories.", p.CATEGORY.parse, required=True),
        p.number("seed", "Seed.", minimum=0, maximum=1000, default="1"),
        p.START,
        p.END,
    ],
    rows=lambda query: stored_rows(query, PROPERTIES),
    compute=_count,
    is_stored=True,
    resolve=p.DefaultPeriod(30),
    versions={"geo_dataversion": ["reports", "areas"]},
    style=Style("fill", "reports", ("#ffffcc", "#fd8d3c", "#800026"), (2, 5)),
)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Layer:
    """The layer among the built-in ones."""
    layers = (*catalogue.LAYERS, COUNTED)
    monkeypatch.setattr(catalogue, "LAYERS", layers)
    monkeypatch.setattr(saved_layers, "LAYERS", layers)
    return COUNTED


def counted_city() -> City:
    make_category("banjir")
    return make_city()


def staff(name: str, *cities: City, role: str = "planner", **more: Any) -> User:
    user = User.objects.create(username=name, is_staff=True, **more)
    for city in cities:
        CityRole.objects.create(user=user, city=city, role=role)
    return user


def saved_by(user: User, city: City, **more: Any) -> SavedAnalysis:
    values: dict[str, Any] = {
        "layer_id": "counted",
        "parameters": FIXED,
        "title": "Banjir dan muka air",
        "slug": "banjir-air",
        "description": "",
        "visibility": "public",
        "refresh": "live",
        "owner_id": user.pk,
        "now": NOW,
    }
    return save_analysis(city=city, **{**values, **more})
