"""Comparisons in a filter, as SQL. Source: OGC 18-088, clause 9.3.3.5.1; OData's null equals null, and no value."""

from odata_query import ast

from sensors.sensorthings.entities import Kind
from sensors.sensorthings.functions import after, before
from sensors.sensorthings.terms import Reader, Term

_SIGNS = {ast.Eq: "=", ast.NotEq: "<>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
# Kinds that are compared with their like; what one side is decides what the other is taken for.
_COMPARABLE = (Kind.NUMBER, Kind.BOOLEAN, Kind.TEXT, Kind.CLOCK, Kind.DURATION)


def compare(reader: Reader, left: Term, right: Term, comparator: ast._Comparator) -> str:
    """A boolean. Errors: BadParameter where the two are not of a kind that can be compared."""
    sign, kinds = _SIGNS[type(comparator)], {left.kind, right.kind}
    if Kind.NULL in kinds:
        return _with_null(left, right, sign)
    if Kind.ID in kinds:
        return _of_ids(reader, left, right, sign)
    if Kind.DATE in kinds and not kinds & {Kind.TIME, Kind.INTERVAL}:
        return _of_days(reader, left, right, sign)
    if kinds & {Kind.TIME, Kind.INTERVAL}:
        return _of_times(reader.times(left, "a comparison"), reader.times(right, "a comparison"), sign)
    for kind in (Kind.TEXT,) if kinds == {Kind.JSON} else _COMPARABLE:
        if kind in kinds or kinds == {Kind.JSON}:
            one, other = (reader.need(term, kind, "a comparison") for term in (left, right))
            return f"({one} {_null_safe(sign)} {other})"
    raise reader.wrong("numbers, texts, times, true and false are compared; for a geometry there are functions")


def _with_null(left: Term, right: Term, sign: str) -> str:
    term = right if left.kind is Kind.NULL else left
    if sign not in ("=", "<>") or not term.sql:  # an object, which is never null
        return "true" if sign == "<>" else "false"
    # A column, where there is one: the text of an id is none, and of no index.
    sql = term.columns[0] if term.columns else term.sql
    return f"({sql} IS {'' if sign == '=' else 'NOT '}NULL)"


def _of_ids(reader: Reader, left: Term, right: Term, sign: str) -> str:
    one = left.columns if left.kind is Kind.ID else reader.id_columns(right, left)
    other = right.columns if right.kind is Kind.ID else reader.id_columns(left, right)
    if len(one) != len(other):
        raise reader.wrong("an id is compared with an id of another kind")
    return f"(({', '.join(one)}) {sign} ({', '.join(other)}))"


def _of_days(reader: Reader, left: Term, right: Term, sign: str) -> str:
    days = [
        reader.day(term.text) if term.kind is Kind.TEXT and term.text is not None else term for term in (left, right)
    ]
    one, other = (reader.need(term, Kind.DATE, "a comparison") for term in days)
    return f"({one} {_null_safe(sign)} {other})"


def _of_times(one: Term, other: Term, sign: str) -> str:
    """Two times as they are; intervals as `before` and `after`, `le` and `ge` by both of their ends."""
    if one.is_instant and other.is_instant:
        return f"({one.sql} {_null_safe(sign)} {other.sql})"
    if sign in ("<", ">"):
        return f"({before(one, other) if sign == '<' else after(one, other)})"
    both = f"{one.sql} {_null_safe(sign)} {other.sql}", f"{one.until} {_null_safe(sign)} {other.until}"
    return f"({(' OR ' if sign == '<>' else ' AND ').join(both)})"


def _null_safe(sign: str) -> str:
    """In OData null is not equal to a value; in SQL that is unknown."""
    return "IS DISTINCT FROM" if sign == "<>" else sign
