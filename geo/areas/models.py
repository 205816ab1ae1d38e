"""Cities and their areas."""

from zoneinfo import ZoneInfo, available_timezones

from django.contrib.gis.db import models
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

slug_rule = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", _("Use a-z, 0-9 and single hyphens."))


def check_timezone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("%(name)s is not a time zone of the IANA list."), params={"name": name})


class City(models.Model):
    """A city that uses this instance. Its slug is its Open311 jurisdiction; time zone, calendars and metres hang on it."""

    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_rule])
    name = models.CharField(_("name"), max_length=200)
    timezone = models.CharField(_("time zone"), max_length=64, default="Asia/Jakarta", validators=[check_timezone])
    metric_srid = models.PositiveIntegerField(_("metric SRID"), default=32748)

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("cities")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class AreaLevel(models.Model):
    """A level of the tree: rank 0 is the city itself, a larger rank is a smaller kind of area."""

    code = models.CharField(_("code"), max_length=32, unique=True, validators=[slug_rule])
    name_id = models.CharField(_("name (Indonesian)"), max_length=80)
    name_en = models.CharField(_("name (English)"), max_length=80)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True)

    class Meta:
        verbose_name = _("area level")
        verbose_name_plural = _("area levels")
        ordering = ["rank"]

    def __str__(self) -> str:
        return self.code


class AreaQuerySet(models.QuerySet["Area"]):
    def current(self) -> "AreaQuerySet":
        return self.filter(retired_at=None)


class Area(models.Model):
    """An administrative area. A retired one stays, for what was said about it, but nothing new is placed in it."""

    code = models.CharField(_("code"), max_length=32, unique=True)
    name = models.CharField(_("name"), max_length=200)
    level = models.ForeignKey(AreaLevel, on_delete=models.PROTECT, related_name="areas", verbose_name=_("level"))
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="areas", verbose_name=_("city"))
    boundary = models.MultiPolygonField(_("boundary"), srid=4326)
    area_km2 = models.FloatField(_("area (km²)"), help_text=_("Of the boundary, on the ellipsoid."))
    boundary_source = models.TextField(_("source of the boundary"), blank=True)
    is_schematic = models.BooleanField(_("schematic"), default=False)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = AreaQuerySet.as_manager()

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["city"], condition=Q(parent=None, retired_at=None), name="one_root_area_per_city"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class AreaAncestry(models.Model):
    """Each area with each of its ancestors and itself: grouping by any level joins this, never a geometry."""

    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="ancestry")
    ancestor = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="descent")
    level = models.ForeignKey(AreaLevel, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("ancestry")
        verbose_name_plural = _("ancestries")
        constraints = [models.UniqueConstraint(fields=["area", "ancestor"], name="one_ancestry_row")]
        indexes = [models.Index(fields=["ancestor", "area"], name="ancestry_down")]

    def __str__(self) -> str:
        return f"{self.area_id} in {self.ancestor_id}"


class PopulationFigure(models.Model):
    """How many people an area had in a year, by whose count. What is unknown has no row."""

    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="population_figures", verbose_name=_("area"))
    year = models.PositiveSmallIntegerField(_("year"))
    population = models.PositiveIntegerField(_("population"))
    source = models.TextField(_("source"))

    class Meta:
        verbose_name = _("population figure")
        verbose_name_plural = _("population figures")
        ordering = ["area", "-year"]
        constraints = [models.UniqueConstraint(fields=["area", "year"], name="one_figure_per_year")]

    def __str__(self) -> str:
        return f"{self.area}: {self.population} ({self.year})"
