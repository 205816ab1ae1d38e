"""ISPU, Indonesia's air pollution index (Indeks Standar Pencemar Udara), from 24-hour means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

SOURCE = "P.14/MENLHK/SETJEN/KUM.1/7/2020"
UNIT = "ug/m3"
# Indices at the upper bound of each band but the last, whose index implementers read as 400 or as 500.
BOUNDS = (0.0, 50.0, 100.0, 200.0, 300.0)
TOPS = (400, 500)
# The concentration at the upper bound of each band, 24-hour means in µg/m³, the last band's included.
CONCENTRATIONS: Mapping[str, tuple[float, float, float, float, float]] = {
    "pm10": (50.0, 150.0, 350.0, 420.0, 500.0),
    "pm25": (15.5, 55.4, 150.4, 250.4, 500.0),
    "so2": (52.0, 180.0, 400.0, 800.0, 1200.0),
    "co": (4000.0, 8000.0, 15000.0, 30000.0, 45000.0),
    "o3": (120.0, 235.0, 400.0, 800.0, 1000.0),
    "no2": (80.0, 200.0, 1130.0, 2260.0, 3000.0),
    "hc": (45.0, 100.0, 215.0, 432.0, 648.0),
}


class Category(StrEnum):
    """The regulation's own words, from the cleanest air to the worst."""

    BAIK = "baik"
    SEDANG = "sedang"
    TIDAK_SEHAT = "tidak_sehat"
    SANGAT_TIDAK_SEHAT = "sangat_tidak_sehat"
    BERBAHAYA = "berbahaya"


@dataclass(frozen=True, slots=True)
class Index:
    """An index, 0 to the top. `is_beyond_table`: the mean lies above the table's last bound, where the index stays at its top."""

    value: float
    category: Category
    pollutant: str
    is_beyond_table: bool = False


def pollutant_index(pollutant: str, concentration: float, *, top: int = 500) -> Index:
    """The index of one pollutant's 24-hour mean, linear between the bounds of its band.

    Units:  concentration in µg/m³. `top` is the index at the last bound, 400 or 500.
    Errors: ValueError on a pollutant that the table does not have, a mean that is negative or not finite, another top.
    Source: P.14/MENLHK/2020, the table of bounds; a bound belongs to the band below it (index 50 is still "baik").
    """
    if pollutant not in CONCENTRATIONS:
        raise ValueError(f"pollutant must be one of {', '.join(CONCENTRATIONS)}; not {pollutant!r}")
    if top not in TOPS:
        raise ValueError(f"top must be 400 or 500, not {top}")
    if not isfinite(concentration) or concentration < 0:
        raise ValueError(f"concentration must be a number from 0 on, not {concentration}")
    uppers = CONCENTRATIONS[pollutant]
    band = next((i for i, upper in enumerate(uppers) if concentration <= upper), None)
    if band is None:
        return Index(float(top), Category.BERBAHAYA, pollutant, is_beyond_table=True)
    lower = uppers[band - 1] if band else 0.0
    low, high = (*BOUNDS, float(top))[band : band + 2]
    share = (concentration - lower) / (uppers[band] - lower)
    return Index(low + share * (high - low), list(Category)[band], pollutant)


def station_index(means: Mapping[str, float], *, top: int = 500) -> Index | None:
    """The index of a station on a day: that of its worst pollutant, by name where two are equal; None without any.

    Units, errors: as for `pollutant_index`.
    """
    indices = [pollutant_index(pollutant, mean, top=top) for pollutant, mean in sorted(means.items())]
    return max(indices, key=lambda index: (index.is_beyond_table, index.value), default=None)
