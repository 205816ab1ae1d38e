"""Devices by name, with their limits: which may send more, and which have sent too much."""

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class DeviceLimitQuerySet(models.QuerySet["DeviceLimit"]):
    def flooding(self) -> "DeviceLimitQuerySet":
        """Those whose readings are being refused."""
        return self.exclude(flooding_since=None)

    def unlimited(self, things: Collection[str], now: datetime) -> set[str]:
        """Of these things those that may send without a limit at present."""
        return set(self.filter(thing__in=things, unlimited_until__gt=now).values_list("thing", flat=True))


class DeviceLimit(models.Model):
    """A device that has a limit of its own, or that has sent more than its limit.

    By its slug and not its thing: whoever floods may be unknown.
    """

    thing = models.CharField(_("thing"), max_length=100, unique=True, help_text=_("Its slug."))
    rate = models.PositiveIntegerField(
        _("readings per second"),
        null=True,
        blank=True,
        help_text=_("Empty: as for all devices (PANTAU_DEVICE_RATE). 0: no limit."),
    )
    unlimited_until = models.DateTimeField(_("without a limit until"), null=True, blank=True)
    flooding_since = models.DateTimeField(_("floods since"), null=True, editable=False)
    flooded_at = models.DateTimeField(_("last refused at"), null=True, editable=False)
    refused = models.BigIntegerField(_("readings refused"), default=0, editable=False)
    blocked_until = models.DateTimeField(_("kept out of the broker until"), null=True, editable=False)

    objects = DeviceLimitQuerySet.as_manager()

    class Meta:
        verbose_name = _("limit of a device")
        verbose_name_plural = _("limits of devices")
        ordering = ["thing"]
        indexes = [models.Index(fields=["flooded_at"], condition=~models.Q(flooding_since=None), name="device_floods")]

    def __str__(self) -> str:
        return self.thing
