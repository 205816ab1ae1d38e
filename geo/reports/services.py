"""Writes of reports. Each function owns its transaction; an error leaves nothing behind, in the database or on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.utils.translation import gettext as _

from geo.areas.models import Area, City
from geo.reports.insertion import Columns, Contact, insert_contacts, insert_reports
from geo.reports.models import Category, Channel, HistoryEntry, Report, ReportSupport
from geo.reports.photos import Upload, clean_photos
from geo.reports.positions import city_boxes, position_fault
from geo.reports.querysets import Principal
from geo.reports.statements import QUERIES, REFRESH_PUBLIC_POINTS
from geo.reports.stored_photos import StoredFiles
from server.core.errors import Conflict, Forbidden, InvalidFields
from server.core.time_limits import allow_statements

MAX_DESCRIPTION = 5000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Clocks of telephones go wrong by minutes, not by hours.
LATEST_AHEAD = timedelta(minutes=5)


def submit_report(
    *,
    channel: Channel,
    category: Category,
    now: datetime,
    kind: str = Report.Kind.LAPORAN,
    description: str = "",
    location: Point | None = None,
    city: City | None = None,
    area_code: str | None = None,
    reported_at: datetime | None = None,
    external_id: str | None = None,
    contact: Contact | None = None,
    photos: Sequence[Upload] = (),
    device_hash: str = "",
    by: Principal | None = None,
) -> tuple[Report, bool]:
    """Takes in one report; the same (channel, external_id) again gives the first one and False.

    Units:  `location` is a point in EPSG:4326, longitude first; a laporan needs one, an aspirasi may name an area instead.
    City:   the one in which the place lies; else `city`, else the channel's, else the only one there is.
    Errors: InvalidFields, by the name of the field. A place outside every area is kept, and flagged. Forbidden where `by`
            is given and has no role in the city.
    """
    area = _named_area(area_code)
    check_fields(category, kind, description, location, area, reported_at, now)
    if external_id is not None and not 0 < len(external_id) <= 200:
        raise InvalidFields({"external_id": [_("From 1 to 200 characters.")]})
    cleaned = clean_photos(photos)
    fallback = city or fallback_city(channel)
    row = Columns()
    row.append(
        external_id=external_id,
        kind=kind,
        category_id=category.pk,
        description=description,
        position=(location.x, location.y) if location is not None else None,
        area_id=area.pk if area else None,
        reported_at=reported_at or now,
    )
    contact = contact or Contact()
    with StoredFiles() as files, transaction.atomic():
        (outcome,) = insert_reports(row, channel_id=channel.pk, city_id=fallback.pk, now=now)
        if not outcome.fits:
            raise InvalidFields({"category": [_("This category belongs to another city.")]})
        if outcome.report_id is None:
            return Report.objects.get(channel=channel, external_id=external_id), False
        if contact != Contact() or device_hash:
            insert_contacts([(outcome.report_id, contact, device_hash)])
        report = Report.objects.get(pk=outcome.report_id)
        if by is not None and not by.may_act_in(report.city_id):
            raise Forbidden(_("You have no role in the city in which this place lies."))
        files.store(report, cleaned)
    return report, True


def _named_area(code: str | None) -> Area | None:
    if not code:
        return None
    area = Area.objects.current().filter(code=code).first()
    if area is None:
        raise InvalidFields({"area": [_("There is no area with this code.")]})
    return area


def check_fields(
    category: Category | None,
    kind: str,
    description: str,
    location: Point | None,
    area: Area | None,
    reported_at: datetime | None,
    now: datetime,
) -> None:
    """InvalidFields for what no report may be. `category` and `reported_at` are None where they are not new."""
    faults: dict[str, list[str]] = {}
    if category is not None and not category.is_active:
        faults["category"] = [_("This category is no longer in use.")]
    if kind not in Report.Kind.values:
        faults["kind"] = [_("Either laporan or aspirasi.")]
    if len(description) > MAX_DESCRIPTION:
        faults["description"] = [_("At most %(n)d characters.") % {"n": MAX_DESCRIPTION}]
    if location is not None:
        if fault := position_fault(location.x, location.y, city_boxes()):
            faults["location"] = [fault]
    elif kind != Report.Kind.ASPIRASI:
        faults["location"] = [_("Needed: a point, longitude first.")]
    elif area is None:
        faults["location"] = [_("Needed: a point, longitude first, or the code of an area.")]
    if reported_at is not None and (fault := reported_at_fault(reported_at, now)):
        faults["reported_at"] = [fault]
    if faults:
        raise InvalidFields(faults)


def reported_at_fault(reported_at: datetime, now: datetime) -> str | None:
    """Why a time of reporting cannot be right, or None."""
    if reported_at > now + LATEST_AHEAD:
        return _("Lies in the future.")
    if reported_at < EARLIEST:
        return _("Lies before the year 2000.")
    return None


def fallback_city(channel: Channel) -> City:
    """The city of reports of this channel whose place is in none: the channel's, else the only one (the first by slug)."""
    city = channel.city or City.objects.order_by("slug").first()
    if city is None:
        raise Conflict(_("There is no city yet; import its areas first."))
    return city


def channel_of(principal: Principal) -> Channel:
    """The channel by which what this principal sends comes in; Forbidden where it is closed."""
    if principal.channel is not None:
        return principal.channel
    slug, name = ("staff", "Staff") if principal.is_staff else ("web", "Web")
    channel, _created = Channel.objects.select_related("city").get_or_create(slug=slug, defaults={"name": name})
    if not channel.is_active:
        raise Forbidden(_("This channel is closed."))
    return channel


@dataclass(frozen=True, slots=True)
class Support:
    support_count: int
    is_new: bool


def support_report(*, report: Report, device_hash: str, now: datetime) -> Support:
    """A device supports a wish, once: the second time changes nothing. Conflict for what is no wish."""
    if report.kind != Report.Kind.ASPIRASI:
        raise Conflict(_("Only a wish (aspirasi) collects support."))
    with transaction.atomic():
        # The report's lock comes first: whoever holds it counts every support that was committed before.
        locked = Report.objects.select_for_update().get(pk=report.pk)
        _support, is_new = ReportSupport.objects.get_or_create(report=locked, device_hash=device_hash)
        count = locked.support_count + is_new
        if is_new:
            Report.objects.filter(pk=locked.pk).update(support_count=count, updated_at=now)
    return Support(count, is_new)


def moderate_report(
    *, report: Report, is_public: bool, public_description: str, user: AbstractBaseUser, now: datetime
) -> None:
    """What the public sees of a report, changed by staff; the history says that it was, not what the text had been."""
    with transaction.atomic():
        before = Report.objects.select_for_update().get(pk=report.pk)
        changed: dict[str, Any] = {}
        if before.is_public != is_public:
            changed["is_public"] = is_public
        if before.public_description != public_description:
            changed["public_description"] = public_description
        if not changed:
            return
        Report.objects.filter(pk=report.pk).update(**changed, updated_at=now)
        HistoryEntry.objects.create(
            report=before,
            at=now,
            action="moderated",
            old={"is_public": before.is_public},
            new={"is_public": is_public, "changed": sorted(changed)},
            user_id=user.pk,
        )


def refresh_public_points(*, category: Category, now: datetime) -> int:
    """Snaps the public places of a category's reports anew, after its precision changed; returns how many.

    In the transaction that changes the precision. A report that is being stored was snapped by the old one: it is waited
    for, and later ones wait until the new precision can be seen.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        allow_statements(0)  # as long as the reports are many
        cursor.execute(QUERIES.lock_placement_exclusive)
        cursor.execute(REFRESH_PUBLIC_POINTS, {"category_id": category.pk, "now": now})
        return cursor.rowcount
