"""The forms in which a layer's features can be downloaded, beside GeoJSON."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Format:
    """`extension` names the file, and the address `/layers/{id}.{extension}`.

    One that is streamed leaves while it is read from the database; the others are made as a file first.
    """

    extension: str
    media_type: str
    title: str | Promise
    is_streamed: bool = False


DOWNLOADS = {
    "csv": Format("csv", "text/csv", "CSV", is_streamed=True),
    # RFC 8142 has a record separator before each feature; what is called newline-delimited has none, and most who read
    # lines expect none. GDAL tells the two apart by just these extensions when it writes.
    "geojsonseq": Format(
        "geojsons", "application/geo+json-seq", _("GeoJSON text sequence (RFC 8142)"), is_streamed=True
    ),
    "geojsonl": Format("geojsonl", "application/x-ndjson", _("GeoJSON, a feature a line"), is_streamed=True),
    "flatgeobuf": Format("fgb", "application/flatgeobuf", "FlatGeobuf"),
    "gpkg": Format("gpkg", "application/geopackage+sqlite3", "GeoPackage"),
    "shp-zip": Format("shp.zip", "application/x-shapefile", _("Shapefile, zipped")),
    "geoparquet": Format("parquet", "application/vnd.apache.parquet", "GeoParquet"),
    "xlsx": Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel"),
}
