"""The manifest of the archive: which files hold the observations that are no longer in the table, or soon will not be."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class ObservationArchive(models.Model):
    """One Parquet file: a month of one observed property. What comes late to an archived month is a further part.

    A file is never written over: what replaces it has a number of its own, and it is removed once that one is safe.
    """

    class State(models.TextChoices):
        WRITING = "writing", _("being written")
        WRITTEN = "written", _("written, the observations are still in the table")
        ARCHIVED = "archived", _("the observations are in the file alone")
        RESTORED = "restored", _("brought back into the table")
        SUPERSEDED = "superseded", _("replaced by a later part, to be removed")

    month = models.DateField(_("month"), help_text=_("Its first day, of UTC."))
    observed_property = models.CharField(
        _("observed property"),
        max_length=64,
        blank=True,
        help_text=_("Empty: of datastreams that are not there any more."),
    )
    part = models.PositiveIntegerField(_("part"))
    path = models.CharField(_("file"), max_length=200, help_text=_("Within the archive's folder."))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WRITING)
    rows = models.BigIntegerField(_("observations"), default=0)
    checksum = models.CharField(_("checksum"), max_length=16, blank=True, help_text=_("Of the rows, in any order."))
    datastream_ids = ArrayField(models.BigIntegerField(), default=list)
    exported_at = models.DateTimeField(_("written at"), null=True)
    dropped_at = models.DateTimeField(_("dropped from the table at"), null=True)
    restored_until = models.DateField(_("restored until"), null=True)

    class Meta:
        verbose_name = _("archived file")
        verbose_name_plural = _("archived files")
        ordering = ["month", "observed_property", "part"]
        constraints = [models.UniqueConstraint(fields=["month", "observed_property", "part"], name="archive_part")]

    def __str__(self) -> str:
        return self.path
