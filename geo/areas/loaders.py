"""Areas out of any vector file that GDAL reads: one reader for GeoJSON, zipped Shapefile, GeoPackage and their like."""

import json
import logging
import zipfile
from collections.abc import Iterator
from ctypes import c_char_p, c_void_p
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from django.contrib.gis.gdal import (
    CoordTransform,
    DataSource,
    GDALException,
    OGRGeometry,
    SpatialReference,
    SRSException,
)
from django.contrib.gis.gdal.driver import Driver
from django.contrib.gis.gdal.feature import Feature
from django.contrib.gis.gdal.layer import Layer
from django.contrib.gis.gdal.prototypes import ds as capi

from server.core.errors import PantauError

# What is opened at all. Not VRT, nor anything else that can name a second file or a host of its own choosing.
DRIVERS = (
    "GeoJSON",
    "GeoJSONSeq",
    "TopoJSON",
    "ESRI Shapefile",
    "GPKG",
    "FlatGeobuf",
    "GML",
    "LIBKML",
    "KML",
    "MapInfo File",
)
# A GML file can name the address of its schema, which is then not fetched. The other drivers pass over the option.
_OFFLINE = (c_char_p * 2)(b"DOWNLOAD_SCHEMA=NO", None)
_SUFFIXES = (".shp", ".geojson", ".json", ".gpkg", ".fgb", ".gml", ".kml", ".tab", ".mif")
_WGS84 = {4326, 4979}  # plane and with heights; both read longitude first here


class BadAreaFile(PantauError):
    """A file of areas that cannot be taken in, with where and why."""


@dataclass(frozen=True)
class FieldNames:
    """The fields of a file that hold an area's code, name and parent. Without a parent field none is read."""

    code: str = "code"
    name: str = "name"
    parent: str | None = "parent_code"

    def wanted(self) -> dict[str, str]:
        named = {"--code-field": self.code, "--name-field": self.name}
        return named | ({"--parent-field": self.parent} if self.parent else {})


@dataclass(frozen=True)
class AreaRow:
    """One feature: its number in the file (from 1), texts stripped, WKB in EPSG:4326, what was mended while reading."""

    number: int
    code: str
    name: str
    parent_code: str | None
    wkb: bytes
    mended: str


class AreaFile:
    """A vector file opened for reading.

    Errors: BadAreaFile where it cannot be opened, has no CRS, lacks a field, or a feature cannot be used.
    """

    def __init__(
        self,
        path: Path,
        fields: FieldNames,
        *,
        layer: str | None = None,
        srid: int | None = None,
        encoding: str = "utf-8",
    ) -> None:
        self.path, self.fields = path, fields
        # GDAL's remarks would stand between the lines of the progress bar; each that matters becomes an error below.
        self._log = logging.getLogger("django.contrib.gis")
        self._source = _open(path, encoding)
        self._layer = self._choose_layer(layer)
        self._transform = self._choose_transform(srid)
        self._check_fields()

    def __len__(self) -> int:
        return len(self._layer)

    def rows(self) -> Iterator[AreaRow]:
        """Every feature in the order of the file."""
        was_disabled, self._log.disabled = self._log.disabled, True
        try:
            for number, feature in enumerate(self._layer, start=1):
                yield self._row(number, feature)
        finally:
            self._log.disabled = was_disabled

    def _choose_layer(self, name: str | None) -> Layer:
        names = [self._source[i].name for i in range(self._source.layer_count)]
        if name is not None:
            if name not in names:
                raise BadAreaFile(f"{self.path} has no layer {name!r}. It has: {', '.join(names)}.")
            return self._source[names.index(name)]
        if not names:
            raise BadAreaFile(f"{self.path} has no layer.")
        if len(names) > 1:
            raise BadAreaFile(f"{self.path} has several layers ({', '.join(names)}): name one with --layer.")
        return self._source[0]

    def _choose_transform(self, srid: int | None) -> CoordTransform | None:
        try:
            found = SpatialReference(srid) if srid else self._layer.srs
        except (GDALException, SRSException):
            raise BadAreaFile(f"--srid {srid} is not a coordinate reference system that GDAL knows.") from None
        if found is None:
            raise BadAreaFile(f"{self.path} does not say its coordinate reference system: give it with --srid.")
        try:
            if found.srid in _WGS84:
                return None
        except (SRSException, TypeError, ValueError):
            pass  # No EPSG number, as in many .prj files; GDAL transforms from the definition itself.
        return CoordTransform(found, SpatialReference(4326))

    def _check_fields(self) -> None:
        if not len(self._layer):
            raise BadAreaFile(f"{self.path} has no feature.")
        present = self._layer.fields
        for option, name in self.fields.wanted().items():
            if name not in present:
                listed = ", ".join(present) or "none"
                raise BadAreaFile(f"{self.path} has no field {name!r} ({option}). Its fields: {listed}.")

    def _row(self, number: int, feature: Feature) -> AreaRow:
        code = self._text(number, feature, self.fields.code)
        if not code:
            raise BadAreaFile(f"{self.path}, feature {number}: the field {self.fields.code!r} (--code-field) is empty.")
        where = f"{self.path}, feature {number} ({code})"
        name = self._text(number, feature, self.fields.name)
        if not name:
            raise BadAreaFile(f"{where}: the field {self.fields.name!r} (--name-field) is empty.")
        if len(code) > 32 or len(name) > 200:
            raise BadAreaFile(f"{where}: a code has at most 32 characters, a name 200.")
        parent = self._text(number, feature, self.fields.parent) if self.fields.parent else ""
        wkb, mended = self._boundary(where, feature)
        return AreaRow(number, code, name, parent or None, wkb, mended)

    def _text(self, number: int, feature: Feature, field: str) -> str:
        """A field as text: numbers as they are written, null as nothing."""
        try:
            return str(feature[field].as_string() or "").strip()
        except UnicodeDecodeError:
            raise BadAreaFile(
                f"{self.path}, feature {number}: {field!r} is not in this encoding: give --encoding."
            ) from None

    def _boundary(self, where: str, feature: Feature) -> tuple[bytes, str]:
        try:
            geometry = feature.geom
        except GDALException:
            raise BadAreaFile(f"{where}: there is no geometry, or none that can be read.") from None
        if geometry.has_curve:
            geometry = geometry.get_linear_geometry()
        kind = geometry.geom_type.name
        if not kind.startswith(("Polygon", "MultiPolygon")) or geometry.empty:
            raise BadAreaFile(f"{where}: the geometry is {'empty' if geometry.empty else f'a {kind}'}, not a polygon.")
        geometry, mended = close_rings(geometry)
        try:
            if self._transform is not None:
                geometry.transform(self._transform)
        except GDALException:
            raise BadAreaFile(
                f"{where}: the coordinates cannot be transformed to EPSG:4326: is the CRS right?"
            ) from None
        west, south, east, north = geometry.extent
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise BadAreaFile(
                f"{where}: it spans {west:g} to {east:g} and {south:g} to {north:g}, which are not degrees of longitude and"
                " latitude: give the CRS of the file with --srid."
            )
        return bytes(geometry.wkb), mended


def close_rings(geometry: OGRGeometry) -> tuple[OGRGeometry, str]:
    """The geometry with every ring closed, without rings of fewer than 3 corners, and what had to be done for it."""
    done = []
    points = geometry.point_count
    geometry.close_rings()
    if geometry.point_count != points:
        done.append("a ring was not closed")
    nested: Any = geometry.tuple  # type: ignore[attr-defined]
    polygons = nested if geometry.geom_type.name.startswith("Multi") else (nested,)
    # PostGIS refuses a ring of fewer than 4 points outright, so that ST_MakeValid never sees it.
    whole = [[ring for ring in rings if len(ring) >= 4] for rings in polygons if rings and len(rings[0]) >= 4]
    if whole and sum(map(len, whole)) != sum(map(len, polygons)):
        done.append("a ring had fewer than 3 corners")
        geometry = OGRGeometry(json.dumps({"type": "MultiPolygon", "coordinates": whole}))
    return geometry, "; ".join(done)


def _open(path: Path, encoding: str) -> DataSource:
    if not path.is_file():
        raise BadAreaFile(f"{path} is not a file.")
    name = _inside_zip(path) if zipfile.is_zipfile(path) and path.suffix.lower() != ".kmz" else str(path.resolve())
    Driver.ensure_registered()
    allowed = (c_char_p * (len(DRIVERS) + 1))(*(driver.encode() for driver in DRIVERS), None)
    log = logging.getLogger("django.contrib.gis")
    was_disabled, log.disabled = log.disabled, True
    try:
        pointer = capi.open_ds(name.encode(), capi.GDAL_OF_READONLY | capi.GDAL_OF_VECTOR, allowed, _OFFLINE, None)
        return DataSource(pointer, ds_driver=c_void_p(), encoding=encoding)  # type: ignore[arg-type]
    except (GDALException, LookupError):
        raise BadAreaFile(
            f"{path} is not a vector file that can be read here. Formats: {', '.join(DRIVERS)}."
        ) from None
    finally:
        log.disabled = was_disabled


def _inside_zip(path: Path) -> str:
    """GDAL's name for the one vector file in a zip archive, in whatever folder of it."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
    found = [name for name in names if PurePosixPath(name).suffix.lower() in _SUFFIXES]
    if len(found) != 1:
        listed = ", ".join(found) or "none"
        raise BadAreaFile(f"{path} should hold one vector file ({', '.join(_SUFFIXES)}). It holds: {listed}.")
    return f"/vsizip/{{{path.resolve()}}}/{found[0]}"
