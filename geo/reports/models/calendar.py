"""When agencies work: a calendar's rules, its exceptions, and its working time laid out for some years."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City, slug_rule
from geo.reports.weekly_hours import check_hours, check_weekly_hours


class WorkingCalendar(models.Model):
    """The hours in which a clock runs, in the city's time. The city's default serves every agency that has none of its own."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="calendars", verbose_name=_("city"))
    slug = models.CharField(_("slug"), max_length=64, validators=[slug_rule])
    name = models.CharField(_("name"), max_length=200)
    is_default = models.BooleanField(_("the city's default"), default=False)
    weekly_hours = models.JSONField(
        _("weekly hours"),
        validators=[check_weekly_hours],
        help_text=_(
            'By day: {"mon": [["07:30", "12:00"], ["13:00", "16:00"]], …, "sun": []}; always: ["00:00", "24:00"].'
        ),
    )
    observes_holidays = models.BooleanField(
        _("free on national holidays"), default=True, help_text=_("Of Indonesia; dates to come may be estimates.")
    )
    observes_joint_leave = models.BooleanField(
        _("free on national joint leave"), default=True, help_text=_("Cuti bersama, as decided year by year.")
    )
    # Between these its working time is laid out; null: not yet.
    laid_out_from = models.DateTimeField(_("laid out from"), null=True, blank=True, editable=False)
    laid_out_until = models.DateTimeField(_("laid out until"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("working calendar")
        verbose_name_plural = _("working calendars")
        ordering = ["city", "slug"]
        constraints = [
            models.UniqueConstraint(fields=["city", "slug"], name="one_calendar_per_slug"),
            models.UniqueConstraint(fields=["city"], condition=Q(is_default=True), name="one_default_calendar"),
        ]

    def __str__(self) -> str:
        return self.slug


class CalendarException(models.Model):
    """A day, or some in a row, that are not as the week says. Where two speak of a day, the one that begins later decides."""

    class Kind(models.TextChoices):
        CLOSED = "closed", _("closed")
        OPEN = "open", _("open, whatever day it is")
        CHANGED = "changed", _("other hours on working days")

    calendar = models.ForeignKey(
        WorkingCalendar, on_delete=models.CASCADE, related_name="exceptions", verbose_name=_("working calendar")
    )
    date = models.DateField(_("date"))
    last_date = models.DateField(_("last date"), null=True, blank=True, help_text=_("Empty: this one day."))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    hours = models.JSONField(
        _("hours"),
        default=list,
        blank=True,
        validators=[check_hours],
        help_text=_('[["08:00", "15:00"]]; none if closed.'),
    )
    name = models.CharField(_("name"), max_length=200, help_text=_("Local leave, Ramadan hours, a working Saturday …"))

    class Meta:
        verbose_name = _("exception of a calendar")
        verbose_name_plural = _("exceptions of calendars")
        ordering = ["calendar", "date", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(last_date=None) | Q(last_date__gte=F("date")), name="exception_forward")
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"

    def clean(self) -> None:
        if self.last_date is not None and self.date is not None and self.last_date < self.date:
            raise ValidationError({"last_date": _("Before its first day.")})
        if bool(self.hours) == (self.kind == self.Kind.CLOSED):
            raise ValidationError({"hours": _("A closed day has no hours, and every other has some.")})


class WorkingInterval(models.Model):
    """A stretch of working time, and how much the calendar has had before it: made from the calendar, never edited.

    With that sum, a deadline is one look into the index and the working time between two moments is two.
    """

    calendar = models.ForeignKey(WorkingCalendar, on_delete=models.CASCADE, related_name="intervals", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    seconds_before = models.BigIntegerField()

    class Meta:
        verbose_name = _("working interval")
        verbose_name_plural = _("working intervals")
        constraints = [
            models.UniqueConstraint(fields=["calendar", "starts_at"], name="one_interval_per_start"),
            models.UniqueConstraint(fields=["calendar", "seconds_before"], name="one_interval_per_sum"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="interval_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%dT%H:%MZ} to {self.ends_at:%Y-%m-%dT%H:%MZ}"
