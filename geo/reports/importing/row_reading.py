"""One row of any origin, read against the rules: into the columns, or refused with the reason. No row asks the database."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from geo.areas.models import Area
from geo.reports.insertion import Columns
from geo.reports.models import Category, Report
from geo.reports.positions import Box, city_boxes, position_fault
from geo.reports.services import MAX_DESCRIPTION, reported_at_fault
from server.core.errors import BadParameter
from server.core.params import EARLIEST_YEAR, LATEST_YEAR, parse_time

FIELDS = (
    "external_id",
    "category",
    "description",
    "lon",
    "lat",
    "area",
    "address",
    "reported_at",
    "kind",
    "name",
    "phone",
    "email",
)
LONGEST = {"external_id": 200, "description": MAX_DESCRIPTION, "address": 300, "name": 200, "phone": 40, "email": 254}
LONGEST_OTHER = 1000
KINDS = frozenset(Report.Kind.values)

Row = Mapping[str, Any]


class BrokenRow(dict[str, Any]):
    """A row that its file could not give whole: what there is of it, and the reason."""

    def __init__(self, reason: str, values: Row) -> None:
        super().__init__(values)
        self.reason = reason


class BadRow(Exception):
    """Why a row cannot be stored."""


@dataclass(frozen=True, slots=True)
class KnownCategory:
    """`hides_place`: the public sees its reports' places only roughly."""

    id: int
    hides_place: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What a row is read against: loaded once. `fields` are (field, name of the row's column, longest text)."""

    fields: tuple[tuple[str, str, int], ...]
    time_column: str
    zone: ZoneInfo
    now: datetime
    categories: Mapping[str, KnownCategory]
    areas: Mapping[str, int]
    boxes: list[Box]
    time_format: str | None


def load_rules(
    mapping: Mapping[str, str] | None,
    zone: ZoneInfo,
    now: datetime,
    category_names: Mapping[str, str] | None,
    time_format: str | None,
) -> Rules:
    columns = mapping or {name: name for name in FIELDS}
    return Rules(
        tuple((name, column, LONGEST.get(name, LONGEST_OTHER)) for name, column in columns.items()),
        columns.get("reported_at", ""),
        zone,
        now,
        _categories(category_names or {}),
        dict(Area.objects.current().values_list("code", "id")),
        city_boxes(),
        time_format,
    )


def _categories(category_names: Mapping[str, str]) -> dict[str, KnownCategory]:
    """By each word that may stand for a category; a slug goes before a name, and what was asked for before both."""
    known: dict[str, KnownCategory] = {}
    slugs: dict[str, KnownCategory] = {}
    columns = ("id", "slug", "name_id", "name_en", "public_grid_m")
    for pk, slug, name_id, name_en, grid_m in Category.objects.order_by("slug").values_list(*columns):
        slugs[slug] = KnownCategory(pk, grid_m > 0)
        for name in (name_id, name_en):
            known.setdefault(_key(name), slugs[slug])
    known |= slugs
    for word, slug in category_names.items():
        if slug not in slugs:
            raise BadParameter("categories", f"there is no category {slug!r}")
        known[_key(word)] = slugs[slug]
    return known


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def read_row(row: Row, rules: Rules, columns: Columns) -> None:
    """Appends the row's report; BadRow where it cannot be one."""
    if isinstance(row, BrokenRow):
        raise BadRow(row.reason)
    values = _texts(row, rules)
    get = values.get
    category = _category(get("category", ""), rules)
    kind = get("kind") or Report.Kind.LAPORAN.value
    if kind not in KINDS:
        raise BadRow(f"kind: {kind!r} is neither laporan nor aspirasi")
    reported_at = _time(row.get(rules.time_column), rules)
    columns.append(
        external_id=get("external_id") or _own_id(values, reported_at),
        kind=kind,
        category_id=category.id,
        description=get("description", ""),
        position=_position(get("lon", ""), get("lat", ""), rules.boxes),
        area_id=_area(get("area", ""), rules),
        reported_at=reported_at,
        address=get("address", ""),
        name=get("name", ""),
        phone=get("phone", ""),
        email=get("email", ""),
        hides_place=category.hides_place,
    )


def _texts(row: Row, rules: Rules) -> dict[str, str]:
    values = {}
    for name, column, longest in rules.fields:
        value = row.get(column)
        text = value.strip() if isinstance(value, str) else "" if value is None else str(value).strip()
        if len(text) > longest or "\0" in text or not (text.isascii() or _is_utf8(text)):
            raise BadRow(f"{name}: {_text_fault(text, longest)}")
        values[name] = text
    return values


def _text_fault(text: str, longest: int) -> str:
    if "\0" in text:
        return "holds a NUL character"
    return f"longer than {longest} characters" if _is_utf8(text) else "not UTF-8"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _category(word: str, rules: Rules) -> KnownCategory:
    found = rules.categories.get(word) or rules.categories.get(_key(word))
    if found is None:
        raise BadRow(f"category: there is no category {word!r}" if word else "category: missing")
    return found


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
        moment = _parsed_time(str(value).strip(), rules)
    if fault := reported_at_fault(moment, rules.now):
        raise BadRow(f"reported_at: {fault}")
    return moment.astimezone(UTC)


def _parsed_time(text: str, rules: Rules) -> datetime:
    if rules.time_format is not None:
        try:
            moment = datetime.strptime(text, rules.time_format)  # noqa: DTZ007 - its zone is set below
        except ValueError:
            raise BadRow(f"reported_at: {text!r} does not look like {rules.time_format}") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=rules.zone)
    try:
        # What parse_time comes to in the end for nearly every text, twenty times as fast.
        moment = datetime.fromisoformat(text)
        if EARLIEST_YEAR < moment.year < LATEST_YEAR:
            return moment if moment.tzinfo else moment.replace(tzinfo=rules.zone)
    except ValueError:
        pass
    try:
        return parse_time(text, "reported_at", rules.zone)
    except BadParameter as error:
        raise BadRow(error.detail) from None


def _own_id(values: Mapping[str, str], reported_at: datetime) -> str:
    """Of a row that brings no id: the same words at the same time and place are the same report."""
    said = [values.get(name, "") for name in ("category", "kind", "description", "lon", "lat", "area")]
    identity = "\x1f".join([*said, reported_at.isoformat()])
    return "row:" + hashlib.sha256(identity.encode()).hexdigest()[:40]
