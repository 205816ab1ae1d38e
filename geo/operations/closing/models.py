"""Each time that a report was said to be done, and what its reporter says of that."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from geo.reports.models import Agency, Report


class Closing(models.Model):
    """A report that was resolved at a time, by an agency; of a merged group, one for each report, since each reporter is asked."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="closings", verbose_name=_("report"))
    agency = models.ForeignKey(
        Agency,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="closings",
        db_index=False,
        verbose_name=_("agency"),
    )
    closed_at = models.DateTimeField(_("closed at"))
    is_done = models.BooleanField(_("done, says the reporter"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    reopened_at = models.DateTimeField(_("reopened at"), null=True, blank=True)

    class Meta:
        verbose_name = _("closing")
        verbose_name_plural = _("closings")
        ordering = ["-closed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["report", "closed_at"], name="one_closing_at_a_time"),
            models.CheckConstraint(
                condition=models.Q(is_done=None, answered_at=None) | models.Q(is_done__isnull=False, answered_at__isnull=False),
                name="answered_at_a_time",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["closed_at"], name="closing_time")]

    def __str__(self) -> str:
        return f"closing {self.pk} of {self.report_id}"
