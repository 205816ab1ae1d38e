"""The closure of the area tree: who lies in whom, kept as rows so that nothing has to walk."""

from pathlib import Path

from django.db import connection, transaction

from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@transaction.atomic
def rebuild_ancestry() -> int:
    """Makes the closure what the tree says, and returns how many pairs that took. Nothing is written where it holds."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.drop_ancestry)
        dropped = cursor.rowcount
        cursor.execute(QUERIES.add_ancestry)
        return dropped + cursor.rowcount
