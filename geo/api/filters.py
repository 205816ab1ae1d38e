"""The filters of reports: a query string becomes a frozen value, once; nothing further in sees a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from geo.areas.models import Area, City
from geo.reports.categories import with_descendants
from geo.reports.models import Category, Channel, Report
from geo.reports.querysets import ReportQuerySet
from geo.reports.workflow import Status
from server.core.errors import BadParameter
from server.core.params import BBox, parse_bbox, parse_choice, parse_datetime_interval, parse_list, parse_time

FILTERS = ("category", "status", "area", "channel", "kind", "city", "bbox", "datetime", "start", "end", "q")
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which reports are asked for. Times are UTC, half-open; `zone` is the one whose days were meant."""

    zone: ZoneInfo
    category_ids: tuple[int, ...] | None = None
    statuses: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    area: str | None = None
    kind: str | None = None
    city: str | None = None
    bbox: BBox | None = None
    start: datetime | None = None
    end: datetime | None = None
    text: str | None = None

    def apply(self, reports: ReportQuerySet) -> ReportQuerySet:
        found = reports.reported(self.start, self.end)
        if self.category_ids is not None:
            found = found.filter(category_id__in=self.category_ids)
        if self.statuses:
            found = found.filter(status__in=self.statuses)
        if self.channels:
            found = found.filter(channel__slug__in=self.channels)
        if self.area is not None:
            found = found.in_area(self.area)
        if self.kind is not None:
            found = found.filter(kind=self.kind)
        if self.city is not None:
            found = found.filter(city__slug=self.city)
        if self.bbox is not None:
            found = found.in_bbox(self.bbox)
        return found.containing(self.text) if self.text is not None else found


def parse_report_filter(values: Mapping[str, str]) -> ReportFilter:
    """The filter that these parameters name; BadParameter for one that names nothing."""
    zone, city = _zone_and_city(values.get("city"))
    start, end = _period(values, zone)
    return ReportFilter(
        zone=zone,
        category_ids=_categories(values.get("category")),
        statuses=_choices(values.get("status"), "status", Status.values),
        channels=_channels(values.get("channel")),
        area=_area(values.get("area")),
        kind=parse_choice(values["kind"], "kind", Report.Kind.values) if "kind" in values else None,
        city=city,
        bbox=parse_bbox(values["bbox"]) if "bbox" in values else None,
        start=start,
        end=end,
        text=_text(values.get("q")),
    )


def find_city(slug: str) -> City:
    city = City.objects.filter(slug=slug).first()
    if city is None:
        raise BadParameter("city", f"there is no city {slug!r}; /api/cities/ lists them")
    return city


def _zone_and_city(slug: str | None) -> tuple[ZoneInfo, str | None]:
    """With one city its days are meant; with several and none named, those of the installation's time zone."""
    if slug is not None:
        return find_city(slug).zone, slug
    cities = City.objects.order_by("id")[:2]
    zones = {city.timezone for city in cities}
    return ZoneInfo(zones.pop() if len(zones) == 1 else settings.DEFAULT_TIME_ZONE), None


def _period(values: Mapping[str, str], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    if "datetime" in values:
        if "start" in values or "end" in values:
            raise BadParameter("datetime", "give datetime, or start and end, not both")
        interval = parse_datetime_interval(values["datetime"], zone)
        return interval.start, interval.end
    start = parse_time(values["start"], "start", zone) if "start" in values else None
    end = parse_time(values["end"], "end", zone, end=True) if "end" in values else None
    if start is not None and end is not None and start >= end:
        raise BadParameter("end", "the period ends before it starts")
    return start, end


def _choices(text: str | None, name: str, options: list[str]) -> tuple[str, ...]:
    return () if text is None else parse_list(text, name, lambda part, name: parse_choice(part, name, options))


def _known(name: str, wanted: tuple[str, ...], known: set[str]) -> None:
    for slug in wanted:
        if slug not in known:
            raise BadParameter(name, f"there is no {name} {slug!r}")


def _categories(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    slugs = parse_list(text, "category", lambda part, _name: part)
    _known("category", slugs, set(Category.objects.filter(slug__in=slugs).values_list("slug", flat=True)))
    return tuple(with_descendants(slugs))


def _channels(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    slugs = parse_list(text, "channel", lambda part, _name: part)
    _known("channel", slugs, set(Channel.objects.filter(slug__in=slugs).values_list("slug", flat=True)))
    return slugs


def _area(code: str | None) -> str | None:
    if code is not None and not Area.objects.filter(code=code).exists():
        raise BadParameter("area", f"there is no area {code!r}; /api/areas/ lists them")
    return code


def _text(text: str | None) -> str | None:
    if text is not None and len(text) > LONGEST_TEXT:
        raise BadParameter("q", f"q has at most {LONGEST_TEXT} characters")
    return text
