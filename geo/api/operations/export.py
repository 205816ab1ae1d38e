"""`/api/reports/export.csv`: all reports that a filter keeps, as a table; written while it is read, however many there are."""

import csv
import io
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BooleanField, Case, F, FloatField, Func, Value, When
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from geo.api.filters import FILTERS, ReportFilter, parse_report_filter
from geo.api.report_pages import order_of
from geo.api.reports import FILTER_PARAMETERS, PROBLEM
from geo.api.views import PublicView, parameter, utc_now
from geo.areas.models import Area, City
from geo.layers.export.spool import streaming
from geo.layers.select import FIRST_CHUNK, snapshot
from geo.reports.access.principals import Principal
from geo.reports.models import Agency, Category, Channel
from geo.reports.workflow import CLOSED, WORDS, Status
from server.core.geojson import Primed
from server.core.listing import read_query
from server.core.params import parse_choice

CHUNK = 1000
LONGEST_S = 900
BOM = "\ufeff"
# A spreadsheet may begin a cell at any of these, whatever quotes stand around the text, and at a semicolon where the decimal
# point is a comma.
BREAKS = re.compile(r"\r\n|[\r\n\t]")
# The place before what it takes for a formula there, with the spaces and quotes that it may strip.
FORMULA = re.compile(r"""(^|;)(\s*)(?=[\s"']*[=+\-@])""")
CSV = "text/csv; charset=utf-8; header=present"

COLUMNS = (
    *(
        "public_id",
        "city_id",
        "channel_id",
        "kind",
        "category_id",
        "public_description",
        "lon",
        "lat",
        "public_area_id",
    ),
    *("agency_id", "status", "reported_at", "received_at", "updated_at", "closed_at", "support_count"),
)
HEADER = (
    *("id", "city", "channel", "kind", "category", "category_name", "description", "lon", "lat", "area", "area_name"),
    *("agency", "status", "status_name", "reported_at", "received_at", "updated_at", "closed_at", "support_count"),
)
STAFF_COLUMNS = (
    *("is_overseen", "is_public", "due_at", "response_due_at", "responded_at", "handover_count", "reopened_count"),
)
STAFF_HEADER = ("is_public", "due_at", "late", "response_due_at", "responded_at", "handovers", "reopenings")


class ReportExportView(PublicView):
    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # There is one form, whatever Accept says; a refusal is JSON.
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="reports_export",
        parameters=[
            *FILTER_PARAMETERS,
            parameter("bom", "`true`: a byte order mark first, by which Excel knows UTF-8."),
        ],
        responses={(200, "text/csv"): OpenApiTypes.STR, 400: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The list of reports as a table, with all its filters, of what one sees there.

        For staff with when each was due, whether it is late, and how often it was handed over and reopened, of the reports that
        they oversee. What a spreadsheet would take for a formula has an apostrophe before it; a text is one line.
        """
        values = read_query(request.query_params, [*FILTERS, "bom"])
        has_bom = "bom" in values and parse_choice(values.pop("bom"), "bom", ["true", "false"]) == "true"
        now = utc_now()
        asked = parse_report_filter(values, now=now)
        # The first piece at once, for HEAD too: an early error is still an error.
        lines = Primed(_pieces(asked, self.principal, now=now, has_bom=has_bom), pieces_now=1)
        response = StreamingHttpResponse(lines, content_type=CSV)
        response["Content-Disposition"] = 'attachment; filename="pantau-reports.csv"'
        return response


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids of a report's row stand for: a few hundred names at most, which spares a join for each."""

    cities: dict[int, str]
    channels: dict[int, str]
    categories: dict[int, tuple[str, str]]
    areas: dict[int, tuple[str, str]]
    agencies: dict[int, str]
    statuses: dict[str, str]

    @classmethod
    def read(cls) -> "Names":
        return cls(
            cities=dict(City.objects.values_list("id", "slug")),
            channels=dict(Channel.objects.values_list("id", "slug")),
            categories={one.pk: (one.slug, one.name) for one in Category.objects.only("slug", "name_id", "name_en")},
            areas={pk: (code, name) for pk, code, name in Area.objects.values_list("id", "code", "name")},
            agencies=dict(Agency.objects.values_list("id", "slug")),
            statuses={status.value: WORDS[status].name for status in Status},
        )


def _pieces(asked: ReportFilter, principal: Principal, *, now: datetime, has_bom: bool) -> Generator[bytes, None, None]:
    """The lines of the table, by the thousand. The first piece has the header."""
    is_staff = principal.is_staff
    with streaming(), snapshot(longest_s=LONGEST_S):
        names = Names.read()
        found = asked.without_exercise().seen_by(principal).order_by(*order_of(asked).keys)
        found = found.annotate(lon=_axis("X"), lat=_axis("Y"), is_overseen=_oversees(principal))
        rows = found.values_list(*COLUMNS, *(STAFF_COLUMNS if is_staff else ())).iterator(chunk_size=CHUNK)
        written = (_cells(row, names, asked.zone, now) for row in rows)
        header = (*HEADER, *(STAFF_HEADER if is_staff else ()))
        first = _text(chain([header], islice(written, FIRST_CHUNK)))
        yield ((BOM if has_bom else "") + first).encode()
        while text := _text(islice(written, CHUNK)):
            yield text.encode()


def _text(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)  # RFC 4180: CRLF
    return out.getvalue()


def _axis(letter: str) -> Func:
    return Func(F("public_location"), function=f"ST_{letter}", output_field=FloatField(null=True))


def _oversees(principal: Principal) -> Any:
    if principal.is_superuser:
        return Value(True)
    return Case(When(principal.overseen(), then=Value(True)), default=Value(False), output_field=BooleanField())


def _cells(row: tuple[Any, ...], names: Names, zone: ZoneInfo, now: datetime) -> Iterator[Any]:
    (public_id, city, channel, kind, category, description, lon, lat, area, agency, status, *rest) = row
    reported_at, received_at, updated_at, closed_at, supported, *staff = rest
    local = _local_in(zone)
    slug, name = names.categories[category]
    code, area_name = names.areas[area] if area is not None else ("", "")
    yield from (public_id, names.cities[city], names.channels[channel], kind, slug, harmless(name))
    yield from (harmless(description), _degrees(lon), _degrees(lat), harmless(code), harmless(area_name))
    yield from (names.agencies[agency] if agency is not None else "", status, names.statuses[status])
    yield from (local(reported_at), local(received_at), local(updated_at), local(closed_at), supported)
    if staff:
        is_overseen, is_public, due_at, response_due_at, responded_at, handovers, reopenings = staff
        if is_overseen:
            ended = closed_at if status in CLOSED else now
            is_late = due_at is not None and ended is not None and ended > due_at
            yield from (_flag(is_public), local(due_at), _flag(is_late), local(response_due_at), local(responded_at))
            yield from (handovers, reopenings)
        else:
            yield from ("",) * len(STAFF_HEADER)


def _local_in(zone: ZoneInfo) -> Callable[[datetime | None], str]:
    return lambda moment: "" if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.7f}"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def harmless(text: str) -> str:
    """The text in one line, as no spreadsheet takes it for a formula: with one apostrophe more, also before those that it has.

    That is at its beginning and after each semicolon.
    """
    return FORMULA.sub(r"\1\2'", BREAKS.sub(" ", text))
