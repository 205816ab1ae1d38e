"""Saved analyses: the parameters of a computed layer under a name. Each is a layer of its own (geo.layers.saved)."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.analysis.models import ResultSet
from geo.areas.models import City, slug_rule

if TYPE_CHECKING:
    from geo.reports.access.principals import Principal


class SavedAnalysisQuerySet(models.QuerySet["SavedAnalysis"]):
    def visible_to(self, principal: "Principal") -> "SavedAnalysisQuerySet":
        """Everybody sees the public ones; staff all of the cities in which they have a role."""
        if principal.is_staff and principal.city_ids is None:
            return self
        seen = Q(visibility=SavedAnalysis.Visibility.PUBLIC)
        if principal.is_staff:
            seen |= Q(city_id__in=principal.city_ids)
        return self.filter(seen)

    def listed_for(self, principal: "Principal") -> "SavedAnalysisQuerySet":
        """Those that a list of layers names: what is had by its link alone is in none."""
        return self.visible_to(principal).exclude(visibility=SavedAnalysis.Visibility.LINK)


class SavedAnalysis(models.Model):
    """A computed layer with its parameters settled. A frozen one answers with one result for ever, and says what made it."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("public, listed")
        LINK = "link", _("whoever knows the link")
        CITY = "city", _("staff of the city")

    class Refresh(models.TextChoices):
        LIVE = "live", _("as the data changes")
        HOURLY = "hourly", _("at most once an hour")
        DAILY = "daily", _("at most once a day")
        FROZEN = "frozen", _("frozen")

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="saved_analyses", verbose_name=_("city"))
    slug = models.CharField(_("slug"), max_length=100, unique=True, validators=[slug_rule])
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), max_length=1000, blank=True)
    layer = models.CharField(_("layer"), max_length=64, help_text=_("Id of the computed layer"))
    parameters = models.JSONField(_("parameters"), default=dict, help_text=_("Texts by name, as they were given"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_analyses", verbose_name=_("owner")
    )
    visibility = models.CharField(_("visibility"), max_length=6, choices=Visibility, default=Visibility.PUBLIC)
    refresh = models.CharField(_("refresh"), max_length=6, choices=Refresh, default=Refresh.LIVE)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    # Of a frozen one.
    frozen_at = models.DateTimeField(_("frozen at"), null=True, editable=False)
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("frozen by"),
    )
    # Protected: results are swept away after some days, this one is not.
    result_set = models.OneToOneField(
        ResultSet, on_delete=models.PROTECT, null=True, editable=False, related_name="pinned_by"
    )
    data_version = models.BigIntegerField(_("data version"), null=True, editable=False)
    code_version = models.CharField(_("code version"), max_length=200, blank=True, editable=False)
    seed = models.BigIntegerField(_("seed"), null=True, editable=False)
    checksum = models.CharField(
        _("checksum"), max_length=64, blank=True, editable=False, help_text=_("SHA-256, see docs/statistics.md")
    )

    objects = SavedAnalysisQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved analysis")
        verbose_name_plural = _("saved analyses")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(refresh="frozen", result_set__isnull=False, frozen_at__isnull=False)
                | (~Q(refresh="frozen") & Q(result_set=None, frozen_at=None)),
                name="frozen_with_its_result",
            )
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def is_frozen(self) -> bool:
        return self.refresh == self.Refresh.FROZEN
