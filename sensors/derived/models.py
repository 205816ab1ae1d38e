"""What is to be computed again."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DerivedMark(models.Model):
    """An hour of a measured datastream that has changed, and of which others are derived: a trigger on the rollups writes it.

    Written and taken under the lock of the rollups, so that one mark for an hour is enough.
    """

    pk = models.CompositePrimaryKey("datastream_id", "hour")
    datastream_id = models.BigIntegerField()
    hour = models.DateTimeField()

    class Meta:
        verbose_name = _("hour to derive from")
        verbose_name_plural = _("hours to derive from")

    def __str__(self) -> str:
        return f"{self.datastream_id} {self.hour:%Y-%m-%dT%HZ}"
