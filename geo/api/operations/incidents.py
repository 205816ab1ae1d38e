"""`/api/incidents/`: incidents that people keep, with their reports, and one message to all who reported one."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff
from geo.api.analysis.saved_serializers import StrictSerializer
from geo.api.filters import find_city
from geo.api.operations.incident_serializers import (
    IncidentChange,
    IncidentDetailSerializer,
    IncidentInput,
    IncidentPageSerializer,
    IncidentSerializer,
    MembersInput,
    MessageInput,
    ToldSerializer,
)
from geo.api.reports import PROBLEM
from geo.api.views import PAGE_PARAMETERS, PublicView, parameter, utc_now
from geo.areas.models import Area, City
from geo.layers.asking import parse_values, resolve_city
from geo.layers.incident_layers import INCIDENTS, incidents_rows
from geo.layers.layer import Query
from geo.operations.dispatching import require_dispatcher
from geo.operations.incidents.messages import message_reporters
from geo.operations.incidents.models import Incident
from geo.operations.incidents.services import (
    change_reports,
    close_incident,
    edit_incident,
    open_incident,
)
from geo.reports.access.principals import Principal
from geo.reports.models import Category, Report
from geo.reports.workflow import Status
from server.core.errors import BadParameter, InvalidFields, NotFound
from server.core.listing import PAGING, next_link, page_of, read_query
from server.core.params import parse_choice

KIND = "incidents"
PUBLIC_ID = OpenApiParameter("public_id", str, OpenApiParameter.PATH)
# What of the layer's parameters decides which reports are one incident.
OF_THE_LAYER = ("category", "start", "end", "radius_m", "hours", "min_reports")


READ_ANSWERS = {200: IncidentDetailSerializer, 400: PROBLEM, 401: PROBLEM, 404: PROBLEM}
WRITE_ANSWERS = {200: IncidentDetailSerializer, **dict.fromkeys((400, 401, 403, 404, 409), PROBLEM)}


class IncidentsView(PublicView):
    @extend_schema(
        operation_id="incidents_list",
        parameters=[
            parameter("city", "Slug of a city."),
            parameter("status", "open or closed."),
            *PAGE_PARAMETERS,
        ],
        responses={200: IncidentPageSerializer, 400: PROBLEM, 401: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """The incidents that are kept, newest first: the public ones, and for staff all of their city."""
        values = read_query(request.query_params, ["city", "status", *PAGING])
        limit, after = page_of(values, KIND)
        found = _whole(self.principal)
        if "city" in values:
            found = found.filter(city=find_city(values["city"]))
        if "status" in values:
            found = found.filter(status=parse_choice(values["status"], "status", Incident.Status.values))
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(found.order_by("-id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        context = {"request": request, "principal": self.principal}
        return Response(
            {"next": following, "results": IncidentSerializer(page[:limit], many=True, context=context).data}
        )

    @extend_schema(
        operation_id="incidents_create",
        request=IncidentInput,
        responses={201: IncidentDetailSerializer, **dict.fromkeys((400, 401, 403, 409), PROBLEM)},
    )
    def post(self, request: Request) -> Response:
        """Opens an incident, of reports by their ids or of one of the layer `incidents`. For dispatchers."""
        require_some_staff(self.principal)
        form = IncidentInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        city = resolve_city(given.get("city"))
        require_dispatcher(self.principal, city.pk)
        ids = given.get("reports", ())
        if "from_layer" in given:
            ids = _ids_of_layer(city, given["from_layer"])
        incident = open_incident(
            city=city,
            title=given["title"],
            reports=_reports(self.principal, ids, "reports"),
            by=self.principal,
            now=utc_now(),
            category=_category(given.get("category")),
            area=_area(given.get("area")),
            is_public=given["is_public"],
        )
        answer = _answer(incident, request, self.principal)
        answer.status_code = 201
        answer["Location"] = answer.data["url"]
        return answer


class IncidentView(PublicView):
    @extend_schema(operation_id="incidents_retrieve", parameters=[PUBLIC_ID], responses=READ_ANSWERS)
    def get(self, request: Request, public_id: str) -> Response:
        """One incident with the ids of its reports."""
        read_query(request.query_params, [])
        return _answer(_find(self.principal, public_id), request, self.principal)

    @extend_schema(
        operation_id="incidents_update", parameters=[PUBLIC_ID], request=IncidentChange, responses=WRITE_ANSWERS
    )
    def patch(self, request: Request, public_id: str) -> Response:
        """Another title, or shown to the public or not. For dispatchers."""
        incident, given = _asked(self, request, public_id, IncidentChange)
        edit_incident(incident=incident, by=self.principal, **given)
        return _answer(incident, request, self.principal)


class IncidentReportsView(PublicView):
    @extend_schema(
        operation_id="incidents_reports", parameters=[PUBLIC_ID], request=MembersInput, responses=WRITE_ANSWERS
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Adds and removes reports of an open incident. For dispatchers."""
        incident, given = _asked(self, request, public_id, MembersInput)
        change_reports(
            incident=incident,
            add=_reports(self.principal, given.get("add", ()), "add"),
            remove=_reports(self.principal, given.get("remove", ()), "remove"),
            by=self.principal,
            now=utc_now(),
        )
        return _answer(incident, request, self.principal)


class IncidentCloseView(PublicView):
    @extend_schema(operation_id="incidents_close", parameters=[PUBLIC_ID], request=None, responses=WRITE_ANSWERS)
    def post(self, request: Request, public_id: str) -> Response:
        """Closes an incident; its reports go on as they are. For dispatchers."""
        incident, _given = _asked(self, request, public_id, None)
        close_incident(incident=incident, by=self.principal, now=utc_now())
        return _answer(incident, request, self.principal)


class IncidentMessageView(PublicView):
    @extend_schema(
        operation_id="incidents_message",
        parameters=[PUBLIC_ID],
        request=MessageInput,
        responses={200: ToldSerializer, **dict.fromkeys((400, 401, 403, 404, 409), PROBLEM)},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """One message to everybody who reported it: on each report, to its channel, by e-mail. For dispatchers."""
        incident, given = _asked(self, request, public_id, MessageInput)
        told = message_reporters(
            incident=incident,
            text=given["text"],
            by=self.principal,
            now=utc_now(),
            status=Status(given["status"]) if "status" in given else None,
        )
        refused = [{"report": report, "reason": reason} for report, reason in told.refused]
        return Response({"reports": list(told.reports), "refused": refused, "emails": told.emails})


def _asked(
    view: PublicView, request: Request, public_id: str, form_class: type[StrictSerializer] | None
) -> tuple[Incident, Mapping[str, Any]]:
    """The incident, and what was given, once it is clear that whoever asks may change it."""
    require_some_staff(view.principal)
    incident = _find(view.principal, public_id)
    require_dispatcher(view.principal, incident.city_id)
    if form_class is None:
        return incident, {}
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    return incident, form.validated_data


def _whole(principal: Principal) -> Any:
    found = Incident.objects.visible_to(principal).with_counts(principal)
    return found.select_related("city", "category", "area", "opened_by").defer("area__boundary")


def _find(principal: Principal, public_id: str) -> Incident:
    incident: Incident | None = _whole(principal).filter(public_id=public_id).first()
    if incident is None:
        raise NotFound(_("There is no such incident."))
    return incident


def _answer(incident: Incident, request: Request, principal: Principal) -> Response:
    context = {"request": request, "principal": principal}
    return Response(IncidentDetailSerializer(_find(principal, incident.public_id), context=context).data)


def _reports(principal: Principal, ids: Sequence[str], name: str) -> list[Report]:
    """The reports of these ids, in their order; InvalidFields that names those that are not there."""
    found = {report.public_id: report for report in Report.objects.visible_to(principal).filter(public_id__in=ids)}
    if missing := [one for one in ids if one not in found]:
        raise InvalidFields({name: [_("There are no such reports: %(ids)s") % {"ids": ", ".join(missing[:20])}]})
    return [found[one] for one in dict.fromkeys(ids)]


def _ids_of_layer(city: City, given: Mapping[str, str]) -> list[str]:
    """Of which reports an incident of the layer is made, as whoever looks at the map sees it."""
    texts = {name: given[name] for name in OF_THE_LAYER if name in given}
    now = utc_now()
    try:
        values = parse_values(INCIDENTS, texts, city, None, now)
    except BadParameter as error:
        raise InvalidFields({f"from_layer.{error.name}": [error.detail]}) from None
    rows = incidents_rows(Query(city, values, now))
    # The layer's own statement; what was asked for is a parameter.
    one = f"SELECT report_ids FROM ({rows.sql}) AS found WHERE %(wanted)s = ANY(string_to_array(report_ids, ','))"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(one, {**rows.params, "wanted": given["report"]})
        row = cursor.fetchone()
    if row is None:
        raise InvalidFields({"from_layer": [_("The layer has no incident with this report, as it was asked.")]})
    ids: str = row[0]
    return ids.split(",")


def _category(slug: str | None) -> Category | None:
    if slug is None:
        return None
    category = Category.objects.filter(slug=slug).first()
    if category is None:
        raise InvalidFields({"category": [_("There is no such category in the city; /api/categories/ lists them.")]})
    return category


def _area(code: str | None) -> Area | None:
    if code is None:
        return None
    area = Area.objects.filter(code=code).first()
    if area is None:
        raise InvalidFields({"area": [_("There is no such area in the city; /api/areas/ lists them.")]})
    return area
