"""What is asked for, and what is sent: a query string or a form becomes a frozen value, once."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import validate_email
from django.http import QueryDict
from django.utils.crypto import salted_hmac
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from geo.open311.mapping import CLOSED_WORD, MAX_DESCRIPTION, OPEN, statuses_of
from geo.open311.plain_text import plain_text
from geo.open311.questions import FIELD, NUMBER
from geo.reports.insertion import Contact
from geo.reports.photos.cleaning import MAX_PHOTOS
from geo.reports.services import MAX_ADDRESS, OF_A_KEY
from server.core.errors import BadParameter
from server.core.params import BBox, parse_bbox, parse_choice, parse_integer, parse_list, parse_time, refuse_unknown

LONGEST_SPAN: Final = timedelta(days=90)
MAX_ROWS: Final = 1000
LAST_PAGE: Final = 100_000
# Lists may be given several times as well as with commas.
LISTS: Final = ("service_request_id", "service_code", "status")
EVERYWHERE: Final = ("jurisdiction_id", "api_key", "lang", "extensions")
FILTERS: Final = (*LISTS, "start_date", "end_date", "page", "page_size", "bbox", "updated_after")
_WITH_OFFSET = re.compile(r"[Tt].*(?:[Zz]|[+\- ]\d{2}:?\d{2})\s*$")
_HAS_FRACTION = re.compile(r":\d{2}\.\d")
MAX_URL: Final = 2000
# The second is how web forms write a field that comes several times.
MEDIA: Final = ("media", "media[]")
# With OF_A_KEY before it, it is as long as an external id may be.
LONGEST_KEY: Final = 190


@dataclass(frozen=True, slots=True)
class RequestsQuery:
    """Which requests are asked for: those of `public_ids` whatever else is said, or else by filters.

    Times are UTC, half-open. `offset` and `limit` are rows.
    """

    public_ids: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    updated_after: datetime | None = None
    bbox: BBox | None = None
    offset: int = 0
    limit: int = MAX_ROWS


def read_parameters(given: QueryDict, known: tuple[str, ...]) -> dict[str, str]:
    """The parameters that are not empty; BadParameter for one that nobody reads, or that is given twice and is no list."""
    refuse_unknown(given, {*known, *EVERYWHERE})
    values: dict[str, str] = {}
    for name in given:
        texts = [text.strip() for text in given.getlist(name) if text.strip()]
        if any("\0" in text for text in texts):
            raise BadParameter(name, f"{name} holds a NUL character")
        if len(texts) > 1 and name not in LISTS:
            raise BadParameter(name, f"{name} is given twice")
        if texts:
            values[name] = ",".join(texts)
    return values


def parse_requests_query(values: Mapping[str, str], *, now: datetime) -> RequestsQuery:
    """The query that these parameters are; BadParameter names the first that cannot be understood."""
    if "service_request_id" in values:
        ids = parse_list(values["service_request_id"], "service_request_id", _any)
        if len(ids) > MAX_ROWS:
            raise BadParameter("service_request_id", f"service_request_id: at most {MAX_ROWS} at once, not {len(ids)}")
        return RequestsQuery(public_ids=ids)
    start, end = _period(values, now)
    size = parse_integer(values.get("page_size", str(MAX_ROWS)), "page_size", minimum=1, maximum=MAX_ROWS)
    page = parse_integer(values.get("page", "1"), "page", minimum=1, maximum=LAST_PAGE)
    words = parse_list(values["status"], "status", _status) if "status" in values else ()
    return RequestsQuery(
        categories=parse_list(values["service_code"], "service_code", _any) if "service_code" in values else (),
        statuses=tuple(statuses_of(words)),
        start=start,
        end=end,
        updated_after=_moment(values["updated_after"], "updated_after") if "updated_after" in values else None,
        bbox=parse_bbox(values["bbox"]) if "bbox" in values else None,
        offset=(page - 1) * size,
        limit=size,
    )


def _any(text: str, name: str) -> str:
    return text


def _status(text: str, name: str) -> str:
    return parse_choice(text, name, [OPEN, CLOSED_WORD])


def _period(values: Mapping[str, str], now: datetime) -> tuple[datetime, datetime | None]:
    """From `start_date` to `end_date`, at most 90 days; one alone has 90 days to its side; neither: the last 90 days.

    The end is included, to the second: that is how the times are shown.
    """
    start = _moment(values["start_date"], "start_date") if "start_date" in values else None
    end = _moment(values["end_date"], "end_date") if "end_date" in values else None
    if start is not None:
        first, last = start, end if end is not None else start + LONGEST_SPAN
    elif end is not None:
        first, last = end - LONGEST_SPAN, end
    else:
        return now - LONGEST_SPAN, None
    if last < first:
        raise BadParameter("end_date", "end_date lies before start_date")
    if last - first > LONGEST_SPAN:
        raise BadParameter("end_date", "start_date and end_date may lie at most 90 days apart")
    is_whole = not _HAS_FRACTION.search(values.get("end_date", ""))
    return first, last + (timedelta(seconds=1) if is_whole else timedelta(microseconds=1))


def _moment(text: str, name: str) -> datetime:
    if not _WITH_OFFSET.search(text):
        raise BadParameter(
            name, f"{name} needs a time with its offset, such as 2026-03-01T00:00:00+07:00 or …Z, not {text!r}"
        )
    return parse_time(text, name, ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A new request as it was sent, each field in bounds. `contact` and `device_hash` are never public."""

    location: Point | None = None
    address: str = ""
    area_code: str = ""
    description: str = ""
    contact: Contact = field(default_factory=Contact)
    device_hash: str = ""
    account_id: str = ""
    external_id: str | None = None
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    media_urls: tuple[str, ...] = ()


class Form:
    """A form that is read field by field; what is wrong is gathered in `faults`, so that the sender learns of all at once."""

    def __init__(self, given: QueryDict) -> None:
        self._given = given
        self.faults: dict[str, list[str]] = {}

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value of a field that is not empty."""
        found = tuple(text.strip() for text in self._given.getlist(name) if text.strip())
        if any("\0" in text for text in found):
            self.refuse(name, _("Holds a NUL character."))
            return ()
        return found

    def text(self, name: str, *, at_most: int) -> str:
        """The one value of a field; empty equals absent."""
        found = tuple(dict.fromkeys(self.texts(name)))
        if len(found) > 1:
            self.refuse(name, _("Given twice."))
            return ""
        text = found[0].replace("\r\n", "\n") if found else ""
        if len(text) > at_most:
            self.refuse(name, _("At most %(n)d characters.") % {"n": at_most})
            return ""
        return text

    def answers(self) -> dict[str, tuple[str, ...]]:
        """What was answered to each question, by its code."""
        found: dict[str, tuple[str, ...]] = {}
        for name in self._given:
            if name == "attribute" or name.startswith("attribute["):
                match = FIELD.fullmatch(name)
                if match is None:
                    self.refuse(name[:100], _("Written attribute[code], or attribute[code][] for several values."))
                elif texts := self.texts(name):
                    found[match[1]] = (*found.get(match[1], ()), *texts)
        return found

    def refuse(self, name: str, why: str) -> None:
        self.faults.setdefault(name, []).append(why)


def parse_new_request(form: Form, *, channel: str, idempotency_key: str | None) -> NewRequest:
    """What the form says; its `faults` say what of it cannot be taken. `channel` is the slug of the sender's."""
    location = _location(form)
    address = form.text("address_string", at_most=MAX_ADDRESS)
    area_code = form.text("address_id", at_most=200)
    if location is None and not (address or area_code) and not form.faults:
        form.refuse("lat", _("A place is needed: lat and long, or address_string, or address_id."))
    account_id = form.text("account_id", at_most=200)
    return NewRequest(
        location=location,
        address=address,
        area_code=area_code,
        description=plain_text(form.text("description", at_most=MAX_DESCRIPTION)).strip(),
        contact=_contact(form),
        device_hash=_device_hash(channel, form.text("device_id", at_most=200), account_id),
        account_id=account_id,
        external_id=_external_id(form, idempotency_key),
        answers=form.answers(),
        media_urls=_media_urls(form),
    )


def photos_of(files: MultiValueDict[str, UploadedFile], form: Form) -> list[UploadedFile]:
    """The files that came as photos; one of any other name is a fault, so that nobody believes that it was taken."""
    for name in files:
        if name not in MEDIA:
            form.refuse(name[:100], _("Not a field for files; photos are sent as media."))
    return [file for name in MEDIA for file in files.getlist(name)]


def _location(form: Form) -> Point | None:
    texts = {name: form.text(name, at_most=60) for name in ("lat", "long")}
    if not any(texts.values()):
        return None
    values: dict[str, float] = {}
    for name, text in texts.items():
        if not text:
            form.refuse(name, _("lat and long go together."))
        elif not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            form.refuse(name, _("Takes a number of degrees."))
        else:
            values[name] = float(text)
    return Point(values["long"], values["lat"], srid=4326) if len(values) == 2 else None


def _contact(form: Form) -> Contact:
    names = [form.text(name, at_most=99) for name in ("first_name", "last_name")]
    email = form.text("email", at_most=254)
    try:
        if email:
            validate_email(email)
    except ValidationError:
        form.refuse("email", _("Not an e-mail address."))
    return Contact(name=" ".join(filter(None, names)), phone=form.text("phone", at_most=40), email=email)


def _device_hash(channel: str, device_id: str, account_id: str) -> str:
    """A keyed hash that tells one sender from another and cannot be read back: of the device, else of the account."""
    for kind, text in (("device", device_id), ("account", account_id)):
        if text:
            return salted_hmac(f"pantau.open311-{kind}", f"{channel}:{text}", algorithm="sha256").hexdigest()
    return ""


def _external_id(form: Form, idempotency_key: str | None) -> str | None:
    named = form.text("external_id", at_most=200)
    header = (idempotency_key or "").strip()
    if named and header and named != header:
        form.refuse("external_id", _("Differs from the header Idempotency-Key; one of them is enough."))
    if len(header) > LONGEST_KEY:
        form.refuse("Idempotency-Key", _("At most %(n)d characters.") % {"n": LONGEST_KEY})
    # Not among the sender's own numbers: a key that is by chance another report's number is another report.
    return named or (OF_A_KEY + header if header else None)


def _media_urls(form: Form) -> tuple[str, ...]:
    urls = tuple(dict.fromkeys(form.texts("media_url")))
    if len(urls) > MAX_PHOTOS:
        form.refuse("media_url", _("At most %(n)d photos go with a report.") % {"n": MAX_PHOTOS})
    for url in urls:
        if len(url) > MAX_URL or not _is_web_address(url):
            form.refuse("media_url", _("Takes an address that begins with http:// or https://."))
    return urls


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        return False
