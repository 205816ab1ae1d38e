"""Writes of reports. Each function owns its transaction; an error leaves nothing behind, in the database or on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from geo.areas.models import Area, City
from geo.reports.access.principals import PUBLIC, Principal
from geo.reports.insertion import Columns, Contact, insert_reports
from geo.reports.models import Category, Channel, HistoryEntry, Report, ReportSupport
from geo.reports.personal_data.masking import mask
from geo.reports.photos.cleaning import Upload, clean_photos
from geo.reports.photos.stored import StoredFiles
from geo.reports.positions import city_boxes, position_fault
from geo.reports.statements import QUERIES, REFRESH_PUBLIC_POINTS
from geo.reports.workflow import CLOSED
from server.core.errors import Conflict, Forbidden, InvalidFields
from server.core.time_limits import allow_statements

MAX_DESCRIPTION = 5000
MAX_ADDRESS = 300
MAX_LANDMARK = 300
# Of an external id that is no number of the sender's, but a key by which a repeat is known.
OF_A_KEY = "key:"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Clocks of telephones go wrong by minutes, not by hours.
LATEST_AHEAD = timedelta(minutes=5)

# Sent inside the transaction that takes a new report in, with `report`. An import of many sends none.
report_submitted = Signal()


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
    address: str = "",
    landmark: str = "",
    attributes: Mapping[str, Any] | None = None,
    photos: Sequence[Upload] = (),
    device_hash: str = "",
    by: Principal = PUBLIC,
) -> tuple[Report, bool]:
    """Takes in one report; the same (channel, external_id) again gives the first one and False.

    Units:  `location` is a point in EPSG:4326, longitude first; a laporan needs one, or an address in words, or an area and a
            landmark in it; an aspirasi may name an area instead. `attributes` are the answers to the category's questions, checked already.
    City:   the one in which the place lies; else `city`, else the channel's, else the only one there is.
    Errors: InvalidFields, by the name of the field. A place outside every area is kept, and flagged. Forbidden where `by`
            is staff without a role in the city.
    """
    area = _named_area(area_code)
    check_fields(category, kind, description, location, area, reported_at, now, address=address, landmark=landmark)
    if external_id is not None and not 0 < len(external_id) <= 200:
        raise InvalidFields({"external_id": [_("From 1 to 200 characters.")]})
    cleaned = clean_photos(photos)
    fallback = city or fallback_city(channel)
    contact = contact or Contact()
    row = Columns()
    row.append(
        external_id=external_id,
        kind=kind,
        category_id=category.pk,
        description=description,
        position=(location.x, location.y) if location is not None else None,
        area_id=area.pk if area else None,
        reported_at=reported_at or now,
        address=address,
        landmark=landmark,
        attributes=attributes,
        name=contact.name,
        phone=contact.phone,
        email=contact.email,
        device_hash=device_hash,
        hides_place=category.public_grid_m > 0,
    )
    with StoredFiles() as files, transaction.atomic():
        (outcome,) = insert_reports(
            row, channel_id=channel.pk, city_id=fallback.pk, now=now, origin=by.origin, user_id=by.user_id
        )
        if not outcome.fits:
            raise InvalidFields({"category": [_("This category belongs to another city.")]})
        if outcome.report_id is None:
            return Report.objects.get(channel=channel, external_id=external_id), False
        report = Report.objects.get(pk=outcome.report_id)
        if by.is_staff and not by.may_act_in(report.city_id):
            raise Forbidden(_("You have no role in the city in which this place lies."))
        files.store(report, cleaned)
        report_submitted.send(sender=Report, report=report)
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
    *,
    address: str = "",
    landmark: str = "",
) -> None:
    """InvalidFields for what no report may be. `category` and `reported_at` are None where they are not new."""
    faults: dict[str, list[str]] = {}
    if category is not None and not category.is_active:
        faults["category"] = [_("This category is no longer in use.")]
    if kind not in Report.Kind.values:
        faults["kind"] = [_("Either laporan or aspirasi.")]
    if len(description) > MAX_DESCRIPTION:
        faults["description"] = [_("At most %(n)d characters.") % {"n": MAX_DESCRIPTION}]
    if len(landmark) > MAX_LANDMARK:
        faults["landmark"] = [_("At most %(n)d characters.") % {"n": MAX_LANDMARK}]
    if location is not None:
        if fault := position_fault(location.x, location.y, city_boxes()):
            faults["location"] = [fault]
    elif address:
        if len(address) > MAX_ADDRESS:
            faults["address"] = [_("At most %(n)d characters.") % {"n": MAX_ADDRESS}]
    elif kind != Report.Kind.ASPIRASI and not (area and landmark):
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
    """The channel by which what this principal sends comes in; Forbidden where it is closed, or its key sends none."""
    if principal.channel is not None:
        if not principal.may_submit:
            raise Forbidden(_("This API key may not send reports."))
        return principal.channel
    slug, name = ("staff", "Staff") if principal.may_submit else ("web", "Web")
    channel, _created = Channel.objects.select_related("city").get_or_create(slug=slug, defaults={"name": name})
    if not channel.is_active:
        raise Forbidden(_("This channel is closed."))
    return channel


@dataclass(frozen=True, slots=True)
class Support:
    support_count: int
    is_new: bool


def support_report(*, report: Report, device_hash: str, now: datetime) -> Support:
    """A device supports a wish or a report, once: the second time changes nothing. One that was merged supports its parent.

    Errors: Conflict for what is closed, and for a parent that the public does not see.
    """
    for _attempt in range(5):
        try:
            with transaction.atomic():
                return _support(report.pk, device_hash, now)
        except _MergedMeanwhile:
            continue
    raise Conflict(_("The report is being merged or split by others; try again."))


class _MergedMeanwhile(Exception):
    """What was about to be supported follows another report now; its lock must go before that one's is asked for."""


def _support(report_id: int, device_hash: str, now: datetime) -> Support:
    parent_id = Report.objects.values_list("duplicate_of_id", flat=True).get(pk=report_id)
    # The report's lock comes first: whoever holds it counts every support that was committed before.
    locked = Report.objects.select_for_update().get(pk=parent_id or report_id)
    if locked.duplicate_of_id is not None:
        raise _MergedMeanwhile
    if locked.status in CLOSED:
        raise Conflict(_("What is closed collects no more support."))
    if parent_id is not None and not locked.is_public:
        raise Conflict(_("This report was merged into one that is not public."))
    _row, is_new = ReportSupport.objects.get_or_create(report=locked, device_hash=device_hash)
    count = locked.support_count + is_new
    if is_new:
        Report.objects.filter(pk=locked.pk).update(
            support_count=count, updated_at=max(now, locked.updated_at + timedelta(microseconds=1))
        )
    return Support(count, is_new)


def moderate_report(
    *,
    report: Report,
    user: AbstractBaseUser,
    now: datetime,
    is_public: bool | None = None,
    public_description: str | None = None,
    origin: str = "",
) -> None:
    """What the public sees of a report, changed by staff (None: it stays); the history says that it was, not what the text had been."""
    with transaction.atomic():
        before = Report.objects.select_for_update().get(pk=report.pk)
        if is_public and before.is_exercise:
            raise Conflict(_("A report of an exercise is not shown to the public."))
        given = {"is_public": is_public, "public_description": public_description}
        changed = {name: new for name, new in given.items() if new is not None and new != getattr(before, name)}
        if not changed:
            return
        moment = max(now, before.updated_at + timedelta(microseconds=1))
        Report.objects.filter(pk=report.pk).update(**changed, updated_at=moment)
        HistoryEntry.objects.create(
            report=before,
            at=now,
            action="moderated",
            old={"is_public": before.is_public},
            new={"is_public": changed.get("is_public", before.is_public), "changed": sorted(changed)},
            user_id=user.pk,
            agency_id=before.agency_id,
            origin=origin,
        )


def refresh_public_points(*, category: Category, now: datetime, by: Principal = PUBLIC) -> int:
    """Snaps the public places of a category's reports anew, after its precision changed; returns how many.

    The history of each says so.

    In the transaction that changes the precision. A report that is being stored was snapped by the old one: it is waited
    for, and later ones wait until the new precision can be seen.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        allow_statements(0)  # as long as the reports are many
        cursor.execute(QUERIES.lock_placement_exclusive)
        given: dict[str, Any] = {"category_id": category.pk, "now": now}
        cursor.execute(REFRESH_PUBLIC_POINTS, {**given, "user_id": by.user_id, "origin": by.origin})
        n = cursor.rowcount
        if category.public_grid_m > 0:
            _hide_places_in_texts(category)
        return n


def _hide_places_in_texts(category: Category) -> None:
    """Positions that were public with their places go from the texts as well."""
    texts = Report.objects.filter(category=category).exclude(public_description="").order_by("id")
    for report in texts.only("id", "public_description").iterator(chunk_size=1000):
        hidden = mask(report.public_description, hides_place=True)
        if hidden != report.public_description:
            Report.objects.filter(pk=report.pk).update(public_description=hidden)
