"""Reports on their way out: the public columns, and nothing else of a report."""

from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework_gis.fields import GeometryField

from geo.reports.models import HistoryEntry, Report
from geo.reports.report_input import POINT_SCHEMA
from geo.reports.workflow import Status
from server.core.listing import absolute_url


@extend_schema_field({**POINT_SCHEMA, "nullable": True})
class PublicPoint(GeometryField):
    pass


class ReportSerializer(serializers.ModelSerializer[Report]):
    """A report as the public sees it: masked text, and the place as precise as its category allows."""

    id = serializers.CharField(source="public_id")
    url = serializers.SerializerMethodField()
    city = serializers.CharField(source="city.slug")
    channel = serializers.CharField(source="channel.slug")
    is_simulated = serializers.BooleanField(source="channel.is_simulated")
    category = serializers.CharField(source="category.slug")
    category_name = serializers.CharField(source="category.name")
    description = serializers.CharField(source="public_description")
    location = PublicPoint(source="public_location", precision=7)
    area = serializers.CharField(source="public_area.code", allow_null=True)
    area_name = serializers.CharField(source="public_area.name", allow_null=True)
    agency = serializers.CharField(source="agency.slug", allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices)
    photos = serializers.SerializerMethodField()

    class Meta:
        model = Report
        fields = [
            "id",
            "url",
            "city",
            "channel",
            "is_simulated",
            "kind",
            "category",
            "category_name",
            "description",
            "location",
            "location_flag",
            "area",
            "area_name",
            "agency",
            "status",
            "reported_at",
            "received_at",
            "updated_at",
            "closed_at",
            "support_count",
            "photos",
        ]

    def get_url(self, report: Report) -> str:
        return absolute_url(self.context["request"], reverse("report", args=[report.public_id]))

    @extend_schema_field(serializers.ListField(child=serializers.URLField()))
    def get_photos(self, report: Report) -> list[str]:
        return [
            absolute_url(self.context["request"], reverse("report-photo", args=[report.public_id, number]))
            for number, _photo in enumerate(report.photos.all(), start=1)
        ]


class HistorySerializer(serializers.ModelSerializer[HistoryEntry]):
    """A step in a report's life: when, to which status, by which agency, and a note where it is meant for the public."""

    status = serializers.CharField(source="new.status")
    agency = serializers.CharField(source="agency.slug", allow_null=True)
    note = serializers.SerializerMethodField()

    class Meta:
        model = HistoryEntry
        fields = ["at", "status", "agency", "note"]

    @extend_schema_field(OpenApiTypes.STR)
    def get_note(self, entry: HistoryEntry) -> str | None:
        return entry.note.text if entry.note is not None and entry.note.is_public else None


class ReportDetailSerializer(ReportSerializer):
    history = serializers.SerializerMethodField()

    class Meta(ReportSerializer.Meta):
        fields = [*ReportSerializer.Meta.fields, "history"]

    @extend_schema_field(HistorySerializer(many=True))
    def get_history(self, report: Report) -> Any:
        entries = HistoryEntry.objects.filter(report=report, new__has_key="status").select_related("agency", "note")
        return HistorySerializer(entries.order_by("id"), many=True).data


class ReportPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = ReportSerializer(many=True)


class DeviceTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()


class SupportSerializer(serializers.Serializer[Any]):
    support_count = serializers.IntegerField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    parameter = serializers.CharField(required=False)
    errors = serializers.DictField(required=False)  # type: ignore[assignment]  # RFC 9457 has this name, and so has DRF
