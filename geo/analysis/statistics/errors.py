"""What the spatial statistics refuse, and why a figure of theirs may be undefined."""

from __future__ import annotations

from enum import StrEnum

# With fewer, there is too little to permute (two neighbours out of six others make 15 sets) and the normal
# approximation is poor.
MIN_AREAS = 8


class TooFewAreas(ValueError):
    """Fewer areas with data than the statistic needs; `n` is what there were, `minimum` what it takes."""

    def __init__(self, n: int, minimum: int = MIN_AREAS) -> None:
        super().__init__(f"{n} areas have data; at least {minimum} are needed")
        self.n = n
        self.minimum = minimum


class Undefined(StrEnum):
    """Why a figure is NaN although there are enough areas with data."""

    CONSTANT = "constant_values"
    NO_NEIGHBOURS = "no_neighbours"
    ALL_NEIGHBOURS = "all_neighbours"
