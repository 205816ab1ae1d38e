"""What is watched, how it stands, and which levels were crossed."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sensors.registry.models import Datastream
from sensors.thresholds.levels import Criteria, State


class Watch(models.Model):
    """One datastream that is held against levels, and how it stands. Whose it is, its owner says, who alone sets and ends it."""

    owner = models.CharField(_("owner"), max_length=64)
    datastream = models.ForeignKey(
        Datastream, on_delete=models.CASCADE, related_name="watches", verbose_name=_("datastream")
    )
    thresholds = ArrayField(models.FloatField(), verbose_name=_("thresholds"), help_text=_("The mildest first."))
    level_names = ArrayField(models.CharField(max_length=100), verbose_name=_("names of the levels"))
    is_below = models.BooleanField(_("falling"), default=False)
    hysteresis = models.FloatField(_("hysteresis"), default=0.0)
    opens_after = models.DurationField(_("opens after"), default=timedelta(0))
    closes_after = models.DurationField(_("closes after"), default=timedelta(0))
    longest_gap = models.DurationField(_("longest gap"))
    follows_from = models.DateTimeField(_("follows from"), help_text=_("What was measured up to then does not count."))
    # How it stands: sensors.thresholds.levels.State.
    evaluated_to = models.DateTimeField()
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    changing_since = ArrayField(models.DateTimeField(null=True), default=list)
    heard_at = models.DateTimeField(null=True)
    value = models.FloatField(_("latest value"), null=True)
    peak = models.FloatField(_("peak value"), null=True)
    peak_at = models.DateTimeField(_("time of the peak"), null=True)
    # When it is to be looked at whatever comes: it is new, or a value waits for its time.
    due_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("watch over a datastream")
        verbose_name_plural = _("watches over datastreams")
        constraints = [models.UniqueConstraint(fields=["owner", "datastream"], name="one_watch_per_owner")]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="watch_due")]

    def __str__(self) -> str:
        return f"{self.owner}/{self.datastream_id} at {self.level}"

    @property
    def criteria(self) -> Criteria:
        return Criteria(
            tuple(self.thresholds),
            self.is_below,
            self.hysteresis,
            self.opens_after,
            self.closes_after,
            self.longest_gap,
        )

    @property
    def state(self) -> State:
        changing = tuple(self.changing_since)
        return State(self.evaluated_to, self.level, changing, self.heard_at, self.value, self.peak, self.peak_at)


class Crossing(models.Model):
    """A change of level of a watch, by phenomenon times. One that proved wrong is revoked and stays to be read.

    `change` numbers what was written or revoked, in the order of commits.
    """

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="crossings", db_index=False)
    change = models.BigIntegerField(unique=True)
    at = models.DateTimeField(_("at"), help_text=_("The phenomenon time of the value that settled it."))
    since = models.DateTimeField(_("since"), help_text=_("When the hold began."))
    old = models.PositiveSmallIntegerField(_("old level"))
    new = models.PositiveSmallIntegerField(_("new level"))
    value = models.FloatField(_("value"))
    peak = models.FloatField(_("peak value"))
    peak_at = models.DateTimeField(_("time of the peak"))
    recorded_at = models.DateTimeField(_("recorded at"))
    is_late = models.BooleanField(_("learnt late"), default=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True)

    class Meta:
        verbose_name = _("crossing of a level")
        verbose_name_plural = _("crossings of levels")
        ordering = ["watch", "at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["watch", "at"], condition=Q(revoked_at=None), name="one_crossing_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self.watch_id}: {self.old} to {self.new} at {self.at:%Y-%m-%dT%H:%M:%SZ}"
