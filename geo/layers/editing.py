"""Layers that can be written to: which of a feature's properties can be sent, and the services that they are sent to.

A protocol asks `EDITABLE` for a layer's editing, and knows no service; an editing knows no protocol.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point

from geo.areas.models import City
from geo.reports.access.principals import Principal
from geo.reports.models import Report
from geo.reports.report_input import ReportInput
from geo.reports.revision import revise_report, withdraw_report
from geo.reports.services import channel_of, submit_report
from server.core.errors import InvalidFields

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Target:
    """A feature that somebody wants to change. `state` is another after each change; `hidden` are values that no answer shows."""

    report: Report
    city: City
    state: str
    hidden: Mapping[str, Any]


class ReportEditing:
    """Reports by the services of reports. The geometry is their place."""

    # Needed in a whole feature, to be left out of none: a forgotten description is not an erased one.
    required = ("category", "kind", "description")
    # Said once, when the report comes in, and never shown.
    only_at_first = ("external_id",)
    changeable = (*required, "reported_at")
    # What JSON's null stands for; other properties cannot be without a value.
    empty: Mapping[str, Any] = {"description": ""}

    def may_create(self, principal: Principal) -> bool:
        return principal.may_submit

    def may_change(self, principal: Principal, target: Target) -> bool:
        return principal.may_change(target.report)

    def create(
        self, properties: Mapping[str, Any], point: Point, principal: Principal, city: City | None, now: datetime
    ) -> tuple[str, City, bool]:
        """The id of a new feature, its city, and whether it is new: False where it was sent before."""
        fields = _checked(properties, point, partial=False)
        try:
            report, is_new = submit_report(
                channel=channel_of(principal),
                category=fields["category"],
                kind=fields["kind"],
                description=fields["description"],
                location=fields["location"],
                reported_at=fields.get("reported_at"),
                external_id=fields.get("external_id"),
                city=city,
                by=principal,
                now=now,
            )
        except InvalidFields as error:
            raise _named(error) from None
        return report.public_id, report.city, is_new

    def find(self, fid: str) -> Target | None:
        # A NUL is in no text of PostgreSQL's.
        report = None if "\0" in fid else Report.objects.select_related("city").filter(public_id=fid).first()
        if report is None:
            return None
        return Target(report, report.city, state_of(report.updated_at), {"external_id": report.external_id})

    def revise(
        self, target: Target, properties: Mapping[str, Any], point: Point | None, principal: Principal, now: datetime
    ) -> City:
        """Changes these properties, and the place if it is given; the city in which the feature lies then."""
        fields = _checked(properties, point, partial=True)
        try:
            revised = revise_report(
                report=target.report,
                by=principal,
                now=now,
                as_of=target.report.updated_at,
                **{name: fields[name] for name in (*self.changeable, "location") if name in fields},
            )
        except InvalidFields as error:
            raise _named(error) from None
        return revised.city

    def withdraw(self, target: Target, principal: Principal, now: datetime) -> None:
        withdraw_report(report=target.report, by=principal, now=now, as_of=target.report.updated_at)

    def state(self, fid: str) -> str:
        """The state of a feature in a word; empty where there is none."""
        if "\0" in fid:
            return ""
        updated_at = (
            Report.objects.filter(public_id=fid.replace("\0", " ")).values_list("updated_at", flat=True).first()
        )
        return state_of(updated_at) if updated_at is not None else ""


EDITABLE: Mapping[str, ReportEditing] = {"reports": ReportEditing()}


def state_of(updated_at: datetime) -> str:
    return f"{(updated_at - _EPOCH) // timedelta(microseconds=1):x}"


def _checked(properties: Mapping[str, Any], point: Point | None, *, partial: bool) -> dict[str, Any]:
    """The fields of a report; an unknown category or a time without an offset is an error of the property."""
    given = dict(properties)
    if point is not None:
        given["location"] = {"type": "Point", "coordinates": [point.x, point.y]}
    form = ReportInput(data=given, partial=partial)
    if not form.is_valid():
        raise _named(InvalidFields({name: [str(s) for s in says] for name, says in form.errors.items()}))
    return form.validated_data


def _named(error: InvalidFields) -> InvalidFields:
    """The writer is told of the geometry, which is what it sent."""
    return InvalidFields({"geometry" if name == "location" else name: says for name, says in error.fields.items()})
