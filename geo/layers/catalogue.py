"""The list of layers, and of analyses beside them. A new one is one declaration, its query or computation, and a line here."""

from collections.abc import Sequence

from geo.layers.analyses.bivariate import BIVARIATE
from geo.layers.analyses.clusters import CLUSTERS
from geo.layers.analyses.correlation import CORRELATION
from geo.layers.analyses.dossier import DOSSIER
from geo.layers.analyses.emerging import EMERGING
from geo.layers.analyses.events import EVENTS
from geo.layers.analyses.hotspots import HOTSPOTS
from geo.layers.analyses.intervention_effect import INTERVENTION_EFFECT
from geo.layers.analyses.matrix import MATRIX
from geo.layers.analyses.surface import DENSITY_GRID, SURFACE
from geo.layers.area_layers import CITIES, DENSITY, DISTRICTS, SUBDISTRICTS
from geo.layers.computation import Analysis, Computation
from geo.layers.incident_layers import INCIDENTS
from geo.layers.layer import Layer
from geo.layers.report_layers import REPORTS
from geo.layers.sensor_layers import SENSORS
from server.core.errors import NotFound

LAYERS: Sequence[Layer] = (
    REPORTS,
    INCIDENTS,
    SENSORS,
    CITIES,
    DISTRICTS,
    SUBDISTRICTS,
    DENSITY,
    SURFACE,
    HOTSPOTS,
    CLUSTERS,
    EMERGING,
    CORRELATION,
    BIVARIATE,
)

# Analyses whose result is a document.
ANALYSES: Sequence[Analysis] = (MATRIX, DENSITY_GRID, EVENTS, DOSSIER, INTERVENTION_EFFECT)


def layer_by_id(layer_id: str) -> Layer:
    for layer in LAYERS:
        if layer.id == layer_id:
            return layer
    raise NotFound(f"There is no layer {layer_id!r}; /layers/ lists them.")


def computation_by_id(computation_id: str) -> Computation:
    known: Sequence[Computation] = (*LAYERS, *ANALYSES)
    for computation in known:
        if computation.id == computation_id:
            return computation
    raise NotFound(f"There is no analysis {computation_id!r}.")
