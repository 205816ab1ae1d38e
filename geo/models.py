"""Every model of the app, where Django looks for them."""

from geo.analysis.interventions import Intervention
from geo.analysis.models import ResultRow, ResultSet
from geo.analysis.saved import SavedAnalysis
from geo.areas.models import Area, AreaAncestry, AreaLevel, City, PopulationFigure
from geo.channels.models import ChannelConnection, DeadLetter
from geo.operations.alerts.models import Alert, AlertEvent, AlertProgress, AlertRule
from geo.operations.closing.models import Closing
from geo.operations.duty.models import Escalation, OnCallLevel, Shift
from geo.operations.field_links.models import AgencyContact, FieldLink
from geo.operations.incidents.models import Incident, IncidentEvent, IncidentReport
from geo.operations.mayor.models import Instruction, InstructionNote, InstructionStep, WeeklyBrief
from geo.operations.notifications.models import Subscription
from geo.operations.outbox.models import DeliveryAttempt, Destination, OutboxMessage
from geo.operations.routing.models import RoutingPolicy
from geo.placement.models import ThingPlacement
from geo.reports.models import (
    AccessToken,
    Agency,
    CalendarException,
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
    ReportEvidence,
    ReportPhoto,
    ReportSupport,
    RoutingRule,
    WorkingCalendar,
    WorkingInterval,
)

__all__ = [
    "AccessToken",
    "Agency",
    "AgencyContact",
    "Alert",
    "AlertEvent",
    "AlertProgress",
    "AlertRule",
    "Area",
    "AreaAncestry",
    "AreaLevel",
    "CalendarException",
    "Category",
    "CategoryAgency",
    "CategoryAttribute",
    "Channel",
    "ChannelConnection",
    "ChannelKey",
    "City",
    "CityRole",
    "Closing",
    "DeadLetter",
    "DeliveryAttempt",
    "Destination",
    "Escalation",
    "FieldLink",
    "HistoryEntry",
    "HistoryNote",
    "Incident",
    "IncidentEvent",
    "IncidentReport",
    "Instruction",
    "InstructionNote",
    "InstructionStep",
    "IntakeCounter",
    "Intervention",
    "OnCallLevel",
    "OutboxMessage",
    "PopulationFigure",
    "Report",
    "ReportContact",
    "ReportEvidence",
    "ReportPhoto",
    "ReportSupport",
    "ResultRow",
    "ResultSet",
    "RoutingPolicy",
    "RoutingRule",
    "SavedAnalysis",
    "Shift",
    "Subscription",
    "ThingPlacement",
    "WeeklyBrief",
    "WorkingCalendar",
    "WorkingInterval",
]
