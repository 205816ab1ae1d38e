"""What the ingest worker keeps beside observations: the rules by which it reads, the quarantine, and its own state."""

import logging
import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from sensors.ingest.decoders.formats import FORMATS
from sensors.ingest.decoders.rules import BadRule, Rule, read_meanings

logger = logging.getLogger(__name__)


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
