"""The list of layers. A new layer is one declaration and one query, and a line here."""

from collections.abc import Sequence

from geo.layers.analysis_layers import CORRELATION
from geo.layers.area_layers import CITIES, DENSITY, DISTRICTS, SUBDISTRICTS
from geo.layers.layer import Layer
from geo.layers.report_layers import REPORTS
from geo.layers.sensor_layers import SENSORS
from server.core.errors import NotFound

LAYERS: Sequence[Layer] = (REPORTS, SENSORS, CITIES, DISTRICTS, SUBDISTRICTS, DENSITY, CORRELATION)


def layer_by_id(layer_id: str) -> Layer:
    for layer in LAYERS:
        if layer.id == layer_id:
            return layer
    raise NotFound(f"There is no layer {layer_id!r}; /layers/ lists them.")
