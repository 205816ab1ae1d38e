"""From a sentence to the map that shows it: the map keeps its choices in the fragment of its address."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import get_language

from geo.operations.glance.figures import Glance

# The map's own names of what can be opened.
AREA, THING = "area", "thing"


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence. `tone`: `bad` is beyond a limit now, `warn` was so this week or rose, else empty."""

    text: str
    href: str = ""
    tone: str = ""


def to_map(glance: Glance, **choices: str) -> str:
    """The map of this week; `category`, `property`, `open`, `show` as the page's own choices are named."""
    monday = glance.spans.week.monday
    today = glance.as_of.astimezone(glance.zone).date()
    period = f"{monday.isoformat()}..{max(today, monday).isoformat()}"
    chosen = {"city": glance.city, "period": period, **choices}
    return f"/?lang={get_language()}#{urlencode(chosen, safe=':,./')}"


def opened(glance: Glance, kind: str, key: str | None) -> str:
    """The map with the panel of an area or a thing."""
    return to_map(glance, open=f"{kind}:{key}") if key else to_map(glance)
