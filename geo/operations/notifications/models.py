"""Who wants to be told of what, and by which way."""

import uuid

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GistIndex
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower, Upper
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, City
from geo.reports.access.principals import Principal
from geo.reports.models import Category, Report


class Event(models.TextChoices):
    """What somebody can be told of."""

    SUBMITTED = "submitted", _("a report came in")
    STATUS = "status", _("a report's status changed")
    ALERT = "alert", _("a measurement crossed a level")
    INCIDENT = "incident", _("an incident was opened or closed")


# The letter box behind an address, as geo.operations.notifications.limits.letter_box has it.
LETTER_BOX = Lower(Func(F("email"), Value(r"^([^+]+)\+.*@"), Value(r"\1@"), function="regexp_replace"))

OF_REPORTS = (Event.SUBMITTED.value, Event.STATUS.value)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def listed_for(self, principal: Principal) -> "SubscriptionQuerySet":
        """One's own. Nobody else's: an address says who wants to know what."""
        return self.filter(owner=principal.user_id) if principal.user_id is not None else self.none()

    def unconfirmed_in(self, letter_box: str) -> "SubscriptionQuerySet":
        """Of whichever address is read in this letter box, what its reader has not said yes to."""
        return self.alias(letter_box=LETTER_BOX).filter(letter_box=letter_box, confirmed_at=None)


class Subscription(models.Model):
    """Events of a city of which somebody is told, where all that is set of report, area, category, polygon and filter holds.

    An area and a category stand for all below them. It is deleted when it ends, and the address with it.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", _("e-mail")
        WEBHOOK = "webhook", _("webhook")

    class Scope(models.TextChoices):
        """By which of its conditions a subscription is found: the one that the fewest reports meet."""

        REPORT = "report", _("report")
        POLYGON = "polygon", _("drawn polygon")
        AREA = "area", _("area")
        CATEGORY = "category", _("category")
        CITY = "city", _("city")

    key = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("Empty: the one to whom the address belongs."),
    )
    email = models.EmailField(_("e-mail"), blank=True, help_text=_("Personal data: never in an answer or a log."))
    url = models.CharField(_("address of the webhook"), max_length=500, blank=True)
    key_generation = models.PositiveIntegerField(_("generation of the key"), default=1, editable=False)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE)
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="+", verbose_name=_("city"), db_index=False)
    events = ArrayField(models.CharField(max_length=16, choices=Event), verbose_name=_("events"))
    scope = models.CharField(_("scope"), max_length=8, choices=Scope, editable=False)
    report = models.ForeignKey(
        Report, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("report")
    )
    area = models.ForeignKey(
        Area, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("area")
    )
    category = models.ForeignKey(
        Category, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("category")
    )
    polygon = models.PolygonField(_("drawn polygon"), srid=4326, null=True, blank=True, spatial_index=False)
    filter = models.TextField(_("filter"), blank=True, help_text=_("CQL2 text over the layer of reports."))
    created_at = models.DateTimeField(_("created at"))
    confirmed_at = models.DateTimeField(
        _("confirmed at"), null=True, blank=True, help_text=_("Until then nothing is sent.")
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Nothing is sent while this is off."))

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="email", url="") & ~Q(email="")
                | Q(kind="webhook", email="", owner__isnull=False) & ~Q(url=""),
                name="subscription_has_one_way",
            )
        ]
        # With those of report, area and category, one for each way in which an event finds who wants to know: matching.sql.
        indexes = [
            GistIndex(fields=["polygon"], condition=Q(scope="polygon"), name="subscription_polygon"),
            models.Index(fields=["city"], condition=Q(scope="city"), name="subscription_city"),
            models.Index(Upper("email"), condition=~Q(email=""), name="subscription_email"),
            models.Index(LETTER_BOX, condition=Q(confirmed_at=None), name="subscription_unconfirmed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def address_in_part(self) -> str:
        """Enough for its owner to know it again: s…@example.org."""
        name, _at, host = self.email.partition("@")
        return f"{name[:1]}…@{host}" if host else ""
