"""Times: moments, days of the city and intervals, and how they lie to each other (Allen 1983; OGC 21-065r2, section 8.4).

Time goes in microseconds, as in PostgreSQL, and an interval holds both its ends; an interval that ends with a DATE holds
that whole day. "Meets" looks at the border, so that a span of days meets the one that begins on the next day.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from geo.layers.cql2.operands import EVER, Moment, Operand, Scope, Span, Text, kind_of, shortened
from geo.layers.cql2.reading import refuse
from server.core.errors import BadParameter
from server.core.params import parse_time

OPEN = ".."
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?", re.I
)

# Of two moments, a temporal function is a comparison.
AS_COMPARISON = {"t_after": ">", "t_before": "<", "t_equals": "=", "t_disjoint": "<>", "t_intersects": "="}
# a and b stand for the left and the right interval: first, last, and limit (the border after last).
RELATIONS = {
    "t_after": "{a_first} > {b_last}",
    "t_before": "{a_last} < {b_first}",
    "t_contains": "{a_first} < {b_first} AND {a_last} > {b_last}",
    "t_disjoint": "{a_last} < {b_first} OR {a_first} > {b_last}",
    "t_during": "{a_first} > {b_first} AND {a_last} < {b_last}",
    "t_equals": "{a_first} = {b_first} AND {a_last} = {b_last}",
    "t_finishedBy": "{a_first} < {b_first} AND {a_last} = {b_last}",
    "t_finishes": "{a_first} > {b_first} AND {a_last} = {b_last}",
    "t_intersects": "{a_first} <= {b_last} AND {a_last} >= {b_first}",
    "t_meets": "{a_limit} = {b_first}",
    "t_metBy": "{a_first} = {b_limit}",
    "t_overlappedBy": "{a_first} > {b_first} AND {a_first} < {b_last} AND {a_last} > {b_last}",
    "t_overlaps": "{a_first} < {b_first} AND {a_last} > {b_first} AND {a_last} < {b_last}",
    "t_startedBy": "{a_first} = {b_first} AND {a_last} > {b_last}",
    "t_starts": "{a_first} = {b_first} AND {a_last} < {b_last}",
}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}
# A point of time against a day.
_AGAINST_DAY = {
    "=": "{p} >= {first} AND {p} < {limit}",
    "<>": "{p} < {first} OR {p} >= {limit}",
    "<": "{p} < {first}",
    "<=": "{p} < {limit}",
    ">": "{p} >= {limit}",
    ">=": "{p} >= {first}",
}


def moment_property(name: str) -> Moment:
    column = f"s.{name}"
    return Moment(said=name, first=column, last=column, limit=column)


def day(text: Any, scope: Scope) -> Moment:
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise refuse(f"DATE takes a day such as '2026-03-01', not {_said(text)}")
    first, limit = _parsed(text, scope), _parsed(text, scope, end=True)
    last = limit - timedelta(microseconds=1)
    return Moment(said=f"DATE('{text}')", is_literal=True, first=first, last=last, limit=limit, is_day=True)


def timestamp(text: Any, scope: Scope) -> Moment:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise refuse(f"TIMESTAMP takes a time such as '2026-03-01T07:00:00Z', not {_said(text)}")
    at = _parsed(text, scope)
    return Moment(said=f"TIMESTAMP('{text}')", is_literal=True, first=at, last=at, limit=at)


def moment_from_text(text: str, scope: Scope) -> Moment:
    """A plain string where a time is wanted: a day or a time of RFC 3339, also in the forms in which GDAL shortens them."""
    text = re.sub(r"^([0-9-]{10})T$", r"\1", text)
    text = re.sub(r"^([0-9-]{10}T[0-9]{2})(:[0-9]{2})?Z$", lambda found: f"{found[1]}{found[2] or ':00'}:00Z", text)
    if _DATE.fullmatch(text):
        return day(text, scope)
    if _TIME.fullmatch(text):
        return timestamp(text, scope)
    raise refuse(f"{_said(text)} is not a day ('2026-03-01') or a time ('2026-03-01T07:00:00Z')")


def span(start: Operand, end: Operand, scope: Scope) -> Span:
    """INTERVAL(start, end); each a moment, or text: a day, a time, or `..` for an open end."""
    bounds = [_bound(bound, scope) for bound in (start, end)]
    first, last = bounds
    if (
        first
        and last
        and isinstance(first.first, datetime)
        and isinstance(last.last, datetime)
        and first.first > last.last
    ):
        raise refuse(f"the interval from {first.said} to {last.said} ends before it starts")
    return Span(said="INTERVAL", is_literal=start.is_literal and end.is_literal, start=first, end=last)


def _bound(bound: Operand, scope: Scope) -> Moment | None:
    if isinstance(bound, Text) and bound.value is not None:
        return None if bound.value == OPEN else moment_from_text(bound.value, scope)
    if isinstance(bound, Moment):
        return bound
    raise refuse(f"INTERVAL takes days, times, properties that are times, or '..'; {bound.said} is {kind_of(bound)}")


def compared(op: str, left: Moment, right: Moment, scope: Scope) -> str:
    """A comparison of two moments. A day equals each moment in it, and comes after what lies before its start."""
    if left.is_day and not right.is_day:
        return compared(_MIRRORED[op], right, left, scope)
    if right.is_day and not left.is_day:
        return _filled(_AGAINST_DAY[op], {"p": left.first, "first": right.first, "limit": right.limit}, scope)
    return f"{_sql(left.first, scope)} {op} {_sql(right.first, scope)}"


def related(op: str, left: Moment | Span, right: Moment | Span, scope: Scope) -> str:
    """A temporal function. Where one side is an interval, a moment is one without length and a DATE is its day."""
    if isinstance(left, Moment) and isinstance(right, Moment):
        if op in AS_COMPARISON:
            return compared(AS_COMPARISON[op], left, right, scope)
        if not (left.is_day or right.is_day):
            raise refuse(f"{op.upper()} relates intervals; {left.said} and {right.said} are both moments")
    borders = {
        f"{side}_{border}": _border(operand, border)
        for side, operand in (("a", left), ("b", right))
        for border in ("first", "last", "limit")
    }
    return _filled(RELATIONS[op], borders, scope)


def _border(operand: Moment | Span, border: str) -> datetime | str:
    if isinstance(operand, Moment):
        return getattr(operand, border)
    bound = operand.start if border == "first" else operand.end
    return EVER[border != "first"] if bound is None else getattr(bound, border)


def _filled(template: str, values: Mapping[str, datetime | str], scope: Scope) -> str:
    """The template with its values bound, each once, and only those that are in it."""
    used = {name: value for name, value in values.items() if f"{{{name}}}" in template}
    return template.format(**{name: _sql(value, scope) for name, value in used.items()})


def _sql(value: datetime | str, scope: Scope) -> str:
    return value if isinstance(value, str) else f"{scope.bind(value)}::timestamptz"


def _parsed(text: str, scope: Scope, *, end: bool = False) -> datetime:
    try:
        return parse_time(text.upper(), "filter", scope.zone, end=end)
    except BadParameter as error:
        raise refuse(error.detail.removeprefix("filter: ")) from None


def _said(value: Any) -> str:
    return shortened(repr(value)) if isinstance(value, str) else "something else"
