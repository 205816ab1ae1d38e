"""The same insert by plain DRF: a ModelSerializer and a ModelViewSet on the service's own models, in the same web server and with
the same settings, but for these routes (bench.reports_drf_settings). It stores the row and the photo as they come: no place is
looked up, no text masked, no photo decoded for good, no history kept, no duplicate looked for."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers, viewsets
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.routers import SimpleRouter
from rest_framework_gis.fields import GeometryField

from geo.reports.models import Category, Report, ReportPhoto


class ReportSerializer(serializers.ModelSerializer[Report]):
    category = serializers.SlugRelatedField(slug_field="slug", queryset=Category.objects.all())
    location = GeometryField()
    photos = serializers.ListField(child=serializers.ImageField(), required=False, write_only=True)

    class Meta:
        model = Report
        fields = (
            *("public_id", "city", "channel", "external_id", "kind", "category", "description", "public_description"),
            *("location", "location_flag", "reported_at", "received_at", "updated_at", "status", "photos"),
        )
        read_only_fields = ("received_at", "updated_at")
        # Their check is a query beside the database's own.
        validators: list[Any] = []

    def create(self, validated_data: dict[str, Any]) -> Report:
        photos = validated_data.pop("photos", ())
        now = timezone.now()
        report: Report = super().create({**validated_data, "received_at": now, "updated_at": now})
        for number, photo in enumerate(photos):
            ReportPhoto.objects.create(report=report, image=photo, sha256=str(number))
        return report


class ReportViewSet(viewsets.ModelViewSet[Report]):
    queryset = Report.objects.all()
    serializer_class = ReportSerializer
    parser_classes = (JSONParser, MultiPartParser)
    renderer_classes = (JSONRenderer,)
    permission_classes = (AllowAny,)
    authentication_classes = ()


router = SimpleRouter()
router.register("reports", ReportViewSet)
urlpatterns = router.urls
