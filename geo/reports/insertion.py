"""Reports on their way into the table: columns of rows, and the one statement that stores them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from geo.reports.models.report import new_public_id
from geo.reports.privacy import mask
from geo.reports.statements import INSERT_REPORTS, QUERIES


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the one who reported: personal data."""

    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one given row: stored (`report_id`), refused (its category is not its city's), or known already."""

    report_id: int | None
    fits: bool


@dataclass(slots=True)
class Columns:
    """Reports as parallel lists, checked already. The masked text is made here, so that no way in can forget it."""

    public_ids: list[str] = field(default_factory=list)
    external_ids: list[str | None] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    category_ids: list[int] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)
    public_descriptions: list[str] = field(default_factory=list)
    lons: list[float | None] = field(default_factory=list)
    lats: list[float | None] = field(default_factory=list)
    area_ids: list[int | None] = field(default_factory=list)
    reported_ats: list[datetime] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.public_ids)

    def append(
        self,
        *,
        external_id: str | None,
        kind: str,
        category_id: int,
        description: str,
        position: tuple[float, float] | None,
        area_id: int | None,
        reported_at: datetime,
    ) -> None:
        self.public_ids.append(new_public_id())
        self.external_ids.append(external_id)
        self.kinds.append(kind)
        self.category_ids.append(category_id)
        self.descriptions.append(description)
        self.public_descriptions.append(mask(description))
        self.lons.append(position[0] if position else None)
        self.lats.append(position[1] if position else None)
        self.area_ids.append(area_id)
        self.reported_ats.append(reported_at)


def insert_reports(rows: Columns, *, channel_id: int, city_id: int, now: datetime) -> list[Outcome]:
    """Stores the rows, in the caller's transaction; an outcome per row, in their order. `city_id` is for places in no city."""
    parameters = {name: getattr(rows, name) for name in Columns.__dataclass_fields__}
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.lock_placement)
        cursor.execute(INSERT_REPORTS, {**parameters, "channel_id": channel_id, "city_id": city_id, "now": now})
        return [Outcome(report_id, fits) for _n, report_id, fits in cursor.fetchall()]


def insert_contacts(rows: Sequence[tuple[int, Contact, str]]) -> None:
    """Stores (report id, contact, hash of the device), in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            QUERIES.insert_contacts,
            {
                "report_ids": [report_id for report_id, _contact, _device in rows],
                "names": [contact.name for _id, contact, _device in rows],
                "phones": [contact.phone for _id, contact, _device in rows],
                "emails": [contact.email for _id, contact, _device in rows],
                "devices": [device for _id, _contact, device in rows],
            },
        )
