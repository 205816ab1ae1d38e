"""An incident and the reports of it."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, City
from geo.reports.models import Category, Report
from geo.reports.models.report import new_public_id
from geo.reports.workflow import CLOSED

if TYPE_CHECKING:
    from geo.reports.access.principals import Principal


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, principal: "Principal") -> "IncidentQuerySet":
        """The public ones, for everybody; staff all of the cities in which they have a role."""
        if principal.is_superuser:
            return self
        seen = Q(is_public=True)
        if principal.is_staff:
            seen |= Q(city_id__in=principal.city_ids)
        return self.filter(seen)

    def open(self) -> "IncidentQuerySet":
        return self.filter(status=Incident.Status.OPEN)

    def with_counts(self, principal: "Principal") -> "IncidentQuerySet":
        """With `report_count` and `open_report_count`: for staff of its city of all its reports, else of the public ones."""
        counted = Q(members__isnull=False)
        if not principal.is_superuser:
            counted &= Q(members__report__is_public=True) | Q(city_id__in=principal.city_ids or ())
        is_open = ~Q(members__report__status__in=sorted(CLOSED))
        return self.annotate(
            report_count=Count("members", filter=counted), open_report_count=Count("members", filter=counted & is_open)
        )


class Incident(models.Model):
    """One event that people opened, keep and close. Its reports go their own way through the workflow."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    public_id = models.CharField(_("number"), max_length=16, default=new_public_id, unique=True, editable=False)
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="incidents", verbose_name=_("city"))
    title = models.CharField(_("title"), max_length=200)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("category")
    )
    area = models.ForeignKey(
        Area, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("area")
    )
    status = models.CharField(_("status"), max_length=6, choices=Status, default=Status.OPEN, editable=False)
    is_public = models.BooleanField(
        _("public"), default=False, help_text=_("Everybody sees its title, its area and its public reports.")
    )
    is_exercise = models.BooleanField(_("exercise"), default=False, db_default=False, editable=False)
    opened_at = models.DateTimeField(_("opened at"), editable=False)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("opened by"),
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("closed by"),
    )

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="open", closed_at=None) | Q(status="closed", closed_at__isnull=False),
                name="incident_closed_at_iff_closed",
            ),
            models.CheckConstraint(condition=~Q(is_exercise=True, is_public=True), name="exercise_incident_not_public"),
        ]
        indexes = [models.Index(fields=["city", "status", "-id"], name="incident_city_status")]

    def __str__(self) -> str:
        return self.title


class IncidentReport(models.Model):
    """A report that belongs to an incident."""

    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, related_name="members", db_index=False, verbose_name=_("incident")
    )
    report = models.ForeignKey(
        Report, on_delete=models.CASCADE, related_name="incidents", db_index=False, verbose_name=_("report")
    )
    added_at = models.DateTimeField(_("added at"))
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("added by")
    )
    # As the incident: so that the database holds that a report is in one open incident at most.
    is_open = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("report of an incident")
        verbose_name_plural = _("reports of incidents")
        ordering = ["incident", "id"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "report"], name="report_once_in_incident"),
            models.UniqueConstraint(fields=["report"], condition=Q(is_open=True), name="one_open_incident_per_report"),
        ]
        indexes = [models.Index(fields=["report"], name="incidents_of_report")]

    def __str__(self) -> str:
        return f"{self.report} in {self.incident}"


class IncidentEvent(models.Model):
    """A line of an incident's log. Append-only: a trigger refuses UPDATE and DELETE, whoever asks. No free text: a title says that
    it was changed, not to what."""

    class Action(models.TextChoices):
        OPENED = "opened", _("opened")
        EDITED = "edited", _("edited")
        REPORTS = "reports", _("reports added or taken out")
        TOLD = "told", _("its reporters were told")
        CLOSED = "closed", _("closed")

    incident = models.ForeignKey(
        Incident, on_delete=models.DO_NOTHING, db_constraint=False, related_name="log", verbose_name=_("incident")
    )
    at = models.DateTimeField(_("at"))
    action = models.CharField(_("action"), max_length=8, choices=Action)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    origin = models.CharField(_("from where"), max_length=32, blank=True, default="")
    changed = models.JSONField(_("what changed"), default=dict)

    class Meta:
        verbose_name = _("line of an incident's log")
        verbose_name_plural = _("lines of incidents' logs")
        ordering = ["incident", "id"]

    def __str__(self) -> str:
        return self.get_action_display()
