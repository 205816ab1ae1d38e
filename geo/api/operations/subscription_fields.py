"""A subscription on its way in and out."""

from typing import Any

from django.conf import settings
from django.contrib.gis.geos import GEOSException, Polygon
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from geo.areas.models import Area, City
from geo.layers.asking import resolve_city
from geo.operations.notifications.models import OF_REPORTS, Event, Subscription
from geo.operations.notifications.services import MOST_VERTICES, Wish
from geo.reports.access.principals import PUBLIC
from geo.reports.models import Category, Report
from server.core.errors import BadParameter

LONGEST_FILTER = 2000
POLYGON_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": f"A GeoJSON polygon of at most {MOST_VERTICES} vertices, longitude first (EPSG:4326).",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Polygon"]},
        "coordinates": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        },
    },
}


@extend_schema_field({**POLYGON_SCHEMA, "nullable": True})
class PolygonField(serializers.Field[Polygon, Any, Any, Any]):
    """A GeoJSON polygon; what it means is checked by the service."""

    def to_internal_value(self, data: Any) -> Polygon:
        rings = data.get("coordinates") if isinstance(data, dict) and data.get("type") == "Polygon" else None
        if not isinstance(rings, list) or not rings or not all(isinstance(ring, list) and ring for ring in rings):
            raise serializers.ValidationError(
                _('A GeoJSON polygon is needed: {"type": "Polygon", "coordinates": [[[longitude, latitude], …]]}.')
            )
        if sum(map(len, rings)) > MOST_VERTICES + len(rings):
            raise serializers.ValidationError(_("A polygon has at most %(n)d vertices.") % {"n": MOST_VERTICES})
        if not all(_is_position(position) for ring in rings for position in ring):
            raise serializers.ValidationError(_("The coordinates are pairs of numbers, longitude first."))
        try:
            return Polygon(*([(float(x), float(y)) for x, y in ring] for ring in rings), srid=4326)
        except (GEOSException, ValueError, OverflowError, TypeError):
            raise serializers.ValidationError(
                _("Each ring has four positions or more, the last of which is the first.")
            ) from None

    def to_representation(self, value: Polygon) -> Any:
        return {"type": "Polygon", "coordinates": value.coords}


def _is_position(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(part, int | float) and not isinstance(part, bool) for part in value)
    )


class SubscriptionInput(serializers.Serializer[Any]):
    """What to be told of, and by which way. All that is given of report, area, category, polygon and filter has to hold."""

    kind = serializers.ChoiceField(choices=Subscription.Kind.choices)
    email = serializers.EmailField(required=False, help_text="Of an e-mail subscription: to whom letters go.")
    url = serializers.CharField(required=False, max_length=500, help_text="Of a webhook: where events are posted to.")
    language = serializers.ChoiceField(
        choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE, help_text="Of the letters."
    )
    city = serializers.CharField(max_length=64, required=False, help_text="Slug of a city; with one city not needed.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Event.choices),
        default=list(OF_REPORTS),
        min_length=1,
        max_length=len(Event),
    )
    report = serializers.CharField(max_length=16, required=False, help_text="Id of a report.")
    area = serializers.CharField(max_length=32, required=False, help_text="Code of an area: it and all below it.")
    category = serializers.CharField(
        max_length=64, required=False, help_text="Slug of a category: it and all below it."
    )
    polygon = PolygonField(required=False)
    filter = serializers.CharField(
        max_length=LONGEST_FILTER,
        required=False,
        help_text="CQL2 text over the properties of the layer reports. For those with an account.",
    )

    def validate_report(self, public_id: str) -> Report:
        report = Report.objects.visible_to(PUBLIC).filter(public_id=public_id).first()
        if report is None:
            raise serializers.ValidationError(_("There is no such report."))
        return report

    def validate_area(self, code: str) -> Area:
        area = Area.objects.current().filter(code=code).first()
        if area is None:
            raise serializers.ValidationError(_("There is no area with this code."))
        return area

    def validate_category(self, slug: str) -> Category:
        category = Category.objects.filter(slug=slug, is_active=True).first()
        if category is None:
            raise serializers.ValidationError(_("There is no category %(slug)r in use.") % {"slug": slug})
        return category

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed, other = ("email", "url") if attrs["kind"] == Subscription.Kind.EMAIL else ("url", "email")
        if needed not in attrs:
            raise serializers.ValidationError({needed: _("Needed for a subscription of this kind.")})
        if other in attrs:
            raise serializers.ValidationError({other: _("Not for a subscription of this kind.")})
        return attrs


def wish_of(given: dict[str, Any]) -> Wish:
    """What the validated fields ask for. BadParameter where the city cannot be told."""
    return Wish(
        city=_city(given),
        events=tuple(given["events"]),
        report=given.get("report"),
        area=given.get("area"),
        category=given.get("category"),
        polygon=given.get("polygon"),
        filter=given.get("filter", ""),
    )


def _city(given: dict[str, Any]) -> City:
    """The one that is named, or that of the report or the area."""
    named = given.get("city")
    if not named:
        for about in (given.get("report"), given.get("area")):
            if about is not None:
                return about.city
    try:
        return resolve_city(named)
    except BadParameter as error:
        raise serializers.ValidationError({"city": error.detail}) from None


class SubscriptionSerializer(serializers.ModelSerializer[Subscription]):
    """A subscription as its owner sees it; of the address no more than it takes to know it again."""

    id = serializers.UUIDField(source="key")
    reader = serializers.CharField(source="address_in_part", help_text="Of the e-mail address, in part.")
    city = serializers.CharField(source="city.slug")
    report = serializers.CharField(source="report.public_id", allow_null=True, default=None)
    area = serializers.CharField(source="area.code", allow_null=True, default=None)
    category = serializers.CharField(source="category.slug", allow_null=True, default=None)
    polygon = PolygonField(allow_null=True)
    is_confirmed = serializers.SerializerMethodField()

    class Meta:
        model = Subscription
        fields = [
            *("id", "kind", "reader", "url", "language", "city", "events", "report", "area", "category", "polygon"),
            *("filter", "is_active", "is_confirmed", "created_at"),
        ]

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_is_confirmed(self, subscription: Subscription) -> bool:
        return subscription.confirmed_at is not None


class SubscriptionPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = SubscriptionSerializer(many=True)


class NewSubscriptionSerializer(SubscriptionSerializer):
    """With the key by which a webhook knows our messages: shown this once."""

    signing_key = serializers.CharField(help_text="Of a webhook. Shown once; a new one can be made.")

    class Meta(SubscriptionSerializer.Meta):
        fields = [*SubscriptionSerializer.Meta.fields, "signing_key"]


class SaidSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField()
