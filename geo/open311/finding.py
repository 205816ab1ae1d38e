"""What GeoReport's reads find. Only public reports, and of those only the public columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from geo.areas.models import AreaAncestry, City
from geo.open311.requests import RequestsQuery
from geo.reports.access.principals import PUBLIC
from geo.reports.categories import inherited_by_all
from geo.reports.models import Category, CategoryAttribute, HistoryNote, Report, ReportPhoto
from geo.reports.querysets import ReportQuerySet
from server.core.errors import BadParameter, NotFound

# Anything else of a report would be read by a query of its own, which the tests count.
COLUMNS = (
    "public_id", "public_description", "public_location", "status", "reported_at", "updated_at", "closed_at", "due_at",
    "city__timezone", "category__slug", "category__name_id", "category__name_en",
    "agency__name_id", "agency__name_en", "public_area__code",
)  # fmt: skip


def find_city(jurisdiction_id: str) -> City:
    """The city that is its jurisdiction; one alone need not be named.

    Errors: NotFound for an unknown one, BadParameter where none is named and there are several.
    """
    if jurisdiction_id:
        city = City.objects.filter(slug=jurisdiction_id).first()
        if city is None:
            raise NotFound(_("There is no jurisdiction_id %(id)r here.") % {"id": jurisdiction_id})
        return city
    cities = list(City.objects.order_by("slug")[:2])
    if not cities:
        raise NotFound(_("There is no city here yet."))
    if len(cities) > 1:
        raise BadParameter("jurisdiction_id", _("jurisdiction_id is needed: several cities are served here."))
    return cities[0]


def services_of(city: City) -> QuerySet[Category]:
    """The categories in use that serve a city; `has_questions` says whether they ask any."""
    asked = CategoryAttribute.objects.filter(category=OuterRef("pk"))
    served = Category.objects.filter(Q(city=None) | Q(city=city), is_active=True)
    return served.annotate(has_questions=Exists(asked)).order_by("slug")


def find_service(city: City, code: str) -> Category:
    category = services_of(city).filter(slug=code).first()
    if category is None:
        raise NotFound(_("There is no service_code %(code)r here.") % {"code": code})
    return category


def group_names() -> dict[int, str]:
    """The name of the topmost category above each one."""
    everything = Category.objects.in_bulk()
    names = {}
    for pk, category in everything.items():
        top, climbed = category, 0
        while top.parent_id is not None and climbed < 20:  # a tree that was made a ring by hand is no endless loop
            top, climbed = everything[top.parent_id], climbed + 1
        names[pk] = top.name
    return names


def find_requests(query: RequestsQuery, city: City) -> ReportQuerySet:
    """Newest first. Those that are asked for by id are found in whichever city they lie: the place decided, not the sender."""
    found = Report.objects.visible_to(PUBLIC).select_related("city", "category", "agency", "public_area").only(*COLUMNS)
    found = found.order_by("-reported_at", "-id")
    if query.public_ids:
        return found.filter(public_id__in=query.public_ids)
    found = found.filter(city=city).reported(query.start, query.end)
    if query.categories:
        found = found.filter(category_id__in=_category_ids(query.categories))
    if query.statuses:
        found = found.filter(status__in=query.statuses)
    if query.updated_after is not None:
        found = found.filter(updated_at__gt=query.updated_after)
    if query.bbox is not None:
        found = found.in_bbox(query.bbox)
    return found[query.offset : query.offset + query.limit]


def _category_ids(codes: Sequence[str]) -> list[int]:
    """Of categories that are out of use as well: their reports are still there."""
    known = dict(Category.objects.filter(slug__in=codes).values_list("slug", "id"))
    for code in codes:
        if code not in known:
            raise NotFound(_("There is no service_code %(code)r here.") % {"code": code})
    return list(known.values())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands beside reports in other tables: the names of areas by area, the last public note and photos by report, and
    by category within how many working hours they are to be done."""

    addresses: Mapping[int, str]
    notes: Mapping[int, str]
    with_photo: frozenset[int]
    working_hours: Mapping[int, int | None]


def surroundings_of(reports: Sequence[Report]) -> Surroundings:
    """In four queries, however many reports."""
    ids = [report.pk for report in reports]
    notes = (
        HistoryNote.objects.filter(report__in=ids, is_public=True).order_by("report_id", "-id").distinct("report_id")
    )
    return Surroundings(
        addresses=address_names({report.public_area_id for report in reports if report.public_area_id is not None}),
        notes=dict(notes.values_list("report_id", "text")),
        with_photo=frozenset(ReportPhoto.objects.filter(report__in=ids).values_list("report_id", flat=True)),
        working_hours=inherited_by_all("sla_working_hours"),
    )


def address_names(area_ids: set[int]) -> dict[int, str]:
    """ "Margahayu, Bekasi Timur, Kota Bekasi": the names of an area and of those above it, the smallest first."""
    names: dict[int, list[str]] = {}
    rows = AreaAncestry.objects.filter(area_id__in=area_ids).order_by("area_id", "-level__rank")
    for area_id, name in rows.values_list("area_id", "ancestor__name"):
        names.setdefault(area_id, []).append(name)
    return {area_id: ", ".join(found) for area_id, found in names.items()}
