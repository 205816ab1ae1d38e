"""The named statements of this room, with the fragment that they share put in its place."""

from pathlib import Path

from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
# By the kind of an escalation, what waits: another kind is one more fragment with the same columns.
WAITING = {"report": QUERIES.waiting_reports, "alert": QUERIES.waiting_alerts}
CLIMB = {kind: QUERIES.climb.replace("{waiting}", waiting) for kind, waiting in WAITING.items()}
STILL_WAITING = {
    "report": QUERIES.still_waiting.replace("{waiting}", QUERIES.waiting_reports),
    "alert": QUERIES.still_waiting_alerts.replace("{waiting}", QUERIES.waiting_alerts),
}
UNANSWERED = QUERIES.unanswered.replace("{waiting}", QUERIES.waiting_reports)
COUNTS = QUERIES.counts
OPEN_ALERTS = QUERIES.open_alerts
WATCHED_READINGS = QUERIES.watched_readings
