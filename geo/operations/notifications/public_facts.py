"""What the public may know of a report at the moment in which somebody is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from geo.operations.notifications.email_transport import link_to
from geo.operations.outbox.transports import Refused
from geo.reports.models import HistoryEntry, Report


@dataclass(frozen=True, slots=True)
class PublicFacts:
    """A report, and the note that came with the step of which is told, where that is for the public."""

    report: Report
    note: str = ""

    @property
    def url(self) -> str:
        return link_to(reverse("report", args=[self.report.public_id]))

    def as_json(self) -> dict[str, Any]:
        report, place, area = self.report, self.report.public_location, self.report.public_area
        return {
            "id": report.public_id,
            "url": self.url,
            "city": report.city.slug,
            "category": report.category.slug,
            "kind": report.kind,
            "status": report.status,
            "description": report.public_description,
            "location": {"type": "Point", "coordinates": [round(place.x, 7), round(place.y, 7)]} if place else None,
            "area": area.code if area is not None else None,
            "area_name": area.name if area is not None else None,
            "agency": report.agency.slug if report.agency is not None else None,
            "reported_at": _written(report.reported_at),
            "updated_at": _written(report.updated_at),
            "closed_at": _written(report.closed_at),
        }


def facts_of(payload: Mapping[str, Any]) -> PublicFacts:
    """The facts behind a message's payload; Refused where the report was hidden or is gone since."""
    joined = Report.objects.select_related("city", "category", "agency", "public_area")
    hidden = ("description", "location", "address", "landmark", "attributes", "public_area__boundary")
    report = joined.defer(*hidden).filter(public_id=payload["report"], is_public=True).first()
    if report is None:
        raise Refused(_("The report is not public any more."))
    return PublicFacts(report, _note(report, payload) if "new" in payload else "")


def _note(report: Report, payload: Mapping[str, Any]) -> str:
    """Looked up rather than sent along: a note that was erased meanwhile is not told."""
    entries = HistoryEntry.objects.filter(report=report, at=datetime.fromisoformat(payload["at"]), note__is_public=True)
    entry = entries.select_related("note").order_by("-id").first()
    return entry.note.text if entry is not None and entry.note is not None else ""


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None
