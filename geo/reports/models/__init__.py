"""Reports and who deals with them."""

from geo.reports.models.access import AccessToken
from geo.reports.models.calendar import CalendarException, WorkingCalendar, WorkingInterval
from geo.reports.models.directory import (
    Agency,
    Category,
    CategoryAgency,
    CategoryAttribute,
    Channel,
    ChannelKey,
    CityRole,
)
from geo.reports.models.history import HistoryEntry, HistoryNote
from geo.reports.models.report import (
    IntakeCounter,
    Report,
    ReportContact,
    ReportEvidence,
    ReportPhoto,
    ReportSupport,
)
from geo.reports.models.routing import RoutingRule

__all__ = [
    "AccessToken",
    "Agency",
    "CalendarException",
    "Category",
    "CategoryAgency",
    "CategoryAttribute",
    "Channel",
    "ChannelKey",
    "CityRole",
    "HistoryEntry",
    "HistoryNote",
    "IntakeCounter",
    "Report",
    "ReportContact",
    "ReportEvidence",
    "ReportPhoto",
    "ReportSupport",
    "RoutingRule",
    "WorkingCalendar",
    "WorkingInterval",
]
