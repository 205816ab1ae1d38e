"""Areas taken over from a file: staged first, then written set-based. The transaction is the caller's."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import psycopg2
from django.db import connection
from django.db.backends.utils import CursorWrapper

from geo.areas.ancestry import QUERIES, rebuild_ancestry
from geo.areas.loaders import AreaFile, AreaRow, BadAreaFile
from geo.areas.models import AreaLevel, City

_BATCH = 200  # features; boundaries of cities run to hundreds of kilobytes each


@dataclass(frozen=True)
class AreaImport:
    """What a file is to become."""

    city: City
    level: AreaLevel
    source: str
    is_schematic: bool = False
    retire_missing: bool = False
    parent_code: str | None = None  # one parent for every feature, where the file names none


@dataclass
class ImportSummary:
    """How many areas an import touched; which features were mended; how many areas of
    which level now hang on retired parents, or are schematic beside surveyed ones."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0
    repaired: list[tuple[int, str, str]] = field(default_factory=list)
    left_behind: dict[str, int] = field(default_factory=dict)
    still_schematic: dict[str, int] = field(default_factory=dict)


def stage_areas(file: AreaFile, wanted: AreaImport, *, on_progress: Callable[[int], object] = lambda n: None) -> None:
    """Reads a file into a temporary table, mends its boundaries, and refuses what is wrong with it by itself.

    Errors: BadAreaFile, naming file and feature.
    """
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.make_stage)
        staged = 0
        for batch in _batches(file.rows(), _BATCH):
            cursor.execute(QUERIES.fill_stage, _columns(batch, wanted))
            staged += len(batch)
            on_progress(len(batch))
        if wanted.level.rank == 0 and staged > 1:
            raise BadAreaFile(f"{file.path} has {staged} features, but a city has one {wanted.level.code}.")
        cursor.execute(QUERIES.find_repeated)
        if row := cursor.fetchone():
            numbers = " and ".join(map(str, row[1]))
            raise BadAreaFile(f"{file.path}: the code {row[0]} occurs more than once, in features {numbers}.")
        cursor.execute(QUERIES.repair_stage)
        cursor.execute(QUERIES.find_empty)
        if row := cursor.fetchone():
            raise BadAreaFile(f"{file.path}, feature {row[0]} ({row[1]}): the boundary encloses nothing.")


def write_staged(file: AreaFile, wanted: AreaImport) -> ImportSummary:
    """Makes the city's areas of the level what the stage holds, and the closure with them.

    Errors: BadAreaFile for an unknown parent, or a code that is another city's or another level's.
    """
    values: dict[str, Any] = {
        "city_id": wanted.city.pk,
        "level_id": wanted.level.pk,
        "rank": wanted.level.rank,
        "source": wanted.source,
        "is_schematic": wanted.is_schematic,
    }
    summary = ImportSummary()
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.finish_stage, values)
        _refuse_misfits(cursor, file, wanted, values)
        cursor.execute(QUERIES.repaired)
        summary.repaired = list(cursor.fetchall())
        if wanted.retire_missing:
            cursor.execute(QUERIES.retire_missing, values)
            summary.retired = cursor.rowcount
        cursor.execute(QUERIES.change_areas, values)
        summary.changed = cursor.rowcount
        cursor.execute(QUERIES.add_areas, values)
        summary.added = cursor.rowcount
        cursor.execute("SELECT count(*) FROM area_stage")
        summary.unchanged = cursor.fetchone()[0] - summary.added - summary.changed
        if summary.added or summary.changed:
            rebuild_ancestry()
        cursor.execute(QUERIES.left_behind, values)
        summary.left_behind = dict(cursor.fetchall())
        cursor.execute(QUERIES.still_schematic, values)
        summary.still_schematic = dict(cursor.fetchall())
    return summary


def _refuse_misfits(cursor: CursorWrapper, file: AreaFile, wanted: AreaImport, values: dict[str, Any]) -> None:
    cursor.execute(QUERIES.find_foreign, values)
    if row := cursor.fetchone():
        number, code, city, level = row
        raise BadAreaFile(
            f"{file.path}, feature {number}: {code} is already a {level} of the city {city}, so it cannot become a"
            f" {wanted.level.code} of {wanted.city.slug}."
        )
    if wanted.level.rank == 0:
        cursor.execute(QUERIES.find_other_root, values)
        if (row := cursor.fetchone()) and not wanted.retire_missing:
            raise BadAreaFile(
                f"{file.path}: {wanted.city.slug} already has the {wanted.level.code} {row[0]}; --replace retires it."
            )
        return
    cursor.execute(QUERIES.find_orphan)
    if row := cursor.fetchone():
        number, code, parent = row
        said = f"its parent {parent!r} is" if parent else "it names no parent; a parent has to be"
        raise BadAreaFile(
            f"{file.path}, feature {number} ({code}): {said}{' not' if parent else ''} a current area of {wanted.city.slug}"
            f" on a level above {wanted.level.code}. Import that level first."
        )


def _columns(batch: list[AreaRow], wanted: AreaImport) -> dict[str, list[Any]]:
    is_root = wanted.level.rank == 0
    return {
        "number": [row.number for row in batch],
        "code": [row.code for row in batch],
        "name": [row.name for row in batch],
        "parent_code": [None if is_root else wanted.parent_code or row.parent_code for row in batch],
        "wkb": [psycopg2.Binary(row.wkb) for row in batch],
        "mended": [row.mended for row in batch],
    }


def _batches(rows: Iterable[AreaRow], size: int) -> Iterator[list[AreaRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
