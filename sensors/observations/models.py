"""What was measured. The tables' SQL (partitions, BRIN, triggers) stands in the first migration."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sensors.registry.models import Datastream


class Quality(models.IntegerChoices):
    GOOD = 0, _("good")
    IMPLAUSIBLE = 1, _("outside the plausible range")


class TimeSource(models.IntegerChoices):
    DEVICE = 0, _("the device")
    RECEIPT = 1, _("stamped on receipt")


class Observation(models.Model):
    """One value at one time. Partitioned by month of `phenomenon_time`; nothing has a foreign key to it, nor it to anything."""

    pk = models.CompositePrimaryKey("datastream_id", "phenomenon_time")
    datastream = models.ForeignKey(
        Datastream, on_delete=models.DO_NOTHING, db_constraint=False, related_name="observations"
    )
    phenomenon_time = models.DateTimeField(_("phenomenon time"))
    result = models.FloatField(_("result"))
    received_at = models.DateTimeField(_("received at"))
    quality = models.SmallIntegerField(_("quality"), choices=Quality, default=Quality.GOOD)
    time_source = models.SmallIntegerField(_("time source"), choices=TimeSource, default=TimeSource.DEVICE)

    class Meta:
        verbose_name = _("observation")
        verbose_name_plural = _("observations")

    def __str__(self) -> str:
        return f"{self.datastream_id} {self.phenomenon_time:%Y-%m-%dT%H:%M:%SZ} {self.result}"


class HourlyRollup(models.Model):
    """The good observations of a datastream in one hour (UTC): count, sum, least and greatest."""

    pk = models.CompositePrimaryKey("datastream_id", "hour")
    datastream = models.ForeignKey(Datastream, on_delete=models.DO_NOTHING, db_constraint=False, related_name="rollups")
    hour = models.DateTimeField(_("hour"))
    n = models.IntegerField()
    sum = models.FloatField()
    min = models.FloatField()
    max = models.FloatField()

    class Meta:
        verbose_name = _("hourly rollup")
        verbose_name_plural = _("hourly rollups")
        indexes = [models.Index(fields=["hour", "datastream"], name="rollup_hour")]

    def __str__(self) -> str:
        return f"{self.datastream_id} {self.hour:%Y-%m-%dT%HZ} n={self.n}"


class DirtyHour(models.Model):
    """A mark that an hour's rollup is to be computed again. Plain inserts: many marks for one hour are one piece of work."""

    datastream_id = models.BigIntegerField()
    hour = models.DateTimeField()

    class Meta:
        verbose_name = _("dirty hour")
        verbose_name_plural = _("dirty hours")

    def __str__(self) -> str:
        return f"{self.datastream_id} {self.hour:%Y-%m-%dT%HZ}"


class Correction(models.Model):
    """The audit line of a corrected or deleted observation: who, when, why, the old value and the new."""

    datastream = models.ForeignKey(Datastream, on_delete=models.CASCADE, related_name="corrections")
    phenomenon_time = models.DateTimeField(_("phenomenon time"))
    old_result = models.FloatField(_("old result"), null=True)
    new_result = models.FloatField(_("new result"), null=True, help_text=_("Empty: the observation was deleted."))
    reason = models.TextField(_("reason"))
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    corrected_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["-corrected_at", "-id"]

    def __str__(self) -> str:
        return f"{self.datastream} {self.phenomenon_time:%Y-%m-%dT%H:%MZ}: {self.old_result} -> {self.new_result}"
