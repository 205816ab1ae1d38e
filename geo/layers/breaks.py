"""Where classes of a number begin, for a layer that declares colours and leaves the classes to its data."""

from django.db import connection

from geo.layers.select import Selection, selected_sql


def quantile_edges(selection: Selection, name: str, classes: int) -> list[float]:
    """The least value of each class, rising: as many rows in each, of those above zero. Fewer where values repeat.

    Values are ranked as features carry them: a least value that was rounded down would else lie below its own class.
    """
    where, params = selected_sql(selection)
    prop = selection.layer.property_named(name)
    value = f"s.{name}::numeric"
    if prop is not None and prop.type == "number":
        value = f"round({value}, {max(prop.decimals, 1)})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH shown AS (SELECT {value} AS value {where}), ranked AS (SELECT value::double precision AS value,"
            " row_number() OVER (ORDER BY value) - 1 AS i, count(*) OVER () AS n FROM shown WHERE value > 0)"
            " SELECT DISTINCT value FROM ranked"
            " WHERE i IN (SELECT n * k / %(classes)s FROM generate_series(0, %(classes)s - 1) k) ORDER BY value",
            {**params, "classes": classes},
        )
        return [value for (value,) in cursor.fetchall()]
