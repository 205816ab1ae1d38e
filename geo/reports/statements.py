"""The named statements of this room, with the fragments that they share put in their places."""

from pathlib import Path

from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


def _whole(statement: str) -> str:
    responsible = f"{QUERIES.routing_rules}, {QUERIES.responsible}"
    fragments = {"public_point": QUERIES.public_point, "responsible": responsible}
    return statement.format(placing=QUERIES.placing.format(**fragments), **fragments)


INSERT_REPORTS = _whole(QUERIES.insert_reports)
REVISE_REPORT = _whole(QUERIES.revise_report)
REFRESH_PUBLIC_POINTS = _whole(QUERIES.refresh_public_points)
