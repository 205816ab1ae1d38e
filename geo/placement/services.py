"""In which area a report or a thing lies: rebuilt as a whole, set-based, whenever boundaries change."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction

from geo.areas.ancestry import rebuild_ancestry
from geo.areas.loaders import AreaFile
from geo.areas.models import Area, City
from geo.areas.services import AreaImport, ImportSummary, stage_areas, write_staged
from server.core.sql import load_queries
from server.core.time_limits import allow_statements

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True)
class PlacementSummary:
    """Counts of places as they are now, and how many of them are another than before."""

    reports: int
    reports_outside: int
    reports_changed: int
    things: int
    things_outside: int
    things_changed: int


def placement_lock_shared() -> None:
    """For a writer of places: areas stay as they are until its transaction ends.

    Ask geo_area_at in a later statement, whose snapshot is then younger than the wait.
    """
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.lock_shared)


def placement_lock_exclusive() -> None:
    """For who changes areas: waits for every writer of places, and holds off new ones until its transaction ends.

    What follows takes as long as the reports are many, also where a person asked for it by the web.
    """
    allow_statements(0)
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.lock_exclusive)


@transaction.atomic
def place_things() -> int:
    """Puts every location of a thing in its area, and returns how many placements changed.

    A trigger on the locations does the same row by row; this is for after a change of areas.
    """
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.drop_thing_placements)
        dropped = cursor.rowcount
        cursor.execute(QUERIES.place_things)
        return dropped + cursor.rowcount


@transaction.atomic
def rebuild_placements(city: City | None = None) -> PlacementSummary:
    """Puts every report and thing in its area by the current boundaries; writes only what is another than it was.

    With a city, only the reports that its areas can concern.
    """
    placement_lock_exclusive()
    values = {"city_id": city.pk if city else None}
    with connection.cursor() as cursor:
        # The sorts and hashes over a million reports stay in memory; compiling for statements that run once does not pay.
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
        for statement in (
            QUERIES.collect_points,
            QUERIES.index_points,
            QUERIES.place_points,
            QUERIES.index_placed,
            QUERIES.find_successors,
        ):
            cursor.execute(statement, values)
        cursor.execute(QUERIES.update_points)
        changed = cursor.rowcount
        cursor.execute(QUERIES.withdraw_agencies)
        cursor.execute(QUERIES.update_named)
        changed += cursor.rowcount
        things_changed = place_things()
        cursor.execute(QUERIES.count_reports, values)
        reports, reports_outside = cursor.fetchone()
        cursor.execute(QUERIES.count_things)
        things, things_outside = cursor.fetchone()
    return PlacementSummary(reports, reports_outside, changed, things, things_outside, things_changed)


@transaction.atomic
def import_areas(
    file: AreaFile, wanted: AreaImport, *, on_progress: Callable[[int], object] = lambda n: None
) -> tuple[ImportSummary, PlacementSummary | None]:
    """Takes over a file of areas and places everything anew: all of it, or on any error nothing.

    Returns the placement only where an area changed. Errors: BadAreaFile.
    """
    stage_areas(file, wanted, on_progress=on_progress)
    # Only now: writers of reports need not wait while a large file is read.
    placement_lock_exclusive()
    summary = write_staged(file, wanted)
    if not (summary.added or summary.changed or summary.retired):
        return summary, None
    return summary, rebuild_placements(wanted.city)


@transaction.atomic
def save_area(area: Area) -> None:
    """Saves an area that a person edited, with all that hangs on its parent and validity."""
    placement_lock_exclusive()
    area.save()
    rebuild_ancestry()
    rebuild_placements(area.city)
