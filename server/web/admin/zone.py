"""Times in the admin are those of the city of who reads them."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from geo.areas.models import City


class AdminZoneMiddleware:
    """The zone that all of somebody's cities have in common, else the instance's. After the one that says who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        with timezone.override(zone_of(request)):
            return self.get_response(request)


def zone_of(request: HttpRequest) -> ZoneInfo:
    cities = City.objects.all()
    if not request.user.is_superuser:
        cities = cities.filter(roles__user=request.user.pk)
    names = set(cities.values_list("timezone", flat=True))
    return ZoneInfo(names.pop() if len(names) == 1 else settings.DEFAULT_TIME_ZONE)
