"""What happened to a report: append-only, by a trigger in the database."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from geo.reports.models.directory import Agency, Channel
from geo.reports.models.report import Report


class HistoryNote(models.Model):
    """Free text that belongs to a history line, in a table that may be erased."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="notes", verbose_name=_("report"))
    text = models.TextField(_("text"))
    is_public = models.BooleanField(_("public"), default=False)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return f"note {self.pk} of {self.report_id}"


class HistoryEntry(models.Model):
    """Who did what, when, and from what to what. Holds no personal data and no free text.

    The report is not deleted by cascade: triggers refuse UPDATE and DELETE of a line, and TRUNCATE of the table, whoever asks.
    """

    report = models.ForeignKey(
        Report, on_delete=models.DO_NOTHING, db_constraint=False, related_name="history", verbose_name=_("report")
    )
    at = models.DateTimeField(_("at"))
    action = models.CharField(_("action"), max_length=40)
    # From where: see geo.reports.access.principals.Origin; of a feed that is read, its adapter.
    origin = models.CharField(_("from where"), max_length=32, blank=True, default="", db_default="")
    old = models.JSONField(_("old"), default=dict, blank=True)
    new = models.JSONField(_("new"), default=dict, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    channel = models.ForeignKey(
        Channel,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("channel"),
    )
    agency = models.ForeignKey(
        Agency, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+", verbose_name=_("agency")
    )
    note = models.ForeignKey(
        HistoryNote,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("note"),
    )

    class Meta:
        verbose_name = _("history line")
        verbose_name_plural = _("history lines")
        ordering = ["report", "id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%MZ} {self.action}"
