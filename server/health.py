"""Whether the service lives, and whether it can serve."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from server.core.installation import own_mark


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """PostGIS answers, the schema is there, and a city is loaded: a map can be served. `installation` tells who answers."""
    mark = own_mark(settings.SECRET_KEY)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT postgis_lib_version(), (SELECT count(*) FROM geo_city)")
            postgis, cities = cursor.fetchone()
    except DatabaseError:
        told = {"status": "not ready", "database": "not reachable or not migrated", "installation": mark}
        return JsonResponse(told, status=503)
    return JsonResponse({"status": "ready", "postgis": postgis, "cities": cities, "installation": mark})
