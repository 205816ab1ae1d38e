"""What was measured in the two weeks, by observed property: two statements, however many places there are."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from geo.areas.models import City
from geo.operations.glance.figures import DAYS, Course, Domain, Place, Property, Spans
from geo.operations.glance.rows import QUERIES, rows_of
from geo.operations.mayor.brief import Compared, Name
from sensors import published

DOMAINS = ("health", "environment", "economy", "traffic")
# Derived of others, and yet what people know: the index of the air.
SHOWN_DERIVED = ("ispu",)
# The end of "moderate" in the table of ISPU.
ISPU_LIMIT = 100.0
DAILY_S = 86_400
STEP_H = 6

Row = Mapping[str, Any]
Key = tuple[str, str]


def places_of(city: City, spans: Spans, level_id: int | None) -> list[dict[str, Any]]:
    return rows_of(f"{QUERIES.placed}\n{QUERIES.places}", **_asked(city, level_id, spans.starts, spans.ends))


def courses_of(city: City, spans: Spans, level_id: int | None) -> list[dict[str, Any]]:
    """This week's up to now, and the whole of last week: what may yet come is seen beside it."""
    ends = [spans.start, spans.until]
    return rows_of(
        f"{QUERIES.placed}\n{QUERIES.courses}", **_asked(city, level_id, spans.starts, ends), zone=city.timezone
    )


def _asked(city: City, level_id: int | None, starts: Sequence[Any], ends: Sequence[Any]) -> dict[str, Any]:
    return {"city_id": city.pk, "level_id": level_id, "starts": list(starts), "ends": list(ends)}


def domains_of(
    places: Sequence[Row], courses: Iterable[Row], districts: Mapping[int, Name], limits: Mapping[int, float]
) -> tuple[Domain, ...]:
    """The four domains. `limits`: of a datastream, the mildest level that an authority has set for it."""
    known = {one.code: one for one in published.observed_properties().order_by("code")}
    by_key: dict[Key, list[Row]] = defaultdict(list)
    for row in places:
        if not row["derivation"] or row["observed_property"] in SHOWN_DERIVED:
            by_key[row["observed_property"], row["unit_ucum"]].append(row)
    steps = _steps(courses)
    measured = {row["observed_property"] for row in places}
    found: dict[str, list[Property]] = {domain: [] for domain in DOMAINS}
    for (code, unit), rows in by_key.items():
        one = known[code]
        name = Name(code, one.name_id, one.name_en)
        found[one.domain].append(_property(name, unit, rows, steps, districts, limits))
    missing = [one for code, one in known.items() if code not in measured]
    return tuple(
        Domain(
            domain,
            tuple(found[domain]),
            tuple(Name(one.code, one.name_id, one.name_en) for one in missing if one.domain == domain),
        )
        for domain in DOMAINS
    )


def _property(
    name: Name,
    unit: str,
    rows: Sequence[Row],
    steps: Mapping[tuple[str, str, int | None], dict[int, dict[int, float]]],
    districts: Mapping[int, Name],
    limits: Mapping[int, float],
) -> Property:
    first = rows[0]
    lead = _lead(rows, limits) if first["as_anomaly"] else None
    kind = _kind(first)
    counted = rows if lead is None else [lead]
    column = "total" if kind == "total" else None
    this, last = ([_value(row, span, column) for row in counted] for span in ("this", "last"))
    both = [(a, b) for a, b in zip(this, last, strict=True) if a is not None and b is not None]
    whole = sum if kind == "total" else max if first["aggregate"] == "max" else _mean
    now, before = (whole([pair[i] for pair in both]) if both else 0.0 for i in (0, 1))
    measured = sorted(
        (row for row in rows if row["this"] is not None), key=lambda row: (_value(row, "this", column), row["thing"])
    )
    places = [_place(row, column, districts) for row in measured] if not first["as_anomaly"] else []
    datastream_id = None if lead is None else lead["datastream_id"]
    return Property(
        observed=name,
        unit=unit,
        kind=kind,
        is_simulated=any(row["is_simulated"] for row in rows),
        places=len(measured),
        places_in_both=len(both),
        value=Compared(*(_whole(whole, values) for values in (this, last))),
        change=now - before if both else None,
        change_share=(now - before) / before if both and before > 0 else None,
        at=None if lead is None or lead["this"] is None else _place(lead, column, districts),
        highest=places[-1] if places else None,
        lowest=places[0] if places else None,
        course=_course(steps.get((name.id or "", unit, datastream_id), {}), _step_h(first)),
        limit=_limit(name.id, datastream_id, limits),
    )


def _kind(row: Row) -> str:
    if row["as_anomaly"]:
        return "place"
    if row["aggregate"] != "sum":
        return "mean"
    # What is told once a day is told for the whole of an area: there the areas add up, where gauges of rain do not.
    return "total" if row["expected_interval_s"] >= DAILY_S else "per_day"


def _lead(rows: Sequence[Row], limits: Mapping[int, float]) -> Row:
    """Of places whose values cannot be compared the one to show: one that is held against levels, and measured this week."""
    return min(rows, key=lambda row: (row["datastream_id"] not in limits, row["this"] is None, row["thing"]))


def _limit(code: str | None, datastream_id: int | None, limits: Mapping[int, float]) -> float | None:
    if code == "ispu":
        return ISPU_LIMIT
    return None if datastream_id is None else limits.get(datastream_id)


def _value(row: Row, span: str, column: str | None) -> float | None:
    value: float | None = row[f"{span}_{column}" if column else span]
    return value


def _place(row: Row, column: str | None, districts: Mapping[int, Name]) -> Place:
    value = _value(row, "this", column)
    return Place(row["thing"], row["thing_name"], districts.get(row["district_id"]), 0.0 if value is None else value)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _whole(whole: Callable[[Sequence[float]], float], values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return whole(known) if known else None


def _step_h(row: Row) -> int:
    return 24 if row["aggregate"] == "sum" or row["expected_interval_s"] >= DAILY_S else STEP_H


def _steps(courses: Iterable[Row]) -> dict[tuple[str, str, int | None], dict[int, dict[int, float]]]:
    """By property, unit and datastream (of those that have a course each) the values of each span by step."""
    found: dict[tuple[str, str, int | None], dict[int, dict[int, float]]] = {}
    for row in courses:
        key = (row["observed_property"], row["unit_ucum"], row["datastream_id"])
        found.setdefault(key, {}).setdefault(row["number"], {})[row["step"]] = row["value"]
    return found


def _course(steps: Mapping[int, Mapping[int, float]], step_h: int) -> Course:
    n = DAYS * 24 // step_h
    last, this = (tuple(steps.get(number, {}).get(step) for step in range(n)) for number in (1, 2))
    return Course(step_h, this, last)
