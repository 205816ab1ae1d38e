"""Where classes of a number begin, for a layer that declares colours and leaves the classes to its data."""

from django.db import connection

from geo.layers.select import Selection, selected_sql


def quantile_edges(selection: Selection, name: str, classes: int) -> list[float]:
    """The least value of each class, rising: as many rows in each, of those above zero. Fewer where values repeat."""
    where, params = selected_sql(selection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT value FROM (SELECT s.{name}::double precision AS value,"
            f" row_number() OVER (ORDER BY s.{name}) - 1 AS i, count(*) OVER () AS n {where} AND s.{name} > 0) ranked"
            " WHERE i IN (SELECT n * k / %(classes)s FROM generate_series(0, %(classes)s - 1) k) ORDER BY value",
            {**params, "classes": classes},
        )
        return [value for (value,) in cursor.fetchall()]
