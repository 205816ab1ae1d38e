"""The rows that a page sequence begins with, so that a client that guesses types from the first ten sees a value of each.

QGIS 3.22 and its like take fields and their types from the first ten features: a property that is null in all of them becomes
text. Where the newest ten rows have no value for a property, the newest row that has one, among the first LOOK_AT, is moved to
the front. Every page of the sequence leaves the moved rows out, so each feature still comes exactly once.
"""

from django.db import connection

from geo.layers.select import Selection, order_sql, selected_sql

SAMPLE = 10
LOOK_AT = 10_000


def leading_keys(selection: Selection) -> tuple[int, ...]:
    """The keys of the rows to move to the front: none where the first ten already show a value of each property."""
    if selection.query.order:
        return ()
    names = [prop.name for prop in selection.layer.properties if prop.type != "array"]
    where, params = selected_sql(selection)
    # One pass over the first rows: for each property the first row number that has a value, and its key.
    first = ", ".join(f"min(s.n) FILTER (WHERE s.{name} IS NOT NULL)" for name in names)
    limited = f"SELECT s.*, row_number() OVER (ORDER BY {order_sql(selection)}) AS n {where}"
    sample = f"SELECT {first}, count(*) FROM ({limited} ORDER BY {order_sql(selection)} LIMIT %(look_at)s) s"
    with connection.cursor() as cursor:
        cursor.execute(sample, {**params, "look_at": SAMPLE})
        *seen, rows = cursor.fetchone()
        missing = [name for name, at in zip(names, seen, strict=True) if at is None]
        if not missing or rows < SAMPLE:
            return ()
        keys = ", ".join(f"(array_agg(s.key ORDER BY s.n) FILTER (WHERE s.{name} IS NOT NULL))[1]" for name in missing)
        cursor.execute(
            f"SELECT {keys} FROM ({limited} ORDER BY {order_sql(selection)} LIMIT %(look_at)s) s",
            {**params, "look_at": LOOK_AT},
        )
        found = [key for key in cursor.fetchone() if key is not None]
    return tuple(dict.fromkeys(found))[: SAMPLE - 1]
