"""One person's data: found, given out, erased. For those who ask it of the city, under the law on personal data (UU 27/2022)."""

import json
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from geo.reports.access.principals import Origin
from geo.reports.models import HistoryNote, Report, ReportContact, ReportSupport
from geo.reports.personal_data.masking import mask, mask_names
from geo.reports.personal_data.retention import strip
from geo.reports.photos.stored import delete_photos
from geo.reports.statements import QUERIES as REPORT_QUERIES
from server.core.errors import BadParameter
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
REPORTS_OF_PERSON = QUERIES.reports_of_person.format(phone=QUERIES.phone_key)
# Fewer digits stand in too many texts to be somebody's.
FEWEST_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Person:
    """By what somebody is to be found, in the one form in which it is compared. `phone` is without 0, 62 and 00."""

    email: str = ""
    phone: str = ""
    name: str = ""
    report: str = ""

    @property
    def is_sure(self) -> bool:
        return bool(self.email or self.phone or self.report)

    @property
    def spoken(self) -> tuple[str, ...]:
        """As it may stand in a text."""
        phones = (f"0{self.phone}", f"62{self.phone}", f"620{self.phone}", self.phone) if self.phone else ()
        return (*filter(None, (self.email, self.name)), *phones)


@dataclass(frozen=True, slots=True)
class Found:
    """What is kept of a person: ids of reports with their contact, of dead letters, of others' reports that name them."""

    person: Person
    reports: tuple[int, ...] = ()
    devices: tuple[str, ...] = ()
    dead_letters: tuple[int, ...] = ()
    mentions: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.reports or self.dead_letters or self.mentions)


@dataclass(frozen=True, slots=True)
class Erased:
    """How many of each were erased, or had a person's data taken out."""

    reports: int = 0
    photos: int = 0
    dead_letters: int = 0
    mentions: int = 0

    def __bool__(self) -> bool:
        return bool(self.reports or self.photos or self.dead_letters or self.mentions)


def read_person(*, email: str = "", phone: str = "", name: str = "", report: str = "") -> Person:
    """Whom is meant. BadParameter for what is no address or number, and where nothing is given."""
    email, name, report = email.strip().lower(), " ".join(name.split()).lower(), report.strip()
    if email and "@" not in email:
        raise BadParameter("email", _("%(given)s is no e-mail address.") % {"given": email})
    key = re.sub(r"^(00)?(62)?0?", "", re.sub(r"[^0-9]", "", phone))
    if phone.strip() and len(key) < FEWEST_DIGITS:
        raise BadParameter("phone", _("A telephone number has at least %(n)d digits.") % {"n": FEWEST_DIGITS})
    if not (email or key or name or report):
        raise BadParameter("person", _("Say who is meant: by e-mail address, telephone number or report."))
    return Person(email, key, name, report)


def find_person(*, email: str = "", phone: str = "", name: str = "", report: str = "") -> Found:
    """What is kept of somebody. By e-mail address or telephone number: either of them is enough; a name narrows it down.

    A name alone finds all who are called so. `report` (a public id) is that report, whoever sent it.
    """
    return _find(read_person(email=email, phone=phone, name=name, report=report))


def _find(person: Person) -> Found:
    asked: dict[str, Any] = {
        "email": person.email,
        "phone": person.phone,
        "name": person.name,
        "report": person.report,
    }
    ids = _ids(REPORTS_OF_PERSON, asked)
    devices = ReportContact.objects.filter(report_id__in=ids).exclude(device_hash="")
    return Found(
        person,
        tuple(ids),
        tuple(devices.values_list("device_hash", flat=True).distinct()),
        tuple(_ids(QUERIES.dead_letters_of_person, {**asked, "ids": ids})),
        tuple(_ids(QUERIES.mentions, {**asked, "ids": ids, **_signs()})) if person.email or person.phone else (),
    )


@cache
def _signs() -> dict[str, str]:
    """For translate: all characters that pass for a digit, as masking has them, and after them those that part digits."""
    letters = [chr(code) for code in range(0x80, sys.maxunicode + 1)]
    digits = {letter: str(digit) for letter in letters if (digit := unicodedata.digit(letter, None)) is not None}
    gaps = [letter for letter in letters if letter.isspace() or unicodedata.category(letter) in ("Pd", "Zs", "Cf")]
    # The last are full-width ones, and what makes a keycap of a digit.
    return {
        "looks": "".join([*digits, *gaps, *"．＋（）／\ufe0f\u20e3"]),
        "digits": "".join(digits.values()),
    }


def _ids(statement: str, asked: Mapping[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return [row[0] for row in cursor.fetchall()]


def export_person(person: Person, *, now: datetime) -> dict[str, Any]:
    """All that is kept of a person, as JSON can hold it. BadParameter for a name alone: it would be others' data, too."""
    _be_sure(person)
    found = _find(person)
    reports = Report.objects.filter(pk__in=found.reports).order_by("pk")
    joined = reports.select_related("contact", "channel", "category", "city", "area")
    supports = ReportSupport.objects.filter(device_hash__in=found.devices).select_related("report").order_by("pk")
    mentions = Report.objects.filter(pk__in=found.mentions).order_by("pk")
    return {
        "made_at": now.isoformat(),
        "reports": [_report(report) for report in joined.prefetch_related("photos", "history__note", "notes")],
        "supports": [{"report": one.report.public_id, "at": one.added_at.isoformat()} for one in supports],
        "dead_letters": _dead_letters(found),
        # Others wrote them: what they wrote is theirs, that they name this person is not.
        "named_in": [{"report": one.public_id, "reported_at": one.reported_at.isoformat()} for one in mentions],
    }


def _report(report: Report) -> dict[str, Any]:
    contact = getattr(report, "contact", None)
    return {
        "id": report.public_id,
        "external_id": report.external_id,
        "city": report.city.slug,
        "channel": report.channel.slug,
        "category": report.category.slug,
        "kind": report.kind,
        "status": report.status,
        "contact": {"name": contact.name, "phone": contact.phone, "email": contact.email} if contact else None,
        "description": report.description,
        "public_description": report.public_description,
        "address": report.address,
        "landmark": report.landmark,
        "attributes": report.attributes,
        "location": _lon_lat(report.location),
        "public_location": _lon_lat(report.public_location),
        "area": report.area.code if report.area else None,
        **{name: _iso(getattr(report, name)) for name in ("reported_at", "received_at", "updated_at", "closed_at")},
        "anonymised_at": _iso(report.anonymised_at),
        "photos": [
            {
                "file": photo.image.name,
                "sha256": photo.sha256,
                "taken_at": _iso(photo.taken_at),
                "distance_m": photo.distance_m,
                "added_at": _iso(photo.added_at),
            }
            for photo in report.photos.all()
        ],
        "history": [
            {
                "at": _iso(line.at),
                "action": line.action,
                "old": line.old,
                "new": line.new,
                "note": line.note.text if line.note else None,
            }
            for line in report.history.all()
        ],
        "notes": [{"text": note.text, "is_public": note.is_public} for note in report.notes.all()],
    }


def _lon_lat(point: Point | None) -> list[float] | None:
    return [point.x, point.y] if point is not None else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _dead_letters(found: Found) -> list[dict[str, Any]]:
    person = found.person
    asked: dict[str, Any] = {"email": person.email, "phone": person.phone, "ids": list(found.reports)}
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.dead_letters_of_person, asked)
        return [
            {"channel": channel, "external_id": external_id, "payload": json.loads(payload), "reason": reason, "received_at": _iso(at)}
            for _id, channel, external_id, payload, reason, at in cursor.fetchall()
        ]  # fmt: skip


def erase_person(person: Person, *, now: datetime, photos: bool = False, origin: str = Origin.COMMAND) -> Erased:
    """Erases a person's data, in one transaction; what the public reads of their reports stays, without them in it.

    Contact, original text, address, landmark, answers, exact place, device, notes that are not public and dead letters go; with `photos`
    the photos, too. In reports of others the person's name, number and address are masked. A second time there is nothing left.
    Errors: BadParameter for a name alone: namesakes would lose theirs.
    """
    _be_sure(person)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(REPORT_QUERIES.lock_placement)
        found = _find(person)
        ids = _ids(QUERIES.holding, {"ids": list(found.reports), "photos": photos})
        deleted = 0
        for report in Report.objects.filter(pk__in=ids).select_related("contact").order_by("pk"):
            _mask_public(report, person, now)
            deleted += delete_photos(report) if photos else 0
        if ids:
            strip(ids, action="erased", now=now, origin=origin)
        with connection.cursor() as cursor:
            cursor.execute(QUERIES.strip_devices, {"devices": list(found.devices)})
            cursor.execute(QUERIES.delete_dead_letters, {"ids": list(found.dead_letters)})
        named = Report.objects.select_for_update().filter(pk__in=found.mentions).order_by("pk")
        masked = [report.pk for report in named if _mask_mention(report, person.spoken, now)]
        with connection.cursor() as cursor:
            line: dict[str, Any] = {"ids": masked, "now": now, "action": "masked", "new": "{}", "origin": origin}
            cursor.execute(QUERIES.note_reports, line)
    return Erased(len(ids), deleted, len(found.dead_letters), len(masked))


def _be_sure(person: Person) -> None:
    if not person.is_sure:
        raise BadParameter(
            "name",
            _("A name alone is not enough, since others may have it: give an e-mail address, a telephone number or a report."),
        )  # fmt: skip


def _mask_public(report: Report, person: Person, now: datetime) -> None:
    """What the public reads, without what the writer is called: it may be older than that this is masked on the way in."""
    contact = getattr(report, "contact", None)
    own = (contact.name, contact.phone, contact.email) if contact is not None else ()
    names = [*filter(None, own), *person.spoken]
    _change(report, now, public_description=mask(report.public_description, names))
    # A note about one of a group stands at each of its reports.
    root_id = report.duplicate_of_id or report.pk
    _mask_notes(HistoryNote.objects.filter(Q(report=root_id) | Q(report__duplicate_of=root_id)), names)


def _mask_mention(report: Report, names: Sequence[str], now: datetime) -> bool:
    """Takes somebody out of another one's report; whether there was something to take out."""
    is_changed = _change(
        report,
        now,
        description=mask_names(report.description, names),
        public_description=mask_names(report.public_description, names),
        address=mask_names(report.address, names),
        landmark=mask_names(report.landmark, names),
        attributes=_masked(report.attributes, names),
    )
    return _mask_notes(report.notes.all(), names) or is_changed


def _change(report: Report, now: datetime, **fields: Any) -> bool:
    new = {name: value for name, value in fields.items() if value != getattr(report, name)}
    if new:
        # Later than before, whatever the clocks say: it tells one state of the report from the next.
        moment = max(now, report.updated_at + timedelta(microseconds=1))
        Report.objects.filter(pk=report.pk).update(**new, updated_at=moment)
    return bool(new)


def _mask_notes(notes: QuerySet[HistoryNote], names: Sequence[str]) -> bool:
    changed = [note for note in notes.exclude(text="") if mask_names(note.text, names) != note.text]
    for note in changed:
        HistoryNote.objects.filter(pk=note.pk).update(text=mask_names(note.text, names))
    return bool(changed)


def _masked(value: Any, names: Sequence[str]) -> Any:
    """Answers to a category's questions: text, numbers, lists of them."""
    if isinstance(value, dict):
        return {key: _masked(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, names) for each in value]
    if value is None or isinstance(value, bool):
        return value
    masked = mask_names(str(value), names)
    return value if masked == str(value) else masked
