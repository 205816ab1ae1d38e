"""Stored results of analyses that numpy computes: a layer's row-source reads them by SQL like any other rows."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ResultSet(models.Model):
    """One result, keyed by layer, resolved parameters and data version. A page token names it, so a page never mixes two."""

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    layer = models.CharField(max_length=64)
    parameters_key = models.CharField(max_length=64, help_text=_("SHA-256 of the resolved parameters"))
    parameters = models.JSONField()
    data_version = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    requested_at = models.DateTimeField()
    as_of = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("result set")
        verbose_name_plural = _("result sets")
        constraints = [
            models.UniqueConstraint(fields=["layer", "parameters_key", "data_version"], name="one_result_per_version")
        ]
        indexes = [models.Index(fields=["layer", "parameters_key", "-as_of"], name="result_latest")]

    def __str__(self) -> str:
        return f"{self.layer} v{self.data_version} {self.state}"


class ResultRow(models.Model):
    """One feature of a result: the area it speaks of, and its figures."""

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="rows")
    area_id = models.BigIntegerField()
    figures = models.JSONField()

    class Meta:
        verbose_name = _("result row")
        verbose_name_plural = _("result rows")
        constraints = [models.UniqueConstraint(fields=["result_set", "area_id"], name="one_row_per_area")]

    def __str__(self) -> str:
        return f"{self.result_set_id}/{self.area_id}"
