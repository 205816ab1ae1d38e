"""Features of any layer as GeoJSON text, written by PostGIS and streamed in chunks."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from geo.layers.copying import copy_values
from geo.layers.crs import CRS84, Crs
from geo.layers.layer import Layer, Property
from geo.layers.select import (
    Selection,
    Window,
    leading_sql,
    selected_sql,
    window_sql,
)


@dataclass(frozen=True, slots=True)
class Output:
    """How features are written: in which CRS, which properties (None: all), with their geometry or without."""

    crs: Crs = CRS84
    properties: tuple[str, ...] | None = None
    has_geometry: bool = True


class FeatureStream:
    """The features of a page in chunks of (count, JSON text): no object is made of a feature on the way."""

    def __init__(self, selection: Selection, window: Window, output: Output) -> None:
        self.selection, self.window, self.output = selection, window, output

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        layer, output = self.selection.layer, self.output
        feature, beside = feature_sql(layer, output), properties_sql(layer, output)
        window = self.window
        left = window.limit
        if window.leading and window.after is None:
            sql, params = leading_sql(self.selection, feature, window.leading, beside)
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                first = [row[0] for row in cursor.fetchall()]
            passed = min(window.offset, len(first))
            shown = first[passed : passed + left]
            if shown:
                left -= len(shown)
                yield len(shown), ",".join(shown).encode()
            window = Window(left, None, window.offset - passed, window.leading)
        sql, params = window_sql(self.selection, feature, window, beside)
        yield from copy_values(sql, params)


def one_feature(selection: Selection, fid: str, output: Output) -> str | None:
    """One feature by its id, as JSON text; None if the selection does not hold it."""
    if "\0" in fid:  # in no text of PostgreSQL's
        return None
    where, params = selected_sql(selection, properties_sql(selection.layer, output))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {feature_sql(selection.layer, output)} {where} AND s.fid = %(fid)s", {**params, "fid": fid}
        )
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def feature_sql(layer: Layer, output: Output) -> str:
    """The expression that is a row's feature as JSON text, where `properties_sql` is joined to the row."""
    geometry = f"coalesce(ST_AsGeoJSON({_geometry_sql(layer, output)}, {output.crs.digits}, 0), 'null')"
    return (
        '\'{"type":"Feature","id":\' || to_json(s.fid)::text || \',"geometry":\''
        f" || {geometry if output.has_geometry else chr(39) + 'null' + chr(39)}"
        f" || ',\"properties\":' || {'row_to_json(_properties)::text' if chosen(layer, output) else chr(39) + '{}' + chr(39)} || '}}'"
    )


def properties_sql(layer: Layer, output: Output) -> str:
    """The row of a feature's properties, beside the row, as one column. As a subquery in the expression it takes 5 % longer."""
    columns = ", ".join(f"{_value_sql(prop)} AS {prop.name}" for prop in chosen(layer, output))
    return f"CROSS JOIN LATERAL (SELECT {columns}) _properties" if columns else ""


def chosen(layer: Layer, output: Output) -> list[Property]:
    """The properties that are asked for, in the order of the declaration."""
    return [prop for prop in layer.properties if output.properties is None or prop.name in output.properties]


def _geometry_sql(layer: Layer, output: Output) -> str:
    # RFC 7946 section 3.1.6: outer rings run counter-clockwise.
    geometry = "s.geom" if layer.geometry_type == "Point" else "ST_ForcePolygonCCW(s.geom)"
    if output.crs.srid != CRS84.srid:
        geometry = f"ST_Transform({geometry}, {output.crs.srid:d})"
    return f"ST_FlipCoordinates({geometry})" if output.crs.is_y_first else geometry


def _value_sql(prop: Property) -> str:
    # row_to_json prints the float 5.0 as 5, and QGIS then takes the column for whole numbers: a numeric keeps its digits.
    if prop.type == "number":
        return f"round(s.{prop.name}::numeric, {max(prop.decimals, 1)})"
    return f"s.{prop.name}"
