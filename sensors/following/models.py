"""How far each follower has read the journal."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from sensors.observations.journal import Position


class Bookmark(models.Model):
    """A follower's position, moved in the transaction that did its work: what is killed on the way has done nothing."""

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    xid = models.BigIntegerField(default=0)
    entry = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(_("moved at"), null=True)
    failure = models.TextField(_("failure"), blank=True, help_text=_("Why it stands still; empty when it does not."))

    class Meta:
        verbose_name = _("bookmark")
        verbose_name_plural = _("bookmarks")

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"

    @property
    def position(self) -> Position:
        return Position(self.xid, self.entry)
