"""A city whose rubbish is one agency's, and rules that send its reports elsewhere."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from geo.models import (
    Agency,
    Area,
    Category,
    City,
    Report,
    RoutingRule,
)
from geo.reports.access.principals import Principal
from geo.reports.status import change_status
from geo.reports.workflow import Status
from tests.factories import NOW, centre, make_agency, make_category, make_city, make_report

LATER = NOW + timedelta(hours=1)
ALL = Principal(is_superuser=True)


@pytest.fixture
def city() -> City:
    """Two districts of two subdistricts each. Rubbish is dlh's, by its category."""
    made = make_city()
    make_agency(made, "dlh", make_category("sampah"))
    return made


def rule(city: City, agency: str, position: int = 10, **more: Any) -> RoutingRule:
    """A rule; `category` and `area` by slug and code."""
    if "category" in more:
        more["category"] = Category.objects.get(slug=more["category"])
    if "area" in more:
        more["area"] = Area.objects.get(code=more["area"])
    return RoutingRule.objects.create(city=city, agency=make_agency(city, agency), position=position, **more)


def agency_of(report: Report) -> str | None:
    report.refresh_from_db()
    return report.agency.slug if report.agency is not None else None


def in_area(code: str, category: str = "sampah", **more: Any) -> Report:
    return make_report(location=centre(code), category=make_category(category), **more)


def hand_over(report: Report, agency: Agency, by: Principal, now: datetime = LATER) -> None:
    change_status(report=report, status=Status.COORDINATION, by=by, now=now, note="Bukan tugas kami.", agency=agency)
    report.refresh_from_db()
