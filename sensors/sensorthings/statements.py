"""The SQL of a request: one statement for a list of entities and all that is expanded in them, one for its count.

A page is cut before it is rendered, so that what is looked up for an entity is looked up for those shown alone. Each expansion is
a LATERAL subquery of its parent: `$expand=Observations($top=1;$orderby=phenomenonTime desc)` is an index probe per datastream.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sensors.sensorthings.entities import DATASTREAM, ENTITY_TYPES, OBSERVATION, EntityType
from sensors.sensorthings.expressions import Expressions, Place, SortKey
from sensors.sensorthings.options import Expansion, Query, within
from sensors.sensorthings.paths import Resource, Step
from sensors.sensorthings.positions import Position, natural_keys
from sensors.sensorthings.rendering import (
    data_array_row,
    entity_parts,
    object_json,
    query_text,
    url_sql,
    value_json,
)
from sensors.sensorthings.terms import Parameters
from server.core.errors import BadParameter

# What a data array shows unless asked otherwise.
COMPONENTS = ("id", "phenomenonTime", "resultTime", "result", "resultQuality")


@dataclass(frozen=True, slots=True)
class Source:
    """Where entities come from: the FROM clause, and the conditions on them. `place` is the entity in it."""

    place: Place
    tables: str
    conditions: tuple[str, ...]

    def where(self, *more: str) -> str:
        return f"FROM {self.tables} WHERE {' AND '.join([*self.conditions, *more]) or 'true'}"


class Statements:
    """Makes the statements of one request; they share `parameters`."""

    def __init__(self, base: str, language: str) -> None:
        """`base` is the service root's URL, escaped as JSON is."""
        self.parameters = Parameters()
        self._expressions = Expressions(self.parameters, language)
        self._base = f"{self.parameters.bind(base)}::text"

    # What is asked for

    def entities(self, resource: Resource, query: Query, position: Position) -> str:
        """A row per entity: its JSON, then its id as text (of observations its datastream, too). One row more than `$top`."""
        source, keys = self._ordered(resource, query, position)
        entity, alias = resource.entity, "c"
        page = self._page(source, keys, query.top + 1, 0 if position.after else query.skip)
        if query.is_data_array:
            row, joins = data_array_row(self._expressions, entity, alias, components(query)), ""
        else:
            row, joins = self._row(entity, alias, query)
        more = [self._expressions.fill(entity.id_text, alias)]
        if entity is OBSERVATION:
            more.append(f"{alias}.datastream_id")
        order = ", ".join(replace(key, sql=f"{alias}.sort_{n}").text for n, key in enumerate(keys))
        return f"SELECT {', '.join([row, *more])} FROM ({page}) {alias} {joins} ORDER BY {order}"

    def count(self, resource: Resource, query: Query) -> str:
        """One row: how many there are, whatever is shown of them."""
        source = self._source(resource)
        return f"SELECT count(*) {source.where(*self._filter(query, source.place))}"

    def one(self, resource: Resource, query: Query) -> str:
        """A row with the JSON of the entity that a path leads to; none where there is no such entity."""
        row, joins = self._row(resource.entity, "c", query)
        source = self._source(resource)
        return f"SELECT {row} FROM (SELECT {source.place.alias}.* {source.where()} LIMIT 1) c {joins}"

    def value(self, resource: Resource) -> str:
        """A row with the JSON of the property that a path leads to, null where it has no value."""
        found, inside = resource.properties
        source = self._source(resource)
        sql = value_json(self._expressions, found, "c", inside)
        return f"SELECT {sql} FROM (SELECT {source.place.alias}.* {source.where()} LIMIT 1) c"

    def parent(self, resource: Resource) -> str | None:
        """A row if there is the entity whose related ones are asked for; None where that is no question."""
        if len(resource.steps) == 1:
            return None
        return f"SELECT 1 {self._source(replace(resource, steps=resource.steps[:-1])).where()} LIMIT 1"

    # Where it comes from

    def _source(self, resource: Resource) -> Source:
        """The way of a path: each step joined to the one before. Of all observations, by their datastreams."""
        if _is_all_observations(resource):
            return Source(Place(OBSERVATION, "t", {"Datastream": "d"}), _observations("t"), ())
        tables, conditions, before = "", list[str](), ""
        for number, step in enumerate(resource.steps):
            alias = f"t{number}"
            if step.navigation is None:
                tables = _observations(alias) if step.entity is OBSERVATION else f"{step.entity.source} {alias}"
            else:
                table, condition = self._expressions.joined(step.navigation, alias, before)
                tables += f" CROSS JOIN {table}"
                conditions.append(condition)
            conditions += self._identified(step, alias)
            before = alias
        joined = {}
        if len(resource.steps) > 1 and resource.steps[-2].entity is DATASTREAM and resource.entity is OBSERVATION:
            joined = {"Datastream": f"t{len(resource.steps) - 2}"}
        return Source(Place(resource.entity, before, joined), tables, tuple(conditions))

    def _identified(self, step: Step, alias: str) -> list[str]:
        columns = self._expressions.columns(step.entity, alias)
        return [
            f"{column} = {self.parameters.bind(value)}" for column, value in zip(columns, step.key or (), strict=False)
        ]

    def _filter(self, query: Query, place: Place) -> list[str]:
        return [] if query.filter is None else [self._expressions.condition(query.filter, place)]

    def _ordered(self, resource: Resource, query: Query, position: Position) -> tuple[Source, list[SortKey]]:
        source = self._source(resource)
        if _is_all_observations(resource) and position.keys:
            # By the datastreams' own key, in whose order they are read: the first ones fill a page, and the rest stay unread.
            keys = [
                replace(key, sql="d.id") if key.sql == "t.datastream_id" else key for key in position.sort_keys("t")
            ]
            return self._merged(query, position), keys
        conditions = self._filter(query, source.place)
        if position.keys:
            conditions += position.conditions(source.place.alias, self.parameters)
            keys = position.sort_keys(source.place.alias)
        else:
            keys = self._keys(query, source.place)
        return replace(source, conditions=(*source.conditions, *conditions)), keys

    def _merged(self, query: Query, position: Position) -> Source:
        """All observations in the order of their key or time: of each datastream no more than the page could show.

        There is no index over all of them by time, and none is needed.
        """
        inner = Place(OBSERVATION, "o", {"Datastream": "d"})
        conditions = [*self._filter(query, inner), *position.conditions("o", self.parameters)]
        most = query.top + 1 + (0 if position.after else query.skip)
        direction = "DESC" if position.is_descending else "ASC"
        each = (
            f"SELECT o.* FROM {OBSERVATION.source} o WHERE {' AND '.join(['o.datastream_id = d.id', *conditions])}"
            f" ORDER BY o.phenomenon_time {direction} LIMIT {most}"
        )
        return Source(Place(OBSERVATION, "t"), f"{DATASTREAM.source} d CROSS JOIN LATERAL ({each}) t", ())

    def _keys(self, query: Query, place: Place) -> list[SortKey]:
        """What is sorted by; last the entity's own key, so that the order is the same each time."""
        keys = [key for order in query.orderby for key in self._expressions.sort_keys(order, place)]
        own = self._expressions.columns(place.entity, place.alias)
        return [*keys, *(SortKey(column, False, False) for column in own)]

    def _page(self, source: Source, keys: Sequence[SortKey], limit: int, offset: int) -> str:
        alias = source.place.alias
        sorts = "".join(f", {key.sql} AS sort_{n}" for n, key in enumerate(keys))
        # By their names: a constant, too, may be ordered by.
        order = ", ".join(replace(key, sql=f"sort_{n}").text for n, key in enumerate(keys))
        return f"SELECT {alias}.*{sorts} {source.where()} ORDER BY {order} LIMIT {limit} OFFSET {offset}"

    # What it looks like

    def _row(self, entity: EntityType, alias: str, query: Query) -> tuple[str, str]:
        """The JSON of one entity, and the joins that its expansions need."""
        parts = entity_parts(self._expressions, entity, alias, query, self._base)
        joins = []
        for expansion in query.expand:
            try:
                join, shown = self._expanded(entity, alias, expansion)
            except BadParameter as error:
                raise within(expansion.name, error) from None
            joins.append(join)
            parts.update(shown)
        return object_json(parts), " ".join(joins)

    def _expanded(self, entity: EntityType, alias: str, expansion: Expansion) -> tuple[str, dict[str, str]]:
        navigation, query, name = entity.navigations[expansion.name], expansion.query, expansion.name
        target, inner, page, result = ENTITY_TYPES[navigation.target], *(self._expressions.alias() for _ in range(3))
        table, tie = self._expressions.joined(navigation, inner, alias)
        place = Place(target, inner, {"Datastream": alias} if entity is DATASTREAM and target is OBSERVATION else {})
        source = Source(place, table, (tie, *self._filter(query, place)))
        row, joins = self._row(target, page, query)
        if not navigation.is_many:
            one = f"SELECT {row} AS j FROM (SELECT {inner}.* {source.where()} LIMIT 1) {page} {joins}"
            return f"LEFT JOIN LATERAL ({one}) {result} ON true", {name: f"coalesce({result}.j, 'null')"}
        keys = natural_keys(target, query.orderby, inner) or self._keys(query, place)
        rows = self._page(source, keys, query.top + 1 if query.top else 0, query.skip)
        order = ", ".join(replace(key, sql=f"{page}.sort_{n}").text for n, key in enumerate(keys))
        listed = f"SELECT array_agg(r.j) AS a FROM (SELECT {row} AS j FROM ({rows}) {page} {joins} ORDER BY {order}) r"
        shown = {}
        if query.count:
            shown[f"{name}@iot.count"] = f"(SELECT count(*) {source.where()})::text"
        shown[name] = f"'[' || coalesce(array_to_string({result}.a[:{query.top}], ','), '') || ']'"
        if query.top:
            link = self.parameters.bind(f'/{name}?{_next_options(query)}"')
            url = url_sql(self._expressions, entity, alias, self._base)
            shown[f"{name}@iot.nextLink"] = (
                f"CASE WHEN cardinality({result}.a) > {query.top} THEN '\"' || {url} || {link}::text END"
            )
        return f"LEFT JOIN LATERAL ({listed}) {result} ON true", shown


def components(query: Query) -> tuple[str, ...]:
    """The properties in a data array, in their order."""
    chosen = tuple("id" if name == "@iot.id" else name for name in query.select if "elfLink" not in name)
    return chosen or COMPONENTS


def _observations(alias: str) -> str:
    """Those of the datastreams that are shown."""
    return f"{DATASTREAM.source} d JOIN {OBSERVATION.source} {alias} ON {alias}.datastream_id = d.id"


def _next_options(query: Query) -> str:
    rest = [(name, value) for name, value in query.given if name not in ("$top", "$skip", "$count")]
    return query_text([("$top", str(query.top)), ("$skip", str(query.skip + query.top)), *rest])


def _is_all_observations(resource: Resource) -> bool:
    return len(resource.steps) == 1 and resource.entity is OBSERVATION and resource.steps[0].key is None
