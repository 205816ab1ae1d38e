"""From the syntax tree of `$filter` and `$orderby` to SQL.

A path over related entities (`Datastreams/Observations/result gt 5`) asks whether there is one: EXISTS. Conditions joined by `and`
speak of the same one, as in the standard's example (OGC 18-088, 9.3.3.5, example 4); each side of `or`, and what `not` negates,
has its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from odata_query import ast
from odata_query.visitor import NodeVisitor

from sensors.sensorthings.comparisons import compare
from sensors.sensorthings.entities import ENTITY_TYPES, ID_NAMES, EntityType, Kind, Navigation, Property
from sensors.sensorthings.functions import FUNCTIONS, geography
from sensors.sensorthings.options import Order
from sensors.sensorthings.syntax import Interval
from sensors.sensorthings.terms import Parameters, Reader, Term
from server.core.errors import BadParameter

_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


@dataclass(slots=True)
class Joins:
    """Related entities that an expression speaks of, by the way to each."""

    aliases: dict[tuple[str, ...], str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    is_used: bool = False
    only_one: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression is evaluated: an entity under an alias, and related ones that the statement has joined already."""

    entity: EntityType
    alias: str
    joined: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SortKey:
    sql: str
    is_descending: bool
    is_nullable: bool

    @property
    def text(self) -> str:
        """Null comes before all values (OGC 18-088, 9.3.3.1); what is never null is left to its index."""
        if not self.is_nullable:
            return f"{self.sql} DESC" if self.is_descending else self.sql
        return f"{self.sql} DESC NULLS LAST" if self.is_descending else f"{self.sql} NULLS FIRST"


class Expressions:
    """Makes the SQL of one statement's expressions; its values go into `parameters`."""

    def __init__(self, parameters: Parameters, language: str) -> None:
        self.parameters = parameters
        self._language = language
        self._numbers = count()

    def alias(self) -> str:
        return f"x{next(self._numbers)}"

    def condition(self, node: ast._Node, place: Place) -> str:
        """A boolean. Errors: BadParameter."""
        with _bounded("$filter"):
            return _Translator(self, place, Reader("$filter", self.parameters)).condition(node)

    def sort_keys(self, order: Order, place: Place) -> list[SortKey]:
        """By what one expression of `$orderby` sorts; an id has a key for each of its columns."""
        with _bounded("$orderby"):
            return _Translator(self, place, Reader("$orderby", self.parameters)).sort_keys(order)

    def fill(self, template: str, alias: str, parent: str = "") -> str:
        return template.replace("{t}", alias).replace("{p}", parent).replace("{lang}", self._language)

    def joined(self, navigation: Navigation, alias: str, parent: str) -> tuple[str, str]:
        """The FROM item of a navigation's target, and the condition that ties it to its parent."""
        source = navigation.source or ENTITY_TYPES[navigation.target].source
        lateral = "LATERAL " if source.startswith("(") else ""
        return lateral + self.fill(source, alias, parent) + f" {alias}", self.fill(navigation.condition, alias, parent)

    def columns(self, entity: EntityType, alias: str) -> tuple[str, ...]:
        return tuple(self.fill(column, alias) for column in entity.columns)


@dataclass(slots=True)
class _Translator(NodeVisitor):
    expressions: Expressions
    place: Place
    reader: Reader
    joins: Joins = field(default_factory=Joins)

    def condition(self, node: ast._Node) -> str:
        """Each conjunct that speaks of related entities stands in one EXISTS with the others that do."""
        outside, inside, kept = list[str](), list[str](), self.joins
        self.joins = Joins()
        for part in _flat(node, ast.And):
            self.joins.is_used = False
            sql = self._part(part)
            (inside if self.joins.is_used else outside).append(sql)
        if inside:
            outside.append(f"EXISTS (SELECT 1 {self._from(' AND '.join(inside))})")
        self.joins = kept
        return "(" + " AND ".join(outside) + ")"

    def _part(self, node: ast._Node) -> str:
        if isinstance(node, ast.BoolOp):  # an `or`
            return "(" + " OR ".join(self.condition(side) for side in _flat(node, ast.Or)) + ")"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return f"(NOT {self.condition(node.operand)})"
        return self.reader.need(self.term(node), Kind.BOOLEAN, "a condition")

    def _from(self, inside: str) -> str:
        return f"FROM {' CROSS JOIN '.join(self.joins.sources)} WHERE {' AND '.join([*self.joins.conditions, inside])}"

    def sort_keys(self, order: Order) -> list[SortKey]:
        self.joins.only_one = True
        term = self.term(order.expression)
        if term.kind in (Kind.COMPLEX, Kind.GEOMETRY, Kind.NULL):
            raise self.reader.wrong("what is ordered by is a value, such as a name, a time or a number")
        columns = term.columns or (term.sql, *([term.end] if term.end else []))
        if self.joins.sources:
            columns = tuple(f"(SELECT {column} {self._from('true')})" for column in columns)
        is_nullable = term.is_nullable or bool(self.joins.sources)
        return [SortKey(column, order.is_descending, is_nullable) for column in columns]

    # Values

    def term(self, node: ast._Node) -> Term:
        found: Term = self.visit(node)
        return found

    def generic_visit(self, node: ast._Node) -> Any:
        raise self.reader.wrong(f"{type(node).__name__} is not offered")

    def visit_BoolOp(self, node: ast.BoolOp) -> Term:
        return Term(Kind.BOOLEAN, self.condition(node))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Term:
        if isinstance(node.op, ast.Not):
            return Term(Kind.BOOLEAN, self.condition(node))
        return Term(Kind.NUMBER, f"(- {self.reader.need(self.term(node.operand), Kind.NUMBER, 'minus')})")

    def visit_Null(self, node: ast.Null) -> Term:
        return Term(Kind.NULL, "NULL")

    def visit_Integer(self, node: ast.Integer) -> Term:
        return self._number(node.val)

    def visit_Float(self, node: ast.Float) -> Term:
        return self._number(node.val)

    def _number(self, text: str) -> Term:
        return Term(Kind.NUMBER, f"{self.reader.parameters.bind(float(text))}::float8", text=text)

    def visit_Boolean(self, node: ast.Boolean) -> Term:
        return Term(Kind.BOOLEAN, "true" if node.val.lower() == "true" else "false")

    def visit_String(self, node: ast.String) -> Term:
        return Term(Kind.TEXT, f"{self.reader.parameters.bind(node.val)}::text", text=node.val)

    def visit_GUID(self, node: ast.GUID) -> Term:
        return Term(Kind.TEXT, f"{self.reader.parameters.bind(node.val)}::text", text=node.val)

    def visit_DateTime(self, node: ast.DateTime) -> Term:
        return self.reader.time(node.val, "a time")

    def visit_Interval(self, node: Interval) -> Term:
        start, end = self.reader.time(node.start, "an interval"), self.reader.time(node.end, "an interval")
        return Term(Kind.INTERVAL, start.sql, end=end.sql)

    def visit_Date(self, node: ast.Date) -> Term:
        return self.reader.day(node.val)

    def visit_Time(self, node: ast.Time) -> Term:
        try:
            return Term(Kind.CLOCK, f"{self.reader.parameters.bind(node.py_val)}::time", text=node.val)
        except ValueError:
            raise self.reader.wrong(f"{node.val!r} is not a time of day") from None

    def visit_Duration(self, node: ast.Duration) -> Term:
        try:
            return Term(Kind.DURATION, f"{self.reader.parameters.bind(node.py_val)}::interval", text=node.val)
        except (ValueError, OverflowError):
            raise self.reader.wrong(f"{node.val!r} is not a duration, such as PT1H") from None

    def visit_Geography(self, node: ast.Geography) -> Term:
        return geography(self.reader, node.val)

    def visit_BinOp(self, node: ast.BinOp) -> Term:
        left, right = self.term(node.left), self.term(node.right)
        sign = _ARITHMETIC.get(type(node.op), "")
        if right.kind is Kind.DURATION and sign in ("+", "-") and left.kind is not Kind.DURATION:
            return Term(Kind.TIME, f"({self.reader.times(left, 'arithmetic').sql} {sign} {right.sql})")
        one, other = (self.reader.need(term, Kind.NUMBER, "arithmetic") for term in (left, right))
        if isinstance(node.op, ast.Div):
            return Term(Kind.NUMBER, f"({one} / nullif({other}, 0))")
        if isinstance(node.op, ast.Mod):
            return Term(Kind.NUMBER, f"mod(({one})::numeric, nullif(({other})::numeric, 0))::float8")
        return Term(Kind.NUMBER, f"({one} {sign} {other})")

    def visit_Call(self, node: ast.Call) -> Term:
        name = node.func.name
        function = FUNCTIONS.get(name)
        if function is None:
            raise self.reader.wrong(f"there is no function {name[:40]!r}; there are {', '.join(sorted(FUNCTIONS))}")
        if not function.least <= len(node.args) <= function.most:
            wanted = " to ".join(map(str, sorted({function.least, function.most})))
            raise self.reader.wrong(f"{name} takes {wanted} arguments, not {len(node.args)}")
        return function.build(self.reader, [self.term(each) for each in node.args])

    def visit_Compare(self, node: ast.Compare) -> Term:
        if isinstance(node.comparator, ast.In):
            left, values = self.term(node.left), node.right.val if isinstance(node.right, ast.List) else []
            # It stands in the SQL once for each value: an `in` in the left of an `in` would grow by their product.
            if left.kind is Kind.BOOLEAN:
                raise self.reader.wrong("what stands before in is a value, not a condition")
            each = (compare(self.reader, left, self.term(value), ast.Eq()) for value in values)
            return Term(Kind.BOOLEAN, "(" + " OR ".join(each) + ")")
        return Term(Kind.BOOLEAN, compare(self.reader, self.term(node.left), self.term(node.right), node.comparator))

    # Paths

    def visit_Identifier(self, node: ast.Identifier) -> Term:
        return self._path([node.name])

    def visit_Attribute(self, node: ast.Attribute) -> Term:
        return self._path(_names(node))

    def _path(self, names: list[str]) -> Term:
        place, way = self.place, tuple[str, ...]()
        for position, name in enumerate(names):
            navigation = place.entity.navigations.get(name)
            if navigation is None:
                return self._property(place, names[position:])
            target = ENTITY_TYPES[navigation.target]
            is_joined = name in place.joined
            if navigation.key and not is_joined and names[position + 1 :] in ([each] for each in ID_NAMES):
                key = self.expressions.fill(navigation.key, "", place.alias)
                return Term(Kind.ID, f"{key}::text", columns=(key,), entity=target)
            way += (name,)
            place = Place(target, place.joined[name] if is_joined else self._join(way, navigation, place))
        raise self.reader.wrong(f"{'/'.join(names)[:60]} leads to entities; name a property of theirs")

    def _join(self, way: tuple[str, ...], navigation: Navigation, place: Place) -> str:
        joins = self.joins
        if joins.only_one and navigation.is_many:
            raise self.reader.wrong(f"{'/'.join(way)} leads to several; order by what there is one of")
        joins.is_used = True
        if way not in joins.aliases:
            joins.aliases[way] = self.expressions.alias()
            source, condition = self.expressions.joined(navigation, joins.aliases[way], place.alias)
            joins.sources.append(source)
            joins.conditions.append(condition)
        return joins.aliases[way]

    def _property(self, place: Place, names: list[str]) -> Term:
        entity, name = place.entity, names[0]
        if name in ID_NAMES and len(names) == 1:
            columns = self.expressions.columns(entity, place.alias)
            sql = self.expressions.fill(entity.id_text, place.alias)
            return Term(Kind.ID, f"({sql})", columns=columns, entity=entity, is_nullable=False)
        if name not in entity.properties:
            known = ", ".join(("id", *entity.properties, *entity.navigations))
            raise self.reader.wrong(f"{entity.name} has no {name[:40]!r}; it has {known}")
        found = entity.properties[name]
        for position, inner in enumerate(names[1:], start=1):
            if found.kind is Kind.JSON:
                return self._inside(found, place.alias, names[position:])
            if inner not in found.members:
                raise self.reader.wrong(f"{'/'.join(names[:position])} has no {inner[:40]!r}")
            found = found.members[inner]
        sql, end = (self.expressions.fill(each, place.alias) for each in (found.sql, found.end))
        return Term(found.kind, sql, end=end, is_nullable=found.is_nullable)

    def _inside(self, found: Property, alias: str, names: list[str]) -> Term:
        sql = self.expressions.fill(found.sql, alias)
        return Term(Kind.JSON, f"nullif({sql} #> {self.reader.parameters.bind(names)}::text[], 'null'::jsonb)")


@contextmanager
def _bounded(option: str) -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise BadParameter(option, f"{option} is nested too deeply") from None


def _flat(node: ast._Node, operator: type[ast._BoolOpToken]) -> list[ast._Node]:
    """The operands of a chain of `and`, or of `or`; the parser nests them to the left."""
    operands: list[ast._Node] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.BoolOp) and isinstance(each.op, operator):
            waiting += [each.right, each.left]
        else:
            operands.append(each)
    return operands


def _names(node: Any) -> list[str]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.owner
    return [node.name, *names]
