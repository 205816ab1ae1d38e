"""The named statements of this room, with the fragment that two of them share put in its place."""

from pathlib import Path

from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


def _whole(statement: str) -> str:
    return statement.format(public_point=QUERIES.public_point)


INSERT_REPORTS = _whole(QUERIES.insert_reports)
REFRESH_PUBLIC_POINTS = _whole(QUERIES.refresh_public_points)
