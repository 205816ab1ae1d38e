"""Every model of the app, where Django looks for them."""

from geo.analysis.interventions import Intervention
from geo.analysis.models import ResultRow, ResultSet
from geo.analysis.saved import SavedAnalysis
from geo.areas.models import Area, AreaAncestry, AreaLevel, City, PopulationFigure
from geo.channels.models import ChannelConnection, DeadLetter
from geo.operations.models import DeliveryAttempt, Destination, OutboxMessage
from geo.placement.models import ThingPlacement
from geo.reports.models import (
    Agency,
    Category,
    CategoryAgency,
    CategoryAttribute,
    Channel,
    ChannelKey,
    CityRole,
    HistoryEntry,
    HistoryNote,
    IntakeCounter,
    Report,
    ReportContact,
    ReportPhoto,
    ReportSupport,
)

__all__ = [
    "Agency",
    "Area",
    "AreaAncestry",
    "AreaLevel",
    "Category",
    "CategoryAgency",
    "CategoryAttribute",
    "Channel",
    "ChannelConnection",
    "ChannelKey",
    "City",
    "CityRole",
    "DeadLetter",
    "DeliveryAttempt",
    "Destination",
    "HistoryEntry",
    "HistoryNote",
    "IntakeCounter",
    "Intervention",
    "OutboxMessage",
    "PopulationFigure",
    "Report",
    "ReportContact",
    "ReportPhoto",
    "ReportSupport",
    "ResultRow",
    "ResultSet",
    "SavedAnalysis",
    "ThingPlacement",
]
