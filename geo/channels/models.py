"""How a channel is connected with the app behind it, and what came from there and could not be stored."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from geo.reports.models import Category, Channel


class ChannelConnection(models.Model):
    """Where a channel's remote side is, how its words are ours, and how far it has been read."""

    class Adapter(models.TextChoices):
        QLUE = "qlue", "Qlue"
        OPEN311 = "open311", "Open311"

    channel = models.OneToOneField(
        Channel, on_delete=models.CASCADE, related_name="connection", verbose_name=_("channel")
    )
    adapter = models.CharField(_("adapter"), max_length=16, choices=Adapter)
    feed_url = models.URLField(_("feed"), max_length=500, blank=True, help_text=_("Reports are read from here."))
    status_url = models.URLField(
        _("status address"), max_length=500, blank=True, help_text=_("Status changes go here.")
    )
    category_map = models.JSONField(
        _("categories"), default=dict, blank=True, help_text=_("Their word: the slug of our category.")
    )
    default_category = models.ForeignKey(
        Category,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("For words that are not in the list; empty: such reports become dead letters."),
        verbose_name=_("category where none is known"),
    )
    pull_every_s = models.PositiveIntegerField(_("read every (s)"), default=300)
    # The signing key is derived from the installation's secret and this number, and kept nowhere.
    key_generation = models.PositiveIntegerField(_("generation of the signing key"), default=1, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    cursor = models.JSONField(_("cursor"), default=dict, blank=True, editable=False)
    pulled_at = models.DateTimeField(_("last read"), null=True, blank=True, editable=False)
    succeeded_at = models.DateTimeField(_("last read without error"), null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    last_error = models.CharField(_("last error"), max_length=500, blank=True, editable=False)

    class Meta:
        verbose_name = _("connection of a channel")
        verbose_name_plural = _("connections of channels")
        ordering = ["channel"]

    def __str__(self) -> str:
        return f"{self.channel}: {self.adapter}"


class DeadLetter(models.Model):
    """Something that a channel sent and that could not be stored, as it came. May hold personal data: erased with it."""

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="dead_letters", verbose_name=_("channel")
    )
    external_id = models.CharField(_("external id"), max_length=200, blank=True)
    payload = models.JSONField(_("payload"))
    reason = models.CharField(_("reason"), max_length=500)
    received_at = models.DateTimeField(_("received at"))
    replayed_at = models.DateTimeField(_("stored at last"), null=True, blank=True)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "external_id"],
                condition=models.Q(replayed_at=None) & ~models.Q(external_id=""),
                name="same_dead_letter_once",
            )
        ]

    def __str__(self) -> str:
        # Not the reason, which quotes what came: the admin's log keeps this for ever.
        return f"{self.channel} #{self.pk}"
