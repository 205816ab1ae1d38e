"""Devices that publish and that nobody has registered, as far as what they sent tells."""

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from sensors.registry.models import Thing, slug_rule


class PendingThingQuerySet(models.QuerySet["PendingThing"]):
    def unregistered(self) -> "PendingThingQuerySet":
        """Without those that somebody has registered meanwhile, by a file or by hand."""
        return self.exclude(Exists(Thing.objects.filter(slug=OuterRef("slug"))))


class PendingThing(models.Model):
    """An unknown device: what it sends is in quarantine until it is approved, or for good once it is rejected."""

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        REJECTED = "rejected", _("rejected")

    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_rule])
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    first_seen = models.DateTimeField(_("first seen"))
    last_seen = models.DateTimeField(_("last seen"))
    messages = models.BigIntegerField(_("messages"), default=0)
    topic = models.TextField(_("topic"), help_text=_("Of its last message."))
    seen = models.JSONField(
        _("what it sends"), default=dict, help_text=_("By the device's name: the last result, its unit and its time.")
    )

    objects = PendingThingQuerySet.as_manager()

    class Meta:
        verbose_name = _("pending device")
        verbose_name_plural = _("pending devices")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug
