"""Things from a table: each row names a thing, again and again if it is a table of readings."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sensors.registry.files import BadFile, Row, read_rows
from sensors.registry.naming import same_name, slug_of
from sensors.registry.services import DatastreamEntry, ThingEntry

COLUMNS = {"slug", "name", "description", "lon", "lat", "sensor", "properties", "interval_s", "is_simulated"}
MOST_COMPLAINTS = 20
Complain = Callable[[str, str], None]
_TRUE, _FALSE = {"true", "1", "yes", "y"}, {"false", "0", "no", "n"}


@dataclass(frozen=True, slots=True)
class Measured:
    """How an observed property is measured where the file does not say: unit, plausible range, interval, checks (services.CHECKS)."""

    unit_ucum: str
    unit_name: str = ""
    plausible_min: float | None = None
    plausible_max: float | None = None
    expected_interval_s: int | None = None
    checks: Mapping[str, float] = field(default_factory=dict)


class BadRows(BadFile):
    """What is wrong with the rows of a file: (place, sentence) of the first 20."""

    def __init__(self, complaints: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{place}, {sentence}" for place, sentence in complaints))
        self.complaints = tuple(complaints)


@dataclass(slots=True)
class _Gathered:
    """The things so far, and what is wrong so far."""

    things: dict[str, ThingEntry] = field(default_factory=dict)
    complaints: list[tuple[str, str]] = field(default_factory=list)


def read_things(
    path: Path, mapping: Mapping[str, str], *, measured: Mapping[str, Measured], default_property: str = ""
) -> list[ThingEntry]:
    """The things of a file, as `things_of` makes them. Errors: BadFile; OSError where it cannot be opened."""
    rows = read_rows(path, needed=set(mapping.values()))
    if things := things_of(rows, mapping, measured=measured, default_property=default_property):
        return things
    raise BadFile(f"{path.name} has no rows")


def things_of(
    rows: Iterable[Row], mapping: Mapping[str, str], *, measured: Mapping[str, Measured], default_property: str = ""
) -> list[ThingEntry]:
    """The things of a table, each once, in the order of their first rows.

    `mapping` takes our names (COLUMNS) to the table's; the slug is made from the name where it has none. A `properties`
    cell names codes with `;` between, each with its unit where none is known: `rain=mm;river_level=cm`. Of a thing's later
    rows the last filled cell of each column counts.
    Errors: BadRows, with all complaints (the first 20), each with its row and column.
    """
    gathered = _Gathered()
    for row in rows:
        if len(gathered.complaints) >= MOST_COMPLAINTS:
            break
        _gather(row, mapping, measured, default_property, gathered)
    if gathered.complaints:
        raise BadRows(gathered.complaints)
    return list(gathered.things.values())


def _gather(
    row: Row, mapping: Mapping[str, str], measured: Mapping[str, Measured], default_property: str, into: _Gathered
) -> None:
    cells = {ours: row.text(theirs) for ours, theirs in mapping.items()}
    before = len(into.complaints)

    def complain(ours: str, sentence: str) -> None:
        into.complaints.append((row.place, f"column {mapping.get(ours, ours)}: {sentence}"))

    if unreadable := [ours for ours, text in cells.items() if not _is_storable(text)]:
        complain(unreadable[0], "a NUL or half a character cannot be kept")
        return
    name = cells.get("name") or cells.get("slug", "")
    slug = slug_of(cells.get("slug") or name)
    if not slug:
        complain("slug" if "slug" in mapping else "name", f"{name!r} gives no slug: it needs a letter or a digit")
        return
    earlier = into.things.get(slug)
    if earlier and not cells.get("slug") and not same_name(earlier.name, name):
        complain("name", f"{name!r} and {earlier.name!r} ({earlier.place}) both give {slug!r}; map a slug")
    lon_lat = _lon_lat(cells, complain)
    datastreams = _datastreams(cells, measured, default_property, complain)
    is_simulated = _flag(cells.get("is_simulated", ""), complain)
    if len(into.complaints) > before:
        return
    entry = ThingEntry(
        slug=slug,
        name=" ".join(name.split()),
        description=cells.get("description", ""),
        is_simulated=is_simulated,
        lon_lat=lon_lat,
        datastreams=datastreams,
        place=earlier.place if earlier else row.place,
    )
    into.things[slug] = _merge(earlier, entry) if earlier else entry


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _merge(earlier: ThingEntry, later: ThingEntry) -> ThingEntry:
    if earlier == later:
        return earlier
    streams = {entry.observed_property: entry for entry in (*earlier.datastreams, *later.datastreams)}
    return replace(
        later,
        description=later.description or earlier.description,
        is_simulated=earlier.is_simulated if later.is_simulated is None else later.is_simulated,
        lon_lat=later.lon_lat or earlier.lon_lat,
        datastreams=tuple(streams.values()),
    )


def _lon_lat(cells: Mapping[str, str], complain: Complain) -> tuple[float, float] | None:
    texts = {ours: cells.get(ours, "") for ours in ("lon", "lat")}
    if not any(texts.values()):
        return None
    degrees: dict[str, float] = {}
    for ours, limit in (("lon", 180), ("lat", 90)):
        try:
            degrees[ours] = float(texts[ours])
        except ValueError:
            complain(ours, f"{texts[ours]!r} is not a number of degrees")
            continue
        if not math.isfinite(degrees[ours]) or abs(degrees[ours]) > limit:
            complain(ours, f"{texts[ours]} is outside -{limit} to {limit}; are lon and lat swapped?")
    return (degrees["lon"], degrees["lat"]) if len(degrees) == 2 else None


def _datastreams(
    cells: Mapping[str, str], measured: Mapping[str, Measured], default_property: str, complain: Complain
) -> tuple[DatastreamEntry, ...]:
    named = [part.strip() for part in cells.get("properties", "").split(";") if part.strip()]
    interval_s: int | None = None
    if text := cells.get("interval_s", ""):
        if text.isascii() and text.isdigit() and 0 < int(text) < 2**31:
            interval_s = int(text)
        else:
            complain("interval_s", f"{text!r} is not a whole number of seconds")
    entries = []
    for each in named or [default_property] * bool(default_property):
        code, _equals, unit = (part.strip() for part in each.partition("="))
        how = measured.get(code)
        if unit and (how is None or how.unit_ucum != unit):
            how = Measured(unit)
        if how is None:
            complain("properties", f"no unit is known for {code!r}; known are {', '.join(sorted(measured)) or 'none'}")
            continue
        entries.append(
            DatastreamEntry(
                observed_property=code,
                unit_ucum=how.unit_ucum,
                unit_name=how.unit_name,
                plausible_min=how.plausible_min,
                plausible_max=how.plausible_max,
                expected_interval_s=interval_s or how.expected_interval_s,
                sensor=cells.get("sensor", ""),
                checks=how.checks,
            )
        )
    return tuple(entries)


def _flag(text: str, complain: Complain) -> bool | None:
    if not text:
        return None
    if text.lower() not in _TRUE | _FALSE:
        complain("is_simulated", f"{text!r} is neither true nor false")
    return text.lower() in _TRUE


def measured_by(properties: Iterable[Mapping[str, object]]) -> dict[str, Measured]:
    """From a list of observed properties that also say how they are measured: code -> Measured."""
    names = Measured.__dataclass_fields__
    return {
        str(entry["code"]): Measured(**{name: entry[name] for name in names if name in entry})  # type: ignore[arg-type]
        for entry in properties
        if "unit_ucum" in entry
    }
