"""The parameters that layers share, each parsed to a value that SQL takes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, AreaLevel, City
from geo.layers.layer import Parameter, Text
from geo.reports.categories import with_descendants
from geo.reports.models import Category, Channel, Report
from geo.reports.workflow import Status
from sensors import published
from server.core.errors import BadParameter
from server.core.params import day_start, parse_choice, parse_integer, parse_list, parse_number, parse_time


def known_category(slug: str, name: str) -> str:
    if not Category.objects.filter(slug=slug).exists():
        raise BadParameter(name, f"there is no category {slug!r}; /api/categories/ lists them")
    return slug


def _categories(text: str, name: str, city: City) -> list[int]:
    return with_descendants(parse_list(text, name, known_category))


def _channels(text: str, name: str, city: City) -> list[int]:
    def known(slug: str, name: str) -> str:
        return parse_choice(slug, name, Channel.objects.filter(is_exercise=False).values_list("slug", flat=True))

    return list(Channel.objects.filter(slug__in=parse_list(text, name, known)).values_list("id", flat=True))


def _statuses(text: str, name: str, city: City) -> list[str]:
    return list(parse_list(text, name, lambda part, name: parse_choice(part, name, Status.values)))


def parse_area(text: str, name: str, city: City) -> int:
    found = Area.objects.filter(code=text, city=city).values_list("id", flat=True).first()
    if found is None:
        raise BadParameter(name, f"there is no area {text!r} in {city.slug}; /api/areas/ lists them")
    return found


def _level(text: str, name: str, city: City) -> str:
    return parse_choice(text, name, AreaLevel.objects.values_list("code", flat=True))


def known_property(code: str, name: str) -> str:
    return parse_choice(code, name, published.observed_property_codes())


def _property(text: str, name: str, city: City) -> str:
    return known_property(text, name)


def _time(text: str, name: str, city: City) -> datetime:
    return parse_time(text, name, city.zone)


def _end(text: str, name: str, city: City) -> datetime:
    return parse_time(text, name, city.zone, end=True)


_TEXT_LIST = {"type": "string", "description": "a comma list"}

CATEGORY = Parameter(
    "category", _("Categories by slug, comma separated; a category includes all below it."), _categories, _TEXT_LIST
)
CHANNEL = Parameter("channel", _("Channels by slug, comma separated."), _channels, _TEXT_LIST)
STATUS = Parameter(
    "status", format_lazy("{} {}.", _("Statuses, comma separated:"), ", ".join(Status.values)), _statuses, _TEXT_LIST
)
KIND = Parameter(
    "kind",
    _("laporan (something is wrong somewhere) or aspirasi (a wish)."),
    lambda text, name, city: parse_choice(text, name, Report.Kind.values),
    {"type": "string", "enum": Report.Kind.values},
)
AREA = Parameter("area", _("Code of an area at any level; what lies in it or under it."), parse_area)
START = Parameter(
    "start", _("From this time or day of the city (included)."), _time, {"type": "string", "format": "date-time"}
)
END = Parameter(
    "end",
    _("To this time (excluded), or to the end of this day of the city."),
    _end,
    {"type": "string", "format": "date-time"},
)


def level(default: str) -> Parameter:
    return Parameter("level", _("Level of the areas, by code."), _level, default=default)


PROPERTY = Parameter(
    "property", _("Observed property, by code."), _property, required=True, choices=published.observed_property_codes
)
ANY_PROPERTY = Parameter("property", _("Observed property, by code."), _property)


def choice(name: str, description: Text, options: list[str], default: str) -> Parameter:
    return Parameter(
        name,
        description,
        lambda text, name, city: parse_choice(text, name, options),
        {"type": "string", "enum": options},
        default,
    )


def number(name: str, description: Text, *, minimum: float, maximum: float, default: str) -> Parameter:
    return Parameter(
        name,
        description,
        lambda text, name, city: parse_number(text, name, minimum=minimum, maximum=maximum),
        {"type": "number", "minimum": minimum, "maximum": maximum},
        default,
    )


def lag(maximum: int) -> Parameter:
    def parse(text: str, name: str, city: City) -> Any:
        return text if text == "auto" else parse_integer(text, name, minimum=0, maximum=maximum)

    return Parameter(
        "lag",
        _("How many intervals the reports come after the property, or auto for the strongest."),
        parse,
        {"oneOf": [{"type": "integer", "minimum": 0, "maximum": maximum}, {"type": "string", "enum": ["auto"]}]},
        "auto",
    )


@dataclass(frozen=True, slots=True)
class DefaultPeriod:
    """A `resolve`: without start and end, the last `days` days of the city, today included.

    geo.layers.views says the same in SQL.
    """

    days: int

    def __call__(self, city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
        end = values.get("end") or day_start(day_start(now, city.zone) + timedelta(hours=36), city.zone)
        start = values.get("start") or day_start(end - timedelta(days=self.days), city.zone)
        if start >= end:
            raise BadParameter("end", "the period ends before it starts")
        return {**values, "start": start, "end": end}
