"""CQL2 filters (OGC 21-065r2) as conditions on a layer's rows.

`cql2.parse_text` only parses; its tree is checked here against the layer's properties, the operators and the kinds of
values, and becomes SQL in which every value is a parameter. What PostgreSQL could stumble over is refused before.

Logic is SQL's, with three values: a comparison with a property that has no value is neither true nor false, so the
feature does not match, and under NOT does not match either; `isNull` asks.
"""

from typing import Literal
from zoneinfo import ZoneInfo

from geo.layers.cql2.operands import Scope
from geo.layers.cql2.predicates import OPERATORS, condition_sql
from geo.layers.cql2.reading import read_filter
from geo.layers.layer import Condition, Layer

__all__ = ["CONFORMANCE", "OPERATORS", "compile_filter"]

# Requirements classes of OGC 21-065r2 that hold, as http://www.opengis.net/spec/cql2/1.0/conf/{name}.
CONFORMANCE = (
    "cql2-text",
    "cql2-json",
    "basic-cql2",
    "advanced-comparison-operators",
    "case-insensitive-comparison",
    "accent-insensitive-comparison",
    "basic-spatial-functions",
    "basic-spatial-functions-plus",
    "spatial-functions",
    "temporal-functions",
    "property-property",
    "arithmetic",
)


def compile_filter(
    text: str, *, lang: Literal["cql2-text", "cql2-json"], layer: Layer, zone: ZoneInfo, srid: int, flip: bool
) -> Condition:
    """The condition that a filter puts on `s`.

    Units:  geometries are in `srid`, with their second axis first where `flip`; they are transformed to EPSG:4326, the
            column never is. A DATE is a day in `zone`, from its start up to the start of the next.
    Errors: BadParameter("filter") for whatever cannot be read, is not known, does not fit together or is out of bounds.
    Limits: numbers of cql2-text are doubles (whole numbers exact to 2**53); those of cql2-json are exact.
    """
    scope = Scope(properties={prop.name: prop for prop in layer.properties}, zone=zone, srid=srid, flip=flip)
    sql = condition_sql(read_filter(text, lang), scope)
    return Condition(sql, scope.params)
