"""The role of GIS programs in the private cluster: its password, its defaults, and that two databases may make it at once."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from server.run.postgres import GIS_ROLE_FILE
from server.run.private import PrivateServers
from server.run.said import wait_until
from tests.servers import private_servers


@pytest.fixture(scope="module")
def servers() -> Iterator[PrivateServers]:
    with private_servers("gis", durable=False) as servers:
        yield servers


@pytest.fixture
def session(servers: PrivateServers) -> Iterator[Any]:
    connection = psycopg2.connect(servers.cluster.gis_dsn)
    connection.autocommit = True
    yield connection.cursor()
    connection.close()


def superuser(servers: PrivateServers, database: str) -> Any:
    cluster = servers.cluster
    return psycopg2.connect(host=str(cluster.home.sockets), port=cluster.port, user="postgres", dbname=database)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_transaction_read_only", "on"),
        ("statement_timeout", "1min"),
        ("idle_in_transaction_session_timeout", "5min"),
        ("search_path", "layers, public"),
    ],
)
def test_it_logs_in_with_a_password_of_its_own_and_careful_defaults(session: Any, name: str, value: str) -> None:
    session.execute("SELECT current_setting(%s)", [name])
    assert session.fetchone() == (value,)


def test_it_may_make_no_temporary_table_even_where_it_turns_its_defaults_off(session: Any) -> None:
    session.execute("SET default_transaction_read_only = off")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        session.execute("CREATE TEMPORARY TABLE mine ()")


NOT_FOR_READERS = {
    "an advisory lock": "SELECT pg_advisory_lock(hashtext('geo.placement'))",
    "a try for one": "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
    "a large object": "SELECT lo_creat(-1)",
    "a large object with bytes": "SELECT lo_from_bytea(0, 'x')",
    "a message in the log": "SELECT pg_logical_emit_message(false, 'x', 'y')",
    "a selectivity": "SELECT _postgis_selectivity('public.place'::regclass, 'location', ST_MakeEnvelope(106, -7, 107, -6, 4326))",
    "a histogram": "SELECT _postgis_stats('public.place'::regclass, 'location')",
    "the extent of an index": "SELECT _postgis_index_extent('public.place'::regclass, 'location')",
    "an estimated extent": "SELECT ST_EstimatedExtent('public', 'place', 'location')",
    "one of a table and its children": "SELECT ST_EstimatedExtent('public', 'place', 'location', true)",
    "one in the search path": "SELECT ST_EstimatedExtent('place', 'location')",
}


@pytest.fixture(scope="module")
def place(servers: PrivateServers) -> None:
    """A table of exact places that the role may not read, and a view of coarser ones that it may."""
    with psycopg2.connect(servers.cluster.dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE public.place AS SELECT n AS key, ST_Point(106.9 + n / 1000.0, -6.2, 4326)::geometry(Point, 4326) AS location"
            " FROM generate_series(1, 100) n;"
            "CREATE INDEX ON public.place USING gist (location);"
            "CREATE SCHEMA layers;"
            "CREATE VIEW layers.place WITH (security_barrier = true) AS"
            " SELECT key, ST_SnapToGrid(location, 1)::geometry(Point, 4326) AS geom FROM public.place;"
            "GRANT USAGE ON SCHEMA layers TO gis_reader; GRANT SELECT ON layers.place TO gis_reader"
        )
    connection.close()
    servers.cluster.sql("pantau", "ANALYZE public.place")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("query", NOT_FOR_READERS.values(), ids=NOT_FOR_READERS.keys())
def test_what_everybody_may_call_elsewhere_is_not_for_it(session: Any, query: str) -> None:
    session.execute("SET default_transaction_read_only = off")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="permission denied for function"):
        session.execute(query)


@pytest.mark.usefixtures("place")
def test_it_reads_the_extent_and_the_geometry_columns_of_a_view(session: Any) -> None:
    session.execute(
        "SELECT ST_Extent(geom)::text FROM layers.place WHERE geom && ST_MakeEnvelope(106, -7, 108, -5, 4326)"
    )
    assert session.fetchone() == ("BOX(107 -6,107 -6)",)
    session.execute("SELECT f_geometry_column, srid, type FROM geometry_columns WHERE f_table_schema = 'layers'")
    assert session.fetchall() == [("geom", 4326, "POINT")]


def test_its_time_limit_is_a_default_that_a_session_may_raise(session: Any) -> None:
    session.execute("SET statement_timeout = 0")
    session.execute("SHOW statement_timeout")
    assert session.fetchone() == ("0",)


def test_the_application_may_lock_here_and_in_the_databases_that_it_makes(servers: PrivateServers) -> None:
    connection = psycopg2.connect(servers.cluster.dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(1)")
        assert cursor.fetchone() == (True, True)
        cursor.execute("CREATE DATABASE another")
    connection.close()
    another = psycopg2.connect(servers.cluster.dsn.removesuffix("/pantau") + "/another")
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(1)")
        assert cursor.fetchone() == (True,)
        cursor.execute(
            "SELECT has_function_privilege('gis_reader', 'pg_advisory_lock(bigint)', 'EXECUTE'),"
            " has_function_privilege('gis_reader', 'st_estimatedextent(text, text)', 'EXECUTE')"
        )
        assert cursor.fetchone() == (False, False)
    another.close()


def test_an_application_of_another_name_may_lock_in_its_own_database(servers: PrivateServers) -> None:
    servers.cluster.sql("postgres", "CREATE ROLE kota LOGIN PASSWORD 'kota'", "CREATE DATABASE kota OWNER kota")
    servers.cluster.sql("kota", GIS_ROLE_FILE.read_text().rstrip().rstrip(";"))
    assert (
        servers.cluster.sql(
            "kota",
            "SELECT has_function_privilege('kota', 'pg_advisory_xact_lock(bigint)', 'EXECUTE'),"
            " has_function_privilege('gis_reader', 'pg_advisory_xact_lock(bigint)', 'EXECUTE')",
        )
        == "t|f"
    )


def test_run_again_it_changes_no_privilege(servers: PrivateServers) -> None:
    privileges = "SELECT md5(string_agg(oid || coalesce(proacl::text, ''), ',' ORDER BY oid)) FROM pg_proc"
    before = servers.cluster.sql("pantau", privileges)
    servers.cluster.set_up()
    assert servers.cluster.sql("pantau", privileges) == before


def test_the_application_may_still_make_temporary_tables(servers: PrivateServers) -> None:
    connection = psycopg2.connect(servers.cluster.dsn)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE mine ()")
    connection.close()


def test_its_connections_are_limited(session: Any) -> None:
    session.execute(
        "SELECT rolconnlimit, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    assert session.fetchone() == (30, False, False, False)


def test_two_databases_may_make_it_at_once(servers: PrivateServers) -> None:
    role = GIS_ROLE_FILE.read_text()
    servers.cluster.sql("pantau", "DROP OWNED BY gis_reader", "DROP ROLE gis_reader")
    first, second = superuser(servers, "pantau"), superuser(servers, "template1")
    failures: list[Exception] = []

    def make_second() -> None:
        try:
            with second, second.cursor() as cursor:
                cursor.execute(role)
        except psycopg2.Error as error:
            failures.append(error)

    with first.cursor() as cursor:
        cursor.execute(role)
        thread = threading.Thread(target=make_second)
        thread.start()
        waits = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = {second.get_backend_pid()}"
        assert wait_until(lambda: servers.cluster.sql("postgres", waits) == "1", seconds=10)
    first.commit()
    thread.join()
    first.close()
    second.close()
    assert failures == []
    settings = servers.cluster.sql(
        "postgres", "SELECT cardinality(rolconfig) FROM pg_roles WHERE rolname = 'gis_reader'"
    )
    assert settings == "4"


def test_what_an_administrator_has_changed_stays_when_it_is_run_again(servers: PrivateServers) -> None:
    servers.cluster.set_up()
    servers.cluster.sql(
        "postgres", "ALTER ROLE gis_reader CONNECTION LIMIT 5", "ALTER ROLE gis_reader SET work_mem = '8MB'"
    )
    servers.cluster.set_up()
    found = servers.cluster.sql(
        "postgres", "SELECT rolconnlimit, rolconfig::text ~ 'work_mem=8MB' FROM pg_roles WHERE rolname = 'gis_reader'"
    )
    assert found == "5|t"
