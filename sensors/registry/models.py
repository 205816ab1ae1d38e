"""What there is to measure with: the entities of OGC SensorThings, by their own names."""

from math import inf

from django.contrib.gis.db import models
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

slug_rule = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", _("Use a-z, 0-9 and single hyphens."))
code_rule = RegexValidator(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", _("Use a-z, 0-9 and single underscores, a letter first."))


def positive_rule(value: float) -> None:
    """Errors: ValidationError for what is not a finite number above zero."""
    if not 0 < value < inf:
        raise ValidationError(_("Use a number above zero."))


class Thing(models.Model):
    """A device or post. Its slug is its topic name and its MQTT user name."""

    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_rule])
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    is_simulated = models.BooleanField(_("simulated"), default=False)
    # Stands in for another thing while a drill is played: see sensors.registry.exercises.
    is_exercise = models.BooleanField(_("exercise"), default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("thing")
        verbose_name_plural = _("things")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class ThingLocation(models.Model):
    """Where a thing stood, and from when to when: a moved thing's past stays where it was measured."""

    thing = models.ForeignKey(Thing, on_delete=models.CASCADE, related_name="locations")
    name = models.CharField(_("name"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    location = models.PointField(_("location"), srid=4326)
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("location of a thing")
        verbose_name_plural = _("locations of things")
        ordering = ["thing", "valid_from", "id"]
        constraints = [
            models.UniqueConstraint(fields=["thing"], condition=Q(valid_to=None), name="one_current_location"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="location_forward"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.thing} @ {self.valid_from:%Y-%m-%d}"


class Sensor(models.Model):
    """The kind of instrument, and how it measures."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    description = models.TextField(_("description"), blank=True)
    encoding_type = models.CharField(max_length=100, default="text/html")
    metadata = models.TextField(_("metadata"), blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)

    class Meta:
        verbose_name = _("sensor")
        verbose_name_plural = _("sensors")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ObservedProperty(models.Model):
    """What is measured. How its values add up over time and across gauges belongs to it."""

    class Domain(models.TextChoices):
        ENVIRONMENT = "environment", _("environment")
        TRAFFIC = "traffic", _("traffic")
        HEALTH = "health", _("health")
        ECONOMY = "economy", _("economy")

    class Aggregate(models.TextChoices):
        MEAN = "mean", _("mean")
        SUM = "sum", _("sum")
        MAX = "max", _("maximum")

    code = models.CharField(_("code"), max_length=64, unique=True, validators=[code_rule])
    name_id = models.CharField(_("name (Indonesian)"), max_length=200)
    name_en = models.CharField(_("name (English)"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    definition = models.CharField(_("definition (URI)"), max_length=500, blank=True)
    domain = models.CharField(_("domain"), max_length=16, choices=Domain)
    aggregate = models.CharField(_("aggregate"), max_length=8, choices=Aggregate, default=Aggregate.MEAN)
    as_anomaly = models.BooleanField(
        _("levels differ between gauges"),
        default=False,
        help_text=_("Values of different gauges are compared as differences from each gauge's own median."),
    )
    properties = models.JSONField(_("properties"), default=dict, blank=True)

    class Meta:
        verbose_name = _("observed property")
        verbose_name_plural = _("observed properties")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    @property
    def name(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name_id


class Datastream(models.Model):
    """One thing's values of one observed property, in one unit: in SensorThings' words, always an OM_Measurement."""

    thing = models.ForeignKey(Thing, on_delete=models.CASCADE, related_name="datastreams")
    sensor = models.ForeignKey(Sensor, on_delete=models.PROTECT, related_name="datastreams", null=True, blank=True)
    observed_property = models.ForeignKey(ObservedProperty, on_delete=models.PROTECT, related_name="datastreams")
    name = models.CharField(_("name"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    unit_ucum = models.CharField(_("unit (UCUM)"), max_length=40)
    unit_name = models.CharField(_("unit"), max_length=80, blank=True)
    plausible_min = models.FloatField(_("least plausible value"), null=True, blank=True)
    plausible_max = models.FloatField(_("greatest plausible value"), null=True, blank=True)
    expected_interval_s = models.PositiveIntegerField(_("expected interval (s)"), default=600)
    # What computes it: a code of sensors.derived. Nobody sends such values.
    derivation = models.CharField(
        _("derivation"),
        max_length=32,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("Empty: it is measured."),
    )
    silent_after_s = models.PositiveIntegerField(
        _("silent after (s)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: after three expected intervals. It is late after half of it."),
    )
    most_change_per_min = models.FloatField(
        _("greatest plausible change in a minute"), null=True, blank=True, validators=[positive_rule]
    )
    spike_limit = models.FloatField(
        _("spike limit"),
        null=True,
        blank=True,
        validators=[positive_rule],
        help_text=_("A value is a spike that is farther than this from the one before and the one after, which agree."),
    )
    stuck_after_s = models.PositiveIntegerField(
        _("stuck after (s)"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    stuck_tolerance = models.FloatField(
        _("tolerance of stuck values"), default=0, db_default=0, validators=[MinValueValidator(0.0)]
    )
    stuck_except = models.FloatField(
        _("value that may stand still"), null=True, blank=True, help_text=_("Such as 0 for rain.")
    )
    counted_flags = models.PositiveSmallIntegerField(
        _("flags that are counted"),
        default=0,
        db_default=0,
        validators=[MaxValueValidator(15)],
        help_text=_("Values with these flags alone are good enough for hours, days and what is made of them."),
    )
    sent_as = models.CharField(
        _("sent as"),
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text=_("The device's own name for it, where that is not the property's code."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("datastream")
        verbose_name_plural = _("datastreams")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["thing", "observed_property"], name="one_datastream_per_property"),
            models.UniqueConstraint(
                fields=["thing", "sent_as"], condition=~Q(sent_as=""), name="one_datastream_per_sent_name"
            ),
            models.CheckConstraint(
                condition=Q(plausible_min=None) | Q(plausible_max=None) | Q(plausible_min__lte=F("plausible_max")),
                name="plausible_range_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.thing}/{self.observed_property}"


class FeatureOfInterest(models.Model):
    """What an observation is of, where a client has said so itself: otherwise it is the place at which the thing stood."""

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    encoding_type = models.CharField(max_length=100, default="application/geo+json")
    feature = models.GeometryField(_("feature"), srid=4326)
    properties = models.JSONField(_("properties"), default=dict, blank=True)

    class Meta:
        verbose_name = _("feature of interest")
        verbose_name_plural = _("features of interest")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
