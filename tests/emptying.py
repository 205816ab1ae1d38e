"""Empties the database after a test that commits: what Django's own flush does, for less than half its price.

TRUNCATE makes new files for each of eighty tables and all their indexes, though such a test has written a few rows to a few
of them. So few rows are deleted, with what watches over deletions; many are truncated as ever.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

# A deletion looks for each row in every table that may refer to it.
FEW_ROWS = 1000
# One statement, so that nothing is written between its look and its deletions. What keeps a log append-only stands aside, as it
# does for TRUNCATE (geo.migrations.0013_operation_functions); the counters of data versions count on.
SQL = """
DO $do$
DECLARE
    name text;
    n integer;
    watch record;
    filled text[] := '{{}}';
BEGIN
    LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE;
    FOREACH name IN ARRAY ARRAY[{names}] LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %I LIMIT {few} + 1) AS found', name) INTO n;
        IF n > {few} THEN
            TRUNCATE {tables};
            RETURN;
        END IF;
        IF n > 0 THEN
            filled := filled || name;
        END IF;
    END LOOP;
    FOR watch IN SELECT tgrelid::regclass AS table_name, tgname FROM pg_trigger WHERE tgname LIKE '%\\_append\\_only' LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', watch.table_name, watch.tgname);
    END LOOP;
    SET CONSTRAINTS ALL DEFERRED;
    FOREACH name IN ARRAY filled LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE;
    FOR watch IN SELECT tgrelid::regclass AS table_name, tgname FROM pg_trigger WHERE tgname LIKE '%\\_append\\_only' LOOP
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', watch.table_name, watch.tgname);
    END LOOP;
END $do$
"""


def empty_quickly() -> None:
    """From here on, flushing the default database deletes where there is little to delete."""
    truncating = connection.ops.sql_flush

    def sql_flush(style: Any, tables: Sequence[str], *, reset_sequences: bool = False, **more: Any) -> list[str]:
        if reset_sequences or not tables:
            return truncating(style, tables, reset_sequences=reset_sequences, **more)
        quoted = ", ".join(connection.ops.quote_name(name) for name in tables)
        names = ", ".join(f"'{name}'" for name in tables)
        return [SQL.format(tables=quoted, names=names, few=FEW_ROWS)]

    connection.ops.sql_flush = sql_flush  # type: ignore[method-assign]
