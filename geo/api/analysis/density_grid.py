"""`/api/analysis/density-grid/`: the density surface as rows and columns, in JSON or as a GeoTIFF."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

import numpy as np
from django.contrib.gis.gdal import GDALRaster
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from geo.api.analysis.documents import JSON, DocumentView, Form, analysis_parameters
from geo.api.reports import PROBLEM
from geo.layers.analyses.surface import DENSITY_GRID

TIFF = "image/tiff"
FLOAT32 = 6
OUTSIDE = -9999.0
_NUMBER, _WHOLE, _TEXT, _TIME = (
    {"type": "number"}, {"type": "integer"}, {"type": "string"}, {"type": "string", "format": "date-time"}
)  # fmt: skip
DOCUMENT = {
    "type": "object",
    "required": [
        "analysis",
        "as_of",
        "data_version",
        "parameters",
        "start",
        "end",
        "columns",
        "rows",
        "values",
        "reports",
    ],
    "properties": {
        "analysis": _TEXT,
        "as_of": _TIME,
        "data_version": _WHOLE,
        "parameters": {"type": "object", "additionalProperties": {}},
        "start": _TIME,
        "end": _TIME,
        "counted": {"type": "string", "enum": ["incidents", "reports"]},
        "unit": _TEXT,
        "kernel": _TEXT,
        "bandwidth_m": _NUMBER,
        "bandwidth_rule": {"type": "string", "enum": ["given", "reference", "bounded", "fallback"]},
        "crs": {"type": "string", "description": "Of west and south, as in EPSG:32748."},
        "metric_srid": _WHOLE,
        "west": {"type": "number", "description": "The grid's western edge, metres in its CRS."},
        "south": {"type": "number", "description": "The grid's southern edge, metres in its CRS."},
        "cell_m": _WHOLE,
        "columns": _WHOLE,
        "rows": _WHOLE,
        "peak": _NUMBER,
        "reports": _WHOLE,
        "reports_without_place": _WHOLE,
        "places_rounded_to_m": _WHOLE,
        "values": {
            "type": "array",
            "items": {"type": "number", "nullable": True},
            "description": "Row by row from the north-west; null where a cell's centre lies outside the city.",
        },
    },
}


def geotiff(document: Mapping[str, Any]) -> bytes:
    """A GeoTIFF of one band of 32-bit floats; what lies outside the city has no data. A city without an area: one such cell."""
    columns, rows = document["columns"], document["rows"]
    values = np.array([OUTSIDE if value is None else value for value in document["values"]], dtype=np.float32)
    raster: dict[str, Any] = {
        "driver": "GTiff",
        # Names are shared by all threads of the process.
        "name": f"/vsimem/density-{uuid4()}.tif",
        "srid": document.get("metric_srid", 4326),
        "width": max(columns, 1),
        "height": max(rows, 1),
        "datatype": FLOAT32,
        "bands": [{"data": values.tobytes() or np.float32(OUTSIDE).tobytes(), "nodata_value": OUTSIDE}],
        "papsz_options": {"COMPRESS": "DEFLATE", "PREDICTOR": "3"},
    }
    if columns:
        cell_m = document["cell_m"]
        raster["origin"] = (document["west"], document["south"] + rows * cell_m)
        raster["scale"] = (cell_m, -cell_m)
    return bytes(GDALRaster(raster).vsi_buffer or b"")


class DensityGridView(DocumentView):
    analysis = DENSITY_GRID
    forms: ClassVar[Mapping[str, Form]] = {"tif": Form(TIFF, geotiff)}

    @extend_schema(
        operation_id="analysis_density_grid",
        parameters=analysis_parameters(DENSITY_GRID, forms),
        responses={
            (200, JSON): DOCUMENT,
            (200, TIFF): OpenApiTypes.BINARY,
            400: PROBLEM,
            404: PROBLEM,
            503: PROBLEM,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Reports per km² on square cells of the city's plane, by the quartic kernel; the last 90 days by default.

        `f=tif` gives a GeoTIFF, which QGIS opens by its address.
        """
        return self.answer(request)
