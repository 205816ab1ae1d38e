"""What DRF-GIS's serializer makes of the same page: its GeoFeatureModelSerializer over the service's own models, in the same
web server and with the same settings, but for these routes (bench.layers_drf_settings)."""

from django.urls import path
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes, renderer_classes
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_gis.serializers import GeoFeatureModelSerializer

from geo.reports.models import Report

RELATED = ("category", "channel", "public_area", "agency")


class ReportSerializer(GeoFeatureModelSerializer):
    """The properties of the layer, by the relations of the model."""

    id = serializers.CharField(source="public_id")
    category = serializers.CharField(source="category.slug")
    category_name_id = serializers.CharField(source="category.name_id")
    category_name_en = serializers.CharField(source="category.name_en")
    description = serializers.CharField(source="public_description")
    channel = serializers.CharField(source="channel.slug")
    is_simulated = serializers.BooleanField(source="channel.is_simulated")
    area = serializers.CharField(source="public_area.code", default=None)
    area_name = serializers.CharField(source="public_area.name", default=None)
    agency = serializers.CharField(source="agency.slug", default=None)

    class Meta:
        model = Report
        geo_field = "public_location"
        fields = (
            *("id", "category", "category_name_id", "category_name_en", "kind", "status", "description", "channel"),
            *("is_simulated", "area", "area_name", "agency", "reported_at", "updated_at", "closed_at", "support_count"),
            "public_location",
        )


@api_view(["GET"])
@permission_classes([AllowAny])
@renderer_classes([JSONRenderer])
def reports(request: Request) -> Response:
    # The boundaries of the areas are left where they are.
    shown = Report.objects.filter(is_public=True, public_location__isnull=False).defer("public_area__boundary")
    page = shown.select_related(*RELATED).order_by("-id")[: int(request.query_params["limit"])]
    return Response(ReportSerializer(page, many=True).data)


urlpatterns = [path("reports", reports)]
