"""From a filter's tree to SQL: which operators there are, what each takes, and what it becomes."""

from collections.abc import Sequence
from typing import Any, TypeVar

from geo.layers.cql2 import shapes, times
from geo.layers.cql2.arithmetic import ARITHMETIC, computed, number_literal, number_property
from geo.layers.cql2.operands import (
    Many,
    Moment,
    Number,
    Operand,
    Scope,
    Shape,
    Span,
    Text,
    Truth,
    kind_of,
    shortened,
)
from geo.layers.cql2.reading import MAX_NESTING, check_text, refuse
from geo.layers.cql2.texts import folded, like_sql, text_literal, text_property, text_sql

LOGIC = ("and", "or", "not")
COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
# All that a filter can do, by class; what else is asked for is refused with this list.
OPERATORS = {
    "logical": LOGIC,
    "comparison": (*COMPARISONS, "isNull", "like", "between", "in"),
    "text": ("casei", "accenti"),
    "arithmetic": ARITHMETIC,
    "spatial": tuple(shapes.SPATIAL),
    "temporal": tuple(times.RELATIONS),
}
GEOMETRY_NAMES = ("geom", "geometry")
_COUNTS = {"not": 1, "isNull": 1, "casei": 1, "accenti": 1, "between": 3}
O = TypeVar("O", bound=Operand)  # noqa: E741


def condition_sql(tree: Any, scope: Scope) -> str:
    """A boolean expression; BadParameter("filter") if the tree is not one."""
    return _truth(_operand(tree, scope, 0), "the filter")


def _operand(node: Any, scope: Scope, depth: int) -> Operand:
    if depth > MAX_NESTING:
        raise refuse(f"the filter is nested too deeply; {MAX_NESTING} levels are possible")
    if isinstance(node, bool):
        return Truth(said=str(node).lower(), is_literal=True, sql=f"{scope.bind(node)}::boolean")
    if isinstance(node, int | float):
        return number_literal(node, scope)
    if isinstance(node, str):
        check_text(node)
        return text_literal(node)
    if not isinstance(node, dict):
        said = "NULL compares with nothing: isNull asks for it" if node is None else "a list stands only after IN"
        raise refuse(f"the filter cannot be understood: {said}")
    if "op" in node:
        return _operation(node, scope, depth)
    if "property" in node:
        return _property(node["property"], scope)
    return _literal(node, scope, depth)


def _literal(node: dict[str, Any], scope: Scope, depth: int) -> Operand:
    if "date" in node:
        return times.day(node["date"], scope)
    if "timestamp" in node:
        return times.timestamp(node["timestamp"], scope)
    if "interval" in node:
        bounds = node["interval"]
        if not isinstance(bounds, list) or len(bounds) != 2:
            raise refuse("INTERVAL takes a start and an end")
        start, end = (_operand(bound, scope, depth + 1) for bound in bounds)
        return times.span(start, end, scope)
    if "bbox" in node or "type" in node:
        return shapes.shape_literal(node, scope)
    raise refuse("the filter holds a JSON object that is no operator, property, time or geometry")


def _property(name: Any, scope: Scope) -> Operand:
    prop = scope.properties.get(name) if isinstance(name, str) else None
    if prop is None:
        if name in GEOMETRY_NAMES:
            return Shape(said=name, parts=("s.geom",))
        known = ", ".join([*scope.properties, GEOMETRY_NAMES[0]])
        raise refuse(f"there is no property {shortened(str(name))!r}; known are {known}")
    if prop.type == "string":
        return text_property(prop)
    if prop.type == "boolean":
        return Truth(said=prop.name, sql=f"s.{prop.name}")
    if prop.type == "datetime":
        return times.moment_property(prop.name)
    if prop.type == "array":
        return Many(said=prop.name, sql=f"s.{prop.name}")
    return number_property(prop)


def _operation(node: dict[str, Any], scope: Scope, depth: int) -> Operand:
    op, args = node["op"], node.get("args")
    if not any(op in names for names in OPERATORS.values()):
        known = ", ".join(name for names in OPERATORS.values() for name in names)
        raise refuse(f"there is no operator or function {shortened(str(op))!r}; known are {known}")
    if not isinstance(args, list):
        raise refuse(f"{op} must have a list of arguments")
    count = _COUNTS.get(op, 2)
    if len(args) < 2 if op in ("and", "or") else len(args) != count:
        raise refuse(f"{op} takes {count}{' or more' if op in ('and', 'or') else ''} arguments, not {len(args)}")
    if op == "in":
        listed = args[1]
        if not isinstance(listed, list) or not listed:
            raise refuse("IN takes a list of one or more values")
        args = [args[0], *listed]
    operands = [_operand(arg, scope, depth + 1) for arg in args]
    if op in ARITHMETIC:
        return computed(op, _all(operands, Number, op), scope)
    if op in OPERATORS["text"]:
        return folded(op, _all(operands, Text, op)[0])
    return Truth(
        said=f"the result of {op}",
        is_literal=all(operand.is_literal for operand in operands),
        sql=f"({_predicate(op, operands, scope)})",
    )


def _predicate(op: str, operands: Sequence[Operand], scope: Scope) -> str:
    if op in ("and", "or"):
        return f" {op.upper()} ".join(_truth(operand, op) for operand in operands)
    if op == "not":
        return f"NOT {_truth(operands[0], op)}"
    if op == "isNull":
        return f"{_asked(operands[0], scope)} IS NULL"
    if op == "like":
        text, pattern = _all(operands, Text, op)
        return like_sql(text, pattern, scope)
    if op in shapes.SPATIAL:
        a, b = _all(operands, Shape, op)
        return shapes.related(op, a, b, scope)
    if op in times.RELATIONS:
        left, right = _temporal(operands, op, scope)
        return times.related(op, left, right, scope)
    return _compared(op, _alike(operands, scope), scope)


def _compared(op: str, operands: Sequence[Operand], scope: Scope) -> str:
    """A comparison of operands of one kind."""
    first = operands[0]
    if isinstance(first, Moment):
        moments = _all(operands, Moment, op)
        if op == "between":
            low, high = (times.compared(o, first, m, scope) for o, m in zip((">=", "<="), moments[1:], strict=True))
            return f"{low} AND {high}"
        return " OR ".join(times.compared("=" if op == "in" else op, first, moment, scope) for moment in moments[1:])
    if isinstance(first, Truth) and op not in ("=", "<>", "in"):
        raise refuse(f"{first.said} is true or false, which = and <> compare, not {op}")
    values = _values(operands, scope)
    if op == "between":
        return f"{values[0]} BETWEEN {values[1]} AND {values[2]}"
    if op == "in":
        return f"{values[0]} IN ({', '.join(values[1:])})"
    return f"{values[0]} {op} {values[1]}"


def _values(operands: Sequence[Operand], scope: Scope) -> list[str]:
    """Their SQL. One column against literals keeps its type, for the index; else numbers meet as numeric, which holds all."""
    numbers = [operand for operand in operands if isinstance(operand, Number)]
    is_plain = sum(not number.is_literal for number in numbers) <= 1 and not any(n.is_computed for n in numbers)
    if numbers:
        return [number.sql if is_plain else number.exact for number in numbers]
    return [text_sql(o, scope) if isinstance(o, Text) else o.sql for o in operands if isinstance(o, Text | Truth)]


def _alike(operands: Sequence[Operand], scope: Scope) -> Sequence[Operand]:
    """Operands of one kind that has an order; text beside a time is read as one."""
    if any(isinstance(operand, Moment) for operand in operands):
        operands = [_as_moment(operand, scope) for operand in operands]
    first = operands[0]
    for operand in operands:
        if isinstance(operand, Shape | Span | Many):
            hint = {Shape: "the functions S_… compare it", Span: "the functions T_… compare it"}.get(type(operand), "")
            raise refuse(f"{operand.said} is {kind_of(operand)}: {hint or 'isNull is all that can be asked of it'}")
        if type(operand) is not type(first):
            raise refuse(
                f"{first.said} is {kind_of(first)} and {operand.said} is {kind_of(operand)}: values of one kind can be compared"
            )
    return operands


def _as_moment(operand: Operand, scope: Scope) -> Operand:
    if isinstance(operand, Text) and operand.value is not None:
        return times.moment_from_text(operand.value, scope)
    return operand


def _temporal(operands: Sequence[Operand], op: str, scope: Scope) -> list[Moment | Span]:
    read = [_as_moment(operand, scope) for operand in operands]
    for operand in read:
        if not isinstance(operand, Moment | Span):
            raise refuse(f"{op} takes times and intervals; {operand.said} is {kind_of(operand)}")
    return [operand for operand in read if isinstance(operand, Moment | Span)]


def _asked(operand: Operand, scope: Scope) -> str:
    """What isNull asks of."""
    if operand.is_literal or isinstance(operand, Span):
        raise refuse(f"isNull asks for a property's value, not for {operand.said}")
    if isinstance(operand, Shape):
        return operand.parts[0]
    if isinstance(operand, Moment):
        return str(operand.first)
    if isinstance(operand, Text):
        return text_sql(operand, scope)
    assert isinstance(operand, Number | Truth | Many)
    return operand.sql


def _all(operands: Sequence[Operand], kind: type[O], op: str) -> list[O]:
    fitting = [operand for operand in operands if isinstance(operand, kind)]
    for operand in operands:
        if not isinstance(operand, kind):
            wanted = {Number: "numbers", Text: "text", Shape: "geometries", Moment: "times"}[kind]
            raise refuse(f"{op} takes {wanted}; {operand.said} is {kind_of(operand)}")
    return fitting


def _truth(operand: Operand, name: str) -> str:
    if not isinstance(operand, Truth):
        raise refuse(f"{name} must be true or false; {operand.said} is {kind_of(operand)}")
    return operand.sql
