"""Reports and who deals with them."""

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
from geo.reports.models.report import IntakeCounter, Report, ReportContact, ReportPhoto, ReportSupport

__all__ = [
    "Agency",
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
    "ReportPhoto",
    "ReportSupport",
]
