"""The named statements of this room. Who is responsible is asked by the very fragment that routes what comes in."""

from pathlib import Path

from geo.operations.board.figures import QUERIES as BOARD_QUERIES
from geo.reports.statements import QUERIES as REPORT_QUERIES
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


def _whole(statement: str, rules: str) -> str:
    compared = QUERIES.compared.format(responsible=REPORT_QUERIES.responsible)
    return statement.format(compared=f"{rules}, {compared}")


DRY_RUN = _whole(QUERIES.dry_run, REPORT_QUERIES.routing_rules)
DRY_RUN_OF_GIVEN = _whole(QUERIES.dry_run, QUERIES.given_rules)
ELSEWHERE = _whole(QUERIES.elsewhere, REPORT_QUERIES.routing_rules)
PING_PONG = QUERIES.ping_pong.format(asked_for=BOARD_QUERIES.asked_for)
