"""The forms in which a layer's features can be downloaded, beside GeoJSON."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """`extension` names the file, and the address `/layers/{id}.{extension}`."""

    extension: str
    media_type: str
    title: str


DOWNLOADS = {
    "csv": Format("csv", "text/csv", "CSV"),
    "geojsonseq": Format("geojsonl", "application/geo+json-seq", "GeoJSON, a feature a line"),
    "flatgeobuf": Format("fgb", "application/flatgeobuf", "FlatGeobuf"),
    "gpkg": Format("gpkg", "application/geopackage+sqlite3", "GeoPackage"),
    "shp-zip": Format("shp.zip", "application/x-shapefile", "Shapefile, zipped"),
    "geoparquet": Format("parquet", "application/vnd.apache.parquet", "GeoParquet"),
    "xlsx": Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel"),
}
