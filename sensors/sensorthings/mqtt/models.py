"""Which entities were made or changed since they were last told of by MQTT."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EntityChange(models.Model):
    """A mark on an entity, made by the tables' own triggers while somebody tells of them. Plain inserts: no writer waits."""

    entity_set = models.CharField(_("entity set"), max_length=20)
    entity_id = models.BigIntegerField(_("entity"))

    class Meta:
        verbose_name = _("changed entity")
        verbose_name_plural = _("changed entities")

    def __str__(self) -> str:
        return f"{self.entity_set}({self.entity_id})"
