"""The data sets that libpysal ships inside its package, with their contiguity, for PySAL and for Pantau alike."""

import contextlib
import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np

with warnings.catch_warnings():
    # What these packages say of their own dependencies while they load is no concern of these tests.
    warnings.simplefilter("ignore")
    import esda
    import libpysal

from geo.analysis.statistics.neighbours import Neighbours, directed_neighbours

__all__ = ["NAMES", "DataSet", "esda", "libpysal", "load"]

# name: (weights, table, a variable, another)
SETS = {
    "columbus": ("columbus.gal", "columbus.dbf", "CRIME", "HOVAL"),
    "stl_hom": ("stl.gal", "stl_hom.txt", "HR8893", "HR8488"),
    "sids2": ("sids2.gal", "sids2.dbf", "SIDR74", "SIDR79"),
    "us_income": ("states48.gal", "usjoin.csv", "1969", "1929"),
    "baltim": ("baltim_q.gal", "baltim.dbf", "PRICE", "AGE"),
}
NAMES = tuple(SETS)


@dataclass(frozen=True, slots=True)
class DataSet:
    """A variable, another, and who touches whom; `w` is PySAL's, `neighbours` Pantau's, of the same file."""

    x: np.ndarray
    y: np.ndarray
    w: object
    neighbours: Neighbours


@cache
def load(name: str) -> DataSet:
    weights, table, x, y = SETS[name]
    return DataSet(column(table, x), column(table, y), contiguity(weights), neighbours_of(contiguity(weights)))


@cache
def column(table: str, name: str) -> np.ndarray:
    with contextlib.closing(libpysal.io.open(libpysal.examples.get_path(table))) as rows:
        return np.array(rows.by_col(name), dtype=float)


def contiguity(file: str):
    """A new object each time: PySAL's statistics change the weights that they are given."""
    with (
        contextlib.closing(libpysal.io.open(libpysal.examples.get_path(file))) as weights,
        warnings.catch_warnings(),
    ):
        # One of the maps has an island, and a test that wants it.
        warnings.filterwarnings("ignore", message="The weights matrix is not fully connected")
        return weights.read()


def neighbours_of(w) -> Neighbours:
    place = {name: index for index, name in enumerate(w.id_order)}
    pairs = [(place[area], place[other]) for area in w.id_order for other in w.neighbors[area]]
    areas, others = np.array(pairs, dtype=int).reshape(-1, 2).T
    return directed_neighbours(w.n, areas, others)
