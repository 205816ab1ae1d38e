"""The datastreams for those who look after devices: which are silent, and what their values are checked for."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sensors.observations.columns import DOUBTED, quality_words
from sensors.observations.models import Correction, Quality
from sensors.registry.models import Datastream
from sensors.states.models import DatastreamState


class CountedFlagsField(forms.TypedMultipleChoiceField):
    """Flags as boxes to tick; their sum is kept."""

    def __init__(self, **more: Any) -> None:
        choices = [(flag.value, flag.label) for flag in Quality if flag not in (Quality.GOOD, DOUBTED)]
        super().__init__(choices=choices, coerce=int, widget=forms.CheckboxSelectMultiple, required=False, **more)

    def prepare_value(self, value: Any) -> Any:
        return [flag.value for flag in Quality if value & flag] if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def clean(self, value: Any) -> int:
        return sum(super().clean(value))


class DatastreamForm(forms.ModelForm[Datastream]):
    counted_flags = CountedFlagsField(
        label=_("flags that are counted"),
        help_text=_("Values with these flags alone are good enough for hours, days and what is made of them."),
    )

    class Meta:
        model = Datastream
        fields = [
            "plausible_min",
            "plausible_max",
            "expected_interval_s",
            "silent_after_s",
            "most_change_per_min",
            "spike_limit",
            "stuck_after_s",
            "stuck_tolerance",
            "stuck_except",
            "counted_flags",
            "sensor",
        ]


@admin.register(Datastream)
class DatastreamAdmin(admin.ModelAdmin[Datastream]):
    """Made with its thing; what it measures stays as it is."""

    form = DatastreamForm
    list_display = ["__str__", "state_now", "since", "heard_at", "latest_at", "latest_result", "quality", "unit_ucum"]
    list_filter = ["state__state", "observed_property"]
    list_select_related = ["thing", "observed_property", "state"]
    search_fields = ["thing__slug", "thing__name"]
    readonly_fields = ["thing", "observed_property", "unit_ucum", "unit_name"]
    fields = [*readonly_fields, *DatastreamForm.Meta.fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Datastream]:
        return super().get_queryset(request).order_by("thing__slug", "observed_property__code")

    @admin.display(description=_("state"), ordering="state__state")
    def state_now(self, datastream: Datastream) -> str:
        return _state(datastream).get_state_display()

    @admin.display(description=_("since"), ordering="state__since")
    def since(self, datastream: Datastream) -> Any:
        return _state(datastream).since

    @admin.display(description=_("heard at"), ordering="state__heard_at")
    def heard_at(self, datastream: Datastream) -> Any:
        return _state(datastream).heard_at

    @admin.display(description=_("time of the latest result"), ordering="state__latest_at")
    def latest_at(self, datastream: Datastream) -> Any:
        return _state(datastream).latest_at

    @admin.display(description=_("latest result"))
    def latest_result(self, datastream: Datastream) -> Any:
        return _state(datastream).latest_result

    @admin.display(description=_("quality"))
    def quality(self, datastream: Datastream) -> str:
        latest = _state(datastream).latest_quality
        return "" if latest is None else quality_words(latest)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Its observations would stay behind, and nobody could say what they were of.
        return False


def _state(datastream: Datastream) -> DatastreamState:
    return datastream.state


@admin.register(Correction)
class CorrectionAdmin(admin.ModelAdmin[Correction]):
    """To be read: decided at /api/datastreams/{id}/corrections/, or by `manage correct_observation`."""

    list_display = [
        "corrected_at",
        "datastream",
        "phenomenon_time",
        "old_result",
        "new_result",
        "old_flags",
        "new_flags",
        "reason",
        "corrected_by",
    ]
    list_select_related = ["datastream__thing", "datastream__observed_property", "corrected_by"]
    search_fields = ["datastream__thing__slug", "reason"]
    show_full_result_count = False

    @admin.display(description=_("old quality"))
    def old_flags(self, line: Correction) -> str:
        return "" if line.old_quality is None else quality_words(line.old_quality)

    @admin.display(description=_("new quality"))
    def new_flags(self, line: Correction) -> str:
        return "" if line.new_quality is None else quality_words(line.new_quality)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
