"""`/api/routing/`: rules tried on the reports that are there, and applied to those that wait. For dispatchers."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff
from geo.api.reports import PROBLEM
from geo.api.views import PublicView, parameter, utc_now
from geo.areas.models import City
from geo.operations.dispatching import require_dispatcher
from geo.operations.routing.dry_run import DryRun, dry_run
from geo.operations.routing.reading import FIELDS, read_rules
from geo.operations.routing.rules import Flaw
from geo.operations.routing.services import reroute
from geo.operations.routing.words import fault_text
from geo.reports.models import RoutingRule
from server.core.errors import BadParameter
from server.core.listing import read_query
from server.core.params import parse_integer

MAX_DAYS = 366
REFUSALS = dict.fromkeys((400, 401, 403), PROBLEM)


class RuleSerializer(serializers.Serializer[RoutingRule]):
    """A rule as it is tried; `id` is null for one that is not stored."""

    id = serializers.IntegerField(source="pk", allow_null=True)
    position = serializers.IntegerField()
    category = serializers.CharField(source="category.slug", default=None, allow_null=True)
    area = serializers.CharField(source="area.code", default=None, allow_null=True)
    agency = serializers.CharField(source="agency.slug")
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)
    is_active = serializers.BooleanField()
    note = serializers.CharField()


class OutcomeSerializer(serializers.Serializer[Any]):
    rule = RuleSerializer()
    reports = serializers.IntegerField(help_text="About so many it decides.")
    moved = serializers.IntegerField(help_text="So many of them would go to another agency.")


class MoveSerializer(serializers.Serializer[Any]):
    rule = RuleSerializer(allow_null=True, help_text="Null: no rule matches, their category names the agency.")
    from_agency = serializers.CharField(allow_null=True)
    to_agency = serializers.CharField(allow_null=True, help_text="Null: nobody would be responsible.")
    reports = serializers.IntegerField()


class ExampleSerializer(serializers.Serializer[Any]):
    report = serializers.CharField()
    category = serializers.CharField()
    area = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    from_agency = serializers.CharField(allow_null=True)
    to_agency = serializers.CharField(allow_null=True)
    rule = RuleSerializer(allow_null=True)


class FaultSerializer(serializers.Serializer[Any]):
    rule = RuleSerializer()
    flaw = serializers.ChoiceField(choices=[flaw.value for flaw in Flaw])
    text = serializers.SerializerMethodField()
    by = RuleSerializer(many=True, help_text="The earlier rules that take all that it is for.")

    def get_text(self, fault: Any) -> str:
        return fault_text(fault)


class DryRunSerializer(serializers.Serializer[DryRun]):
    city = serializers.CharField(source="city.slug")
    since = serializers.DateTimeField(allow_null=True, help_text="Null: open reports, of whatever age.")
    reports = serializers.IntegerField()
    moved = serializers.IntegerField()
    rules = OutcomeSerializer(many=True, source="outcomes")
    moves = MoveSerializer(many=True)
    examples = ExampleSerializer(many=True)
    faults = FaultSerializer(many=True)


class CityInput(serializers.Serializer[Any]):
    city = serializers.SlugField(required=False, max_length=64, help_text="Needed where there is more than one city.")


class DryRunInput(CityInput):
    days = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=MAX_DAYS, help_text="As in GET."
    )
    rules = serializers.ListField(
        child=serializers.DictField(),
        help_text=f"Rules to try instead of those that are stored: {', '.join(FIELDS)}; `agency` is needed.",
    )


class ReroutedSerializer(serializers.Serializer[Any]):
    reports = serializers.IntegerField(help_text="So many were given to another agency.")
    has_more = serializers.BooleanField(help_text="Ask again: there are more.")


class RoutingDryRunView(PublicView):
    @extend_schema(
        operation_id="routing_dry_run",
        parameters=[
            parameter("city", "Slug of a city; needed where there is more than one."),
            parameter("days", "Reports of the last so many days, closed ones too; without it the open ones.", int),
        ],
        responses={200: DryRunSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """What the stored rules would do to the reports that are there. Nothing is written."""
        require_some_staff(self.principal)
        values = read_query(request.query_params, ["city", "days"])
        days = parse_integer(values["days"], "days", minimum=1, maximum=MAX_DAYS) if "days" in values else None
        return self._answer(_city(values.get("city")), days, None)

    @extend_schema(
        operation_id="routing_dry_run_given", request=DryRunInput, responses={200: DryRunSerializer, **REFUSALS}
    )
    def post(self, request: Request) -> Response:
        """What the rules in the body would do. Nothing is written."""
        require_some_staff(self.principal)
        form = DryRunInput(data=request.data)
        form.is_valid(raise_exception=True)
        city = _city(form.validated_data.get("city"))
        require_dispatcher(self.principal, city.pk)
        rules = read_rules(form.validated_data["rules"], city)
        return self._answer(city, form.validated_data["days"], rules)

    def _answer(self, city: City, days: int | None, rules: list[RoutingRule] | None) -> Response:
        found = dry_run(city=city, by=self.principal, now=utc_now(), days=days, rules=rules)
        return Response(DryRunSerializer(found).data)


class RerouteView(PublicView):
    @extend_schema(operation_id="routing_reroute", request=CityInput, responses={200: ReroutedSerializer, **REFUSALS})
    def post(self, request: Request) -> Response:
        """Gives reports that nobody has taken up yet (submitted) to the agencies that the rules name, a thousand at a time."""
        require_some_staff(self.principal)
        form = CityInput(data=request.data)
        form.is_valid(raise_exception=True)
        done = reroute(city=_city(form.validated_data.get("city")), by=self.principal, now=utc_now())
        return Response(ReroutedSerializer(done).data)


def _city(slug: str | None) -> City:
    cities = City.objects.all() if slug is None else City.objects.filter(slug=slug)
    found = list(cities.order_by("slug")[:2])
    if len(found) != 1:
        raise BadParameter(
            "city", _("There is no such city.") if slug is not None else _("Needed: the slug of a city.")
        )
    return found[0]
