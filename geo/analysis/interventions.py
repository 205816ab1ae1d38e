"""What was done somewhere against something: an area, a category, a day. Its effect: geo.analysis.intervention_effect."""

from django.conf import settings
from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, City


class Intervention(models.Model):
    """A measure of the city, such as a pump that was built, recorded so that before and after can be compared."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="interventions", verbose_name=_("city"))
    area = models.ForeignKey(Area, on_delete=models.RESTRICT, related_name="interventions", verbose_name=_("area"))
    category = models.ForeignKey(
        "geo.Category", on_delete=models.RESTRICT, related_name="interventions", verbose_name=_("category")
    )
    date = models.DateField(_("date"), help_text=_("A day of the city"))
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), max_length=2000, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="interventions", verbose_name=_("owner")
    )
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("intervention")
        verbose_name_plural = _("interventions")
        ordering = ["-id"]
        indexes = [models.Index(fields=["city", "date"], name="intervention_day")]

    def __str__(self) -> str:
        return f"{self.date}: {self.title}"
