"""The dossier of an area: what was reported there, how it was answered, what was measured, and what that is compared with.

A section each in its own module; every section takes a fixed number of queries, however many categories, things or areas there are.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from geo.analysis.computed import Progress, no_progress
from geo.analysis.dossier_correlations import strongest_correlations
from geo.analysis.dossier_figures import SQL, DossierParams, Place, Subject, figure, iso, named_rows
from geo.analysis.dossier_hotspots import subareas
from geo.analysis.dossier_readings import readings
from geo.analysis.dossier_reports import reports
from geo.analysis.response_times import response_times

Section = Callable[[Subject], Mapping[str, Any]]
SECTIONS: Mapping[str, Section] = {
    "reports": reports,
    "response_times": response_times,
    "hotspots": subareas,
    "readings": readings,
    "correlations": strongest_correlations,
}


class NoSuchArea(LookupError):
    """The city has no current area of this code."""


def compile_dossier(params: DossierParams, progress: Progress = no_progress) -> dict[str, Any]:
    """The sections of a dossier by name, as plain JSON.

    Units:  each figure has its own, UCUM; times are RFC 3339 in UTC.
    Errors: NoSuchArea where the code is unknown, retired or another city's.
    """
    found = named_rows(SQL.area, {"code": params.code, "city_id": params.city_id})
    if not found:
        raise NoSuchArea(params.code)
    subject = _subject(params, found[0])
    dossier = {"area": _area(found[0]), "city": _city(subject), "period": _period(subject)}
    for done, (name, section) in enumerate(SECTIONS.items()):
        progress(done / len(SECTIONS))
        dossier[name] = dict(section(subject))
    return dossier


def _subject(params: DossierParams, row: Mapping[str, Any]) -> Subject:
    area = Place(row["id"], row["code"], row["name"], row["area_km2"], row["population"], row["year"], row["source"])
    city = area
    if row["root_id"] is not None:
        city = Place(*(row[f"root_{name}"] for name in ("id", "code", "name", "km2", "population", "year", "source")))
    end = max(params.start, min(params.end, params.now))
    days = _days(params)
    before = (_back(moment, days, params.zone) for moment in (params.start, end))
    return Subject(params, area, city, row["level"], row["rank"], params.start, end, *before)


def _days(params: DossierParams) -> int:
    """The least number of the city's days that the period fits in."""
    zone = ZoneInfo(params.zone)
    start, end = (moment.astimezone(zone).replace(tzinfo=None) for moment in (params.start, params.end))
    return -((start - end) // timedelta(days=1))


def _back(moment: datetime, days: int, zone: str) -> datetime:
    """The same time by the city's clock, days earlier: a day of the city may have 23 or 25 hours."""
    return (moment.astimezone(ZoneInfo(zone)) - timedelta(days=days)).astimezone(moment.tzinfo)


def _area(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "code": row["code"],
        "name": row["name"],
        "level": row["level"],
        "parent": None if row["parent"] is None else {"code": row["parent"], "name": row["parent_name"]},
        "area_km2": figure(row["area_km2"], "km2"),
        **_people(row["population"], row["year"], row["source"]),
        "is_schematic": row["is_schematic"],
        "boundary_source": row["boundary_source"],
    }


def _city(subject: Subject) -> dict[str, Any]:
    city = subject.city
    return {
        "code": city.code,
        "name": city.name,
        "area_km2": figure(city.area_km2, "km2"),
        **_people(city.population, city.year, city.source),
        "is_the_area": subject.is_the_city,
    }


def _people(population: int | None, year: int | None, source: str | None) -> dict[str, Any]:
    known = figure(population, "{person}", reason=None if population is not None else "population_unknown")
    return {"population": known, "population_year": year, "population_source": source}


def _period(subject: Subject) -> dict[str, Any]:
    return {
        "start": iso(subject.params.start),
        "end": iso(subject.params.end),
        "counted_to": iso(subject.end),
        "before_start": iso(subject.before_start),
        "before_end": iso(subject.before_end),
        "time_zone": subject.params.zone,
    }
