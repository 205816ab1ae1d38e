"""SenML (RFC 8428), in JSON and in CBOR: records with base values that hold for those that follow.

What RFC 8428 asks is kept to: names are base name and name together, a time below 2**28 seconds is relative to now, and a
member that must be understood and is not (its name ends in an underscore) makes its record unreadable.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cbor2

from sensors.ingest.decoders import json_values
from sensors.ingest.decoders.measurements import LONGEST_NAME, Faulty, Levels, Measurement, Payload, members_of
from sensors.ingest.decoders.said import MAX_READINGS, Unreadable, parse_json
from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.ingest.reasons import Reason

# RFC 8428, section 4.5.3: smaller ones are seconds from now.
FIRST_ABSOLUTE_S = 2**28
NEWEST_VERSION = 10
# As long as a name: the base unit, too, stands in each rejected record again.
LONGEST_UNIT = 64
# RFC 8428, table 4.
_LABELS = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip
# Where SenML's registry (RFC 8428, section 12.1, and RFC 8798) and UCUM write a unit differently.
_TO_UCUM = {
    "count": "1", "/": "1", "%RH": "%", "%EL": "%", "EL": "s", "1/s": "/s", "1/min": "/min", "beat/min": "/min", "beats": "1",
    "lat": "deg", "lon": "deg", "pH": "[pH]", "ppm": "[ppm]", "ppb": "[ppb]", "/100": "%", "/1000": "[ppth]", "VA": "V.A",
    "kVA": "kV.A", "Ah": "A.h", "Wh": "W.h", "kWh": "kW.h", "B": "By", "KiB": "KiBy", "GB": "GBy", "B/s": "By/s",
    "MB/s": "MBy/s", "Mbit/s": "Mbit/s", "dBW": "B[W]", "Bspl": "B[SPL]",
}  # fmt: skip


@dataclass(slots=True)
class _Base:
    name: str = ""
    time: float = 0.0
    unit: str = ""
    value: float = 0.0


def decode_senml_json(payload: bytes, levels: Levels) -> Payload:
    """A pack in JSON (`application/senml+json`)."""
    return _decode(parse_json(payload), json_values.serialise)


def decode_senml_cbor(payload: bytes, levels: Levels) -> Payload:
    """A pack in CBOR (`application/senml+cbor`)."""
    try:
        pack = cbor2.loads(payload, semantic_decoders=_TAGS, tag_hook=_refuse_tag)
    except Exception as error:  # cbor2 raises whatever damaged bytes lead it to
        raise Unreadable(Reason.BAD_PAYLOAD, f"no CBOR: {error}"[:200]) from None
    if not isinstance(pack, list):
        raise Unreadable(Reason.BAD_PAYLOAD, "a pack is an array of records")
    return _decode([_named(record) for record in pack], _cbor)


def _refuse_tag(*_of: Any) -> Any:
    raise ValueError("a tag that SenML has no use for")


def _decimal(value: Any, _is_key: bool) -> float:
    """A decimal fraction (RFC 8428, section 6): exponent and mantissa, of 64 bits each."""
    exponent, mantissa = value
    if not (isinstance(exponent, int) and isinstance(mantissa, int)):
        raise ValueError("a decimal fraction is of two whole numbers")
    return float(f"{mantissa}e{exponent}")


# Shared values (28, 29) let a hundred bytes stand for more keys than can be hashed, and whole numbers of any length (2, 3) for more
# digits than Python writes: beside decimal fractions no tag is read. These are the ones that cbor2 knows of itself.
_TAGS = dict.fromkeys(
    (0, 1, 2, 3, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000), _refuse_tag
) | {4: _decimal}


def _cbor(pack: Any) -> bytes:
    try:
        return cbor2.dumps(pack)
    except Exception:  # what was read need not be writable: it is kept for nobody to feed again
        return b""


def _named(record: Any) -> Any:
    if not isinstance(record, Mapping):
        return record
    return {_LABELS.get(key, str(key)) if isinstance(key, int) else str(key): value for key, value in record.items()}


def _decode(pack: Any, write: Callable[[Any], bytes]) -> Payload:
    if not isinstance(pack, list) or not pack:
        raise Unreadable(Reason.BAD_PAYLOAD, "a pack is an array of records")
    if len(pack) > MAX_READINGS:
        raise Unreadable(Reason.TOO_LARGE, f"{len(pack)} records; at most {MAX_READINGS}")
    base = _Base()
    said: Payload = []
    for element in pack:
        record = members_of(element, "a record")
        # Base values hold for all that follow: one that cannot be read leaves nothing of the pack to be trusted.
        _take_base(base, record)
        try:
            said += _record(base, record)
        except Unreadable as why:
            said.append(Faulty(write([_alone(base, record)]), why.reason, why.detail))
    return said


def _take_base(base: _Base, record: Mapping[str, Any]) -> None:
    version = record.get("bver", NEWEST_VERSION)
    if isinstance(version, bool) or not isinstance(version, int) or version > NEWEST_VERSION:
        raise Unreadable(Reason.BAD_PAYLOAD, f"version {version!r}"[:80] + f" is not read; up to {NEWEST_VERSION} are")
    base.name = _text(record, "bn", base.name, LONGEST_NAME)
    base.unit = _text(record, "bu", base.unit, LONGEST_UNIT)
    base.time = _number(record, "bt", base.time)
    base.value = _number(record, "bv", base.value)


def _record(base: _Base, record: Mapping[str, Any]) -> Iterable[Measurement]:
    if unknown := [key for key in record if key.endswith("_")]:
        raise Unreadable(Reason.BAD_PAYLOAD, f"{unknown[0][:40]!r} has to be understood, and is not")
    valued = [key for key in ("v", "vs", "vb", "vd", "s") if key in record]
    if not valued and "n" not in record:
        return []  # base values alone
    if "v" not in record and not ("bv" in record and not valued):
        raise Unreadable(Reason.NOT_A_NUMBER, f"a record with {valued[0] if valued else 'no value'} says no number")
    device, name = _split(base.name + _text(record, "n", "", LONGEST_NAME))
    at, ago_us = _when(base.time + _number(record, "t", 0.0))
    unit = _text(record, "u", base.unit, LONGEST_UNIT)
    result = base.value + _number(record, "v", 0.0)
    return [Measurement(name, result, at, _TO_UCUM.get(unit, unit), device, ago_us)]


def _split(full: str) -> tuple[str, str]:
    """Device and property: `urn:dev:mac:0024befffe804ff1/temperature`, or `:` in the place of the slash; or the property alone."""
    if not full:
        raise Unreadable(Reason.BAD_PAYLOAD, "a record without a name")
    place = max(full.rfind("/"), full.rfind(":"))
    device, name = full[:place], full[place + 1 :]
    if place < 0:
        return "", full
    if not name:
        raise Unreadable(Reason.BAD_PAYLOAD, f"{full[:80]!r} names no property")
    return device.rstrip("/:").replace("/", ":").rpartition(":")[2], name


def _when(seconds: float) -> tuple[datetime | None, int]:
    if not math.isfinite(seconds):
        raise Unreadable(Reason.BAD_TIME, "a time that is no number")
    if seconds < FIRST_ABSOLUTE_S:
        # From now on: what is ahead is of now, since nothing can have been measured yet.
        return None, max(0, round(-seconds * 1_000_000))
    try:
        return parse_time(seconds), 0
    except BadTime as why:
        raise Unreadable(Reason.BAD_TIME, str(why)) from None


def _text(record: Mapping[str, Any], key: str, default: str, longest: int) -> str:
    value = record.get(key, default)
    if not isinstance(value, str):
        raise Unreadable(Reason.BAD_PAYLOAD, f"{key} is to be a text")
    if len(value) > longest:
        raise Unreadable(Reason.BAD_PAYLOAD, f"{key} is longer than {longest} characters")
    return value


def _number(record: Mapping[str, Any], key: str, default: float) -> float:
    value = record.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(Reason.NOT_A_NUMBER, f"{key} is to be a number")
    try:
        return float(value)
    except OverflowError:
        raise Unreadable(Reason.NOT_A_NUMBER, f"{key}: a number beyond 1.8e308") from None


def _alone(base: _Base, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the base values that hold for it, which make it a pack of its own."""
    based = {"bn": base.name, "bt": base.time, "bu": base.unit, "bv": base.value}
    return {key: value for key, value in based.items() if value} | dict(record)
