"""Who and what there is: categories, agencies, channels, cities. Names come in the language that is asked for."""

from typing import Any

from django.db.models import Prefetch, Q
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.filters import find_city
from geo.api.reports import PROBLEM
from geo.api.views import PublicView, parameter, utc_now
from geo.areas.models import Area, City
from geo.reports.categories import inherited_by_all
from geo.reports.models import Agency, Category, CategoryAgency, Channel
from server.core.listing import read_query

CITY = parameter("city", "Slug of a city: what is its own, and what serves every city.")


class CategorySerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    name_id = serializers.CharField()
    name_en = serializers.CharField()
    city = serializers.CharField(allow_null=True)
    sla_working_hours = serializers.IntegerField(allow_null=True)
    public_grid_m = serializers.IntegerField(help_text="0: places are shown exactly; else snapped to this grid.")
    children = serializers.ListField(child=serializers.DictField(), help_text="Categories of the same shape.")


class CategoriesSerializer(serializers.Serializer[Any]):
    results = CategorySerializer(many=True)


class AgencySerializer(serializers.ModelSerializer[Agency]):
    name = serializers.CharField()
    city = serializers.CharField(source="city.slug")
    categories = serializers.SerializerMethodField(help_text="What it is responsible for today.")

    class Meta:
        model = Agency
        fields = ["slug", "name", "name_id", "name_en", "city", "categories"]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_categories(self, agency: Agency) -> list[str]:
        today = utc_now().astimezone(agency.city.zone).date()
        return sorted(
            {
                held.category.slug
                for held in agency.responsibilities.all()
                if held.valid_from <= today and (held.valid_to is None or held.valid_to > today)
            }
        )


class AgenciesSerializer(serializers.Serializer[Any]):
    results = AgencySerializer(many=True)


class ChannelSerializer(serializers.ModelSerializer[Channel]):
    city = serializers.CharField(source="city.slug", allow_null=True)

    class Meta:
        model = Channel
        fields = ["slug", "name", "city", "is_simulated"]


class ChannelsSerializer(serializers.Serializer[Any]):
    results = ChannelSerializer(many=True)


class CitySerializer(serializers.ModelSerializer[City]):
    area = serializers.SerializerMethodField(help_text="Code of its root area.")
    bbox = serializers.SerializerMethodField(help_text="west, south, east, north of its root area.")

    class Meta:
        model = City
        fields = ["slug", "name", "timezone", "metric_srid", "area", "bbox"]

    def get_area(self, city: City) -> str | None:
        roots = list(city.areas.all())
        return roots[0].code if roots else None

    @extend_schema_field(serializers.ListField(child=serializers.FloatField(), allow_null=True))
    def get_bbox(self, city: City) -> list[float] | None:
        roots = list(city.areas.all())
        return [round(x, 6) for x in roots[0].boundary.extent] if roots else None


class CitiesSerializer(serializers.Serializer[Any]):
    results = CitySerializer(many=True)


class CategoriesView(PublicView):
    @extend_schema(
        operation_id="categories_list", parameters=[CITY], responses={200: CategoriesSerializer, 400: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        """The categories in use, as a tree."""
        values = read_query(request.query_params, ["city"])
        found = Category.objects.filter(is_active=True).select_related("city").order_by("slug")
        if "city" in values:
            found = found.filter(Q(city=None) | Q(city=find_city(values["city"])))
        return Response({"results": _tree(list(found))})


def _tree(categories: list[Category]) -> list[dict[str, Any]]:
    working_hours = inherited_by_all("sla_working_hours")
    nodes: dict[int, dict[str, Any]] = {
        category.pk: {
            "slug": category.slug,
            "name": category.name,
            "name_id": category.name_id,
            "name_en": category.name_en,
            "city": category.city.slug if category.city else None,
            "sla_working_hours": working_hours[category.pk],
            "public_grid_m": category.public_grid_m,
            "children": [],
        }
        for category in categories
    }
    roots: list[dict[str, Any]] = []
    for category in categories:
        # A child whose parent is out of use stands at the top rather than nowhere.
        parent = nodes.get(category.parent_id) if category.parent_id is not None else None
        (parent["children"] if parent is not None else roots).append(nodes[category.pk])
    return roots


class AgenciesView(PublicView):
    @extend_schema(operation_id="agencies_list", parameters=[CITY], responses={200: AgenciesSerializer, 400: PROBLEM})
    def get(self, request: Request) -> Response:
        """The agencies, each with what it is responsible for today."""
        values = read_query(request.query_params, ["city"])
        held = Prefetch("responsibilities", CategoryAgency.objects.select_related("category"))
        found = Agency.objects.select_related("city").prefetch_related(held).order_by("city__slug", "slug")
        if "city" in values:
            found = found.filter(city=find_city(values["city"]))
        return Response({"results": AgencySerializer(found, many=True).data})


class ChannelsView(PublicView):
    @extend_schema(operation_id="channels_list", parameters=[CITY], responses={200: ChannelsSerializer, 400: PROBLEM})
    def get(self, request: Request) -> Response:
        """The ways by which reports come in."""
        values = read_query(request.query_params, ["city"])
        found = Channel.objects.filter(is_active=True, is_exercise=False).select_related("city").order_by("slug")
        if "city" in values:
            found = found.filter(Q(city=None) | Q(city=find_city(values["city"])))
        return Response({"results": ChannelSerializer(found, many=True).data})


class CitiesView(PublicView):
    @extend_schema(operation_id="cities_list", responses={200: CitiesSerializer, 400: PROBLEM})
    def get(self, request: Request) -> Response:
        """The cities that use this service."""
        read_query(request.query_params, [])
        roots = Prefetch("areas", Area.objects.current().filter(parent=None))
        found = City.objects.prefetch_related(roots).order_by("slug")
        return Response({"results": CitySerializer(found, many=True).data})
