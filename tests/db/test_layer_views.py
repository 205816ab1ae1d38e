"""The layers as views of schema `layers`, as the role gis_reader sees them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.gis.geos import Point
from django.db import DatabaseError, connection, transaction

from geo.analysis.models import ResultRow, ResultSet
from geo.apps import show_layers, step_aside
from geo.areas.models import Area, PopulationFigure
from geo.layers.analyses.correlation import CORRELATION
from geo.layers.layer import Query
from geo.layers.results import current_result
from geo.layers.schema import drop_views, refresh_views
from geo.models import Report
from sensors.models import Observation
from sensors.observations.partitions import ensure_partitions
from server.core.params import day_start
from tests.factories import make_category, make_city, make_datastream, make_report, make_thing, scatter_reports

pytestmark = pytest.mark.django_db
Rows = list[dict[str, Any]]


@contextmanager
def gis_reader() -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE gis_reader")
        yield cursor
        cursor.execute("RESET ROLE")


def read(query: str, *values: Any) -> Rows:
    """Rows of a query of the role gis_reader."""
    with gis_reader() as cursor:
        cursor.execute(query, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one(query: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]


def oid(view: str) -> int:
    return one("SELECT to_regclass(%s)::oid::bigint", f"layers.{view}")


def test_each_layer_is_a_view_with_a_typed_geometry() -> None:
    found = read("SELECT f_table_name, type, srid FROM geometry_columns WHERE f_table_schema = 'layers' ORDER BY 1")
    assert [(row["f_table_name"], row["type"], row["srid"]) for row in found] == [
        ("bivariate", "MULTIPOLYGON", 4326),
        ("cities", "MULTIPOLYGON", 4326),
        ("clusters", "MULTIPOLYGON", 4326),
        ("correlation", "MULTIPOLYGON", 4326),
        ("density", "MULTIPOLYGON", 4326),
        ("districts", "MULTIPOLYGON", 4326),
        ("emerging", "MULTIPOLYGON", 4326),
        ("hotspots", "MULTIPOLYGON", 4326),
        ("incidents", "POINT", 4326),
        ("reports", "POINT", 4326),
        ("sensors", "POINT", 4326),
        ("subdistricts", "MULTIPOLYGON", 4326),
        ("surface", "MULTIPOLYGON", 4326),
    ]


def test_columns_are_those_of_the_declaration_after_the_id_and_the_city_with_types_that_every_program_reads() -> None:
    found = read(
        "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a"
        " WHERE a.attrelid = to_regclass('layers.density') ORDER BY a.attnum"
    )
    assert {row["name"]: row["type"] for row in found} == {
        "key": "bigint",
        "feature_id": "text",
        "city": "text",
        "code": "text",
        "name": "text",
        "level": "text",
        "parent": "text",
        "area_km2": "double precision",
        "reports": "bigint",
        "reports_per_km2": "double precision",
        "reports_per_10000": "double precision",
        "population": "bigint",
        "population_year": "bigint",
        "population_source": "text",
        "is_schematic": "boolean",
        "geom": "geometry(MultiPolygon,4326)",
    }
    assert [row["name"] for row in found][:3] == ["key", "feature_id", "city"]


def test_every_view_and_column_has_a_comment_with_its_unit() -> None:
    assert (
        one(
            "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'layers'::regnamespace"
            " AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)"
        )
        == 0
    )
    comment = "SELECT col_description(a.attrelid, a.attnum) FROM pg_attribute a WHERE attrelid = to_regclass(%s) AND attname = %s"
    # The instance's language is Indonesian.
    assert one(comment, "layers.density", "reports_per_km2") == "Laporan per km² [1/km2]"
    assert one(comment, "layers.sensors", "result").endswith(" [unit_ucum]")


def test_a_view_covers_every_city_even_one_that_came_after_it() -> None:
    make_city("barat", west=106.9)
    make_city("timur", west=119.4, districts=3, timezone="Asia/Makassar", metric_srid=32750)
    counted = "SELECT city, count(*) AS n, count(DISTINCT key) AS keys FROM layers.{} GROUP BY city ORDER BY city"
    for view, expected in {
        "cities": {"barat": 1, "timur": 1},
        "districts": {"barat": 2, "timur": 3},
        "subdistricts": {"barat": 4, "timur": 6},
        "density": {"barat": 2, "timur": 3},
    }.items():
        rows = read(counted.format(view))
        assert {row["city"]: row["n"] for row in rows} == expected
        assert {row["city"]: row["keys"] for row in rows} == expected


def test_reports_show_what_is_public_and_nothing_else() -> None:
    make_city()
    shown = make_report(location=Point(106.93, -6.25, srid=4326), description="Lampu mati")
    Report.objects.filter(pk=shown.pk).update(
        public_location=Point(106.95, -6.25, srid=4326),
        public_description="Lampu",
        description="Lampu mati, telepon saya",
    )
    make_report(is_public=False)
    placeless = make_report()
    Report.objects.filter(pk=placeless.pk).update(public_location=None)
    rows = read("SELECT key, feature_id, city, description, ST_X(geom) AS x FROM layers.reports")
    assert rows == [
        {"key": shown.pk, "feature_id": shown.public_id, "city": "kota-uji", "description": "Lampu", "x": 106.95}
    ]


def test_a_condition_that_fails_on_a_hidden_row_tells_nothing_of_it() -> None:
    """`'rahasia'::int` would name the hidden text in its error, if the condition came before the view's own."""
    make_city()
    shown, hidden = make_report(), make_report()
    Report.objects.filter(pk=shown.pk).update(public_description="12")
    Report.objects.filter(pk=hidden.pk).update(public_description="rahasia", is_public=False)
    assert read("SELECT feature_id FROM layers.reports WHERE description::int > 0") == [{"feature_id": shown.public_id}]


def test_a_map_window_is_found_by_the_spatial_index_through_the_barrier() -> None:
    make_city()
    scatter_reports()
    window = (
        "SELECT feature_id FROM layers.reports WHERE geom && ST_MakeEnvelope(106.921, -6.2551, 106.925, -6.2549, 4326)"
    )
    assert [row["feature_id"] for row in read(window)] == ["t906"]
    plan = "\n".join(row["QUERY PLAN"] for row in read(f"EXPLAIN {window}"))
    assert "geo_report_public_location" in plan


def test_sensors_stand_in_their_city_with_their_latest_result() -> None:
    make_city("barat", west=106.9)
    make_city("timur", west=119.4, timezone="Asia/Makassar")
    ensure_partitions({date(2026, 3, 1)})
    here, there = (make_thing(slug, location=Point(x, -6.25, srid=4326)) for slug, x in [("a", 106.93), ("b", 119.43)])
    stream, _other = make_datastream(here), make_datastream(there)
    for hour, result in [(1, 4.0), (2, 5.0)]:
        moment = datetime(2026, 3, 1, hour, tzinfo=UTC)
        Observation.objects.create(datastream=stream, phenomenon_time=moment, result=result, received_at=moment)
    rows = read("SELECT key, city, thing, result, unit_ucum FROM layers.sensors ORDER BY thing")
    assert [tuple(row.values())[1:] for row in rows] == [
        ("barat", "a", 5.0, "ug/m3"),
        ("timur", "b", None, "ug/m3"),
    ]
    assert rows[0]["key"] == stream.pk


def test_density_counts_the_last_thirty_days_by_the_clock_of_each_city() -> None:
    """Today and the 29 days before it. Midnight comes an hour earlier in Makassar than in Jakarta."""
    make_city("barat", west=106.9, side=0.1, districts=1)
    make_city("timur", west=119.4, side=0.1, districts=1, timezone="Asia/Makassar")
    PopulationFigure.objects.create(area=Area.objects.get(code="barat.1"), year=2020, population=20_000, source="uji")
    now = one("SELECT now()")
    for longitude, zone in [(106.93, "Asia/Jakarta"), (119.43, "Asia/Makassar")]:
        first_day = day_start(now, ZoneInfo(zone)) - timedelta(days=29)
        for at in [first_day - timedelta(seconds=1), first_day, now]:
            report = make_report(location=Point(longitude, -6.25, srid=4326), now=now)
            Report.objects.filter(pk=report.pk).update(reported_at=at)
    rows = read("SELECT city, reports, reports_per_km2, reports_per_10000 FROM layers.density ORDER BY city")
    assert [tuple(row.values()) for row in rows] == [("barat", 2, 2.0, 1.0), ("timur", 2, 2.0, None)]


def test_no_view_holds_the_moment_in_which_it_was_made() -> None:
    for name in refresh_views().names:
        assert str(datetime.now(UTC).year) not in one("SELECT pg_get_viewdef(to_regclass(%s))", f"layers.{name}")


def test_correlation_shows_the_latest_result_of_each_question_with_its_parameters() -> None:
    city = make_city()
    category = make_category("sampah")
    make_category("plastik", parent=category)
    now = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
    make_report(category=category, now=now)
    make_datastream(make_thing())

    def ask(interval: str, version: int, **more: Any) -> ResultSet:
        given = {"level": "kecamatan", "property": "pm25", "interval": interval, "lag": "auto", "max_distance_m": 1e4}
        values = CORRELATION.resolve(city, {**given, **more}, now)
        return current_result(CORRELATION, Query(city=city, values=values, now=now), version)

    by_category = [category.pk, *category.children.values_list("id", flat=True)]
    old = ask("day", 1, category=by_category)
    ResultSet.objects.filter(pk=old.pk).update(as_of=now)  # no longer fresh
    new, other = ask("day", 2, category=by_category), ask("week", 2)
    ResultSet.objects.create(
        analysis="correlation",
        parameters_key="x",
        parameters=new.parameters,
        data_version=3,
        requested_at=now,
        touched_at=now,
    )
    ResultRow.objects.filter(result_set=new).update(figures={"reports": 7, "rho": 0.5, "lag": 2, "things": ["a", "b"]})
    rows = read("SELECT * FROM layers.correlation ORDER BY interval, code")
    assert [(row["interval"], row["code"], row["feature_id"]) for row in rows] == [
        ("day", "kota-uji.1", f"{new.pk}.kota-uji.1"),
        ("day", "kota-uji.2", f"{new.pk}.kota-uji.2"),
        ("week", "kota-uji.1", f"{other.pk}.kota-uji.1"),
        ("week", "kota-uji.2", f"{other.pk}.kota-uji.2"),
    ]
    assert len({row["key"] for row in rows}) == 4
    first = rows[0]
    assert (first["city"], first["category"], first["property"], first["level"]) == (
        "kota-uji",
        "sampah",
        "pm25",
        "kecamatan",
    )
    # The last 120 days of the city, which is seven hours ahead: to the end of 1 March.
    assert (first["start"], first["end"]) == (
        datetime(2025, 11, 1, 17, tzinfo=UTC),
        datetime(2026, 3, 1, 17, tzinfo=UTC),
    )
    assert (first["reports"], first["rho"], first["lag"], first["things"], first["max_distance_m"]) == (
        7,
        0.5,
        2,
        "a,b",
        10_000.0,
    )
    assert rows[2]["category"] is None


def test_the_role_reads_the_views_and_what_postgis_shows_everybody_and_nothing_else() -> None:
    found = read(
        "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S') AND n.nspname !~ '^pg_|^information_schema$'"
        " AND has_schema_privilege(n.oid, 'USAGE') AND (has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')"
        " OR has_table_privilege(c.oid, 'DELETE, TRUNCATE, TRIGGER')) ORDER BY 1"
    )
    assert [row["name"] for row in found] == [
        "geography_columns",
        "geometry_columns",
        "layers.bivariate",
        "layers.cities",
        "layers.clusters",
        "layers.correlation",
        "layers.density",
        "layers.districts",
        "layers.emerging",
        "layers.hotspots",
        "layers.incidents",
        "layers.reports",
        "layers.sensors",
        "layers.subdistricts",
        "layers.surface",
        "spatial_ref_sys",
    ]
    writable = (
        "SELECT count(*) AS n FROM pg_class c WHERE c.relnamespace = 'layers'::regnamespace AND (has_any_column_privilege(c.oid,"
        " 'INSERT, UPDATE, REFERENCES') OR has_table_privilege(c.oid, 'DELETE, TRUNCATE, TRIGGER'))"
    )
    assert read(writable) == [{"n": 0}]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM geo_report",
        "SELECT * FROM geo_reportcontact",
        "SELECT * FROM auth_user",
        "SELECT * FROM geo_resultset",
        "SELECT * FROM sensors_published_latest",
        "INSERT INTO geo_report DEFAULT VALUES",
        "INSERT INTO layers.reports (feature_id) VALUES ('x')",
        "UPDATE layers.reports SET feature_id = 'x'",
        "DELETE FROM layers.districts",
        "CREATE TABLE layers.mine ()",
        "CREATE TABLE public.mine ()",
        "CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE sql COST 0.0001 AS 'SELECT true'",
        "DROP VIEW layers.reports",
    ],
)
def test_the_role_is_refused(statement: str) -> None:
    with pytest.raises(
        DatabaseError, match=r"permission denied|must be owner|cannot (insert into|update|delete from) view"
    ):
        read(statement)


def test_refreshing_again_touches_nothing() -> None:
    before = one("SELECT string_agg(oid::text || xmin::text, ',' ORDER BY oid) FROM pg_class WHERE relkind = 'v'")
    assert refresh_views().is_changed is False
    after = one("SELECT string_agg(oid::text || xmin::text, ',' ORDER BY oid) FROM pg_class WHERE relkind = 'v'")
    assert after == before


def test_a_view_with_the_same_columns_stays_the_same_table_to_those_who_have_it_open() -> None:
    before = oid("districts")
    with connection.cursor() as cursor:
        cursor.execute("COMMENT ON VIEW layers.districts IS 'stale'")
    assert refresh_views().is_changed is True
    assert oid("districts") == before
    assert one("SELECT obj_description(to_regclass('layers.districts'), 'pg_class')").startswith("Kecamatan")


def test_a_view_with_other_columns_is_made_anew_and_can_be_read_again() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP VIEW layers.reports")
        cursor.execute("CREATE VIEW layers.reports AS SELECT 'x'::text AS key")
    refresh_views()
    assert read("SELECT key, feature_id FROM layers.reports") == []


def test_a_view_of_a_layer_that_is_no_more_goes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW layers.former AS SELECT 1 AS key")
    refresh_views()
    assert one("SELECT to_regclass('layers.former')") is None


def test_a_right_that_was_taken_away_is_given_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("REVOKE SELECT ON layers.sensors FROM gis_reader")
    refresh_views()
    assert read("SELECT * FROM layers.sensors") == []


def test_views_step_aside_for_a_migration_and_come_back() -> None:
    step_aside(plan=[("a migration", False)])
    assert one("SELECT to_regclass('layers.reports')") is None
    show_layers(plan=[], verbosity=0)
    assert read("SELECT * FROM layers.reports") == []


def test_where_no_role_can_be_made_the_views_are_made_all_the_same_and_it_is_said() -> None:
    drop_views()
    done = refresh_views(role="gis_reader_that_is_not_there")
    assert done.is_changed
    assert not done.has_role
    assert "server/core/gis_role.sql" in done.advice
    assert oid("reports")


def test_where_no_schema_can_be_made_it_is_said() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA layers CASCADE")
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"REVOKE CREATE ON DATABASE {name} FROM CURRENT_USER")
    done = refresh_views()
    assert not done.has_schema
    assert "CREATE SCHEMA layers AUTHORIZATION" in done.advice


def test_a_schema_that_is_missing_is_made() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA layers CASCADE")
    assert refresh_views().is_changed
    assert read("SELECT * FROM layers.reports") == []
