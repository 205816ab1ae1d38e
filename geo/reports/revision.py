"""Reports corrected and taken back by those who sent them, or who answer for the city. The history says that, not what was said."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.utils.translation import gettext as _

from geo.areas.models import Area
from geo.reports.access.principals import Principal
from geo.reports.history import add_line
from geo.reports.locking import lock_reports
from geo.reports.models import Category, Report
from geo.reports.personal_data.masking import mask
from geo.reports.services import check_fields
from geo.reports.statements import QUERIES, REVISE_REPORT
from server.core.errors import Conflict, Forbidden, InvalidFields, Stale


def revise_report(
    *,
    report: Report,
    by: Principal,
    now: datetime,
    category: Category | None = None,
    kind: str | None = None,
    description: str | None = None,
    location: Point | None = None,
    reported_at: datetime | None = None,
    as_of: datetime | None = None,
) -> Report:
    """Changes what is given (None: it stays), and all that follows from it, as if the report had come in so.

    Units:  `location` is a point in EPSG:4326, longitude first. `as_of` is the updated_at that the writer has seen.
    Errors: InvalidFields by the name of the field; Forbidden for a report, or a move into a city, that is not theirs;
            Stale where the report was changed after `as_of`. Forbidden for officers, too, where the category would be another, or
            another agency would have it: that is handed over by coordination, and a photo and a time are asked for by category.
    The public place and text are made anew only where place, category or text change: what staff had hidden stays hidden.
    """
    given: dict[str, Any] = {
        "category": category,
        "kind": kind,
        "description": description,
        "location": location,
        "reported_at": reported_at,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Before the report's own lock, as when a precision changes: the other order could deadlock.
            cursor.execute(QUERIES.lock_placement)
        before = _locked(report, by, as_of)
        new = {name: value for name, value in given.items() if value is not None and value != getattr(before, name)}
        if not new:
            return before
        after = {**{name: getattr(before, name) for name in given}, **new}
        check_fields(
            new.get("category"),
            after["kind"],
            after["description"],
            after["location"],
            Area.objects.only("id").filter(reports=before).first(),
            new.get("reported_at"),
            now,
        )
        city_id, agency_id = _write(before, after, now)
        if city_id != before.city_id and (before.duplicate_of_id is not None or before.duplicates.exists()):
            raise Conflict(_("A merged report stays in its city; split it first."))
        if not by.may_act_in(city_id):
            raise Forbidden(_("You have no role in the city in which this place lies."))
        is_officers = by.channel is None and not by.may_dispatch(before)
        if is_officers and ("category" in new or agency_id != before.agency_id):
            raise Forbidden(
                _("Only dispatchers correct a category, or a place by which another agency gets the report.")
            )
        old_words, new_words = _told(before, new)
        before.agency_id = agency_id
        add_line(before, "revised", by=by, at=now, old=old_words, new=new_words)
    return Report.objects.select_related("city").get(pk=report.pk)


def withdraw_report(*, report: Report, by: Principal, now: datetime, as_of: datetime | None = None) -> bool:
    """Takes a report back: the public sees it no longer; it stays, with its history. False where it was not public."""
    with transaction.atomic():
        before = _locked(report, by, as_of)
        if not before.is_public:
            return False
        moment = max(now, before.updated_at + timedelta(microseconds=1))
        Report.objects.filter(pk=before.pk).update(is_public=False, updated_at=moment)
        add_line(before, "withdrawn", by=by, at=now, old={"is_public": True}, new={"is_public": False})
    return True


def _locked(report: Report, by: Principal, as_of: datetime | None) -> Report:
    """The report as it is now, until the transaction ends: a second writer waits here, and sees what the first one did."""
    (found,) = lock_reports(Report.objects.filter(pk=report.pk), "category", "contact")
    if not by.may_change(found):
        raise Forbidden(_("This report is neither of your channel nor of your cities."))
    if as_of is not None and found.updated_at != as_of:
        raise Stale(_("The report was changed since it was read."))
    return found


def _write(before: Report, after: dict[str, Any], now: datetime) -> tuple[int, int | None]:
    """Stores the report; its city and agency from now on."""
    description, location = after["description"], after["location"]
    with connection.cursor() as cursor:
        cursor.execute(
            REVISE_REPORT,
            {
                "report_id": before.pk,
                "category_id": after["category"].pk,
                "kind": after["kind"],
                "description": description,
                "public_description": _public_text(before, description, after["category"]),
                "lon": location.x if location is not None else None,
                "lat": location.y if location is not None else None,
                "reported_at": after["reported_at"],
                "city_id": before.city_id,
                "now": now,
            },
        )
        fits, city_id, agency_id = cursor.fetchone()
    if not fits:
        raise InvalidFields({"category": [_("This category belongs to another city.")]})
    return city_id, agency_id


def _public_text(before: Report, description: str, category: Category) -> str:
    """What staff had changed stays, where the text does; of a category whose exact place is not public, positions go."""
    contact = getattr(before, "contact", None)
    names = contact.words if contact is not None else []
    text = before.public_description if description == before.description else description
    if text is before.public_description and category.public_grid_m == 0:
        return text
    return mask(text, names, hides_place=category.public_grid_m > 0)


def _told(before: Report, new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the history keeps: which fields, and old and new of those that are neither text nor place of a person."""
    old_words: dict[str, Any] = {}
    new_words: dict[str, Any] = {"changed": sorted(new)}
    if "category" in new:
        old_words["category"], new_words["category"] = before.category.slug, new["category"].slug
    if "kind" in new:
        old_words["kind"], new_words["kind"] = str(before.kind), str(new["kind"])
    return old_words, new_words
