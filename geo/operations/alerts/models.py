"""Rules by which a measurement becomes an alert, how far each was followed, the alerts and their log."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.gis.db import models
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, City
from geo.operations.alerts.reading import read_levels, read_levels_of
from geo.operations.incidents.models import Incident
from geo.reports.models import Category
from geo.reports.models.report import new_public_id
from sensors import published

if TYPE_CHECKING:
    from geo.reports.access.principals import Principal


class AlertRule(models.Model):
    """One authority's levels of an observed property: at one thing, or at all of the city's that have no rule of their own.

    Authorities differ, so that two of them may have a rule for the same gauge; each opens its own alert.
    """

    class Direction(models.TextChoices):
        ABOVE = "above", _("rising")
        BELOW = "below", _("falling")

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="alert_rules", verbose_name=_("city"))
    authority = models.CharField(_("authority"), max_length=100, help_text=_("Whose levels these are."))
    source = models.CharField(_("source"), max_length=300, blank=True)
    observed_property = models.CharField(_("observed property"), max_length=64, help_text=_("Its code."))
    thing = models.CharField(
        _("thing"), max_length=64, blank=True, help_text=_("Slug. Empty: every thing of the city without its own rule.")
    )
    unit = models.CharField(_("unit (UCUM)"), max_length=40, help_text=_("Values in another unit are left out."))
    direction = models.CharField(_("direction"), max_length=5, choices=Direction, default=Direction.ABOVE)
    levels = models.JSONField(
        _("levels"),
        default=list,
        blank=True,
        help_text=_(
            '[{"name": "Siaga 3", "from": 351}, …]. Empty: those in the properties of the thing (alert_levels).'
        ),
    )
    levels_by = models.CharField(
        _("levels by property of the thing"),
        max_length=64,
        blank=True,
        help_text=_("For example land_use: each thing has the levels of its own value of it. Then levels are empty."),
    )
    levels_of = models.JSONField(
        _("levels of each value"),
        default=dict,
        blank=True,
        help_text=_(
            '{"housing": [{"name": "…", "from": 55.1}], …}. A thing with another value, or none, is not watched.'
        ),
    )
    hysteresis = models.FloatField(
        _("hysteresis"),
        default=0.0,
        validators=[MinValueValidator(0.0)],
        help_text=_("How far short of its threshold a value must be before a level is left; in the unit."),
    )
    opens_after_s = models.PositiveIntegerField(
        _("opens after (s)"), default=0, help_text=_("For so long the values must have reached a level.")
    )
    closes_after_s = models.PositiveIntegerField(
        _("closes after (s)"), default=0, help_text=_("For so long the values must have left a level.")
    )
    silent_after = models.PositiveSmallIntegerField(
        _("silent after (intervals)"), default=3, validators=[MinValueValidator(1)]
    )
    category = models.ForeignKey(
        Category,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("category"),
        help_text=_("Who subscribes to it or is on call for it is told; an incident is of it."),
    )
    opens_incident_at = models.PositiveSmallIntegerField(
        _("opens an incident at level"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("1 is the mildest. Empty: never. The reports around it are linked, those that come later too."),
    )
    report_radius_m = models.PositiveIntegerField(
        _("reports within (m)"), default=2000, help_text=_("So far around the thing reports belong to the incident.")
    )
    report_window_s = models.PositiveIntegerField(
        _("reports within (s)"),
        default=6 * 3600,
        help_text=_("From so long before the alert opened until so long after it closed."),
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Its alerts end while this is off."))
    active_since = models.DateTimeField(
        _("active since"), default=timezone.now, help_text=_("What was measured before opens no alert.")
    )

    class Meta:
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        ordering = ["city", "observed_property", "thing", "authority"]
        constraints = [
            models.UniqueConstraint(
                fields=["city", "observed_property", "thing", "authority"], name="one_alert_rule_per_authority"
            )
        ]

    def __str__(self) -> str:
        return f"{self.authority}: {self.observed_property} {self.thing or '*'}"

    def clean(self) -> None:
        faults: dict[str, Any] = {}
        try:
            read_levels(self.levels, is_below=self.direction == self.Direction.BELOW)
        except ValueError as error:
            faults["levels"] = str(error)
        try:
            read_levels_of(self.levels_of, is_below=self.direction == self.Direction.BELOW)
        except ValueError as error:
            faults["levels_of"] = str(error)
        if bool(self.levels_by) != bool(self.levels_of):
            faults["levels_of"] = _("Needed together: the property of the thing, and the levels of its values.")
        if self.levels_by and self.levels:
            faults["levels"] = _("Not both: these, and levels by a property of the thing.")
        if not self.levels and not self.levels_by and self.direction == self.Direction.BELOW:
            faults["levels"] = _("Needed: the levels of a thing are of rising values.")
        if self.observed_property not in published.observed_property_codes():
            faults["observed_property"] = _("There is no such observed property.")
        if self.thing and not published.things().filter(slug=self.thing).exists():
            faults["thing"] = _("There is no such thing.")
        if self.category is not None and self.category.city_id not in (None, self.city_id):
            faults["category"] = _("Belongs to another city.")
        if faults:
            raise ValidationError(faults)


class AlertProgress(models.Model):
    """One row: up to which crossing alerts have been made of them."""

    change = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("progress of the alerts")
        verbose_name_plural = _("progress of the alerts")

    def __str__(self) -> str:
        return str(self.change)


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> "AlertQuerySet":
        return self.filter(closed_at=None)

    def visible_to(self, principal: "Principal") -> "AlertQuerySet":
        """Everybody sees the alerts; those of an exercise the staff of its city alone."""
        if principal.is_superuser:
            return self
        seen = Q(is_exercise=False)
        return self.filter(seen | Q(city_id__in=principal.city_ids) if principal.is_staff else seen)


class Alert(models.Model):
    """A datastream that has reached a level of a rule. What it measures is public; who acknowledged it, and their note, is staff's."""

    class Ended(models.TextChoices):
        NORMAL = "normal", _("back to normal")
        BY_HAND = "by_hand", _("closed by hand")
        RULE_CHANGED = "rule_changed", _("ended, since its rule has changed")
        RETRACTED = "retracted", _("taken back, since values were corrected or came late")

    public_id = models.CharField(_("number"), max_length=16, default=new_public_id, unique=True, editable=False)
    rule = models.ForeignKey(AlertRule, on_delete=models.RESTRICT, related_name="alerts", verbose_name=_("rule"))
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="+", verbose_name=_("city"), db_index=False)
    datastream_id = models.BigIntegerField()
    # Of whose crossings it is made (sensors.published); with other levels another one watches.
    watch_id = models.BigIntegerField(null=True, db_index=True, editable=False)
    # As they were when it opened, so that it can be read when the thing is gone.
    thing = models.CharField(_("thing"), max_length=64)
    thing_name = models.CharField(_("name of the thing"), max_length=200)
    area = models.ForeignKey(
        Area, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("area"), db_index=False
    )
    location = models.PointField(_("location"), srid=4326, null=True, spatial_index=False)
    level = models.PositiveSmallIntegerField(_("level"), help_text=_("1 is the mildest."))
    level_name = models.CharField(_("name of the level"), max_length=100)
    level_since = models.DateTimeField(_("at this level since"))
    opened_at = models.DateTimeField(_("opened at"), help_text=_("The phenomenon time of the value that opened it."))
    value = models.FloatField(_("latest value"))
    value_at = models.DateTimeField(_("time of the latest value"))
    peak = models.FloatField(_("peak value"))
    peak_at = models.DateTimeField(_("time of the peak"))
    stale_since = models.DateTimeField(
        _("stale since"), null=True, help_text=_("The sensor is silent: nobody knows how it stands now.")
    )
    # Each rise is to be acknowledged again.
    rises = models.PositiveIntegerField(_("rises"), default=0)
    waiting_since = models.DateTimeField(_("waits to be acknowledged since"))
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    note = models.TextField(_("note"), blank=True)
    incident = models.ForeignKey(
        Incident, on_delete=models.SET_NULL, null=True, related_name="alerts", verbose_name=_("incident")
    )
    closed_at = models.DateTimeField(_("closed at"), null=True)
    ended = models.CharField(_("ended"), max_length=12, choices=Ended, blank=True, default="", db_default="")
    is_late = models.BooleanField(
        _("learnt late"), default=False, db_default=False, help_text=_("It was over when it became known.")
    )
    is_exercise = models.BooleanField(_("exercise"), default=False, db_default=False, editable=False)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "datastream_id"], condition=Q(closed_at=None), name="one_open_alert_per_datastream"
            )
        ]
        indexes = [models.Index(fields=["city", "-id"], name="alert_city")]

    def __str__(self) -> str:
        return f"{self.level_name} {self.thing}"


class AlertEvent(models.Model):
    """A line of an alert's log. Append-only: a trigger refuses UPDATE and DELETE, whoever asks. No free text, no personal data."""

    class Action(models.TextChoices):
        OPENED = "opened", _("opened")
        RAISED = "raised", _("raised")
        LOWERED = "lowered", _("lowered")
        NORMAL = "normal", _("back to normal")
        STALE = "stale", _("the sensor is silent")
        HEARD = "heard", _("the sensor is heard again")
        RULE_CHANGED = "rule_changed", _("ended, since its rule has changed")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        INCIDENT = "incident", _("an incident was opened")
        CLOSED = "closed", _("closed by hand")
        REVISED = "revised", _("its course has changed, since values were corrected or came late")
        RETRACTED = "retracted", _("taken back, since values were corrected or came late")

    alert = models.ForeignKey(
        Alert, on_delete=models.DO_NOTHING, db_constraint=False, related_name="log", verbose_name=_("alert")
    )
    at = models.DateTimeField(_("at"), help_text=_("Of a change of level: the phenomenon time."))
    recorded_at = models.DateTimeField(_("recorded at"))
    action = models.CharField(_("action"), max_length=12, choices=Action)
    old_level = models.PositiveSmallIntegerField(_("old level"), null=True)
    new_level = models.PositiveSmallIntegerField(_("new level"), null=True)
    value = models.FloatField(_("value"), null=True)
    crossing_id = models.BigIntegerField(null=True, help_text=_("Of which crossing it tells."))
    is_late = models.BooleanField(_("learnt late"), default=False, db_default=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    origin = models.CharField(_("from where"), max_length=32, blank=True, default="")

    class Meta:
        verbose_name = _("line of an alert's log")
        verbose_name_plural = _("lines of alerts' logs")
        ordering = ["alert", "id"]

    def __str__(self) -> str:
        return self.get_action_display()
