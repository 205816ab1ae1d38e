"""The on-call list, what has climbed it, and the shifts of the duty desk."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.operations.notifications.webhook import check_url
from geo.reports.access.principals import principal_of_user
from geo.reports.models import Category
from server.core.errors import InvalidFields


class OnCallLevel(models.Model):
    """Somebody to be called when nobody has taken a report so many minutes after its first response was due, or acknowledged
    an alert so many minutes after it opened.

    Several may stand at one position. A level is not called for what was late before it was there.
    """

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="on_call_levels", verbose_name=_("city"))
    position = models.PositiveSmallIntegerField(_("position"), help_text=_("1 is called first."))
    name = models.CharField(_("name"), max_length=100, help_text=_("A function, such as: duty officer."))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
        help_text=_("Is written to at the account's e-mail address."),
    )
    email = models.EmailField(_("e-mail"), blank=True)
    webhook_url = models.CharField(_("webhook"), max_length=500, blank=True)
    after_minutes = models.PositiveIntegerField(
        _("after (minutes)"), help_text=_("Since the first response was due. 0: at once.")
    )
    categories = models.ManyToManyField(
        Category,
        blank=True,
        related_name="+",
        verbose_name=_("categories"),
        help_text=_("With all below them. None: every report."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    active_since = models.DateTimeField(
        _("active since"), default=timezone.now, help_text=_("What came due before is not told any more.")
    )

    class Meta:
        verbose_name = _("on-call level")
        verbose_name_plural = _("on-call levels")
        ordering = ["city", "position", "id"]

    def __str__(self) -> str:
        return f"{self.position}. {self.name}"

    def clean(self) -> None:
        if [self.user_id is not None, bool(self.email), bool(self.webhook_url)].count(True) != 1:
            raise ValidationError(_("Needed: a user, an e-mail address or a webhook, and just one of them."))
        if self.city_id is not None and not self.may_call_user():
            raise ValidationError({"user": _("This account has no role in the city.")})
        if self.user is not None and not self.user.email:
            raise ValidationError({"user": _("This account has no e-mail address.")})
        if self.webhook_url:
            try:
                check_url(self.webhook_url)
            except InvalidFields as error:
                raise ValidationError({"webhook_url": error.detail}) from None

    def may_call_user(self) -> bool:
        """Whether the account, where there is one, still has a role in the city: asked again whenever it is called."""
        return self.user is None or principal_of_user(self.user).may_act_in(self.city_id)


class Escalation(models.Model):
    """What has reached a level of the on-call list; the same thing does so once for each time that it lies unanswered.

    `kind` and `subject_id` say what it is: a report or an alert by its primary key. `episode` tells a reopened report, and an
    alert that has risen, from the first time.
    """

    class Kind(models.TextChoices):
        REPORT = "report", _("report")
        ALERT = "alert", _("alert")

    level = models.ForeignKey(
        OnCallLevel,
        on_delete=models.CASCADE,
        related_name="escalations",
        db_index=False,
        verbose_name=_("on-call level"),
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    subject_id = models.BigIntegerField(_("subject"))
    episode = models.PositiveIntegerField(_("episode"), default=0)
    waiting_since = models.DateTimeField(_("waiting since"))
    raised_at = models.DateTimeField(_("raised at"))

    class Meta:
        verbose_name = _("escalation")
        verbose_name_plural = _("escalations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["level", "kind", "subject_id", "episode"], name="one_climb_per_level")
        ]
        indexes = [models.Index(fields=["level", "raised_at"], name="escalation_level_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id} at level {self.level_id}"


class Shift(models.Model):
    """From when to when the duty desk was in somebody's hands, and what they handed over."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="shifts", verbose_name=_("city"))
    started_at = models.DateTimeField(_("started at"))
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("started by")
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("ended by")
    )
    note = models.TextField(_("handover note"), blank=True, max_length=4000)
    # The situation as it was at the end (geo.operations.duty.situation): not computed again, since it would be another one.
    log = models.JSONField(_("handover log"), null=True, editable=False)

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["city"], condition=Q(ended_at=None), name="one_open_shift_per_city"),
            models.CheckConstraint(condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="shift_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.city.name}, {date_format(timezone.localtime(self.started_at), 'j F Y H:i')}"
