"""`/api/board/…`: the figures that an operation centre watches, for staff of the city."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.core.cache import cache
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import is_staff_of, require_some_staff
from geo.api.filters import ReportFilter, parse_report_filter
from geo.api.operations import board_serializers as shown
from geo.api.reports import FILTER_PARAMETERS, PROBLEM
from geo.api.views import PublicView, parameter, utc_now
from geo.areas.models import Area, AreaLevel, City
from geo.layers.asking import resolve_city
from geo.operations.board.figures import Board, By, Hours, Period, Question, board
from geo.operations.closing.figures import closings
from geo.operations.routing.services import ping_pong
from geo.reports.models import Agency, Category, Channel
from geo.reports.workflow import WORDS, Status
from server.core.errors import BadParameter, Forbidden
from server.core.listing import read_query
from server.core.params import day_start, parse_choice
from server.core.versions import data_version

BOARD_FILTERS = ("city", "agency", "start", "end", "area", "category", "channel")
DAYS = 30
# Handovers and closings are written with the report that they are of.
SCOPES = {"geo_dataversion": ["reports", "areas"]}
KEEP_S = 120


@dataclass(frozen=True, slots=True)
class Asked:
    """What the board is asked: `start` and `end` are given or the last 30 days of the city, `now` is a whole minute."""

    city: City
    reports: ReportFilter
    start: datetime
    end: datetime
    now: datetime
    values: Mapping[str, str]

    def question(self) -> Question:
        chosen = self.reports
        return Question(
            city_id=self.city.pk,
            start=self.start,
            end=self.end,
            now=self.now,
            area_ids=chosen.area_ids,
            category_ids=chosen.category_ids,
            agency_ids=chosen.agency_ids,
            channel_ids=chosen.channel_ids,
        )

    def head(self) -> dict[str, Any]:
        zone = self.city.zone
        period = {"start": _local(self.start, self), "end": _local(self.end, self), "time_zone": zone.key}
        return {"city": self.city.slug, "as_of": _local(self.now, self), "period": period}


def _local(moment: datetime, asked: Asked) -> str:
    return moment.astimezone(asked.city.zone).isoformat()


def read_question(values: Mapping[str, str], *, city: City, now: datetime) -> Asked:
    """BadParameter for a period that ends before it starts, whichever end was given."""
    of_reports = {name: text for name, text in values.items() if name in BOARD_FILTERS}
    chosen = parse_report_filter({**of_reports, "city": city.slug}, now=now)
    end = chosen.end or day_start(day_start(now, city.zone) + timedelta(hours=36), city.zone)
    start = chosen.start or day_start(end - timedelta(days=DAYS), city.zone)
    if start >= end:
        raise BadParameter("start" if chosen.end is None else "end", _("The period ends before it starts."))
    return Asked(city, chosen, start, end, now, values)


class BoardBase(PublicView):
    """A tag of the data and the minute: who has the answer already gets a 304, at the price of one small query."""

    filters: ClassVar[tuple[str, ...]] = BOARD_FILTERS

    def answer(self, request: Request, build: Callable[[Asked], dict[str, Any]]) -> Response:
        require_some_staff(self.principal)
        values = read_query(request.query_params, self.filters)
        city = resolve_city(values.get("city"))
        if not is_staff_of(self.principal, city.pk):
            raise Forbidden(_("Only staff of the city see its board."))
        now = utc_now().replace(second=0, microsecond=0)
        version = data_version(SCOPES).number
        question = [request.path, sorted(values.items()), city.pk, get_language(), now.isoformat(), version]
        tag = f'W/"{hashlib.sha256(json.dumps(question).encode()).hexdigest()[:32]}"'
        if tag in [given.strip() for given in request.headers.get("If-None-Match", "").split(",")]:
            response = Response(status=304)
        else:
            response = Response(
                cache.get_or_set(f"board-{tag}", lambda: build(read_question(values, city=city, now=now)), KEEP_S)
            )
        response["ETag"] = tag
        # The browser may keep it, and has to ask each time.
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Accept-Language"])
        return response


PARAMETERS = [one for one in FILTER_PARAMETERS if one.name in BOARD_FILTERS]
REFUSALS = {400: PROBLEM, 401: PROBLEM, 403: PROBLEM}


class BoardView(BoardBase):
    @extend_schema(
        operation_id="board_retrieve", parameters=PARAMETERS, responses={200: shown.BoardSerializer, **REFUSALS}
    )
    def get(self, request: Request) -> Response:
        """What stands open now, how the reports of the period went (the last 30 days), and both by status."""
        return self.answer(request, _overview)


def _overview(asked: Asked) -> dict[str, Any]:
    found = board(asked.question(), by="status")
    by_status = {group.key: group for group in found.groups}
    statuses = []
    for status in Status:
        group = by_status.get(status)
        counts = {"open": group.now.open, "reported": group.period.reported} if group else {"open": 0, "reported": 0}
        statuses.append({"status": status.value, "name": WORDS[status].name, **counts})
    return {**asked.head(), **_total(found), "statuses": statuses}


class GroupsView(BoardBase):
    """The figures of each group that has any, those with the most open reports first."""

    by: ClassVar[By]

    def groups(self, request: Request) -> Response:
        return self.answer(request, lambda asked: _groups(asked, self.by))


def _groups(asked: Asked, by: By) -> dict[str, Any]:
    level_id = _level(asked) if by == "area" else None
    found = board(asked.question(), by=by, level_id=level_id)
    names = _names(by, [int(group.key) for group in found.groups if group.key is not None])
    rows: list[dict[str, Any]] = []
    for group in found.groups:
        slug, name = names[int(group.key)] if group.key is not None else (None, None)
        rows.append({"id": slug, "name": name, "now": asdict(group.now), "outcome": _outcome(group.period)})
    rows.sort(key=lambda row: (row["id"] is None, -row["now"]["open"], -row["outcome"]["reported"], row["id"]))
    return {**asked.head(), **_total(found), "groups": rows}


def _level(asked: Asked) -> int:
    """By default the largest areas inside the city."""
    levels = {level.code: level.pk for level in AreaLevel.objects.order_by("rank")}
    if "level" in asked.values:
        return levels[parse_choice(asked.values["level"], "level", levels)]
    inside = Area.objects.current().filter(city=asked.city, parent__isnull=False).order_by("level__rank")
    found = inside.values_list("level_id", flat=True).first()
    return found if found is not None else next(iter(levels.values()), 0)


def _names(by: By, ids: list[int]) -> dict[int, tuple[str, str]]:
    if by == "area":
        return {
            pk: (code, name) for pk, code, name in Area.objects.filter(pk__in=ids).values_list("id", "code", "name")
        }
    models: dict[str, type[Agency] | type[Category] | type[Channel]]
    models = {"agency": Agency, "category": Category, "channel": Channel}
    return {one.pk: (one.slug, one.name) for one in models[by].objects.filter(pk__in=ids)}


def _total(found: Board) -> dict[str, Any]:
    return {"now": asdict(found.total.now), "outcome": _outcome(found.total.period)}


def _outcome(period: Period) -> dict[str, Any]:
    return {
        "reported": period.reported,
        "resolved": period.resolved,
        "reopened": period.reopened,
        "handed_over": period.handed_over,
        "late": period.late,
        "late_share": _share(period.late_share),
        "late_first_response": period.late_first_response,
        "late_first_response_share": _share(period.late_first_response_share),
        "first_response_h": _hours(period.first_response_h),
        "resolution_h": _hours(period.resolution_h),
    }


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _hours(hours: Hours) -> dict[str, Any]:
    return {
        "n": hours.n,
        "median": None if hours.median is None else round(hours.median, 2),
        "p90": None if hours.p90 is None else round(hours.p90, 2),
    }


class AgenciesBoardView(GroupsView):
    by = "agency"

    @extend_schema(
        operation_id="board_agencies", parameters=PARAMETERS, responses={200: shown.GroupsSerializer, **REFUSALS}
    )
    def get(self, request: Request) -> Response:
        """The board's figures by agency."""
        return self.groups(request)


class CategoriesBoardView(GroupsView):
    by = "category"

    @extend_schema(
        operation_id="board_categories", parameters=PARAMETERS, responses={200: shown.GroupsSerializer, **REFUSALS}
    )
    def get(self, request: Request) -> Response:
        """The board's figures by category, as reports have them."""
        return self.groups(request)


class ChannelsBoardView(GroupsView):
    by = "channel"

    @extend_schema(
        operation_id="board_channels", parameters=PARAMETERS, responses={200: shown.GroupsSerializer, **REFUSALS}
    )
    def get(self, request: Request) -> Response:
        """The board's figures by channel."""
        return self.groups(request)


class AreasBoardView(GroupsView):
    by = "area"
    filters = (*BOARD_FILTERS, "level")

    @extend_schema(
        operation_id="board_areas",
        parameters=[*PARAMETERS, parameter("level", "Level of the areas, by code; else the largest inside the city.")],
        responses={200: shown.GroupsSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """The board's figures by area, of the place that is shown to the public."""
        return self.groups(request)


class PingPongView(BoardBase):
    @extend_schema(
        operation_id="board_ping_pong",
        parameters=PARAMETERS,
        responses={200: shown.PingPongSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Between which agencies reports go back and forth. `agency`: those that it gave or got."""
        return self.answer(request, _ping_pong)


def _ping_pong(asked: Asked) -> dict[str, Any]:
    return {**asked.head(), "pairs": [asdict(pair) for pair in ping_pong(asked.question())]}


class ClosingsBoardView(BoardBase):
    @extend_schema(
        operation_id="board_closings",
        parameters=PARAMETERS,
        responses={200: shown.ClosingsSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """How well closings stand: what their reporters say of them, and how many were reopened, by the agency that closed."""
        return self.answer(request, _closings)


def _closings(asked: Asked) -> dict[str, Any]:
    rows = [{**asdict(row), "contested_share": round(row.contested_share, 3)} for row in closings(asked.question())]
    return {**asked.head(), "agencies": rows}
