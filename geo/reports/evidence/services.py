"""What was brought to prove that a report is done: a photo for those categories that ask for one.

What is found out about a photo (geo.reports.evidence.checks) informs who decides; no finding keeps a report from being closed.
A photo belongs to the closing that follows it: what was brought before a report was reopened proves nothing of the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from geo.reports.access.principals import Principal
from geo.reports.categories import inherited
from geo.reports.evidence.checks import find
from geo.reports.locking import lock_reports
from geo.reports.models import Category, HistoryEntry, Report, ReportEvidence, ReportPhoto
from geo.reports.photos.cleaning import MAX_PHOTOS, CleanPhoto, Upload, clean_photos
from geo.reports.photos.perceptual import ALIKE_BITS, bands, differing_bits, perceptual_hash
from geo.reports.photos.stored import StoredFiles, distance_from, moment_at, read_file
from geo.reports.statements import QUERIES as REPORT_QUERIES
from geo.reports.workflow import Status
from server.core.errors import Conflict, Forbidden, InvalidFields, NotFound
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
BROUGHT, REMOVED = "evidence", "evidence_removed"
# Of one closing.
MOST = 10


def lacks_evidence(report: Report) -> bool:
    """Whether its category, or that of a report that follows it, asks for a photo of what was done, and there is none since it
    was opened last."""
    followers = Category.objects.filter(reports__duplicate_of=report).distinct()
    if not any(inherited(category, "needs_evidence", False) for category in [report.category, *followers]):
        return False
    since = reopened_at(report)
    brought = ReportEvidence.objects.filter(report=report)
    return not (brought.filter(added_at__gte=since) if since is not None else brought).exists()


def reopened_at(report: Report) -> datetime | None:
    """When the report was opened again last: what was brought before that belongs to an earlier closing."""
    steps = report.history.filter(action="status", new__status=Status.REOPENED.value)
    return steps.order_by("-id").values_list("at", flat=True).first()


@dataclass(frozen=True, slots=True)
class ExaminedPhoto:
    """A photo as it will be stored, and the public ids of the reports that were sent in with the same picture."""

    cleaned: CleanPhoto
    looks_like: str
    as_sent: tuple[str, ...]


def add_evidence(*, report: Report, photo: Upload, by: Principal, now: datetime) -> tuple[ReportEvidence, bool]:
    """Stores a photo of what was done, and what was found out about it; the same photo again gives the first one and False.

    Errors: those of examine_photo and store_evidence.
    """
    examined = examine_photo(report=report, photo=photo, by=by)
    with StoredFiles() as files, transaction.atomic():
        return store_evidence(report=report, photo=examined, by=by, now=now, files=files)


def examine_photo(*, report: Report, photo: Upload, by: Principal) -> ExaminedPhoto:
    """What is slow about bringing a photo, done before any report is held; it writes nothing.

    Errors: Forbidden for who does not deal with the report; InvalidFields (`photo`) for what is no photo; NotReady where others
            are being decoded or the storage is away.
    """
    # Asked before a file is decoded for nothing, and again when nobody can change the answer any more.
    _require_right(report, by)
    cleaned = _cleaned(photo)
    looks_like = perceptual_hash(cleaned.content)
    return ExaminedPhoto(cleaned, looks_like, tuple(_reports_showing(report, looks_like)))


def store_evidence(
    *, report: Report, photo: ExaminedPhoto, by: Principal, now: datetime, files: StoredFiles
) -> tuple[ReportEvidence, bool]:
    """The rest of it, in the caller's transaction and inside `files`; the report is held from here to the end of both.

    Errors: Forbidden as above; NotReady where the storage is away; Conflict for a report that follows another one, is rejected
            or a duplicate, for a photo of an earlier closing, and for more than MOST of one closing.
    """
    cleaned, looks_like = photo.cleaned, photo.looks_like
    locked = _lock(report.pk)
    _require_right(locked, by)
    since = reopened_at(locked)
    if (before := _same(locked, cleaned, since)) is not None:
        return before, False
    _require_place_for(locked, since)
    taken_at, distance_m = moment_at(cleaned.taken_at, locked), distance_from(cleaned.position, locked)
    findings = find(
        taken_at=taken_at,
        has_position=cleaned.position is not None,
        distance_m=distance_m,
        reported_at=locked.reported_at,
        reopened_at=since,
        seen_in=list(dict.fromkeys([*photo.as_sent, *_alike(locked, looks_like, since)])),
        now=now,
    )
    evidence = ReportEvidence.objects.create(
        report=locked,
        image=files.put(ReportEvidence, "image", cleaned.content),
        width=cleaned.width,
        height=cleaned.height,
        sha256=cleaned.sha256,
        perceptual_hash=looks_like,
        hash_bands=bands(looks_like),
        taken_at=taken_at,
        distance_m=distance_m,
        findings=findings,
        added_at=now,
        added_by_id=by.user_id,
    )
    _note(locked, BROUGHT, by, now, evidence=evidence.pk, findings=[one["code"] for one in findings])
    return evidence, True


def remove_evidence(*, evidence: ReportEvidence, by: Principal, now: datetime) -> None:
    """Takes a photo away that should not be there, its file included; the history says that it was there.

    Errors: Forbidden for who does not dispatch in the report's city: who brought a photo does not take it back.
    """
    with transaction.atomic():
        locked = _lock(evidence.report_id)
        if not by.may_dispatch(locked):
            raise Forbidden(_("Only dispatchers take evidence away."))
        _note(locked, REMOVED, by, now, evidence=evidence.pk)
        evidence.delete()


def _require_right(report: Report, by: Principal) -> None:
    if not by.may_handle(report):
        raise Forbidden(_("Only those who deal with this report bring evidence."))


def _cleaned(photo: Upload) -> CleanPhoto:
    try:
        (cleaned,) = clean_photos([photo])
    except InvalidFields as error:
        raise InvalidFields({"photo": error.fields["photos"]}) from None
    return cleaned


def _lock(report_id: int) -> Report:
    with connection.cursor() as cursor:
        # Before any report's own lock: when a precision changes, many reports are written in no order.
        cursor.execute(REPORT_QUERIES.lock_placement)
    (locked,) = lock_reports(Report.objects.filter(pk=report_id), "city")
    if locked.duplicate_of_id is not None:
        raise Conflict(_("This report follows the one that it was merged into; the evidence belongs there."))
    return locked


def _same(report: Report, photo: CleanPhoto, since: datetime | None) -> ReportEvidence | None:
    """The same file, if it is there: sent again because an answer was lost, or taken from an earlier closing."""
    before = ReportEvidence.objects.filter(report=report, sha256=photo.sha256).first()
    if before is not None and since is not None and before.added_at < since:
        raise Conflict(_("This photo was brought for an earlier closing of this report."))
    return before


def _require_place_for(report: Report, since: datetime | None) -> None:
    if report.status in (Status.REJECTED, Status.DUPLICATE):
        raise Conflict(_("Evidence shows that a report is done; this one was closed without that."))
    brought = ReportEvidence.objects.filter(report=report)
    if (brought.filter(added_at__gte=since) if since is not None else brought).count() >= MOST:
        raise Conflict(_("There are %(n)d photos of what was done already.") % {"n": MOST})


def _reports_showing(report: Report, looks_like: str) -> list[str]:
    """This report, and those that follow it, where a photo that came with them is the same picture."""
    photos = ReportPhoto.objects.filter(Q(report=report) | Q(report__duplicate_of=report)).select_related("report")
    showing = []
    for photo in photos.order_by("id")[: 2 * MAX_PHOTOS]:
        try:
            small = read_file(photo.thumbnail or photo.image)
        except NotFound:  # its file is gone: nothing can be said of it
            continue
        if differing_bits(perceptual_hash(small), looks_like) <= ALIKE_BITS:
            showing.append(photo.report.public_id)
    return showing


def _alike(report: Report, looks_like: str, since: datetime | None) -> Sequence[str]:
    asked: dict[str, Any] = {
        "bands": bands(looks_like),
        "hash": looks_like,
        "alike_bits": ALIKE_BITS,
        "city_id": report.city_id,
        "report_id": report.pk,
        "reopened_at": since,
    }
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.alike_evidence, asked)
        return [public_id for (public_id,) in cursor.fetchall()]


def _note(report: Report, action: str, by: Principal, now: datetime, **new: Any) -> None:
    HistoryEntry.objects.create(
        report=report,
        at=now,
        action=action,
        new=new,
        user_id=by.user_id,
        channel=by.channel,
        agency_id=report.agency_id,
        origin=by.origin,
    )
