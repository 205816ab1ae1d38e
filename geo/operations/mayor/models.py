"""An instruction of the mayor, its steps, and which weekly briefs have been sent."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, AreaAncestry, City
from geo.operations.incidents.models import Incident
from geo.reports.access.principals import OVERSEEING
from geo.reports.models import Agency, CityRole, HistoryNote, Report
from geo.reports.models.report import new_public_id

if TYPE_CHECKING:
    from geo.reports.access.principals import Principal


class State(models.TextChoices):
    """Whose turn it is: the agency's while it is open, acknowledged or returned, the mayor's once it is done."""

    OPEN = "open", _("open")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    DONE = "done", _("done")
    RETURNED = "returned", _("returned")
    CONFIRMED = "confirmed", _("confirmed")
    WITHDRAWN = "withdrawn", _("withdrawn")


AWAITED = frozenset({State.OPEN, State.ACKNOWLEDGED, State.RETURNED})
UNFULFILLED = AWAITED | {State.DONE}


class InstructionQuerySet(models.QuerySet["Instruction"]):
    def visible_to(self, principal: "Principal") -> "InstructionQuerySet":
        """Those of cities that somebody oversees, those to their agency, and those about a report that they deal with now.

        An agency that has handed the report over reads what was given to it until that has ended: it owes the answer.
        """
        if principal.is_superuser:
            return self
        cities = [grant.city_id for grant in principal.grants if grant.role in OVERSEEING and grant.area_id is None]
        dealt_with = Q(report__in=Report.objects.handled_by(principal).values("pk"))
        owed = _worked_by(principal) & (Q(report=None) | Q(state__in=UNFULFILLED))
        return self.filter(Q(city_id__in=cities) | dealt_with | owed)

    def worked_by(self, principal: "Principal") -> "InstructionQuerySet":
        """Those of an officer's agency; where the role is limited to an area, only what lies in it."""
        return self if principal.is_superuser else self.filter(_worked_by(principal))

    def unfulfilled(self) -> "InstructionQuerySet":
        return self.filter(state__in=UNFULFILLED)

    def late(self, now: datetime) -> "InstructionQuerySet":
        """`is_late`, as a condition."""
        return self.filter(
            Q(state__in=AWAITED, deadline__lt=now)
            | Q(state__in=[State.DONE, State.CONFIRMED], done_at__gt=F("deadline"))
        )


def _worked_by(principal: "Principal") -> Q:
    wanted = Q(pk__in=())
    for grant in principal.grants:
        if grant.role != CityRole.Role.OFFICER or grant.agency_id is None:
            continue
        mine = Q(city_id=grant.city_id, agency_id=grant.agency_id)
        if grant.area_id is not None:
            inside = AreaAncestry.objects.filter(ancestor_id=grant.area_id).values("area_id")
            mine &= Q(area_id__in=inside) | Q(report__area_id__in=inside) | Q(incident__area_id__in=inside)
        wanted |= mine
    return wanted


class Instruction(models.Model):
    """What the mayor wants of an agency, until when, about one report, one incident or one area. Its words are in its steps."""

    public_id = models.CharField(_("number"), max_length=16, default=new_public_id, unique=True, editable=False)
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="instructions", verbose_name=_("city"))
    # It stays this agency's when the report goes to another one.
    agency = models.ForeignKey(
        Agency, on_delete=models.RESTRICT, related_name="instructions", verbose_name=_("agency"), db_index=False
    )
    report = models.ForeignKey(
        Report, on_delete=models.CASCADE, null=True, blank=True, related_name="instructions", verbose_name=_("report")
    )
    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="instructions",
        verbose_name=_("incident"),
    )  # fmt: skip
    area = models.ForeignKey(
        Area, on_delete=models.RESTRICT, null=True, blank=True, related_name="+", verbose_name=_("area")
    )
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("given by")
    )
    given_at = models.DateTimeField(_("given at"))
    deadline = models.DateTimeField(_("deadline"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.OPEN)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    # When the mayor confirmed or withdrew it.
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = InstructionQuerySet.as_manager()

    class Meta:
        verbose_name = _("instruction")
        verbose_name_plural = _("instructions")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(report__isnull=False, incident=None, area=None)
                | Q(report=None, incident__isnull=False, area=None)
                | Q(report=None, incident=None, area__isnull=False),
                name="instruction_has_one_target",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["confirmed", "withdrawn"], ended_at__isnull=False)
                | ~Q(state__in=["confirmed", "withdrawn"]) & Q(ended_at=None),
                name="instruction_ended_at_iff_ended",
            ),
        ]
        indexes = [models.Index(fields=["agency", "state", "-id"], name="instruction_agency_state")]

    def __str__(self) -> str:
        return self.public_id

    def is_late(self, now: datetime) -> bool:
        """Not done by the deadline: a comparison, of what is withdrawn no more."""
        if self.state in AWAITED:
            return self.deadline < now
        return self.state != State.WITHDRAWN and self.done_at is not None and self.done_at > self.deadline


class InstructionNote(models.Model):
    """The words of a step about an incident or an area. Those about a report are notes of the report, and go when they go."""

    instruction = models.ForeignKey(
        Instruction, on_delete=models.CASCADE, related_name="notes", verbose_name=_("instruction")
    )
    text = models.TextField(_("text"), blank=True, help_text=_("May be emptied; the step that it belongs to stays."))

    class Meta:
        verbose_name = _("words of an instruction")
        verbose_name_plural = _("words of instructions")

    def __str__(self) -> str:
        return f"note {self.pk} of {self.instruction_id}"


class InstructionStep(models.Model):
    """Who did what with an instruction, when and from where. Append-only, by a trigger; no words that somebody wrote."""

    instruction = models.ForeignKey(
        Instruction,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="steps",
        verbose_name=_("instruction"),
    )
    at = models.DateTimeField(_("at"))
    old_state = models.CharField(_("old"), max_length=12, choices=State, blank=True)
    new_state = models.CharField(_("new"), max_length=12, choices=State)
    origin = models.CharField(_("from where"), max_length=32, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    note = models.ForeignKey(
        InstructionNote,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("note"),
    )
    report_note = models.ForeignKey(
        HistoryNote,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("note on the report"),
    )

    class Meta:
        verbose_name = _("step of an instruction")
        verbose_name_plural = _("steps of instructions")
        ordering = ["instruction", "id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%MZ} {self.new_state}"

    @property
    def text(self) -> str:
        """Empty where nothing was said, and where it was erased."""
        found = self.report_note or self.note
        return found.text if found is not None else ""


class WeeklyBrief(models.Model):
    """That a city's mayor was sent the brief of a week: once, however many look."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("city"))
    week = models.CharField(_("week"), max_length=8)
    sent_at = models.DateTimeField(_("sent at"))
    recipients = models.PositiveIntegerField(_("recipients"))

    class Meta:
        verbose_name = _("weekly brief")
        verbose_name_plural = _("weekly briefs")
        ordering = ["-week", "city"]
        constraints = [models.UniqueConstraint(fields=["city", "week"], name="one_brief_per_city_and_week")]

    def __str__(self) -> str:
        return f"{self.week} of {self.city_id}"
