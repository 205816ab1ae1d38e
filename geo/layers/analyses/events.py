"""Reports around a thing when its readings cross a threshold."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from geo.analysis.computed import Computed, Progress
from geo.analysis.events import EventsParams, EventStudy, last_place, study_events
from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.computation import Analysis
from geo.layers.layer import Parameter, Query, Text
from sensors import published
from server.core.errors import BadParameter
from server.core.params import parse_integer, parse_number

# Five years with two leap days.
MAX_DAYS = 1_827
MAX_THRESHOLD = 1e12


def _thing(text: str, name: str, city: City) -> str:
    if "\0" in text or not published.things().filter(slug=text).exists():
        raise BadParameter(name, f"there is no thing {text!r}; /api/things/ lists them")
    return text


def _whole(name: str, description: Text, *, minimum: int, maximum: int, default: str) -> Parameter:
    return Parameter(
        name,
        description,
        lambda text, name, city: parse_integer(text, name, minimum=minimum, maximum=maximum),
        {"type": "integer", "minimum": minimum, "maximum": maximum},
        default,
    )


PARAMETERS = [
    Parameter("thing", _("Thing whose readings mark the events, by slug."), _thing, required=True),
    p.PROPERTY,
    Parameter(
        "threshold",
        _("An event begins when the highest reading of an hour reaches this, in the datastream's unit."),
        lambda text, name, city: parse_number(text, name, minimum=-MAX_THRESHOLD, maximum=MAX_THRESHOLD),
        {"type": "number", "minimum": -MAX_THRESHOLD, "maximum": MAX_THRESHOLD},
        required=True,
    ),
    p.CATEGORY,
    p.number(
        "radius_m",
        _("Reports within so many metres of the thing."),
        minimum=100,
        maximum=20_000,
        default="3000",
    ),
    _whole("before", _("Hours before an event."), minimum=0, maximum=168, default="24"),
    _whole("after", _("Hours after an event."), minimum=0, maximum=168, default="24"),
    _whole(
        "quiet_h",
        _("Hours below the threshold before another event may begin."),
        minimum=0,
        maximum=720,
        default="12",
    ),
    p.START,
    p.END,
    _whole("permutations", _("Draws of ordinary days for the band."), minimum=1, maximum=9_999, default="999"),
    _whole("seed", _("The same seed gives the same draws."), minimum=0, maximum=2**31 - 1, default="0"),
]


def resolve_events(city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The last 365 days unless a period is given, in whole hours; a thing that measures the property in this city."""
    resolved = p.DefaultPeriod(365)(city, values, now)
    resolved |= {name: resolved[name].replace(minute=0, second=0, microsecond=0) for name in ("start", "end")}
    if resolved["start"] >= resolved["end"]:
        raise BadParameter("end", "the period is shorter than an hour")
    if resolved["end"] - resolved["start"] > timedelta(days=MAX_DAYS):
        raise BadParameter("start", f"at most {MAX_DAYS} days (five years) can be asked for")
    thing, code = resolved["thing"], resolved["property"]
    measured = sorted(published.datastreams(things=[thing]).values_list("observed_property__code", flat=True))
    if code not in measured:
        raise BadParameter(
            "property", f"{thing} does not measure {code}; it measures {', '.join(measured) or 'nothing'}"
        )
    place = last_place(thing, resolved["end"])
    if place is None:
        raise BadParameter("thing", f"{thing} has no location in this period, so nothing is known to be near it")
    if place.city_id not in (None, city.pk):
        raise BadParameter("thing", f"{thing} stands in another city than {city.slug}")
    return resolved


def compute_events(query: Query, progress: Progress) -> Computed:
    values = query.values
    study = study_events(
        EventsParams(
            city_id=query.city.pk,
            zone=query.city.timezone,
            thing=values["thing"],
            observed_property=values["property"],
            threshold=values["threshold"],
            start=values["start"],
            end=values["end"],
            now=query.now,
            category_ids=values.get("category"),
            radius_m=values["radius_m"],
            before=values["before"],
            after=values["after"],
            quiet_h=values["quiet_h"],
            permutations=values["permutations"],
            seed=values["seed"],
        ),
        progress,
    )
    return Computed(members={**_said_of(query), **({"reason": "no_location"} if study is None else _document(study))})


def _said_of(query: Query) -> dict[str, Any]:
    """What was asked, by its names."""
    values = query.values
    datastream = published.datastreams(things=[values["thing"]]).get(observed_property__code=values["property"])
    of = datastream.observed_property
    return {
        "thing": {"slug": datastream.thing.slug, "name": datastream.thing.name},
        "property": {"code": of.code, "name_id": of.name_id, "name_en": of.name_en},
        "unit": datastream.unit_ucum,
        "threshold": values["threshold"],
        "radius_m": values["radius_m"],
        "before": values["before"],
        "after": values["after"],
        "quiet_h": values["quiet_h"],
        "time_zone": query.city.timezone,
        "caveat": gettext_noop("An association, not a cause."),
    }


def _document(study: EventStudy) -> dict[str, Any]:
    epochs = study.epochs
    return {
        "reason": study.reason,
        "location": {"lon": study.place.lon, "lat": study.place.lat, "since": _iso(study.place.since)},
        "start": _iso(study.start),
        "end": _iso(study.end),
        "hours": study.hours,
        "hours_with_readings": study.hours_with_readings,
        "reports": study.reports,
        "crossings": [
            {
                "time": _iso(crossing.time),
                "peak": crossing.peak,
                "is_used": crossing.is_used,
                "reports_after": crossing.reports_after,
            }
            for crossing in study.crossings
        ],
        "events": epochs.events,
        "free_days": epochs.free_days,
        "permutations": epochs.permutations,
        "course": _course(study),
        "total_after": {
            "mean": _sum(epochs.mean, epochs.hours >= 0),
            "expected": _sum(epochs.expected, epochs.hours >= 0),
            "p_value": epochs.p,
            "ratio": _rounded(epochs.ratio),
            "ratio_low": _rounded(epochs.ratio_low),
            "ratio_high": _rounded(epochs.ratio_high),
        },
    }


def _course(study: EventStudy) -> list[dict[str, Any]]:
    epochs = study.epochs
    series = {name: getattr(epochs, name) for name in ("mean", "expected", "low", "high", "band_low", "band_high")}
    return [
        {"hour": int(hour), **{name: None if line is None else _rounded(line[i]) for name, line in series.items()}}
        for i, hour in enumerate(epochs.hours)
    ]


def _sum(line: Any, kept: Any) -> float | None:
    return None if line is None else _rounded(line[kept].sum())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


EVENTS = Analysis(
    id="events",
    title=_("Reports around events"),
    description=_(
        "When the readings of a thing cross a threshold: how reports near it run in the hours before and after, against the "
        "same hours of other days. An association, not a cause."
    ),
    parameters=PARAMETERS,
    versions={"geo_dataversion": ["reports", "areas"], "sensors_dataversion": ["rollups", "registry"]},
    compute=compute_events,
    resolve=resolve_events,
)
