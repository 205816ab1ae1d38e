"""The board: for staff of a city, by the session of the admin's login. `?wall`: what hangs on the operation centre's wall."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from geo.areas.models import City
from geo.reports.access.principals import HANDLING, Principal, principal_of_user
from server.web.operations.strings import operations_strings


@require_safe
def operations_page(request: HttpRequest) -> HttpResponse:
    """Who has not signed in is sent to do so, and gets no cookie here; who has no role is told whom to ask."""
    asked = request.GET.get("lang", "")
    language = asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    if not request.user.is_authenticated:
        login = f"{reverse('admin:login')}?{urlencode({'next': request.get_full_path()})}"
        response: HttpResponse = HttpResponseRedirect(login)
    else:
        with translation.override(language):
            response = _page(request, principal_of_user(request.user))
        response["Content-Language"] = language
    response["Cache-Control"] = "private, no-store"
    return response


@ensure_csrf_cookie
def _page(request: HttpRequest, by: Principal) -> HttpResponse:
    cities = _cities_of(by)
    city = next((one for one in cities if one.slug == request.GET.get("city")), cities[0] if cities else None)
    if city is None:
        return render(request, "operations_none.html", {"has_role": by.is_staff}, status=200 if by.is_staff else 403)
    context = {"city": city, "cities": cities, "me": _me(request, by, city), "strings": operations_strings()}
    return render(request, "operations_wall.html" if "wall" in request.GET else "operations.html", context)


def _cities_of(by: Principal) -> list[City]:
    if not by.is_staff:
        return []
    found = City.objects.order_by("name", "slug")
    return list(found if by.city_ids is None else found.filter(pk__in=by.city_ids))


def _me(request: HttpRequest, by: Principal, city: City) -> dict[str, Any]:
    """What the page needs to know of who looks at it; what they may do is decided by the API, each time."""
    return {
        "user": request.user.get_username(),
        "city": city.slug,
        "city_name": city.name,
        "zone": city.zone.key,
        "handles": by.has_role(city.pk, HANDLING),
        "dispatches": by.may_dispatch_in(city.pk),
        "signed_in_until": request.session.get_expiry_date().isoformat(),
    }
