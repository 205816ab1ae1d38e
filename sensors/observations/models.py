"""What was measured. The tables' SQL (partitions, BRIN, triggers) stands in the first migration."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from sensors.registry.models import Datastream, FeatureOfInterest


class Quality(models.IntegerChoices):
    """What is doubtful about a value, as bits that add up; none of them is good."""

    GOOD = 0, _("good")
    IMPLAUSIBLE = 1, _("outside the plausible range")
    RATE = 2, _("changes faster than is plausible")
    STUCK = 4, _("the same value for too long")
    SPIKE = 8, _("a spike")
    DOUBTED = 16, _("doubted by a person")


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


class JournalEntry(models.Model):
    """What one transaction did to observations: see sensors.observations.journal."""

    xid = models.BigIntegerField(help_text="The transaction's number.")
    kind = models.PositiveSmallIntegerField()
    written_at = models.DateTimeField()
    datastream_ids = ArrayField(models.BigIntegerField())
    phenomenon_times = ArrayField(models.BigIntegerField(), help_text="Microseconds since 1970.")
    results = ArrayField(models.FloatField())
    qualities = ArrayField(models.SmallIntegerField())

    class Meta:
        verbose_name = _("entry of the journal")
        verbose_name_plural = _("entries of the journal")
        constraints = [models.UniqueConstraint(fields=["xid", "id"], name="journal_order")]
        indexes = [models.Index(fields=["written_at"], name="journal_written")]

    def __str__(self) -> str:
        return f"{self.xid}-{self.pk}"


class Correction(models.Model):
    """The audit line of what a person decided of an observation: who, when, why, the old value and the new.

    Append-only, by a trigger. As long as the last line of an observation has a new result, the checks leave its quality alone.
    """

    datastream = models.ForeignKey(Datastream, on_delete=models.PROTECT, related_name="corrections")
    phenomenon_time = models.DateTimeField(_("phenomenon time"))
    old_result = models.FloatField(_("old result"), null=True)
    new_result = models.FloatField(_("new result"), null=True, help_text=_("Empty: the observation was deleted."))
    old_quality = models.SmallIntegerField(_("old quality"), null=True)
    new_quality = models.SmallIntegerField(_("new quality"), null=True)
    reason = models.TextField(_("reason"))
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    corrected_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["-corrected_at", "-id"]
        indexes = [models.Index(fields=["datastream", "phenomenon_time", "id"], name="correction_of_observation")]

    def __str__(self) -> str:
        return f"{self.datastream} {self.phenomenon_time:%Y-%m-%dT%H:%MZ}: {self.old_result} -> {self.new_result}"


class ObservationFeature(models.Model):
    """That an observation is of a feature of its own. Rare; a row without its observation says nothing."""

    pk = models.CompositePrimaryKey("datastream_id", "phenomenon_time")
    datastream = models.ForeignKey(Datastream, on_delete=models.CASCADE, related_name="observation_features")
    phenomenon_time = models.DateTimeField(_("phenomenon time"))
    feature = models.ForeignKey(FeatureOfInterest, on_delete=models.PROTECT, related_name="observation_features")

    class Meta:
        verbose_name = _("feature of an observation")
        verbose_name_plural = _("features of observations")

    def __str__(self) -> str:
        return f"{self.datastream_id} {self.phenomenon_time:%Y-%m-%dT%H:%M:%SZ} {self.feature_id}"
