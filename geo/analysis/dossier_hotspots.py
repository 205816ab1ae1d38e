"""Hotspots inside an area: the areas of the level below, each with its Gi* among all of the city."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from geo.analysis.counts import ReportFilter
from geo.analysis.dossier_figures import SQL, Subject, figure
from geo.analysis.hotspots import find_hotspots, undefined
from geo.analysis.survey import Question

TOP_CATEGORIES = 3


def subareas(subject: Subject) -> dict[str, Any]:
    """Four queries: the areas below with their counts; the city's areas of that level, what touches, and what they count."""
    rows = subject.rows(SQL.subareas, top=TOP_CATEGORIES)
    if not rows:
        return {"level": None, "areas": [], "reason": "no_level_below"}
    level = rows[0]["level"]
    found, reason = _hotspots(subject, level)
    return {
        "level": level,
        # As the layer `hotspots` has it where nothing else is asked for.
        "counted": "incidents",
        "measure": "count",
        "neighbours": "contiguity",
        "compared_with": "areas_of_the_level_in_the_city",
        "areas": [_subarea(row, found.get(row["code"]), reason) for row in rows],
        "reason": reason,
    }


def _subarea(row: Mapping[str, Any], hotspot: Mapping[str, Any] | None, reason: str | None) -> dict[str, Any]:
    reports, people = row["reports"], row["population"]
    return {
        "code": row["code"],
        "name": row["name"],
        "reports": figure(reports, "{report}", n=reports),
        "per_km2": figure(reports / row["area_km2"] if row["area_km2"] else None, "{report}/km2", n=reports),
        "per_10000": figure(
            reports * 10_000 / people if people else None,
            "{report}/(10*4.{person})",
            n=reports,
            reason=None if people else "population_unknown",
        ),
        "categories": _categories(json.loads(row["categories"])),
        **(hotspot or {"z": None, "p": None, "q": None, "class": None, "reason": reason}),
    }


def _categories(entries: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    return [
        {"category": slug, "name_id": name_id, "name_en": name_en, "reports": reports}
        for slug, name_id, name_en, reports in entries
    ]


def _hotspots(subject: Subject, level: str) -> tuple[dict[str, dict[str, Any]], str | None]:
    """What the layer `hotspots` says by default of the areas of a level, by code; or why it says nothing."""
    if subject.start >= subject.end:
        return {}, "period_not_begun"
    question = Question(subject.params.city_id, level, None, ReportFilter(subject.params.category_ids))
    found = find_hotspots(question, subject.start, subject.end)
    scores, survey = found.scores, found.survey
    reasons = undefined(scores.z, survey.reasons(scores.reason), survey.is_present)
    return {
        unit.code: {
            "z": _number(scores.z[i]),
            "p": _number(scores.p[i]),
            "q": _number(scores.q[i]),
            "class": scores.classes[i],
            "reason": reasons[i],
        }
        for i, unit in enumerate(survey.units.rows)
    }, scores.reason


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
