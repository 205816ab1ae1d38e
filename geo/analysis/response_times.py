"""How long answers took: reports of an area that were resolved or rejected in a period, and those that are open still.

Duplicates are closed by clerks within minutes and say nothing of an answer, so they are left out.
"""

from collections.abc import Mapping
from typing import Any

from geo.analysis.dossier_figures import SQL, Figure, Subject, figure, per_cent
from geo.analysis.statistics.rate_ratio import share

# geo.reports.workflow has the states; analyses and reports do not import each other.
ANSWERED = ["resolved", "rejected"]
CLOSED = [*ANSWERED, "duplicate"]
NOBODY: Mapping[str, Any] = {"n": 0, "untimed": 0, "median": None, "p90": None, "due": 0, "in_time": 0}


def response_times(subject: Subject) -> dict[str, Any]:
    """Two queries: closed reports by scope and agency; open ones by scope."""
    rows = subject.rows(SQL.response_times, answered=ANSWERED)
    scopes = {row["scope"]: row for row in rows if row["scope"] != "agency"}
    here, city = scopes.get("area", NOBODY), scopes.get("city", NOBODY)
    return {
        "closed": figure(here["n"], "{report}", n=here["n"], compared_with="city", reference=city["n"]),
        "closed_before_reported": here["untimed"],
        "median": _hours("median", here, city),
        "p90": _hours("p90", here, city),
        "in_time": _in_time(here, city),
        **_open(subject),
        "by_agency": [
            {
                "agency": row["agency"],
                "name_id": row["name_id"],
                "name_en": row["name_en"],
                "median": figure(
                    row["median"],
                    "h",
                    n=row["n"],
                    compared_with="area",
                    reference=here["median"],
                    reference_n=here["n"],
                    reason="no_closed_reports" if row["median"] is None else None,
                ),
            }
            for row in rows
            if row["scope"] == "agency"
        ],
    }


def _hours(name: str, here: Mapping[str, Any], city: Mapping[str, Any]) -> Figure:
    return figure(
        here[name],
        "h",
        n=here["n"],
        compared_with="city",
        reference=city[name],
        reference_n=city["n"],
        reason="no_closed_reports" if here[name] is None else None,
    )


def _in_time(here: Mapping[str, Any], city: Mapping[str, Any]) -> Figure:
    """The share that was closed by its due date, of those that have one."""
    found, reference = per_cent(share(here["in_time"], here["due"])), per_cent(share(city["in_time"], city["due"]))
    reason = None
    if found.value is None:
        reason = "no_due_dates" if here["n"] + here["untimed"] else "no_closed_reports"
    return figure(
        found.value,
        "%",
        n=here["due"],
        interval=found,
        compared_with="city",
        reference=reference.value,
        reference_n=city["due"],
        reason=reason,
    )


def _open(subject: Subject) -> dict[str, Figure]:
    rows = subject.rows(SQL.open_reports, closed=CLOSED)
    here = [row for row in rows if row["in_area"]]
    names = {"open_now": "reports", "open_over_7_days": "over_7_days", "open_over_30_days": "over_30_days"}
    open_now = sum(row["reports"] for row in here)
    return {
        name: figure(
            sum(row[column] for row in here),
            "{report}",
            n=open_now,
            compared_with="city",
            reference=sum(row[column] for row in rows),
        )
        for name, column in names.items()
    }
