"""Things in the admin: where they stand and stood, what they measure, their broker credentials.

A place is written as longitude and latitude: no third party's map is loaded.
"""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sensors.ingest.units import is_unit
from sensors.observations.coverage import is_observed
from sensors.registry.broker import ensure_credentials
from sensors.registry.models import Datastream, Thing, ThingLocation
from sensors.registry.services import ALWAYS, move_thing

# As many passwords are shown in one message; of more the command line tells.
MOST_SHOWN = 10


class ThingForm(forms.ModelForm):
    """A thing, and where it is to stand: written as a move, so that its past stays where it was measured."""

    lon = forms.FloatField(label=gettext_lazy("longitude"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=gettext_lazy("latitude"), min_value=-90, max_value=90, required=False)
    moved_at = forms.SplitDateTimeField(
        label=gettext_lazy("stands there since"),
        widget=AdminSplitDateTime(),
        required=False,
        help_text=gettext_lazy(
            "Now, if left empty; what it measured before stays at the old place. To put a wrong place right, give the time "
            "from which the wrong one is valid."
        ),
    )

    class Meta:
        model = Thing
        fields = ["slug", "name", "description", "properties", "is_simulated"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current = ThingLocation.objects.filter(thing=self.instance.pk, valid_to=None).first()
        if self.current is not None:
            self.initial["lon"], self.initial["lat"] = self.current.location.coords
        if self.instance.pk:
            # Its topics and its broker's user are called so: another slug would be another device.
            self.fields["slug"].disabled = True

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        lon, lat, moved_at = values.get("lon"), values.get("lat"), values.get("moved_at")
        if (lon is None) != (lat is None):
            raise ValidationError(_("A place has a longitude and a latitude."))
        if self.current is not None and lon is None and not self.errors:
            raise ValidationError(_("A thing that stood somewhere stands somewhere."))
        if moved_at is not None and moved_at > timezone.now():
            self.add_error("moved_at", _("This time is still ahead."))
        elif moved_at is not None and self.current is not None and moved_at < self.current.valid_from:
            self.add_error("moved_at", _("Before that it stood elsewhere already."))
        return values


class LocationInline(admin.TabularInline):
    """To be read: another place is given above."""

    model = ThingLocation
    extra = 0
    fields = ["place", "valid_from", "valid_to"]
    readonly_fields = ["place", "valid_from", "valid_to"]
    ordering = ["-valid_from", "-id"]

    @admin.display(description=gettext_lazy("longitude, latitude"))
    def place(self, location: ThingLocation) -> str:
        return f"{location.location.x:.7f}, {location.location.y:.7f}"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DatastreamForm(forms.ModelForm):
    class Meta:
        model = Datastream
        fields = "__all__"

    def clean_unit_ucum(self) -> str:
        unit = str(self.cleaned_data["unit_ucum"])
        if "unit_ucum" in self.changed_data:
            if not is_unit(unit):
                raise ValidationError(_("This is no unit of UCUM (https://ucum.org): write Cel, ug/m3, mm."))
            if self.instance.pk and is_observed(self.instance.pk):
                raise ValidationError(
                    _(
                        "There are observations in %(unit)s: the unit stays. A value that is sent in another unit is converted."
                    )
                    % {"unit": self.initial["unit_ucum"]}
                )
        return unit


class DatastreamInline(admin.TabularInline):
    model = Datastream
    form = DatastreamForm
    extra = 0
    fields = [
        "observed_property",
        "unit_ucum",
        "unit_name",
        "plausible_min",
        "plausible_max",
        "expected_interval_s",
        "sent_as",
        "sensor",
        "heard",
    ]
    readonly_fields = ["heard"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Datastream]:
        return super().get_queryset(request).select_related("state")

    @admin.display(description=gettext_lazy("state"))
    def heard(self, datastream: Datastream) -> str:
        state = getattr(datastream, "state", None) if datastream.pk else None
        if state is None:
            return ""
        latest = (
            f", {timezone.localtime(state.latest_at):%Y-%m-%d %H:%M}: {state.latest_result:g}"
            if state.latest_at
            else ""
        )
        return f"{state.get_state_display()}{latest}"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Its observations would stay behind, and nobody could say what they were of.
        return False


@admin.register(Thing)
class ThingAdmin(admin.ModelAdmin):
    list_display = ["slug", "name", "is_simulated"]
    list_filter = ["is_simulated"]
    search_fields = ["slug", "name"]
    form = ThingForm
    fields = ["slug", "name", "description", "properties", "is_simulated", ("lon", "lat"), "moved_at"]
    inlines = [LocationInline, DatastreamInline]
    actions = ["give_credential", "renew_credential"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Its observations would stay behind, and nobody could say what they were of.
        return False

    def save_model(self, request: HttpRequest, obj: Thing, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        lon, lat, since = (form.cleaned_data.get(name) for name in ("lon", "lat", "moved_at"))
        if lon is not None:
            move_thing(obj, lon_lat=(lon, lat), moved_at=since or datetime.now(UTC), since=since or ALWAYS)
        if not change:
            tell_credentials(request, [obj.slug])

    @admin.action(description=gettext_lazy("Give broker credentials"), permissions=["change"])
    def give_credential(self, request: HttpRequest, chosen: QuerySet[Thing]) -> None:
        tell_credentials(request, chosen.values_list("slug", flat=True))

    @admin.action(
        description=gettext_lazy("Give new broker passwords: the old ones end at once"), permissions=["change"]
    )
    def renew_credential(self, request: HttpRequest, chosen: QuerySet[Thing]) -> None:
        tell_credentials(request, chosen.values_list("slug", flat=True), renew=True)


def tell_credentials(request: HttpRequest, slugs: Any, *, renew: bool = False) -> None:
    """Gives broker users to things, and tells the passwords of those that are new, once."""
    try:
        credentials = ensure_credentials(list(slugs), renew=renew)
    except OSError as error:
        messages.error(
            request, _("The broker's credentials cannot be written: %(why)s") % {"why": error.strerror or error}
        )
        return
    if not credentials.is_managed:
        messages.warning(request, _("Another system keeps the broker's users: PANTAU_BROKER_DIR is not set."))
        return
    shown = list(credentials.passwords.items())[:MOST_SHOWN]
    for slug, password in shown:
        messages.success(
            request,
            _("%(slug)s publishes as %(slug)s with the password %(password)s") % {"slug": slug, "password": password},
        )
    if len(credentials.passwords) > MOST_SHOWN or not shown:
        messages.info(
            request,
            _("%(n)d new passwords; manage broker_credential SLUG prints that of a thing.")
            % {"n": credentials.created},
        )
