"""The filters of reports: a query string becomes a frozen value, once; nothing further in sees a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from geo.areas.models import AreaAncestry, City
from geo.reports.access.principals import Principal
from geo.reports.categories import with_descendants
from geo.reports.models import Agency, Category, Channel, Report
from geo.reports.models.report import IS_OPEN
from geo.reports.querysets import ReportQuerySet
from geo.reports.workflow import Status
from server.core.errors import BadParameter, Forbidden
from server.core.params import BBox, parse_bbox, parse_choice, parse_datetime_interval, parse_list, parse_time

FILTERS = (
    *("category", "status", "area", "channel", "agency", "kind", "city"),
    *("bbox", "datetime", "start", "end", "q", "late", "exercise"),
)
LONGEST_TEXT = 200
# In place of an agency's slug: the reports that nobody has yet.
NO_AGENCY = "none"


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which reports are asked for: None is all of them. Times are UTC, half-open; `zone` is the one whose days were meant.

    Of `agency_ids` None is no agency. `late_at`: those that are open, and were due before this moment. `is_exercise`: those of
    an exercise alone, or the real ones alone.
    """

    zone: ZoneInfo
    city_id: int | None = None
    category_ids: tuple[int, ...] | None = None
    statuses: tuple[str, ...] | None = None
    channel_ids: tuple[int, ...] | None = None
    agency_ids: tuple[int | None, ...] | None = None
    area_ids: tuple[int, ...] | None = None
    kind: str | None = None
    bbox: BBox | None = None
    start: datetime | None = None
    end: datetime | None = None
    text: str | None = None
    late_at: datetime | None = None
    is_exercise: bool | None = None

    def without_exercise(self) -> "ReportFilter":
        """For what counts reports: the real ones, unless those of an exercise were asked for."""
        return self if self.is_exercise is not None else replace(self, is_exercise=False)

    def seen_by(self, principal: Principal) -> ReportQuerySet:
        """Of what somebody may see, the reports that are asked for. What is late, one sees of the reports that one oversees."""
        if self.late_at is None:
            return self.apply(Report.objects.visible_to(principal))
        if not principal.is_staff:
            raise Forbidden(_("Only staff of a city see which reports are late."))
        return self.apply(Report.objects.overseen_by(principal))

    def apply(self, reports: ReportQuerySet) -> ReportQuerySet:
        found = reports.reported(self.start, self.end)
        for column, wanted in (
            ("category_id", self.category_ids),
            ("status", self.statuses),
            ("channel_id", self.channel_ids),
            ("public_area_id", self.area_ids),
        ):
            if wanted is not None:
                found = found.filter(**{f"{column}__in": wanted})
        if self.agency_ids is not None:
            named = [pk for pk in self.agency_ids if pk is not None]
            found = found.filter(Q(agency_id__in=named) | (Q(agency=None) if None in self.agency_ids else Q(pk__in=())))
        if self.kind is not None:
            found = found.filter(kind=self.kind)
        if self.city_id is not None:
            found = found.filter(city_id=self.city_id)
        if self.is_exercise is not None:
            found = found.filter(is_exercise=self.is_exercise)
        if self.bbox is not None:
            found = found.in_bbox(self.bbox)
        if self.late_at is not None:
            found = found.filter(IS_OPEN, due_at__lt=self.late_at)
        return found.containing(self.text) if self.text is not None else found


def parse_report_filter(values: Mapping[str, str], *, now: datetime) -> ReportFilter:
    """The filter that these parameters name; BadParameter for one that names nothing."""
    city = find_city(values["city"]) if "city" in values else None
    zone = city.zone if city is not None else zone_of_all()
    start, end = _period(values, zone)
    return ReportFilter(
        zone=zone,
        city_id=city.pk if city is not None else None,
        category_ids=_categories(values.get("category")),
        statuses=_choices(values.get("status"), "status", Status.values),
        channel_ids=_channels(values.get("channel")),
        agency_ids=_agencies(values.get("agency"), city),
        area_ids=_area(values.get("area")),
        kind=parse_choice(values["kind"], "kind", Report.Kind.values) if "kind" in values else None,
        bbox=parse_bbox(values["bbox"]) if "bbox" in values else None,
        start=start,
        end=end,
        text=_text(values.get("q")),
        late_at=now if "late" in values and parse_choice(values["late"], "late", ["true"]) else None,
        is_exercise=parse_choice(values["exercise"], "exercise", ["true", "false"]) == "true"
        if "exercise" in values
        else None,
    )


def find_city(slug: str) -> City:
    city = City.objects.filter(slug=slug).first()
    if city is None:
        raise BadParameter("city", f"there is no city {slug!r}; /api/cities/ lists them")
    return city


def zone_of_all() -> ZoneInfo:
    """With one city its days are meant; with several and none named, those of the installation's time zone."""
    zones = set(City.objects.values_list("timezone", flat=True)[:2])
    return ZoneInfo(zones.pop() if len(zones) == 1 else settings.DEFAULT_TIME_ZONE)


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


def _choices(text: str | None, name: str, options: list[str]) -> tuple[str, ...] | None:
    return None if text is None else parse_list(text, name, lambda part, name: parse_choice(part, name, options))


def _slugs(text: str, name: str) -> tuple[str, ...]:
    return parse_list(text, name, lambda part, _name: part)


def _refuse_strangers(name: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    there = set(known)
    for slug in wanted:
        if slug not in there:
            raise BadParameter(name, f"there is no {name} {slug!r}")


def _categories(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    slugs = _slugs(text, "category")
    _refuse_strangers("category", slugs, Category.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    return tuple(with_descendants(slugs))


def _channels(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    slugs = _slugs(text, "channel")
    ids = dict(Channel.objects.filter(slug__in=slugs).values_list("slug", "id"))
    _refuse_strangers("channel", slugs, ids)
    return tuple(sorted(ids.values()))


def _agencies(text: str | None, city: City | None) -> tuple[int | None, ...] | None:
    """Agencies of different cities may share a slug."""
    if text is None:
        return None
    slugs = _slugs(text, "agency")
    found = Agency.objects.filter(slug__in=slugs) if city is None else Agency.objects.filter(slug__in=slugs, city=city)
    pairs = list(found.values_list("slug", "id").order_by("id"))
    _refuse_strangers("agency", slugs, {NO_AGENCY, *(slug for slug, _pk in pairs)})
    return (*(pk for _slug, pk in pairs), *((None,) if NO_AGENCY in slugs else ()))


def _area(code: str | None) -> tuple[int, ...] | None:
    """The area and all below it."""
    if code is None:
        return None
    ids = AreaAncestry.objects.filter(ancestor__code=code).values_list("area_id", flat=True).order_by("area_id")
    if not ids:
        raise BadParameter("area", f"there is no area {code!r}; /api/areas/ lists them")
    return tuple(ids)


def _text(text: str | None) -> str | None:
    if text is not None and len(text) > LONGEST_TEXT:
        raise BadParameter("q", f"q has at most {LONGEST_TEXT} characters")
    return text
