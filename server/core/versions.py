"""A data version that changes whenever visible committed data changes, without serialising writers.

Each app keeps slots of counters in a table. A writing transaction adds one to a slot that no other transaction holds, so it
never waits; the version of a scope is the sum over its slots, which grows with every commit in whatever order they come.
Statement triggers do the adding, so that no writer, the admin included, can forget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection


def create_versions_sql(table: str) -> str:
    """The SQL that makes a version table and its trigger function `<table>_bump()`; the trigger's argument is the scope."""
    assert table.isidentifier()
    return f"""
    CREATE TABLE {table} (
        scope text NOT NULL, slot integer NOT NULL, n bigint NOT NULL DEFAULT 0, PRIMARY KEY (scope, slot)
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE {table} IS 'Counter slots; the sum over a scope is its data version.';
    CREATE FUNCTION {table}_bump() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE {table} SET n = n + 1 WHERE scope = TG_ARGV[0] AND slot = (
            SELECT slot FROM {table} WHERE scope = TG_ARGV[0] ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED);
        IF NOT FOUND THEN  -- every slot is held by an open transaction, or there is none yet: a new one, which nobody waits for
            INSERT INTO {table} (scope, slot, n) VALUES (TG_ARGV[0], (random() * 2000000000)::integer, 1)
            ON CONFLICT (scope, slot) DO UPDATE SET n = {table}.n + 1;
        END IF;
        RETURN NULL;
    END $$;
    """


def watch_sql(version_table: str, watched: str, scope: str) -> str:
    """The SQL that makes every writing statement on a table count in a scope."""
    assert all(name.isidentifier() for name in (version_table, watched, scope))
    return f"""
    CREATE TRIGGER {watched}_version AFTER INSERT OR UPDATE OR DELETE ON {watched}
        FOR EACH STATEMENT EXECUTE FUNCTION {version_table}_bump('{scope}');
    CREATE TRIGGER {watched}_version_truncate AFTER TRUNCATE ON {watched}
        FOR EACH STATEMENT EXECUTE FUNCTION {version_table}_bump('{scope}');
    """


def stamp_versions_sql(table: str) -> str:
    """The SQL by which a version table also keeps when each slot was last added to."""
    assert table.isidentifier()
    return f"""
    ALTER TABLE {table} ADD COLUMN IF NOT EXISTS changed_at timestamptz NOT NULL DEFAULT now();
    CREATE OR REPLACE FUNCTION {table}_bump() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE {table} SET n = n + 1, changed_at = clock_timestamp() WHERE scope = TG_ARGV[0] AND slot = (
            SELECT slot FROM {table} WHERE scope = TG_ARGV[0] ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED);
        IF NOT FOUND THEN  -- every slot is held by an open transaction, or there is none yet: a new one, which nobody waits for
            INSERT INTO {table} (scope, slot, n, changed_at)
            VALUES (TG_ARGV[0], (random() * 2000000000)::integer, 1, clock_timestamp())
            ON CONFLICT (scope, slot) DO UPDATE SET n = {table}.n + 1, changed_at = clock_timestamp();
        END IF;
        RETURN NULL;
    END $$;
    """


@dataclass(frozen=True, slots=True)
class DataVersion:
    """`number` decides whether data has changed; `changed_at` tells people when (None: never), and decides nothing, since
    transactions do not commit in the order of their times."""

    number: int
    changed_at: datetime | None


def data_version(scopes: Mapping[str, Sequence[str]]) -> DataVersion:
    """The version of the data in these scopes (version table -> its scopes), as committed now: one small query."""
    tables = " UNION ALL ".join(f"SELECT n, changed_at FROM {table} WHERE scope = ANY(%s)" for table in scopes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(sum(n), 0)::bigint, max(changed_at) FROM ({tables}) slots",
            [list(names) for names in scopes.values()],
        )
        number, changed_at = cursor.fetchone()
    return DataVersion(number, changed_at)
