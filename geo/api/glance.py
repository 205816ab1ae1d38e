"""`/api/glance/`: the city at a glance, this week against last, from what everybody may see."""

from django.core.cache import cache
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.glance_serializers import GlanceSerializer
from geo.api.reports import PROBLEM
from geo.api.views import PublicView, parameter, utc_now
from geo.areas.models import City
from geo.layers.asking import resolve_city
from geo.operations.glance.figures import Glance
from geo.operations.glance.gathering import glance_of
from server.core.listing import read_query
from server.core.versions import data_version

# Reports and readings come all the time: what it tells of them is a minute old at the most. A new city is there at once.
SCOPES = {"geo_dataversion": ["areas"], "sensors_dataversion": ["registry"]}
KEEP_S = 120


def glance_now(city: City) -> Glance:
    """As of this minute, computed once however many ask."""
    now = utc_now().replace(second=0, microsecond=0)
    key = f"glance-{city.pk}-{now.timestamp():.0f}-{data_version(SCOPES).number}"
    found = cache.get_or_set(key, lambda: glance_of(city, now), KEEP_S)
    assert isinstance(found, Glance)
    return found


class GlanceView(PublicView):
    @extend_schema(
        operation_id="glance_retrieve",
        parameters=[parameter("city", "The city by slug; with one city it is the default.")],
        responses={200: GlanceSerializer, 400: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """This week from Monday 00:00 of the city up to now against last week up to the same hour: reports and the four domains."""
        values = read_query(request.query_params, ["city"])
        return Response(GlanceSerializer(glance_now(resolve_city(values.get("city")))).data)
