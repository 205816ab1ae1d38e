"""Reports and categories in GeoReport's words. Its words (service_code, long) go no further in than here. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geo.open311.plain_text import plain_text
from geo.reports.models import Category, CategoryAttribute, Report
from geo.reports.models.directory import in_language
from geo.reports.workflow import CLOSED, WORDS, Status

SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
OPEN, CLOSED_WORD = "open", "closed"
MAX_DESCRIPTION: Final = 4000
LISTS: Final = frozenset({CategoryAttribute.Datatype.SINGLE, CategoryAttribute.Datatype.MULTI})

Document = dict[str, Any]


def statuses_of(words: Iterable[str]) -> list[Status]:
    """Our statuses that these words of GeoReport (open, closed) mean."""
    wanted = set(words)
    return [status for status, called in WORDS.items() if called.open311 in wanted]


def w3c_time(moment: datetime, zone: ZoneInfo) -> str:
    """The W3C profile of ISO 8601, to the second, with the city's offset."""
    return moment.astimezone(zone).isoformat(timespec="seconds")


def discovery_document(
    *, url: str, contact: str, key_service: str, changed_at: datetime | None, is_test: bool
) -> Document:
    """Where GeoReport is spoken. `changed_at`: when the services or their questions last changed."""
    # As text it sorts as the times do.
    moment = (changed_at or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC)
    changeset = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    endpoint = {
        "specification": SPECIFICATION,
        "url": url,
        "changeset": changeset,
        "type": "test" if is_test else "production",
        "formats": ["text/xml", "application/json"],
    }
    return {"changeset": changeset, "contact": contact, "key_service": key_service, "endpoints": [endpoint]}


def service(category: Category, *, group: str, has_questions: bool) -> Document:
    return {
        "service_code": category.slug,
        "service_name": category.name,
        "description": category.description,
        "metadata": has_questions,
        "type": category.open311_type,
        "keywords": category.keywords or None,
        "group": group,
    }


def service_definition(category: Category, questions: Iterable[CategoryAttribute]) -> Document:
    return {"service_code": category.slug, "attributes": [_attribute(question) for question in questions]}


def _attribute(question: CategoryAttribute) -> Document:
    written: Document = {
        "variable": question.variable,
        "code": question.code,
        "datatype": question.datatype,
        "required": question.required and question.variable,
        "datatype_description": question.datatype_description or None,
        "order": question.order,
        "description": question.description,
    }
    if question.datatype in LISTS:
        written["values"] = [{"key": str(value["key"]), "name": _value_name(value)} for value in question.values]
    return written


def _value_name(value: Mapping[str, Any]) -> str:
    name_id, name_en = (str(value.get(name) or value["key"]) for name in ("name_id", "name_en"))
    return in_language(name_id, name_en)


def service_request(
    report: Report, *, address: str | None, note: str, media_url: str | None, working_hours: int | None
) -> Document:
    """A report as everybody may see it: its public columns, the place that they name, and how soon it is to be done."""
    zone = report.city.zone
    is_closed = report.status in CLOSED
    updated_at = (report.closed_at or report.updated_at) if is_closed else report.updated_at
    point = report.public_location
    return {
        "service_request_id": report.public_id,
        "status": WORDS[Status(report.status)].open311,
        "status_notes": _status_notes(Status(report.status), note),
        "service_name": report.category.name,
        "service_code": report.category.slug,
        "description": _description(report.public_description),
        "agency_responsible": report.agency.name if report.agency else None,
        "service_notice": None if is_closed else service_notice(report, working_hours),
        "requested_datetime": w3c_time(report.reported_at, zone),
        "updated_datetime": w3c_time(updated_at, zone),
        "expected_datetime": w3c_time(report.due_at, zone) if report.due_at else None,
        "address": address,
        "address_id": report.public_area.code if report.public_area else None,
        "zipcode": None,
        "lat": round(point.y, 7) if point else None,
        "long": round(point.x, 7) if point else None,
        "media_url": media_url,
    }


def _status_notes(status: Status, note: str) -> str:
    words = WORDS[status]
    label = words.name_en if (get_language() or "").startswith("en") else words.name_id
    return f"{label}: {note}" if note else label


def _description(text: str) -> str | None:
    """Without HTML, and no longer than GeoReport allows: channels that send otherwise may have sent more."""
    plain = plain_text(text)
    return (plain if len(plain) <= MAX_DESCRIPTION else plain[: MAX_DESCRIPTION - 1] + "…") or None


def service_notice(report: Report, working_hours: int | None) -> str | None:
    """What will be done, as far as it is known: by whom, and within how many working hours."""
    if report.agency is None:
        return None
    values = {"agency": report.agency.name, "n": working_hours}
    if values["n"] is None:
        return _("%(agency)s deals with this.") % values
    return _("%(agency)s deals with this, within %(n)d working hours.") % values


def created_request(
    report: Report, *, token: str | None, account_id: str, working_hours: int | None, report_link: str | None
) -> Document:
    """The answer to a new report: its number, or a token in its stead, never both. With a number, the reporter's link."""
    known = {"token": token} if token is not None else {"service_request_id": report.public_id}
    notice = service_notice(report, working_hours)
    answer = {**known, "service_notice": notice, "account_id": account_id or None}
    return answer if report_link is None else {**answer, "report_link": report_link}


def token_answer(public_id: str, token: str) -> Document:
    return {"service_request_id": public_id, "token": token}


def error(code: int, description: str) -> Document:
    return {"code": code, "description": description}
