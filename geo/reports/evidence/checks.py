"""What is found out about a photo that is to prove a report's closing. It informs who decides, and decides nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypedDict

FAR_M = 200
# Clocks of cameras go wrong by minutes, not by hours.
LATEST_AHEAD = timedelta(minutes=5)


class Code(StrEnum):
    FAR = "far"
    NO_PLACE = "no_place"
    OLDER_THAN_REPORT = "older_than_report"
    OLDER_THAN_REOPENING = "older_than_reopening"
    AHEAD_OF_TIME = "ahead_of_time"
    NO_TIME = "no_time"
    SEEN_BEFORE = "seen_before"


class Finding(TypedDict, total=False):
    """`code` always; `distance_m` with `far`; with `seen_before` the `report` (its public id) that has the same picture."""

    code: str
    distance_m: int
    report: str


def find(
    *,
    taken_at: datetime | None,
    has_position: bool,
    distance_m: int | None,
    reported_at: datetime,
    reopened_at: datetime | None,
    seen_in: Sequence[str],
    now: datetime,
) -> list[Finding]:
    """The findings about one photo, in a fixed order.

    `distance_m` is None as well where the report has no place, and nothing is said of it then. `reopened_at` is when the report
    was opened again last. `seen_in` are the public ids of the reports that have the same picture.
    """
    found: list[Finding] = []
    if not has_position:
        found.append({"code": Code.NO_PLACE})
    elif distance_m is not None and distance_m > FAR_M:
        found.append({"code": Code.FAR, "distance_m": distance_m})
    if (code := _about_time(taken_at, reported_at, reopened_at, now)) is not None:
        found.append({"code": code})
    return found + [{"code": Code.SEEN_BEFORE, "report": public_id} for public_id in seen_in]


def _about_time(
    taken_at: datetime | None, reported_at: datetime, reopened_at: datetime | None, now: datetime
) -> Code | None:
    if taken_at is None:
        return Code.NO_TIME
    if taken_at < reported_at:
        return Code.OLDER_THAN_REPORT
    # What showed the closing that was not believed shows nothing of the next one.
    if reopened_at is not None and taken_at < reopened_at:
        return Code.OLDER_THAN_REOPENING
    return Code.AHEAD_OF_TIME if taken_at > now + LATEST_AHEAD else None
