"""What is to be sent out: written in the transaction that is its reason, sent by `manage deliver`."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OutboxMessage(models.Model):
    """One thing to be sent to one destination: ids, statuses and what is public.

    What may lead to a person, the address of a photo and the sender's own id of a report, goes when the report's personal data does
    (geo/reports/personal_data/outgoing.sql).
    """

    class State(models.TextChoices):
        PENDING = "pending", _("to be sent")
        DELIVERED = "delivered", _("delivered")
        DEAD = "dead", _("given up")

    key = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    transport = models.CharField(_("transport"), max_length=32)
    destination = models.CharField(_("destination"), max_length=200)
    # Of one destination's messages with the same one, the later waits for the earlier; empty: it waits for none.
    ordering_key = models.CharField(_("ordering key"), max_length=200, blank=True)
    topic = models.CharField(_("topic"), max_length=40)
    payload = models.JSONField(_("payload"), default=dict)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created at"))
    next_attempt_at = models.DateTimeField(_("next attempt"))
    # Empty: seven days after it was created.
    give_up_at = models.DateTimeField(_("given up after"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing messages")
        ordering = ["-id"]
        indexes = [
            # By destination first: what waits for one that is down, however much, is not looked at on the way to another's.
            models.Index(
                fields=["destination", "next_attempt_at", "id"], condition=Q(state="pending"), name="outbox_pending"
            ),
            models.Index(
                fields=["destination", "ordering_key", "id"], condition=Q(state="pending"), name="outbox_order"
            ),
            models.Index(fields=["state", "-id"], name="outbox_state"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} to {self.destination}"


class DeliveryAttempt(models.Model):
    """One try at sending a message: when, what came of it, how long it took."""

    message = models.ForeignKey(
        OutboxMessage, on_delete=models.CASCADE, related_name="tries", verbose_name=_("outgoing message")
    )
    at = models.DateTimeField(_("at"))
    is_success = models.BooleanField(_("succeeded"))
    status_code = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    duration_ms = models.PositiveIntegerField(_("duration (ms)"))

    class Meta:
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")
        ordering = ["message", "id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ} {self.status_code or self.error}"


class Destination(models.Model):
    """How a destination has been answering: while it is down, its messages wait, and only one of them is tried now and then."""

    name = models.CharField(_("destination"), max_length=200, primary_key=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    retry_at = models.DateTimeField(_("not before"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
