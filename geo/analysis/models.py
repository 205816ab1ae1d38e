"""Stored results of analyses that numpy computes: a layer's row-source reads them by SQL like any other rows."""

import secrets

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _


def new_token() -> str:
    return secrets.token_urlsafe(12)


class ResultSet(models.Model):
    """One result, keyed by analysis, resolved parameters and data version. A page token names it, so a page never mixes two."""

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    token = models.CharField(max_length=24, unique=True, default=new_token, editable=False)
    analysis = models.CharField(max_length=64, help_text=_("Id of the layer or of the analysis"))
    parameters_key = models.CharField(max_length=64, help_text=_("SHA-256 of the resolved parameters"))
    parameters = models.JSONField()
    data_version = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    progress = models.FloatField(default=0.0, help_text=_("Share that is done, 0 to 1"))
    requested_at = models.DateTimeField()
    touched_at = models.DateTimeField(help_text=_("When its worker last said that it is alive"))
    as_of = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    members = models.JSONField(default=dict, help_text=_("What is said of the whole result"))

    class Meta:
        verbose_name = _("result set")
        verbose_name_plural = _("result sets")
        constraints = [
            models.UniqueConstraint(
                fields=["analysis", "parameters_key", "data_version"], name="one_result_per_version"
            )
        ]
        indexes = [models.Index(fields=["analysis", "parameters_key", "-as_of"], name="result_latest")]

    def __str__(self) -> str:
        return f"{self.analysis} v{self.data_version} {self.state}"


class ResultRow(models.Model):
    """One feature of a result: the area it speaks of (`key`), or a cell of its own with its shape, and its figures."""

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="rows")
    key = models.BigIntegerField()
    geom = models.MultiPolygonField(srid=4326, null=True, spatial_index=False)
    figures = models.JSONField()

    class Meta:
        verbose_name = _("result row")
        verbose_name_plural = _("result rows")
        constraints = [models.UniqueConstraint(fields=["result_set", "key"], name="one_row_per_key")]

    def __str__(self) -> str:
        return f"{self.result_set_id}/{self.key}"
