"""Many reports at once: rows of any origin, checked one by one, stored in chunks, each chunk in its own transaction.

The same rows again change nothing: a row without an id of its own is known by a hash of what it says.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db import reset_queries, transaction

from geo.areas.models import Area, City
from geo.reports.insertion import Columns, Contact, insert_contacts, insert_reports
from geo.reports.models import Category, Channel, Report
from geo.reports.positions import Box, city_boxes, position_fault
from geo.reports.services import MAX_DESCRIPTION, fallback_city, reported_at_fault
from server.core.errors import BadParameter
from server.core.params import parse_time

FIELDS = (
    "external_id",
    "category",
    "description",
    "lon",
    "lat",
    "area",
    "reported_at",
    "kind",
    "name",
    "phone",
    "email",
)
LONGEST = {"external_id": 200, "description": MAX_DESCRIPTION, "name": 200, "phone": 40, "email": 254}
# Large enough that the statement's fixed cost vanishes, small enough that a chunk is a few megabytes and a second.
CHUNK = 2000

Row = Mapping[str, Any]


class BrokenRow(dict[str, Any]):
    """A row that its file could not give whole: what there is of it, and the reason."""

    def __init__(self, reason: str, values: Row) -> None:
        super().__init__(values)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not stored: its number (from 1), why, and what it was."""

    number: int
    reason: str
    row: Row


@dataclass(slots=True)
class ImportSummary:
    """What became of the rows: `read` is the sum of the others."""

    read: int = 0
    stored: int = 0
    repeated: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What a row is read against: loaded once, so that no row asks the database."""

    mapping: Mapping[str, str]
    zone: ZoneInfo
    now: datetime
    categories: Mapping[str, int]
    areas: Mapping[str, int]
    boxes: list[Box]
    time_format: str | None


class BadRow(Exception):
    """Why a row cannot be stored."""


@dataclass(slots=True)
class _Chunk:
    columns: Columns = field(default_factory=Columns)
    origins: list[tuple[int, Row]] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)


def import_rows(
    rows: Iterable[Row],
    *,
    channel: Channel,
    now: datetime | None = None,
    mapping: Mapping[str, str] | None = None,
    zone: ZoneInfo | None = None,
    city: City | None = None,
    category_names: Mapping[str, str] | None = None,
    time_format: str | None = None,
    on_reject: Callable[[Rejection], None] | None = None,
    chunk_size: int = CHUNK,
) -> ImportSummary:
    """Stores rows as reports of a channel, in the memory of one chunk.

    Shape:  `mapping` is field -> name of the row's column, for FIELDS; without one the columns are named like the fields.
            Values are text, or numbers and datetimes already. `category_names` is the row's word -> slug of a category.
    Units:  lon, lat in degrees (EPSG:4326); a naive time is one of `zone` (the city's own unless said otherwise).
    """
    now = now or datetime.now(UTC)
    fallback = city or fallback_city(channel)
    rules = _load_rules(mapping, zone or fallback.zone, now, category_names, time_format)
    summary = ImportSummary()

    def reject(number: int, reason: str, row: Row) -> None:
        summary.rejected += 1
        if on_reject is not None:
            on_reject(Rejection(number, reason, row))

    numbered = enumerate(rows, start=1)
    while batch := list(islice(numbered, chunk_size)):
        chunk = _Chunk()
        for number, row in batch:
            summary.read += 1
            try:
                _read_row(row, rules, chunk)
                chunk.origins.append((number, row))
            except BadRow as error:
                reject(number, str(error), row)
        for number, reason, row in _store(chunk, channel, fallback, now, summary):
            reject(number, reason, row)
        reset_queries()  # in debug mode Django would keep every statement, the rows in it
    return summary


def _load_rules(
    mapping: Mapping[str, str] | None,
    zone: ZoneInfo,
    now: datetime,
    category_names: Mapping[str, str] | None,
    time_format: str | None,
) -> Rules:
    known: dict[str, int] = {}
    slugs: dict[str, int] = {}
    for pk, slug, name_id, name_en in Category.objects.order_by("slug").values_list("id", "slug", "name_id", "name_en"):
        slugs[slug] = pk
        for name in (name_id, name_en):
            known.setdefault(_key(name), pk)
    known |= slugs
    for word, slug in (category_names or {}).items():
        if slug not in slugs:
            raise BadParameter("categories", f"there is no category {slug!r}")
        known[_key(word)] = slugs[slug]
    areas = dict(Area.objects.current().values_list("code", "id"))
    return Rules(mapping or {name: name for name in FIELDS}, zone, now, known, areas, city_boxes(), time_format)


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _read_row(row: Row, rules: Rules, chunk: _Chunk) -> None:
    if isinstance(row, BrokenRow):
        raise BadRow(row.reason)
    values = {name: _text(name, row.get(column)) for name, column in rules.mapping.items()}
    category = values.get("category", "")
    category_id = rules.categories.get(_key(category))
    if category_id is None:
        raise BadRow(f"category: there is no category {category!r}" if category else "category: missing")
    kind = values.get("kind") or Report.Kind.LAPORAN
    if kind not in Report.Kind.values:
        raise BadRow(f"kind: {kind!r} is neither laporan nor aspirasi")
    reported_at = _time(row.get(rules.mapping.get("reported_at", "")), rules)
    chunk.columns.append(
        external_id=values.get("external_id") or _own_id(values, reported_at),
        kind=kind,
        category_id=category_id,
        description=values.get("description", ""),
        position=_position(values.get("lon", ""), values.get("lat", ""), rules.boxes),
        area_id=_area(values.get("area", ""), rules),
        reported_at=reported_at,
    )
    chunk.contacts.append(Contact(values.get("name", ""), values.get("phone", ""), values.get("email", "")))


def _text(name: str, value: Any) -> str:
    text = "" if value is None else str(value).strip()
    if "\0" in text:
        raise BadRow(f"{name}: holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRow(f"{name}: not UTF-8") from None
    if len(text) > LONGEST.get(name, 1000):
        raise BadRow(f"{name}: longer than {LONGEST.get(name, 1000)} characters")
    return text


def _position(lon: str, lat: str, boxes: list[Box]) -> tuple[float, float] | None:
    """A row may have no place at all, and is kept; half a place is a mistake."""
    if not lon and not lat:
        return None
    x, y = _degrees("lon", lon), _degrees("lat", lat)
    if fault := position_fault(x, y, boxes):
        raise BadRow(f"location: {fault}")
    return x, y


def _degrees(name: str, text: str) -> float:
    try:
        return float(text.replace(",", ".", 1))  # a spreadsheet of this country writes 106,98
    except ValueError:
        raise BadRow(f"{name}: {text!r} is not a number" if text else f"{name}: missing") from None


def _area(code: str, rules: Rules) -> int | None:
    if code and code not in rules.areas:
        raise BadRow(f"area: there is no area {code!r}")
    return rules.areas[code] if code else None


def _time(value: Any, rules: Rules) -> datetime:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=rules.zone)
    elif value is None or not str(value).strip():
        raise BadRow("reported_at: missing")
    else:
        moment = _parsed_time(str(value), rules)
    if fault := reported_at_fault(moment, rules.now):
        raise BadRow(f"reported_at: {fault}")
    return moment.astimezone(UTC)


def _parsed_time(text: str, rules: Rules) -> datetime:
    try:
        if rules.time_format is None:
            return parse_time(text, "reported_at", rules.zone)
        moment = datetime.strptime(text.strip(), rules.time_format)  # noqa: DTZ007 - its zone is set on the next line
        return moment if moment.tzinfo else moment.replace(tzinfo=rules.zone)
    except BadParameter as error:
        raise BadRow(error.detail) from None
    except ValueError:
        raise BadRow(f"reported_at: {text!r} does not look like {rules.time_format}") from None


def _own_id(values: Mapping[str, str], reported_at: datetime) -> str:
    """Of a row that brings no id: the same words at the same time and place are the same report."""
    said = [values.get(name, "") for name in ("category", "kind", "description", "lon", "lat", "area")]
    identity = "\x1f".join([*said, reported_at.isoformat()])
    return "row:" + hashlib.sha256(identity.encode()).hexdigest()[:40]


def _store(
    chunk: _Chunk, channel: Channel, fallback: City, now: datetime, summary: ImportSummary
) -> Iterator[tuple[int, str, Row]]:
    """Stores a chunk; yields what the database's side of the rules refuses."""
    if not len(chunk.columns):
        return
    with transaction.atomic():
        outcomes = insert_reports(chunk.columns, channel_id=channel.pk, city_id=fallback.pk, now=now)
        contacts = [
            (outcome.report_id, contact, "")
            for outcome, contact in zip(outcomes, chunk.contacts, strict=True)
            if outcome.report_id is not None and contact != Contact()
        ]
        if contacts:
            insert_contacts(contacts)
    for outcome, (number, row) in zip(outcomes, chunk.origins, strict=True):
        if outcome.report_id is not None:
            summary.stored += 1
        elif outcome.fits:
            summary.repeated += 1
        else:
            yield number, "category: belongs to another city than the place", row
