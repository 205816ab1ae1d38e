"""An incident that is kept, on its way in and out."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from geo.api.analysis.permissions import is_staff_of
from geo.api.analysis.saved_serializers import StrictSerializer
from geo.api.report_status import LONGEST_NOTE
from geo.operations.incidents.models import Incident, IncidentEvent
from geo.operations.incidents.services import MOST_REPORTS
from geo.reports.models import Report
from geo.reports.workflow import Status
from server.core.listing import absolute_url


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    id = serializers.CharField(source="public_id")
    city = serializers.CharField(source="city.slug")
    category = serializers.CharField(source="category.slug", allow_null=True)
    area = serializers.CharField(source="area.code", allow_null=True)
    area_name = serializers.CharField(source="area.name", allow_null=True)
    opened_by = serializers.SerializerMethodField(help_text="User name; null to all but staff of the city.")
    report_count = serializers.IntegerField(help_text="Of the public ones, to all but staff of the city.")
    open_report_count = serializers.IntegerField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Incident
        fields = [
            "id",
            "url",
            "city",
            "title",
            "category",
            "area",
            "area_name",
            "status",
            "is_public",
            "opened_at",
            "opened_by",
            "closed_at",
            "report_count",
            "open_report_count",
            "is_exercise",
        ]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_opened_by(self, incident: Incident) -> str | None:
        user = incident.opened_by
        return user.get_username() if user and is_staff_of(self.context["principal"], incident.city_id) else None

    @extend_schema_field(serializers.URLField())
    def get_url(self, incident: Incident) -> str:
        return absolute_url(self.context["request"]._request, f"/api/incidents/{incident.public_id}/")


class IncidentEventSerializer(serializers.ModelSerializer[IncidentEvent]):
    user = serializers.SerializerMethodField()

    class Meta:
        model = IncidentEvent
        fields = ["at", "action", "user", "origin", "changed"]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_user(self, line: IncidentEvent) -> str | None:
        # The account may be gone; the line stays.
        return line.user.get_username() if line.user_id and line.user else None


class IncidentDetailSerializer(IncidentSerializer):
    reports = serializers.SerializerMethodField(help_text="Ids of those that whoever asks may see, first added first.")
    log = serializers.SerializerMethodField(
        help_text="Who did what, first things first; null to all but staff of the city."
    )

    class Meta(IncidentSerializer.Meta):
        fields = [*IncidentSerializer.Meta.fields, "reports", "log"]

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_reports(self, incident: Incident) -> list[str]:
        seen = Report.objects.visible_to(self.context["principal"]).filter(incidents__incident=incident)
        return list(seen.order_by("incidents__id").values_list("public_id", flat=True))

    @extend_schema_field(IncidentEventSerializer(many=True, allow_null=True))
    def get_log(self, incident: Incident) -> Any:
        if not is_staff_of(self.context["principal"], incident.city_id):
            return None
        return IncidentEventSerializer(incident.log.select_related("user").order_by("id"), many=True).data


class IncidentPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = IncidentSerializer(many=True)


class LayerIncidentInput(serializers.Serializer[Any]):
    """One incident of the layer `incidents`, by any of its reports, and the layer's parameters with which it is seen."""

    report = serializers.CharField(max_length=16, help_text="Id of one of its reports.")
    category = serializers.CharField(required=False, max_length=1000)
    start = serializers.CharField(required=False, max_length=40)
    end = serializers.CharField(required=False, max_length=40)
    radius_m = serializers.CharField(required=False, max_length=20)
    hours = serializers.CharField(required=False, max_length=20)
    min_reports = serializers.CharField(required=False, max_length=20)

    def to_internal_value(self, data: Any) -> Any:
        """As a StrictSerializer, which looks at what was given to the outermost one."""
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError({name: [_("This cannot be given here.")] for name in unknown})
        return super().to_internal_value(data)


def _report_ids(help_text: str) -> Any:
    one = serializers.CharField(max_length=16)
    return serializers.ListField(child=one, required=False, max_length=MOST_REPORTS, help_text=help_text)


class IncidentInput(StrictSerializer):
    title = serializers.CharField(max_length=200)
    city = serializers.CharField(required=False, help_text="Slug; with one city it is the default.")
    category = serializers.CharField(max_length=64, required=False, help_text="Slug; else that of its reports.")
    area = serializers.CharField(max_length=32, required=False, help_text="Code; else the smallest that has them all.")
    is_public = serializers.BooleanField(default=False)
    reports = _report_ids("Ids of its reports; more can be added later.")
    from_layer = LayerIncidentInput(required=False, help_text="Instead of reports.")

    def validate(self, attrs: Any) -> Any:
        if "reports" in attrs and "from_layer" in attrs:
            raise serializers.ValidationError({"from_layer": [_("Give reports or from_layer, not both.")]})
        return super().validate(attrs)


class IncidentChange(StrictSerializer):
    title = serializers.CharField(max_length=200, required=False)
    is_public = serializers.BooleanField(required=False)


class MembersInput(StrictSerializer):
    add = _report_ids("Ids of reports that belong to it.")
    remove = _report_ids("Ids of reports that do not.")


class MessageInput(StrictSerializer):
    text = serializers.CharField(max_length=LONGEST_NOTE, help_text="A public note on each of its reports.")
    status = serializers.ChoiceField(
        choices=Status.choices, required=False, help_text="A step for each report, with the text as its note."
    )


class RefusedSerializer(serializers.Serializer[Any]):
    report = serializers.CharField()
    reason = serializers.CharField()


class ToldSerializer(serializers.Serializer[Any]):
    reports = serializers.ListField(
        child=serializers.CharField(), help_text="Ids of the reports that have the message."
    )
    refused = RefusedSerializer(many=True, help_text="Those that kept their status; they have the message, too.")
    emails = serializers.IntegerField(help_text="To how many reporters an e-mail goes.")
