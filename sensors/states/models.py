"""Whether each datastream is heard of, and since when."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sensors.registry.models import Datastream


class State(models.TextChoices):
    """What is known of a datastream by the clock: see sensors.states.judging for when each holds."""

    NEVER = "never", _("never heard")
    HEARD = "heard", _("heard")
    LATE = "late", _("late")
    SILENT = "silent", _("silent")
    FLAPPING = "flapping", _("falls silent again and again")


class DatastreamState(models.Model):
    """One per datastream, made with it by a trigger; kept by the follower `states`."""

    datastream = models.OneToOneField(Datastream, on_delete=models.CASCADE, primary_key=True, related_name="state")
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.NEVER)
    since = models.DateTimeField(_("since"), default=timezone.now)
    latest_at = models.DateTimeField(_("time of the latest result"), null=True)
    latest_result = models.FloatField(_("latest result"), null=True)
    latest_quality = models.SmallIntegerField(_("quality"), null=True)
    heard_at = models.DateTimeField(
        _("heard at"), null=True, help_text=_("When something last came, however old its values.")
    )
    returned_at = ArrayField(
        models.DateTimeField(), default=list, help_text=_("When it last came back from silence, oldest first.")
    )

    class Meta:
        verbose_name = _("state of a datastream")
        verbose_name_plural = _("states of datastreams")

    def __str__(self) -> str:
        return f"{self.datastream_id} {self.state}"


class DatastreamStateChange(models.Model):
    """A transition. Kept for some months."""

    datastream = models.ForeignKey(Datastream, on_delete=models.CASCADE, related_name="state_changes")
    at = models.DateTimeField(_("at"))
    old = models.CharField(_("old state"), max_length=8, choices=State)
    new = models.CharField(_("new state"), max_length=8, choices=State)

    class Meta:
        verbose_name = _("change of state")
        verbose_name_plural = _("changes of state")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["at"], name="state_change_at"),
            models.Index(fields=["datastream", "-at"], name="state_change_of_datastream"),
        ]

    def __str__(self) -> str:
        return f"{self.datastream_id} {self.at:%Y-%m-%dT%H:%M:%SZ} {self.old} -> {self.new}"
