"""Reports on their way out: the public columns, and nothing else of a report."""

from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework_gis.fields import GeometryField

from geo.reports.access.links import link_path
from geo.reports.duplicates import Candidate, duplicates_of
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
    location_flag = serializers.SerializerMethodField()
    area = serializers.CharField(source="public_area.code", allow_null=True)
    area_name = serializers.CharField(source="public_area.name", allow_null=True)
    agency = serializers.CharField(source="agency.slug", allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices)
    photos = serializers.SerializerMethodField()
    thumbnails = serializers.SerializerMethodField()

    class Meta:
        model = Report
        fields = [
            "id",
            "url",
            "city",
            "channel",
            "is_simulated",
            "is_exercise",
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
            "thumbnails",
        ]

    @extend_schema_field(serializers.ChoiceField(choices=Report.LocationFlag.choices))
    def get_location_flag(self, report: Report) -> str:
        """Of the public place: near a border the exact one may lie on the other side, and that would tell where."""
        if report.public_location is None:
            return report.location_flag
        return Report.LocationFlag.INSIDE if report.public_area_id is not None else Report.LocationFlag.OUTSIDE

    def get_url(self, report: Report) -> str:
        return absolute_url(self.context["request"], reverse("report", args=[report.public_id]))

    @extend_schema_field(serializers.ListField(child=serializers.URLField()))
    def get_photos(self, report: Report) -> list[str]:
        return self._photo_urls(report, "report-photo")

    @extend_schema_field(serializers.ListField(child=serializers.URLField()))
    def get_thumbnails(self, report: Report) -> list[str]:
        return self._photo_urls(report, "report-thumbnail")

    def _photo_urls(self, report: Report, route: str) -> list[str]:
        return [
            absolute_url(self.context["request"], reverse(route, args=[report.public_id, number]))
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
    duplicate_of = serializers.SerializerMethodField(
        help_text="Id of the report into which this one was merged, and whose status it follows."
    )
    followers = serializers.SerializerMethodField(help_text="How many reports were merged into this one.")
    history = serializers.SerializerMethodField()

    class Meta(ReportSerializer.Meta):
        fields = [*ReportSerializer.Meta.fields, "duplicate_of", "followers", "history"]

    def get_duplicate_of(self, report: Report) -> str | None:
        parent = report.duplicate_of
        return parent.public_id if parent is not None and parent.is_public else None

    def get_followers(self, report: Report) -> int:
        return report.duplicates.filter(is_public=True).count()

    @extend_schema_field(HistorySerializer(many=True))
    def get_history(self, report: Report) -> Any:
        entries = HistoryEntry.objects.filter(report=report, new__has_key="status").select_related("agency", "note")
        return HistorySerializer(entries.order_by("id"), many=True).data


class CandidateSerializer(serializers.Serializer[Any]):
    """A report that may tell of the same thing: as the public sees it, and how near it is."""

    id = serializers.CharField(source="report.public_id")
    url = serializers.SerializerMethodField()
    support_url = serializers.SerializerMethodField(help_text="A POST here supports it, instead of another report.")
    distance_m = serializers.IntegerField(
        help_text="To its public place; where that is snapped to a grid, in whole cells of it."
    )
    similarity = serializers.FloatField(help_text="Of the two texts, from 0 to 1.")
    score = serializers.FloatField(help_text="From 0 to 1: 0.5 closeness + 0.2 recency + 0.3 similarity.")
    status = serializers.ChoiceField(source="report.status", choices=Status.choices)
    description = serializers.CharField(source="report.public_description")
    location = PublicPoint(source="report.public_location", precision=7)
    reported_at = serializers.DateTimeField(source="report.reported_at")
    support_count = serializers.IntegerField(source="report.support_count")

    def get_url(self, candidate: Candidate) -> str:
        return self._address(candidate, "report")

    def get_support_url(self, candidate: Candidate) -> str:
        return self._address(candidate, "report-support")

    def _address(self, candidate: Candidate, route: str) -> str:
        return absolute_url(self.context["request"], reverse(route, args=[candidate.report.public_id]))


class CandidatesSerializer(serializers.Serializer[Any]):
    """`radius_m` and `days` are how near a report has to be, in its category."""

    radius_m = serializers.IntegerField()
    days = serializers.IntegerField()
    results = CandidateSerializer(many=True)


class LinkSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="For the header X-Report-Link.")
    url = serializers.URLField(help_text="The page for it; what stands behind # is not sent to any server.")


class NewReportSerializer(ReportDetailSerializer):
    """The answer to a report that came in."""

    possible_duplicates = serializers.SerializerMethodField()
    link = serializers.SerializerMethodField(
        help_text="Who holds it is the reporter, see /api/report-link/. Null for a report that was sent before, but to the "
        "channel whose key and the device whose token it is, and for one that staff have sent for somebody."
    )

    class Meta(ReportDetailSerializer.Meta):
        fields = [*ReportDetailSerializer.Meta.fields, "possible_duplicates", "link"]

    @extend_schema_field(CandidateSerializer(many=True))
    def get_possible_duplicates(self, report: Report) -> Any:
        return CandidateSerializer(duplicates_of(report), many=True, context=self.context).data

    @extend_schema_field(LinkSerializer(allow_null=True))
    def get_link(self, report: Report) -> Any:
        token = self.context.get("token")
        if token is None:
            return None
        return {"token": token, "url": absolute_url(self.context["request"], link_path(token))}


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
