"""`/api/areas/`: the tree of areas, with boundaries where they are asked for."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_gis.fields import GeometryField
from rest_framework_gis.serializers import GeoFeatureModelSerializer

from geo.api.filters import find_city
from geo.api.reports import PROBLEM
from geo.api.views import PAGE_PARAMETERS, PublicView, parameter
from geo.areas.models import Area, AreaLevel
from server.core.errors import BadParameter, NotFound
from server.core.listing import PAGING, next_link, page_of, read_query
from server.core.params import parse_choice

KIND = "areas"


class PopulationSerializer(serializers.Serializer[Any]):
    population = serializers.IntegerField()
    year = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF has an attribute of this name


class AreaFields(serializers.ModelSerializer[Area]):
    """What is said of an area beside its boundary."""

    level = serializers.CharField(source="level.code")
    parent = serializers.CharField(source="parent.code", allow_null=True)  # type: ignore[assignment]  # as above
    city = serializers.CharField(source="city.slug")
    population = serializers.SerializerMethodField(help_text="The latest figure; null where none is known.")

    class Meta:
        model = Area
        fields = [
            "code",
            "name",
            "level",
            "parent",
            "city",
            "area_km2",
            "population",
            "boundary_source",
            "is_schematic",
            "retired_at",
        ]

    @extend_schema_field(PopulationSerializer(allow_null=True))
    def get_population(self, area: Area) -> Any:
        figures = list(area.population_figures.all())  # prefetched, the latest year first
        return PopulationSerializer(figures[0]).data if figures else None


@extend_schema_field({"type": "object", "description": "A GeoJSON MultiPolygon."})
class Boundary(GeometryField):
    pass


class AreaWithBoundary(AreaFields):
    geometry = Boundary(source="boundary", precision=7)

    class Meta(AreaFields.Meta):
        fields = [*AreaFields.Meta.fields, "geometry"]


class AreaFeature(AreaFields, GeoFeatureModelSerializer):
    """A GeoJSON feature, whose id is the area's code."""

    boundary = Boundary(precision=7)

    class Meta(AreaFields.Meta):
        fields = [*AreaFields.Meta.fields, "boundary"]
        geo_field = "boundary"
        id_field = "code"


class AreaFeatureSchema(serializers.Serializer[Any]):
    id = serializers.CharField()
    type = serializers.ChoiceField(choices=["Feature"])
    geometry = serializers.DictField()
    properties = AreaFields()


class AreaPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = AreaWithBoundary(many=True)


class AreasView(PublicView):
    @extend_schema(
        operation_id="areas_list",
        parameters=[
            parameter("level", "Code of a level, such as kecamatan."),
            parameter("parent", "Code of the area right above."),
            parameter("city", "Slug of a city."),
            parameter("q", "Text to be found in the name."),
            parameter("geometry", "true for the boundaries as well.", bool),
            *PAGE_PARAMETERS,
        ],
        responses={200: AreaPageSerializer, 400: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """The areas of today, by code."""
        values = read_query(request.query_params, ["level", "parent", "city", "q", "geometry", *PAGING])
        limit, after = page_of(values, KIND)
        with_geometry = parse_choice(values.get("geometry", "false"), "geometry", ("true", "false")) == "true"
        found = _filtered(values)
        if after is not None:
            found = found.filter(code__gt=after)
        if not with_geometry:
            found = found.defer("boundary")
        page = list(found.order_by("code")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].code) if len(page) > limit else None
        serializer = AreaWithBoundary if with_geometry else AreaFields
        return Response({"next": following, "results": serializer(page[:limit], many=True).data})


def _with_relations(areas: QuerySet[Area]) -> QuerySet[Area]:
    joined = areas.select_related("level", "parent", "city").defer("parent__boundary")
    return joined.prefetch_related("population_figures")


def _filtered(values: dict[str, str]) -> QuerySet[Area]:
    found = _with_relations(Area.objects.current())
    if "level" in values:
        code = parse_choice(values["level"], "level", AreaLevel.objects.values_list("code", flat=True))
        found = found.filter(level__code=code)
    if "parent" in values:
        parent = Area.objects.filter(code=values["parent"]).only("id").first()
        if parent is None:
            raise BadParameter("parent", f"there is no area {values['parent']!r}")
        found = found.filter(parent=parent)
    if "city" in values:
        found = found.filter(city=find_city(values["city"]))
    return found.filter(name__icontains=values["q"]) if "q" in values else found


class AreaView(PublicView):
    @extend_schema(operation_id="areas_retrieve", responses={200: AreaFeatureSchema, 400: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, code: str) -> Response:
        """One area as a GeoJSON feature; one that is no longer in force says since when."""
        read_query(request.query_params, [])
        area = _with_relations(Area.objects.all()).filter(code=code).first() if "\0" not in code else None
        if area is None:
            raise NotFound(_("There is no such area."))
        return Response(AreaFeature(area).data)
