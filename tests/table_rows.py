"""How many rows every table has, for tests of what leaves no trace."""

from django.db import connection

# Counters of how often something was written: they only ever grow.
COUNTERS = {"geo_dataversion", "sensors_dataversion"}


def count_rows() -> dict[str, int]:
    """Each table of the database, partitions too, as PostgreSQL itself lists them -> how many rows it has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        names = {name for (name,) in cursor.fetchall()} - COUNTERS
        counts = {}
        for name in sorted(names):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")
            counts[name] = cursor.fetchone()[0]
    return counts


def changed_rows(before: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Table -> (rows before, rows now), of those in which there are more or fewer. A new table is one that was empty before."""
    now = count_rows()
    return {
        name: (before.get(name, 0), now.get(name, 0))
        for name in {*before, *now}
        if before.get(name, 0) != now.get(name, 0)
    }
