"""Where a page of observations begins. In the order of their ids or their times, a page starts at a key, however far in it lies.

Source: OASIS OData 4.0 protocol, 11.2.5.7: a `$skiptoken` is the service's own; here it is the id of the last one shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from odata_query import ast

from sensors.sensorthings.entities import ID_NAMES, OBSERVATION, EntityType
from sensors.sensorthings.expressions import SortKey
from sensors.sensorthings.ids import ObservationId, parse_id
from sensors.sensorthings.options import Order, Query
from sensors.sensorthings.terms import Parameters
from server.core.errors import BadParameter

_DATASTREAM, _TIME = "datastream_id", "phenomenon_time"
_TIMES = ("phenomenonTime", "resultTime")


@dataclass(frozen=True, slots=True)
class Position:
    """`keys` are the columns of the order, none where it is another one; `after` is the last observation shown."""

    keys: tuple[str, ...] = ()
    is_descending: bool = False
    after: ObservationId | None = None

    def sort_keys(self, alias: str) -> list[SortKey]:
        return [SortKey(f"{alias}.{key}", self.is_descending, False) for key in self.keys]

    def conditions(self, alias: str, parameters: Parameters) -> list[str]:
        """Those of the rows behind. The first column is bounded by itself as well, for the index and the partitions."""
        if self.after is None:
            return []
        values = {_DATASTREAM: f"{parameters.bind(self.after[0])}::bigint",
                  _TIME: f"{parameters.bind(self.after[1])}::timestamptz"}  # fmt: skip
        sign = "<" if self.is_descending else ">"
        row = ", ".join(f"{alias}.{key}" for key in self.keys)
        bound = ", ".join(values[key] for key in self.keys)
        first = self.keys[0]
        return [f"{alias}.{first} {sign}= {values[first]}", f"({row}) {sign} ({bound})"]


def position_of(entity: EntityType, query: Query) -> Position:
    """Errors: BadParameter for a `$skiptoken` that is none, or stands beside another order."""
    keys, is_descending = _order(entity, query.orderby)
    if not query.skiptoken:
        return Position(keys, is_descending)
    after = parse_id(entity, query.skiptoken) if keys else None
    if not isinstance(after, ObservationId):
        raise BadParameter("$skiptoken", "$skiptoken is none of this list; take it from an @iot.nextLink")
    return Position(keys, is_descending, after)


def natural_keys(entity: EntityType, orderby: Sequence[Order], alias: str) -> list[SortKey]:
    keys, is_descending = _order(entity, orderby)
    return Position(keys, is_descending).sort_keys(alias)


def _order(entity: EntityType, orderby: Sequence[Order]) -> tuple[tuple[str, ...], bool]:
    if entity is not OBSERVATION:
        return (), False
    names = [order.expression.name for order in orderby if isinstance(order.expression, ast.Identifier)]
    directions = {order.is_descending for order in orderby}
    if len(names) < len(orderby) or len(directions) > 1:
        return (), False
    by_id, by_time = [name in ID_NAMES for name in names], [name in _TIMES for name in names]
    if all(by_id) and len(by_id) <= 1:
        return (_DATASTREAM, _TIME), True in directions
    if by_time[0] and (len(names) == 1 or (len(names) == 2 and by_id[1])):
        return (_TIME, _DATASTREAM), True in directions
    return (), False
