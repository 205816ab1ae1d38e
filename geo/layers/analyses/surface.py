"""The density surface of reports: as a layer of squares, and as a compact grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _

from geo.analysis.computed import Computed, Progress, Row
from geo.analysis.surface import (
    MAX_BANDWIDTH_M,
    MAX_CELL_M,
    MAX_CELLS,
    MAX_CELLS_PER_BANDWIDTH,
    MAX_SQUARES,
    MIN_BANDWIDTH_M,
    MIN_CELL_M,
    DensitySurface,
    SurfaceParams,
    city_extent,
    default_cell,
    density_surface,
    squares,
)
from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.analyses.stored import stored_rows
from geo.layers.area_layers import YELLOW_TO_RED
from geo.layers.computation import Analysis
from geo.layers.layer import Layer, Parameter, Property, Query, RowSource, Style
from server.core.errors import BadParameter
from server.core.params import parse_integer, parse_number

# Shares of the peak at which the next class begins: fixed, so that a class means the same in every month.
CLASSES = ((0.75, "very_high"), (0.5, "high"), (0.25, "medium"), (0.1, "low"), (0.0, "very_low"))
VERSIONS: Mapping[str, Any] = {"geo_dataversion": ["reports", "areas"]}


def _bandwidth(text: str, name: str, city: City) -> float | str:
    return text if text == "auto" else parse_number(text, name, minimum=MIN_BANDWIDTH_M, maximum=MAX_BANDWIDTH_M)


def _cell(text: str, name: str, city: City) -> int:
    return parse_integer(text, name, minimum=MIN_CELL_M, maximum=MAX_CELL_M)


PARAMETERS = [
    p.CATEGORY,
    p.CHANNEL,
    p.START,
    p.END,
    p.choice(
        "counted",
        _("incidents leaves out what is marked as a duplicate; reports counts every one."),
        ["incidents", "reports"],
        "incidents",
    ),
    Parameter(
        "bandwidth_m",
        _("How far a report spreads, in metres; auto takes it from how the reports are spread."),
        _bandwidth,
        {
            "oneOf": [
                {"type": "number", "minimum": MIN_BANDWIDTH_M, "maximum": MAX_BANDWIDTH_M},
                {"type": "string", "enum": ["auto"]},
            ]
        },
        "auto",
    ),
    Parameter(
        "cell_m",
        _("Side of a cell in metres; a round size of at most a fifth of the bandwidth unless it is given."),
        _cell,
        {"type": "integer", "minimum": MIN_CELL_M, "maximum": MAX_CELL_M},
    ),
]


@dataclass(frozen=True, slots=True)
class SurfaceBounds:
    """A `resolve`: the last 90 days unless a period is given; a cell that fits the bandwidth, where that is known, in its bounds."""

    max_cells: int

    def __call__(self, city: City, values: dict[str, Any], now: datetime) -> dict[str, Any]:
        resolved = p.DefaultPeriod(90)(city, values, now)
        bandwidth_m, cell_m = _given(resolved["bandwidth_m"]), resolved.get("cell_m")
        extent = city_extent(city.pk)
        if extent is not None:
            if cell_m is None and bandwidth_m is not None:
                cell_m = default_cell(extent, bandwidth_m, self.max_cells)
            if cell_m is not None and (count := extent.cells(cell_m)) > self.max_cells:
                said = f"cells of {cell_m} m make {count} around the city; at most {self.max_cells} can be"
                raise BadParameter("cell_m", said)
        if cell_m is not None and bandwidth_m is not None:
            self._check_fit(bandwidth_m, cell_m)
        return {**resolved, "cell_m": cell_m}

    def _check_fit(self, bandwidth_m: float, cell_m: int) -> None:
        if cell_m > bandwidth_m:
            said = f"a bandwidth of {bandwidth_m:g} m is less than a cell of {cell_m} m (at most {self.max_cells} cells can be)"
            raise BadParameter("bandwidth_m", said)
        if bandwidth_m / cell_m > MAX_CELLS_PER_BANDWIDTH:
            least = bandwidth_m / MAX_CELLS_PER_BANDWIDTH
            said = f"at most {MAX_CELLS_PER_BANDWIDTH} cells to a bandwidth: of {bandwidth_m:g} m, at least {least:g} m each"
            raise BadParameter("cell_m", said)


def _given(bandwidth_m: float | str) -> float | None:
    return None if isinstance(bandwidth_m, str) else bandwidth_m


def surface_of(query: Query, max_cells: int, progress: Progress) -> DensitySurface | None:
    values = query.values
    return density_surface(
        SurfaceParams(
            city_id=query.city.pk,
            start=values["start"],
            end=values["end"],
            category_ids=values.get("category"),
            channel_ids=values.get("channel"),
            counted=values["counted"],
            bandwidth_m=_given(values["bandwidth_m"]),
            cell_m=values["cell_m"],
            max_cells=max_cells,
        ),
        progress,
    )


def said_of(query: Query, surface: DensitySurface | None) -> dict[str, Any]:
    """What layer and grid both say of the whole."""
    asked = {"counted": query.values["counted"], "unit": "1/km2", "kernel": "quartic"}
    if surface is None:
        return {**asked, "reports": 0}
    return {
        **asked,
        "bandwidth_m": surface.bandwidth_m,
        "bandwidth_rule": surface.bandwidth_rule,
        "cell_m": int(surface.grid.cell_m),
        "metric_srid": surface.srid,
        "peak": surface.peak,
        "reports": surface.total,
        "reports_without_place": surface.without_place,
        "places_rounded_to_m": surface.rounded_to_m,
    }


def class_of(share: float) -> str:
    return next(name for least, name in CLASSES if share >= least)


def compute_surface(query: Query, progress: Progress) -> Computed:
    # The other half is making the squares and storing them.
    surface = surface_of(query, MAX_SQUARES, lambda share: progress(share / 2))
    cells = [] if surface is None else squares(surface)
    rows = [
        Row(
            number,
            {
                "code": cell.code,
                "density": cell.density,
                "share": cell.share,
                "class": class_of(cell.share),
                "reports": cell.reports,
            },
            cell.geom,
        )
        for number, cell in enumerate(cells, 1)
    ]
    return Computed(rows, said_of(query, surface))


def compute_grid(query: Query, progress: Progress) -> Computed:
    surface = surface_of(query, MAX_CELLS, progress)
    members = {
        "start": query.values["start"].isoformat(),
        "end": query.values["end"].isoformat(),
        **said_of(query, surface),
    }
    if surface is None:
        return Computed(members={**members, "columns": 0, "rows": 0, "values": []})
    grid = surface.grid
    from_north = surface.density[::-1].ravel()
    return Computed(
        members={
            **members,
            "crs": f"EPSG:{surface.srid}",
            "west": grid.west_m,
            "south": grid.south_m,
            "columns": grid.columns,
            "rows": grid.rows,
            "values": [None if np.isnan(value) else value for value in from_north.tolist()],
        }
    )


def surface_rows(query: Query) -> RowSource:
    return stored_rows(query, PROPERTIES)


PROPERTIES = [
    Property("code", "string", _("Cell"), _("Its size and its south-west corner on the city's plane.")),
    Property("density", "number", _("Reports per km²"), _("At the centre of the cell."), unit="1/km2", decimals=6),
    Property("share", "number", _("Share of the peak"), _("0 to 1."), decimals=4),
    Property(
        "class", "string", _("Class"), _("By the share of the peak: from 0.1, 0.25, 0.5 and 0.75 on the next one.")
    ),
    Property("reports", "integer", _("Reports in the cell")),
]

SURFACE = Layer(
    id="surface",
    title=_("Density surface of reports"),
    description=_(
        "How thick reports lie: each is spread over a disc of the bandwidth, and added up on square cells whose centres lie in "
        "the city. Without start and end: the last 90 days."
    ),
    geometry_type="MultiPolygon",
    properties=PROPERTIES,
    parameters=PARAMETERS,
    rows=surface_rows,
    compute=compute_surface,
    is_stored=True,
    resolve=SurfaceBounds(MAX_SQUARES),
    versions=VERSIONS,
    style=Style("fill", "share", YELLOW_TO_RED, (0.1, 0.25, 0.5, 0.75)),
)

DENSITY_GRID = Analysis(
    id="density-grid",
    title=_("Density of reports as a grid"),
    description=_("The density surface as rows and columns of numbers, or as a GeoTIFF."),
    parameters=PARAMETERS,
    versions=VERSIONS,
    compute=compute_grid,
    resolve=SurfaceBounds(MAX_CELLS),
)
