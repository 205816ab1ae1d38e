"""The city at a glance: sentences and small drawings, all rendered here, so that it works without a script and can be shared."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from geo.api.glance import glance_now
from geo.areas.models import City
from geo.operations.glance.figures import Glance
from server.web.city.cards import domain_columns, reports_card
from server.web.city.sentences import outstanding
from server.web.city.strings import CITY_STRINGS


@require_safe
def city_page(request: HttpRequest) -> HttpResponse:
    """In the city's language unless the link says `?lang=en`; `?wall` for a screen that nobody touches."""
    asked = request.GET.get("lang", "")
    language = asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    cities = list(City.objects.order_by("id"))
    slug = request.GET.get("city", "")
    city = next((one for one in cities if one.slug == slug or not slug), None)
    with translation.override(language):
        context: dict[str, Any] = {
            "cities": cities if len(cities) > 1 else [],
            "city": city,
            "is_wall": "wall" in request.GET,
            "strings": {name: str(text) for name, text in CITY_STRINGS.items()},
        }
        if city is None:
            response = render(request, "city_none.html", {**context, "asked": slug}, status=404 if slug else 200)
        else:
            response = render(request, "city.html", {**context, **_shown(glance_now(city))})
            response["Cache-Control"] = "public, max-age=5"
    response["Content-Language"] = language
    return response


def _shown(glance: Glance) -> dict[str, Any]:
    readings = glance.readings_until.astimezone(glance.zone)
    stands_out, columns = outstanding(glance), domain_columns(glance)
    return {
        "glance": glance,
        "title": _("%(city)s at a glance") % {"city": glance.city_name},
        "span": _span(glance),
        "readings_until": f"{time_format(readings, 'H:i')} {readings.tzname()}",
        "as_of": _moment(glance.as_of, glance.zone),
        "outstanding": stands_out,
        "is_simulated": any(card.is_simulated for column in columns for card in column),
        "told": " ".join(line.text for line in stands_out),
        "reports": reports_card(glance),
        "columns": columns,
        "days": [str(day) for day in WEEKDAYS_ABBR.values()],
        "today": glance.as_of.astimezone(glance.zone).weekday(),
    }


def _span(glance: Glance) -> str:
    start = date_format(glance.spans.week.monday, "l j F")
    return _("From %(start)s 00:00 to %(now)s, beside last week up to the same hour.") % {
        "start": start,
        "now": _moment(glance.as_of, glance.zone),
    }


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{date_format(local, 'l j F H:i')} {local.tzname()}"
