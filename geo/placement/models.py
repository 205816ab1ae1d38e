"""In which area a thing stood, and since when. (A report's place is stored on the report.)"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area


class ThingPlacement(models.Model):
    """One row per location of a thing; `area` is null where the location lies in no area. Half-open in time."""

    thing_id = models.BigIntegerField()
    location_id = models.BigIntegerField(unique=True)
    area = models.ForeignKey(Area, on_delete=models.SET_NULL, null=True, related_name="thing_placements")
    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"), null=True)

    class Meta:
        verbose_name = _("placement of a thing")
        verbose_name_plural = _("placements of things")
        indexes = [models.Index(fields=["thing_id", "valid_from"], name="placement_thing_time")]

    def __str__(self) -> str:
        return f"thing {self.thing_id} in area {self.area_id}"
