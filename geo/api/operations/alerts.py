"""`/api/alerts/` and `/api/alert-rules/`: measurements that have reached a level. Everybody reads them, dispatchers answer them."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff
from geo.api.analysis.saved_serializers import StrictSerializer
from geo.api.filters import find_city
from geo.api.operations.alert_serializers import (
    AlertDetailSerializer,
    AlertIncidentInput,
    AlertPageSerializer,
    AlertRulePageSerializer,
    AlertRuleSerializer,
    AlertSerializer,
    NoteInput,
)
from geo.api.reports import PROBLEM
from geo.api.views import PAGE_PARAMETERS, PublicView, parameter, utc_now
from geo.operations.alerts.models import Alert, AlertQuerySet, AlertRule
from geo.operations.alerts.services import acknowledge_alert, close_alert, open_incident_of
from geo.operations.dispatching import require_dispatcher
from geo.reports.access.principals import Principal
from server.core.errors import NotFound
from server.core.listing import PAGING, next_link, page_of, read_query
from server.core.params import parse_choice

KIND, RULES_KIND = "alerts", "alert-rules"
PUBLIC_ID = OpenApiParameter("public_id", str, OpenApiParameter.PATH)
OF_CITY, OF_THING = parameter("city", "Slug of a city."), parameter("thing", "Slug of a thing.")
WRITE_ANSWERS = {200: AlertDetailSerializer, **dict.fromkeys((400, 401, 403, 404, 409), PROBLEM)}
OPEN, CLOSED = "open", "closed"


class AlertsView(PublicView):
    @extend_schema(
        operation_id="alerts_list",
        parameters=[OF_CITY, OF_THING, parameter("status", "open (default) or closed."), *PAGE_PARAMETERS],
        responses={200: AlertPageSerializer, 400: PROBLEM, 401: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """The alerts, the newest first: which level, at which thing, since when, and the latest value."""
        values = read_query(request.query_params, ["city", "thing", "status", *PAGING])
        limit, after = page_of(values, KIND)
        status = parse_choice(values.get("status", OPEN), "status", (OPEN, CLOSED))
        found = _whole().visible_to(self.principal).filter(closed_at__isnull=status == OPEN)
        if "city" in values:
            found = found.filter(city=find_city(values["city"]))
        if "thing" in values:
            found = found.filter(thing=values["thing"])
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(found.order_by("-id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        context = {"request": request, "principal": self.principal}
        return Response({"next": following, "results": AlertSerializer(page[:limit], many=True, context=context).data})


class AlertView(PublicView):
    @extend_schema(
        operation_id="alerts_retrieve",
        parameters=[PUBLIC_ID],
        responses={200: AlertDetailSerializer, 400: PROBLEM, 401: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """One alert with its log."""
        read_query(request.query_params, [])
        return _answer(self, request, public_id)


class AcknowledgeView(PublicView):
    @extend_schema(
        operation_id="alerts_acknowledge", parameters=[PUBLIC_ID], request=NoteInput, responses=WRITE_ANSWERS
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Somebody has seen it: it climbs the on-call list no further, until it rises. For dispatchers."""
        alert, given = _asked(self, request, public_id, NoteInput)
        acknowledge_alert(alert=alert, by=self.principal, now=utc_now(), note=given["note"])
        return _answer(self, request, public_id)


class CloseView(PublicView):
    @extend_schema(operation_id="alerts_close", parameters=[PUBLIC_ID], request=NoteInput, responses=WRITE_ANSWERS)
    def post(self, request: Request, public_id: str) -> Response:
        """Ends an alert by hand, whatever is measured. For dispatchers."""
        alert, given = _asked(self, request, public_id, NoteInput)
        close_alert(alert=alert, by=self.principal, now=utc_now(), note=given["note"])
        return _answer(self, request, public_id)


class AlertIncidentView(PublicView):
    @extend_schema(
        operation_id="alerts_incident",
        parameters=[PUBLIC_ID],
        request=AlertIncidentInput,
        responses={201: AlertDetailSerializer, **dict.fromkeys((400, 401, 403, 404, 409), PROBLEM)},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Opens an incident of an open alert, which acknowledges it; its id is in `incident`. For dispatchers."""
        alert, given = _asked(self, request, public_id, AlertIncidentInput)
        open_incident_of(
            alert=alert, by=self.principal, now=utc_now(), title=given["title"], is_public=given["is_public"]
        )
        answer = _answer(self, request, public_id)
        answer.status_code = 201
        return answer


class AlertRulesView(PublicView):
    @extend_schema(
        operation_id="alert_rules_list",
        parameters=[OF_CITY, OF_THING, *PAGE_PARAMETERS],
        responses={200: AlertRulePageSerializer, 400: PROBLEM, 401: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """The rules by which alerts open: whose levels of what, where, and with which hysteresis and hold times."""
        values = read_query(request.query_params, ["city", "thing", *PAGING])
        limit, after = page_of(values, RULES_KIND)
        found = AlertRule.objects.filter(is_active=True).select_related("city", "category")
        if "city" in values:
            found = found.filter(city=find_city(values["city"]))
        if "thing" in values:
            found = found.filter(thing=values["thing"])
        if after is not None:
            found = found.filter(id__gt=after)
        page = list(found.order_by("id")[: limit + 1])
        following = next_link(request, RULES_KIND, page[limit - 1].pk) if len(page) > limit else None
        return Response({"next": following, "results": AlertRuleSerializer(page[:limit], many=True).data})


def _asked(
    view: PublicView, request: Request, public_id: str, form_class: type[StrictSerializer]
) -> tuple[Alert, Mapping[str, Any]]:
    """The alert, and what was given, once it is clear that whoever asks may answer it."""
    require_some_staff(view.principal)
    alert = _find(public_id, view.principal)
    require_dispatcher(view.principal, alert.city_id)
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    return alert, form.validated_data


def _whole() -> AlertQuerySet:
    joined = Alert.objects.select_related("city", "area", "rule", "acknowledged_by", "incident")
    return joined.defer("area__boundary")


def _find(public_id: str, principal: Principal) -> Alert:
    alert = _whole().visible_to(principal).filter(public_id=public_id).first()
    if alert is None:
        raise NotFound(_("There is no such alert."))
    return alert


def _answer(view: PublicView, request: Request, public_id: str) -> Response:
    context = {"request": request, "principal": view.principal}
    return Response(AlertDetailSerializer(_find(public_id, view.principal), context=context).data)
