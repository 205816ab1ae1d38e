"""The functions of `$filter` and `$orderby`, by their names. Source: OGC 18-088, clause 9.3.3.5.2, table 23."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, WKTReader

from sensors.sensorthings.entities import Kind
from sensors.sensorthings.terms import Reader, Term

Build = Callable[[Reader, Sequence[Term]], Term]
_SRID = re.compile(r"^\s*SRID=\d+;", re.IGNORECASE)
_MATRIX = re.compile(r"[TF012*]{9}")


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments it takes, and what it makes of them."""

    least: int
    most: int
    build: Build


def geography(reader: Reader, wkt: str) -> Term:
    """`geography'POINT (106.9 -6.2)'`: well-known text in WGS 84, longitude first."""
    text = _SRID.sub("", wkt).strip()
    try:
        geometry = WKTReader().read(text)
        is_finite = geometry.empty or all(map(math.isfinite, geometry.extent))
    except (GEOSException, GDALException, ValueError, TypeError):
        raise reader.wrong(f"geography'{text[:60]}' is not well-known text, such as POINT (106.9 -6.2)") from None
    if not is_finite or not geometry.valid:
        raise reader.wrong(f"geography'{text[:60]}' is not valid: {geometry.valid_reason}")
    return Term(Kind.GEOMETRY, f"ST_GeomFromText({reader.parameters.bind(text)}, 4326)", text=text)


def _typed(name: str, kinds: Sequence[Kind], result: Kind, template: str, *, least: int | None = None) -> Function:
    """A function whose arguments have kinds; the template's `{0}`, `{1}` are their SQL."""

    def build(reader: Reader, terms: Sequence[Term]) -> Term:
        taken = [reader.need(term, kind, name) for term, kind in zip(terms, kinds, strict=False)]
        return Term(result, template.format(*taken, *[""] * (len(kinds) - len(taken))))

    return Function(len(kinds) if least is None else least, len(kinds), build)


def _substring(reader: Reader, terms: Sequence[Term]) -> Term:
    text = reader.need(terms[0], Kind.TEXT, "substring")
    # OData counts from 0, SQL from 1; numbers come as floats.
    start = f"greatest({reader.need(terms[1], Kind.NUMBER, 'substring')}, 0)::integer + 1"
    if len(terms) == 2:
        return Term(Kind.TEXT, f"substr({text}, {start})")
    length = f"greatest({reader.need(terms[2], Kind.NUMBER, 'substring')}, 0)::integer"
    return Term(Kind.TEXT, f"substr({text}, {start}, {length})")


def _of_time(name: str, result: Kind, template: str) -> Function:
    """A part of a time, in UTC; of an interval, of its start."""

    def build(reader: Reader, terms: Sequence[Term]) -> Term:
        return Term(result, template.format(f"({reader.times(terms[0], name).sql} AT TIME ZONE 'UTC')"))

    return Function(1, 1, build)


def _between(name: str, template: Callable[[Term, Term], str]) -> Function:
    """A relation between two times or intervals; intervals are half-open."""

    def build(reader: Reader, terms: Sequence[Term]) -> Term:
        one, other = (reader.times(term, name) for term in terms)
        return Term(Kind.BOOLEAN, f"({template(one, other)})")

    return Function(2, 2, build)


def before(one: Term, other: Term) -> str:
    # The end of an interval is not part of it, an instant is.
    comparison = "<" if one.is_instant else "<="
    return f"{one.until} {comparison} {other.sql}"


def after(one: Term, other: Term) -> str:
    comparison = ">" if other.is_instant else ">="
    return f"{one.sql} {comparison} {other.until}"


def _meets(one: Term, other: Term) -> str:
    return f"{one.until} = {other.sql} OR {one.sql} = {other.until}"


def _during(one: Term, other: Term) -> str:
    return f"{one.sql} >= {other.sql} AND {one.sql} < {other.until} AND {one.until} <= {other.until}"


def _overlaps(one: Term, other: Term) -> str:
    if one.is_instant and other.is_instant:
        return f"{one.sql} = {other.sql}"
    first = f"{one.sql} {'<' if not other.is_instant else '<='} {other.until}"
    second = f"{other.sql} {'<' if not one.is_instant else '<='} {one.until}"
    return f"{first} AND {second}"


def _starts(one: Term, other: Term) -> str:
    return f"{one.sql} = {other.sql}"


def _finishes(one: Term, other: Term) -> str:
    return f"{one.until} = {other.until}"


def _relation(name: str, function: str) -> Function:
    return _typed(name, (Kind.GEOMETRY, Kind.GEOMETRY), Kind.BOOLEAN, f"{function}({{0}}, {{1}})")


def _relate(reader: Reader, terms: Sequence[Term]) -> Term:
    one, other = (reader.need(term, Kind.GEOMETRY, "st_relate") for term in terms[:2])
    pattern = terms[2].text
    if pattern is None or not _MATRIX.fullmatch(pattern.upper()):
        raise reader.wrong("st_relate takes a pattern of nine of T, F, 0, 1, 2 and *, such as 'T********'")
    return Term(Kind.BOOLEAN, f"ST_Relate({one}, {other}, {reader.parameters.bind(pattern.upper())})")


def _constant(kind: Kind, sql: str) -> Function:
    return Function(0, 0, lambda reader, terms: Term(kind, sql))


_T, _N, _B = Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN
FUNCTIONS: Mapping[str, Function] = {
    "substringof": _typed("substringof", (_T, _T), _B, "(strpos({1}, {0}) > 0)"),
    "contains": _typed("contains", (_T, _T), _B, "(strpos({0}, {1}) > 0)"),
    "startswith": _typed("startswith", (_T, _T), _B, "starts_with({0}, {1})"),
    "endswith": _typed("endswith", (_T, _T), _B, "(right({0}, length({1})) = {1})"),
    "length": _typed("length", (_T,), _N, "length({0})::float8"),
    "indexof": _typed("indexof", (_T, _T), _N, "(strpos({0}, {1}) - 1)::float8"),
    "substring": Function(2, 3, _substring),
    "tolower": _typed("tolower", (_T,), _T, "lower({0})"),
    "toupper": _typed("toupper", (_T,), _T, "upper({0})"),
    "trim": _typed("trim", (_T,), _T, "btrim({0})"),
    "concat": _typed("concat", (_T, _T), _T, "({0} || {1})"),
    "year": _of_time("year", _N, "extract(year FROM {0})::float8"),
    "month": _of_time("month", _N, "extract(month FROM {0})::float8"),
    "day": _of_time("day", _N, "extract(day FROM {0})::float8"),
    "hour": _of_time("hour", _N, "extract(hour FROM {0})::float8"),
    "minute": _of_time("minute", _N, "extract(minute FROM {0})::float8"),
    "second": _of_time("second", _N, "floor(extract(second FROM {0}))::float8"),
    "fractionalseconds": _of_time("fractionalseconds", _N, "mod(extract(second FROM {0}), 1)::float8"),
    "date": _of_time("date", Kind.DATE, "({0})::date"),
    "time": _of_time("time", Kind.CLOCK, "({0})::time"),
    # Times are kept and told in UTC.
    "totaloffsetminutes": _of_time("totaloffsetminutes", _N, "(0 * extract(year FROM {0}))::float8"),
    "now": _constant(Kind.TIME, "now()"),
    "mindatetime": _constant(Kind.TIME, "'-infinity'::timestamptz"),
    "maxdatetime": _constant(Kind.TIME, "'infinity'::timestamptz"),
    "before": _between("before", before),
    "after": _between("after", after),
    "meets": _between("meets", _meets),
    "during": _between("during", _during),
    "overlaps": _between("overlaps", _overlaps),
    "starts": _between("starts", _starts),
    "finishes": _between("finishes", _finishes),
    # OData rounds halves away from zero, as numeric does and float8 does not.
    "round": _typed("round", (_N,), _N, "round(({0})::numeric)::float8"),
    "floor": _typed("floor", (_N,), _N, "floor({0})"),
    "ceiling": _typed("ceiling", (_N,), _N, "ceil({0})"),
    # A geography's distances are metres.
    "geo.distance": _typed(
        "geo.distance", (Kind.GEOMETRY, Kind.GEOMETRY), _N, "ST_Distance(({0})::geography, ({1})::geography)"
    ),
    "geo.length": _typed("geo.length", (Kind.GEOMETRY,), _N, "ST_Length(({0})::geography)"),
    "geo.intersects": _relation("geo.intersects", "ST_Intersects"),
    "st_equals": _relation("st_equals", "ST_Equals"),
    "st_disjoint": _relation("st_disjoint", "ST_Disjoint"),
    "st_touches": _relation("st_touches", "ST_Touches"),
    "st_within": _relation("st_within", "ST_Within"),
    "st_overlaps": _relation("st_overlaps", "ST_Overlaps"),
    "st_crosses": _relation("st_crosses", "ST_Crosses"),
    "st_intersects": _relation("st_intersects", "ST_Intersects"),
    "st_contains": _relation("st_contains", "ST_Contains"),
    "st_relate": Function(3, 3, _relate),
}
