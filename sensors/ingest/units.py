"""Values from the unit that a device sends into the unit in which a datastream is kept: both are codes of UCUM."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from sensors.ingest.decoders.said import Unreadable
from sensors.ingest.reasons import Reason

LONGEST = 40
_REMARK = re.compile(r"\{[^{}]*\}")


class Conversion(NamedTuple):
    """kept = sent * factor + offset."""

    factor: float
    offset: float

    def of(self, value: float) -> float:
        return value * self.factor + self.offset


def conversion(sent: str, kept: str) -> Conversion:
    """How values of one unit become values of another. Errors: Unreadable where a code is unknown, or the two are not of one kind.

    Logarithmic units (dB, pH) are taken only where both are the same: what lies between them is no factor.
    """
    found = _found(sent, kept)
    if isinstance(found, str):
        raise Unreadable(Reason.BAD_UNIT, found[:200])
    return found


@lru_cache(maxsize=4_096)
def _found(sent: str, kept: str) -> Conversion | str:
    """The conversion, or the sentence on why there is none: strangers may send the same nonsense again and again."""
    if sent == kept:
        return Conversion(1.0, 0.0)
    try:
        unit, target = _unit(sent), _unit(kept)
    except ValueError as error:
        return str(error)
    try:
        at_0, at_1, at_2 = (float(_registry().Quantity(value, unit).to(target).magnitude) for value in (0.0, 1.0, 2.0))
    except Exception as error:  # pint has a dozen errors for what is no conversion
        return f"{sent!r} cannot be converted into {kept!r}: {error}"
    if abs((at_2 - at_1) - (at_1 - at_0)) > 1e-9 * max(abs(at_0), abs(at_1), abs(at_2)):
        return f"{sent!r} cannot be converted into {kept!r} by a factor"
    return Conversion(_tidy(at_1 - at_0), _tidy(at_0))


@lru_cache(maxsize=1_024)
def is_unit(code: str) -> bool:
    """Whether UCUM's grammar takes a code; one that is taken may still be one that nothing is converted into, as `[pH]`."""
    from ucumvert import InvalidUcumError, get_ucum_parser, parse_ucum  # type: ignore[import-untyped]

    try:
        return 0 < len(code) <= LONGEST and parse_ucum(code, get_ucum_parser()) is not None
    except InvalidUcumError:
        return False


def _unit(code: str) -> Any:
    if not 0 < len(code) <= LONGEST:
        raise ValueError(f"a unit's code has from 1 to {LONGEST} characters")
    # What stands in braces is a remark (UCUM, section 6): "{count}" is 1, and "ug{PM2.5}/m3" is ug/m3.
    plain = _REMARK.sub("", code) or "1"
    try:
        return _registry().from_ucum(plain).units
    except Exception as error:  # whatever the parser makes of what strangers send
        raise ValueError(f"{code!r} is no unit of UCUM: {str(error).splitlines()[0]}") from None


@lru_cache(maxsize=1)
def _registry() -> Any:
    # Loaded when the first device sends another unit than its own: it takes a second.
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def _tidy(value: float) -> float:
    """Without the last digits, which are of floating point and not of the units: 273.15, not 273.15000000000003."""
    return float(f"{value:.15g}")
