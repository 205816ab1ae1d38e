"""What the journal costs: batches written with its entry and without, in turns. Imported after Django is set up."""

import re
import time
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from bench.ingest_messages import DAY_S, T0
from sensors.observations import writer
from sensors.observations.columns import GOOD, TIMED_BY_DEVICE, Columns
from sensors.observations.models import JournalEntry, Observation
from sensors.observations.partitions import ensure_partitions
from sensors.registry.models import Datastream
from server.core.sql import load_queries

ROWS = 2_500
FIRST_S = T0 + 20 * DAY_S


def write_with_and_without_journal(batches: int) -> dict[str, Any]:
    """Seconds of so many batches of ROWS new observations each way, a transaction each."""
    whole = load_queries(Path(writer.__file__).parent / "queries.sql").insert_new_observations
    bare = re.sub(r"journal AS \(.*?\n\), ", "", whole, count=1, flags=re.DOTALL)
    assert "sensors_journalentry" in whole
    assert "sensors_journalentry" not in bare
    ids = list(Datastream.objects.order_by("id").values_list("id", flat=True)[:100])
    entries, rows = JournalEntry.objects.count(), Observation.objects.count()
    seconds = {"with": 0.0, "without": 0.0}
    # The first of each is not counted: it warms up.
    for number in range(-1, batches):
        # In turns, and the one that comes first as well: what follows finds the table's pages in memory.
        ways = (("with", whole), ("without", bare))
        for place, (name, statement) in enumerate(ways if number % 2 else ways[::-1]):
            columns = _columns(ids, 2 * (number + 1) + place)
            ensure_partitions(columns.months())
            started = time.perf_counter()
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, columns.parameters())
            if number >= 0:
                seconds[name] += time.perf_counter() - started
    assert JournalEntry.objects.count() - entries == batches + 1
    assert Observation.objects.count() - rows == 2 * (batches + 1) * ROWS
    return seconds


def _columns(ids: list[int], number: int) -> Columns:
    columns = Columns()
    each = ROWS // len(ids)
    for place in range(ROWS):
        at_us = (FIRST_S + number * each + place // len(ids)) * 1_000_000
        columns.append_us(ids[place % len(ids)], at_us, place / 10, at_us, GOOD, TIMED_BY_DEVICE)
    return columns
