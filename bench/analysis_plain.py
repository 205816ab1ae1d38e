"""The same analyses as a careful analyst writes them in a notebook: pandas, geopandas, libpysal and esda, with numba.

Each takes its rows from the database by one plain query and gives what Pantau gives, so that the two can be compared.
"""

import warnings
from typing import Any

import numpy as np

LAGS = 15
SEED = 1

REPORTS_BY_AREA = """
SELECT a.code, ST_AsBinary(a.boundary) AS boundary, count(r.id) AS n
FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id
LEFT JOIN geo_areaancestry c ON c.ancestor_id = a.id
LEFT JOIN geo_report r ON r.public_area_id = c.area_id AND r.is_public AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
WHERE a.city_id = %(city_id)s AND a.retired_at IS NULL AND l.code = 'kelurahan'
GROUP BY a.id ORDER BY a.code
"""
POINTS = """
SELECT ST_X(p) AS x, ST_Y(p) AS y FROM geo_report r JOIN geo_city c ON c.id = r.city_id
CROSS JOIN LATERAL ST_Transform(r.public_location, c.metric_srid) p
WHERE r.city_id = %(city_id)s AND r.is_public AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
"""
CELLS = """
SELECT ST_AsBinary(ST_Intersection(grid.geom, root.shape)) AS shape
FROM (SELECT ST_Transform(a.boundary, c.metric_srid) AS shape FROM geo_area a JOIN geo_city c ON c.id = a.city_id
      WHERE a.city_id = %(city_id)s AND a.parent_id IS NULL AND a.retired_at IS NULL) root
CROSS JOIN LATERAL ST_HexagonGrid(%(cell_m)s, root.shape) grid
WHERE ST_Intersects(root.shape, grid.geom)
"""
DAILY_REPORTS = """
SELECT a.code, c.slug AS category, date_trunc('day', r.reported_at, 'Asia/Jakarta') AS day, count(*) AS n
FROM geo_report r JOIN geo_category c ON c.id = r.category_id
JOIN geo_areaancestry an ON an.area_id = r.public_area_id JOIN geo_area a ON a.id = an.ancestor_id
JOIN geo_arealevel l ON l.id = a.level_id AND l.code = %(level)s
WHERE r.city_id = %(city_id)s AND r.is_public AND r.reported_at >= %(start)s AND r.reported_at < %(end)s
GROUP BY 1, 2, 3
"""
DAILY_VALUES = """
SELECT d.observed_property AS property, d.thing, date_trunc('day', h.hour, 'Asia/Jakarta') AS day,
       sum(h.sum) / sum(h.n) AS value
FROM sensors_published_hourly h JOIN sensors_published_datastream d USING (datastream_id)
WHERE h.hour >= %(first)s AND h.hour < %(end)s AND d.observed_property = ANY(%(properties)s)
GROUP BY 1, 2, 3
"""
NEAREST_THING = """
SELECT a.code, near.thing FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id
CROSS JOIN LATERAL (
    SELECT d.thing FROM sensors_published_datastream d WHERE d.observed_property = %(property)s
    ORDER BY ST_Distance(a.boundary::geography, d.location::geography), d.thing LIMIT 1) near
WHERE a.city_id = %(city_id)s AND a.retired_at IS NULL AND l.code = 'kelurahan' ORDER BY a.code
"""


def read(sql: str, values: dict[str, Any]) -> Any:
    """A query as a data frame."""
    import pandas as pd
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])


def hotspots_of_areas(values: dict[str, Any], permutations: int) -> Any:
    """Gi* of the kelurahan: z-scores by code."""
    import geopandas as gpd

    rows = read(REPORTS_BY_AREA, values)
    shapes = gpd.GeoSeries.from_wkb(rows["boundary"].map(bytes), crs=4326)
    return _gi_star(gpd.GeoDataFrame(rows, geometry=shapes), permutations)


def hotspots_of_cells(values: dict[str, Any], permutations: int) -> Any:
    """Gi* of hexagons: cells, reports joined to them, contiguity from the shapes."""
    import geopandas as gpd

    cells = gpd.GeoDataFrame(geometry=gpd.GeoSeries.from_wkb(read(CELLS, values)["shape"].map(bytes)))
    points = read(POINTS, values)
    placed = gpd.GeoDataFrame(geometry=gpd.points_from_xy(points["x"], points["y"]))
    joined = gpd.sjoin(placed, cells, predicate="within")
    cells["n"] = joined.groupby("index_right").size().reindex(cells.index, fill_value=0)
    return _gi_star(cells, permutations)


def _gi_star(frame: Any, permutations: int) -> Any:
    import esda
    import libpysal

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = libpysal.weights.Queen.from_dataframe(frame, use_index=False, silence_warnings=True)
        found = esda.G_Local(
            frame["n"].to_numpy(dtype=float), weights, transform="B", star=True, permutations=permutations, seed=SEED
        )
    return np.asarray(found.Zs), np.asarray(found.p_sim)


def correlation_by_area(values: dict[str, Any], prop: str, areas: int) -> dict[str, tuple[float, int, float]]:
    """rho, lag and p of the first so many kelurahan: days, weekday means taken out of the ranks, every circular shift."""
    import pandas as pd

    days = pd.date_range(values["start"], values["end"], freq="D", inclusive="left")
    counts = read(DAILY_REPORTS, {**values, "level": "kelurahan"})
    counts = counts.groupby(["day", "code"])["n"].sum().unstack().reindex(days).fillna(0)
    readings = read(DAILY_VALUES, {**values, "properties": [prop]}).pivot_table(
        index="day", columns="thing", values="value"
    )
    nearest = read(NEAREST_THING, {**values, "property": prop}).set_index("code")["thing"]
    return {
        code: _lagged(counts[code], readings[thing]) if code in counts else (0.0, 0, 1.0)
        for code, thing in list(nearest.items())[:areas]
    }


def matrix(
    values: dict[str, Any], categories: list[str], properties: list[str], pairs: int
) -> dict[tuple[str, str], Any]:
    """The first so many pairs of each category against each property for the city as a whole, by days."""
    import pandas as pd

    days = pd.date_range(values["start"], values["end"], freq="D", inclusive="left")
    counts = read(DAILY_REPORTS, {**values, "level": "kota"})
    counts = counts.groupby(["day", "category"])["n"].sum().unstack().reindex(days).fillna(0)
    readings = read(DAILY_VALUES, {**values, "properties": properties})
    readings = readings.groupby(["day", "property"])["value"].mean().unstack()
    asked = [(category, prop) for category in categories for prop in properties][:pairs]
    return {(category, prop): _lagged(counts[category], readings[prop]) for category, prop in asked}


def _lagged(reports: Any, values: Any) -> tuple[float, int, float]:
    """Spearman at 15 lags, the weekday's mean out of both ranks; p by every circular shift of the strongest."""
    import pandas as pd

    ranks = reports.rank()
    ranks = ranks - ranks.groupby(ranks.index.dayofweek).transform("mean")
    earlier = values.rank()
    earlier = earlier - earlier.groupby(earlier.index.dayofweek).transform("mean")
    lagged = pd.DataFrame({lag: earlier.shift(lag).reindex(reports.index) for lag in range(LAGS)})
    observed = lagged.corrwith(ranks)
    strongest = observed.abs().max()
    shifts = range(LAGS, len(ranks) - LAGS)
    beyond = 0
    for shift in shifts:
        rolled = pd.Series(np.roll(ranks.to_numpy(), shift), index=ranks.index)
        beyond += bool(lagged.corrwith(rolled).abs().max() >= strongest)
    lag = int(observed.abs().idxmax())
    return float(observed[lag]), lag, (1 + beyond) / (1 + len(shifts))


def warm_up() -> None:
    """Has numba compile what esda runs, which is no part of an analysis."""
    import esda
    import libpysal

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = libpysal.weights.lat2W(4, 4)
        esda.G_Local(np.arange(16.0), weights, transform="B", star=True, permutations=99, seed=SEED)
