"""What the layers of hotspots, clusters and emerging hotspots have in common: their parameters, bounds, figures and members."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Row
from geo.analysis.counts import ReportFilter
from geo.analysis.statistics.moran import GlobalMoran
from geo.analysis.survey import Question, Survey, finite
from geo.analysis.units import NeighbourRule, Unit, cell_area_m2, estimate_cells
from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.analyses.stored import AREA
from geo.layers.area_layers import SCHEMATIC
from geo.layers.layer import Parameter, Property, Query, RowSource, Text
from server.core.errors import BadParameter
from server.core.params import parse_integer

DEFAULT_LEVEL = "kelurahan"
LEAST_CELL_M, MOST_CELL_M, MOST_CELLS = 50, 5_000, 20_000
MOST_PERMUTATIONS = 99_999
# Of cells within a distance band; more take minutes and gigabytes.
MOST_PAIRS = 5_000_000
DEFAULT_DAYS = 90
# What a cell answers for its level.
CELL = "cell"


# Of whole numbers: the API's definition wants them as numbers, so that they stand in the schema, and are filled in here.
DEFAULTS = {"k": 6, "permutations": 9999, "seed": 1}


def integer(name: str, description: Text, *, minimum: int, maximum: int) -> Parameter:
    default = {"default": DEFAULTS[name]} if name in DEFAULTS else {}
    return Parameter(
        name,
        description,
        lambda text, name, city: parse_integer(text, name, minimum=minimum, maximum=maximum),
        {"type": "integer", "minimum": minimum, "maximum": maximum, **default},
    )


WHERE = [
    # No default here: it must be told from cell_m being asked for.
    Parameter("level", _("Level of the areas, by code; kelurahan unless cell_m is given."), p.level("").parse),
    integer(
        "cell_m",
        _("Hexagons with edges of so many metres instead of areas; at most 20,000 of them."),
        minimum=LEAST_CELL_M,
        maximum=MOST_CELL_M,
    ),
    p.CATEGORY,
    p.CHANNEL,
]
WHAT = [
    p.choice(
        "measure",
        _("The value: count, per_km2, per_10000 (people), or eb: the same, smoothed by Empirical Bayes."),
        ["count", "per_km2", "per_10000", "eb"],
        "count",
    ),
    p.choice(
        "counted",
        _("What is counted: incidents (duplicates are one), reports, or distinct reporters."),
        ["incidents", "reports", "reporters"],
        "incidents",
    ),
    p.choice(
        "neighbours",
        _("Who is whose neighbour: contiguity (borders or corners that touch), distance or nearest."),
        ["contiguity", "distance", "nearest"],
        "contiguity",
    ),
    p.number(
        "distance_m",
        _("With neighbours=distance: centroids at most so many metres apart."),
        minimum=50,
        maximum=50_000,
        default="2000",
    ),
    integer("k", _("With neighbours=nearest: how many, 6 unless given."), minimum=1, maximum=50),
    integer(
        "permutations",
        _("How many random orders p is reckoned from, 9999 unless given; 0: from the normal distribution."),
        minimum=0,
        maximum=MOST_PERMUTATIONS,
    ),
    integer(
        "seed",
        _("Of the random orders, 1 unless given: the same seed gives the same figures."),
        minimum=0,
        maximum=2**31 - 1,
    ),
]
UNIT = [
    *AREA,
    Property("value", "number", _("Value"), _("What measure and counted ask for; null with a reason."), decimals=4),
    Property("reports", "integer", _("Reports"), _("All public reports of the question, whatever is counted.")),
    Property("area_km2", "number", _("Surface area"), _("Of a hexagon its part in the city."), "km2", decimals=4),
    Property("population", "integer", _("Population"), _("Null where no figure is known.")),
]
SHARES = [
    Property(
        "busiest_reporter_share",
        "number",
        _("Share of the busiest reporter"),
        _(
            "Of the reports here, those that one and the same reporter made: near 1 it is one voice. Null below 5 reports."
        ),
    ),
    Property("channels", "array", _("Channels"), _("Each as slug:reports, the most used first.")),
]
NEIGHBOURS_USED = Property(
    "neighbours_used", "integer", _("Neighbours used"), _("Those with a value, itself left out.")
)
REASON = Property("reason", "string", _("Why there is no figure"))
Z = Property("z", "number", _("z"), _("In standard deviations; null with a reason."), decimals=4)
P = Property("p_value", "number", _("p-value"), _("Two-sided, of this one unit."), decimals=5)
Q = Property(
    "q_value", "number", _("q-value"), _("The p-value with false discoveries controlled over the map."), decimals=5
)


def resolve_place(city: City, values: Mapping[str, Any]) -> dict[str, Any]:
    """Areas or cells, and the neighbours, within bounds; what the rule does not use is null."""
    level, cell_m = values.get("level"), values.get("cell_m")
    if level and cell_m:
        raise BadParameter("cell_m", "give level or cell_m, not both")
    rule = values["neighbours"]
    distance_m = values["distance_m"] if rule == "distance" else None
    if cell_m:
        _check_cells(city, values, cell_m, distance_m)
    whole = {name: default if values.get(name) is None else values[name] for name, default in DEFAULTS.items()}
    return {
        **values,
        **whole,
        "level": None if cell_m else level or DEFAULT_LEVEL,
        "cell_m": cell_m,
        "distance_m": distance_m,
        "k": whole["k"] if rule == "nearest" else None,
    }


def resolve_period(city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A place, and without start and end the last 90 days of the city, today included; whole hours."""
    resolved: dict[str, Any] = p.DefaultPeriod(DEFAULT_DAYS)(city, resolve_place(city, values), now)
    # To the second, a period could be cut round single reports to learn which are one person's.
    resolved |= {name: resolved[name].replace(minute=0, second=0, microsecond=0) for name in ("start", "end")}
    if resolved["start"] >= resolved["end"]:
        raise BadParameter("end", "the period is shorter than an hour")
    return resolved


def question_of(query: Query) -> Question:
    values = query.values
    return Question(
        city_id=query.city.pk,
        level=values["level"],
        cell_m=values["cell_m"],
        reports=ReportFilter(*(tuple(values[n]) if values.get(n) else None for n in ("category", "channel"))),
        counted=values["counted"],
        measure=values["measure"],
        neighbours=NeighbourRule(values["neighbours"], values["distance_m"] or 0.0, values["k"] or 0),
        permutations=values["permutations"],
        seed=values["seed"],
    )


def unit_rows(survey: Survey, reasons: Sequence[str | None], figures: Sequence[Mapping[str, Any]]) -> list[Row]:
    """A row per unit: what each has, and the figures of the layer itself."""
    used, totals = survey.neighbours.counts, survey.counts.reports.sum(axis=1)
    return [
        Row(
            unit.key,
            {
                **_named(unit),
                "area_km2": unit.area_km2,
                "population": unit.population,
                "reports": int(totals[at]),
                "neighbours_used": int(used[at]) if survey.missing[at] is None else None,
                "reason": reasons[at],
                **figures[at],
            },
            unit.geom,
        )
        for at, unit in enumerate(survey.units.rows)
    ]


def shares(survey: Survey, at: int) -> dict[str, Any]:
    return {
        "busiest_reporter_share": survey.busiest_share(at),
        "channels": list(survey.counts.channels[at][0]),
    }


def survey_members(query: Query, survey: Survey, reason: str | None) -> dict[str, Any]:
    """What was asked, as far as it tells what the figures are, and what had to be left out."""
    asked = ("level", "cell_m", "measure", "counted", "neighbours", "distance_m", "k", "permutations", "seed")
    return {
        **{name: query.values[name] for name in asked},
        "n": int(survey.is_present.sum()),
        "reports": int(survey.counts.reports.sum()),
        "reports_outside": survey.counts.outside,
        "islands": int(survey.is_island.sum()),
        "without_value": sum(1 for each in survey.missing if each),
        "reason": reason,
    }


def moran_members(moran: GlobalMoran | None) -> dict[str, Any]:
    if moran is None:
        return {"moran": None}
    found = {"i": moran.i, "expected": moran.expected, "z": moran.z, "p": moran.p, "p_permuted": moran.p_permuted}
    return {"moran": {name: None if value is None else finite(value) for name, value in found.items()}}


def with_words(source: RowSource, method: str) -> RowSource:
    """The rows with the method and what must be known of them in words; a result that is stored has no language."""
    return replace(source, members={**source.members, "notes": notes(source.members), "method": method})


def notes(members: Mapping[str, Any]) -> list[str]:
    """What a reader must know before believing the map, in the language of whoever asks."""
    said = []
    if members.get("reason") == "too_few_areas":
        said.append(gettext("Fewer than eight areas have a value: too few for any figure."))
    elif members.get("reason"):
        said.append(gettext("There is no figure: %(reason)s.") % {"reason": members["reason"]})
    if (count := members.get("islands", 0)) and not members.get("reason"):
        said.append(
            ngettext(
                "%(count)d area has no neighbour and is not tested.",
                "%(count)d areas have no neighbour and are not tested.",
                count,
            )
            % {"count": count}
        )
    if count := members.get("without_value", 0):
        said.append(
            ngettext(
                "%(count)d area has no value and takes no part: what it would be divided by is not known.",
                "%(count)d areas have no value and take no part: what they would be divided by is not known.",
                count,
            )
            % {"count": count}
        )
    if count := members.get("reports_outside", 0):
        said.append(
            ngettext(
                "%(count)d report lies in none of the areas, or has no point, and is not counted.",
                "%(count)d reports lie in none of the areas, or have no point, and are not counted.",
                count,
            )
            % {"count": count}
        )
    if members.get("hot") == 0 and members.get("cold") == 0 and not members.get("reason"):
        said.append(
            gettext(
                "Nothing is hot or cold at 90 percent once the number of areas is taken into account. That is no proof of evenness:"
                " larger cells or a longer period have more to go by."
            )
        )
    return said


def _named(unit: Unit) -> dict[str, Any]:
    """A cell brings its own names; an area's are looked up when it is read."""
    if unit.geom is None:
        return {}
    return {"code": unit.code, "name": unit.name, "level": CELL, "is_schematic": unit.is_schematic}


def _check_cells(city: City, values: Mapping[str, Any], cell_m: int, distance_m: float | None) -> None:
    if values["measure"] in ("per_10000", "eb"):
        raise BadParameter("measure", "how many people live in a hexagon is not known; ask for areas, by level")
    cells = estimate_cells(city.pk, cell_m)
    if cells > MOST_CELLS:
        raise BadParameter(
            "cell_m", f"cell_m={cell_m} would make about {cells} hexagons; at most {MOST_CELLS} can be asked for"
        )
    pairs = cells * math.pi * (distance_m or 0.0) ** 2 / cell_area_m2(cell_m)
    if pairs > MOST_PAIRS:
        raise BadParameter(
            "distance_m",
            f"distance_m={distance_m:g} would make about {pairs:.0f} pairs of hexagons neighbours; at most {MOST_PAIRS}",
        )


def every(*parts: Sequence[Property]) -> list[Property]:
    """The properties of a layer in order, what all have at the end."""
    return [*(prop for part in parts for prop in part), NEIGHBOURS_USED, REASON, SCHEMATIC]
