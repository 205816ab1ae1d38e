"""What the ingest worker keeps beside observations: the quarantine, and its own state."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RejectedMessage(models.Model):
    """A message, or one element of its array, that could not be stored: kept whole, with the reason, until it is fed again."""

    topic = models.TextField(_("topic"))
    payload = models.BinaryField(_("payload"))
    reason = models.CharField(_("reason"), max_length=40)
    detail = models.TextField(_("detail"), blank=True)
    received_at = models.DateTimeField(_("received at"))
    replayed_at = models.DateTimeField(_("replayed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("rejected message")
        verbose_name_plural = _("rejected messages")
        ordering = ["id"]
        indexes = [models.Index(fields=["reason", "id"], condition=models.Q(replayed_at=None), name="rejected_open")]

    def __str__(self) -> str:
        return f"{self.reason}: {self.topic}"


class IngestStatus(models.Model):
    """What one worker slot has done so far, written in the transaction that did it: the counts always add up."""

    slot = models.PositiveSmallIntegerField(primary_key=True)
    received = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    repeated = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    ignored = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    last_commit_at = models.DateTimeField(null=True)
    session_lost_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("ingest status")
        verbose_name_plural = _("ingest status")

    def __str__(self) -> str:
        return f"slot {self.slot}: {self.stored} stored"
