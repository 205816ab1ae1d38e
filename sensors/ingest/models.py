"""What the ingest worker keeps beside observations: the rules by which it reads, the quarantine, and its own state."""

import logging
import re
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from sensors.ingest.decoders.formats import FORMATS
from sensors.ingest.decoders.rules import BadRule, Rule, read_meanings

logger = logging.getLogger(__name__)

# The upper bounds by which batches are counted: in messages, and in seconds from the first statement to the commit.
BATCH_MESSAGES_BOUNDS = (1, 10, 50, 100, 250, 500, 1_000, 2_500)
BATCH_SECONDS_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class TopicRuleQuerySet(models.QuerySet["TopicRule"]):
    def in_force(self) -> tuple[Rule, ...]:
        """The active rules, in the order in which they are tried."""
        rules = []
        for each in self.filter(is_active=True, format__in=FORMATS).order_by("position", "id"):
            try:
                rules.append(each.as_rule())
            except BadRule as why:
                # Written past the admin. The others are followed all the same.
                logger.error("topic rule %s is left out: %s", each, why)
        return tuple(rules)


class TopicRule(models.Model):
    """In which format the messages of some topics are, and what their names mean here. The first that fits a topic is taken."""

    position = models.PositiveIntegerField(_("position"), default=100, help_text=_("The lowest is tried first."))
    pattern = models.CharField(
        _("topic pattern"),
        max_length=200,
        unique=True,
        help_text=_("A topic with named parts: v3/{application}/devices/{device}/up."),
    )
    format = models.CharField(
        _("format"), max_length=40, choices=[(each.name, each.title) for each in FORMATS.values()]
    )
    thing = models.CharField(
        _("thing"),
        max_length=100,
        default="{device}",
        help_text=_("Its slug, made of the topic's parts: ttn-{device}."),
    )
    meanings = models.JSONField(
        _("meanings"),
        default=dict,
        blank=True,
        help_text=_(
            'What the device\'s names mean: {"temperature": "air_temperature", "rain": {"property": "rain", "unit": "mm", '
            '"zero_if_absent": true}}.'
        ),
    )
    takes_others = models.BooleanField(
        _("takes other names"), default=True, help_text=_("Names without a meaning are taken for codes of properties.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = TopicRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("topic rule")
        verbose_name_plural = _("topic rules")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.pattern

    def as_rule(self) -> Rule:
        """Errors: BadRule."""
        rule = Rule(self.pattern, self.format, self.thing, read_meanings(self.meanings), self.takes_others)
        rule.expression()
        return rule

    def clean(self) -> None:
        faults: dict[str, Any] = {}
        try:
            parts = set(Rule(self.pattern, self.format).expression().groupindex)
        except (BadRule, re.error) as why:
            faults["pattern"], parts = str(why), set()
        named = set(re.findall(r"\{([^{}]*)\}", self.thing))
        if "pattern" not in faults and (unknown := named - parts - {"device"}):
            faults["thing"] = _("The topic has no part %(name)s.") % {"name": "{" + min(unknown) + "}"}
        elif not named and "datastream" not in parts:
            faults["thing"] = _("Without a part of the topic, all messages would be of one thing.")
        try:
            read_meanings(self.meanings)
        except BadRule as why:
            faults["meanings"] = str(why)
        if faults:
            raise ValidationError(faults)


class RejectedMessage(models.Model):
    """A message, or one element of its array, that could not be stored: kept whole, with the reason, until it is fed again."""

    topic = models.TextField(_("topic"))
    payload = models.BinaryField(_("payload"))
    reason = models.CharField(_("reason"), max_length=40)
    detail = models.TextField(_("detail"), blank=True)
    # A default of the database's own: workers of the version before write on while it is brought in.
    thing = models.CharField(
        _("thing"),
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text=_("Its slug, where the message tells."),
    )
    received_at = models.DateTimeField(_("received at"))
    replayed_at = models.DateTimeField(_("replayed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("rejected message")
        verbose_name_plural = _("rejected messages")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["reason", "id"], condition=models.Q(replayed_at=None), name="rejected_open"),
            models.Index(fields=["thing", "id"], condition=models.Q(replayed_at=None), name="rejected_open_of_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.topic}"


class IngestStatus(models.Model):
    """What one worker slot has done so far, and how it stands.

    Readings are counted in the transaction that did it, so that received = stored + repeated + quarantined + ignored always
    holds; the database sees to it. `ignored` is part of it: a retained reading without a time was received, and is none of the
    other three, since the broker gives it to each new subscriber. A reading that was quarantined before and comes again is a
    repeat. What is counted in messages is the worker's own, and written every few seconds (sensors.ingest.counts).
    """

    slot = models.PositiveSmallIntegerField(primary_key=True)
    source = models.CharField(_("source"), max_length=40, blank=True, help_text=_("Empty: this service's own broker."))
    # In readings.
    received = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    repeated = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    ignored = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    last_commit_at = models.DateTimeField(null=True)
    session_lost_at = models.DateTimeField(null=True)
    lag_seconds = models.FloatField(
        null=True, help_text="From the arrival of the last batch's first message to its commit."
    )
    newest_at = models.DateTimeField(
        null=True, help_text="The latest phenomenon time stored; what lies ahead counts as now."
    )
    # In messages. Defaults of the database's own: workers of the version before write on while these are brought in.
    acknowledged = models.BigIntegerField(default=0, db_default=0)
    returned = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="Committed, but the connection was lost before: the broker delivers them again.",
    )
    dropped = models.BigIntegerField(default=0, db_default=0, help_text="Of QoS 0, beyond what a worker holds.")
    batches = models.BigIntegerField(default=0, db_default=0)
    batch_messages = models.BigIntegerField(default=0, db_default=0)
    batch_seconds = models.FloatField(default=0.0, db_default=0.0)
    by_messages = ArrayField(
        models.BigIntegerField(), null=True, help_text="Batches by BATCH_MESSAGES_BOUNDS, and beyond."
    )
    by_seconds = ArrayField(
        models.BigIntegerField(), null=True, help_text="Batches by BATCH_SECONDS_BOUNDS, and beyond."
    )
    waiting = models.BigIntegerField(default=0, db_default=0, help_text="Messages in the worker's memory.")
    oldest_waiting_at = models.DateTimeField(null=True)
    is_connected = models.BooleanField(null=True)
    broker = models.JSONField(null=True, help_text="What the broker said of itself: sensors.ingest.broker_figures.")
    noted_at = models.DateTimeField(
        null=True, help_text="When the worker last wrote how it stands: every ten seconds at least."
    )

    class Meta:
        verbose_name = _("ingest status")
        verbose_name_plural = _("ingest status")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    received=models.F("stored") + models.F("repeated") + models.F("quarantined") + models.F("ignored")
                ),
                name="ingest_counts_add_up",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source or f'slot {self.slot}'}: {self.stored} stored"

    @property
    def label(self) -> str:
        """As figures name it: the worker's number, or the source."""
        return self.source or str(self.slot)


class QuarantineCount(models.Model):
    """How many readings of one slot were quarantined for one reason: over the reasons, the slot's `quarantined`.

    `kept` lie, or lay, in quarantine as rows of RejectedMessage. Of `counted_only` nothing is kept but their number: what a
    device sends that floods would fill the quarantine.
    """

    pk = models.CompositePrimaryKey("slot", "reason")
    slot = models.PositiveSmallIntegerField()
    reason = models.CharField(_("reason"), max_length=40)
    kept = models.BigIntegerField(default=0)
    counted_only = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("count of the quarantine")
        verbose_name_plural = _("counts of the quarantine")

    def __str__(self) -> str:
        return f"{self.slot} {self.reason}: {self.kept} kept, {self.counted_only} counted only"
