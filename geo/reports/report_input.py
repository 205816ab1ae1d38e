"""A report on its way in: what a citizen or a channel sends, checked for form. What it means is the service's business."""

import json
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from django.contrib.gis.geos import Point
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from geo.reports.access.principals import Principal
from geo.reports.insertion import Contact
from geo.reports.intake_limits import Sender, scoped_external_id
from geo.reports.models import Category, Channel, Report
from geo.reports.photos.cleaning import MAX_PHOTOS
from geo.reports.services import MAX_DESCRIPTION, MAX_LANDMARK, submit_report
from server.core.errors import InvalidFields

POINT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A GeoJSON point, longitude first (EPSG:4326).",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Point"]},
        "coordinates": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3},
    },
    "example": {"type": "Point", "coordinates": [106.9896, -6.2349]},
}


@extend_schema_field(POINT_SCHEMA)
class PointInput(serializers.Field[Point, Any, Any, Any]):
    """A GeoJSON point; in a form, its JSON text."""

    def to_internal_value(self, data: Any) -> Point:
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except (ValueError, RecursionError):
                data = None
        if not isinstance(data, dict) or data.get("type") != "Point":
            raise serializers.ValidationError(
                _('A GeoJSON point is needed: {"type": "Point", "coordinates": [longitude, latitude]}.')
            )
        position = data.get("coordinates")
        if not isinstance(position, list) or len(position) not in (2, 3) or not all(map(_is_number, position)):
            raise serializers.ValidationError(_("The coordinates are two numbers, longitude first."))
        try:
            return Point(float(position[0]), float(position[1]), srid=4326)
        except OverflowError:
            raise serializers.ValidationError(_("The coordinates are too large.")) from None

    def to_representation(self, value: Point) -> Any:
        return {"type": "Point", "coordinates": [value.x, value.y]}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@extend_schema_field({"type": "string", "format": "date-time"})
class OffsetDateTime(serializers.Field[datetime, Any, Any, Any]):
    """RFC 3339: a time without an offset could be seven hours off, and is refused."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = parse_datetime(data.strip()) if isinstance(data, str) else None
        except ValueError:
            moment = None
        # A day more or less, and other zones have no name for it.
        if moment is None or not MINYEAR < moment.year < MAXYEAR:
            raise serializers.ValidationError(_("An RFC 3339 time is needed, such as 2026-03-01T07:00:00+07:00."))
        if moment.tzinfo is None:
            raise serializers.ValidationError(_("The time needs its offset, such as +07:00 or Z."))
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class ReportInput(serializers.Serializer[Any]):
    """A new report. A laporan needs a point, or an area and a landmark in it; an aspirasi may name an area alone."""

    category = serializers.CharField(max_length=64, help_text="Slug of a category.")
    kind = serializers.ChoiceField(choices=Report.Kind.choices, default=Report.Kind.LAPORAN)
    description = serializers.CharField(max_length=MAX_DESCRIPTION, allow_blank=True, default="")
    location = PointInput(required=False)
    lon = serializers.FloatField(required=False, help_text="With lat, instead of location.")
    lat = serializers.FloatField(required=False)
    area = serializers.CharField(max_length=32, required=False, help_text="Code of an area, where there is no point.")
    landmark = serializers.CharField(
        max_length=MAX_LANDMARK,
        allow_blank=True,
        default="",
        help_text="By what the place is found, such as the shop opposite. Never public.",
    )
    reported_at = OffsetDateTime(required=False)
    external_id = serializers.CharField(
        max_length=200,
        required=False,
        help_text="The sender's own id: the same one again answers 200 with the first report.",
    )
    name = serializers.CharField(max_length=200, allow_blank=True, default="", help_text="Never public.")
    phone = serializers.CharField(max_length=40, allow_blank=True, default="", help_text="Never public.")
    email = serializers.EmailField(allow_blank=True, default="", help_text="Never public.")
    photos = serializers.ListField(
        child=serializers.FileField(),
        required=False,
        help_text=f"In multipart/form-data: at most {MAX_PHOTOS} JPEG, PNG or WebP files of 10 MB.",
    )

    def validate_category(self, slug: str) -> Category:
        category = Category.objects.filter(slug=slug, is_active=True).first()
        if category is None:
            raise serializers.ValidationError(_("There is no category %(slug)r in use.") % {"slug": slug})
        return category

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # What nobody reads would be lost, and its sender would believe that it was taken.
        if unknown := sorted(set(self.initial_data) - set(self.fields) - {"csrfmiddlewaretoken"}):
            raise serializers.ValidationError({name[:100]: [_("There is no such field.")] for name in unknown})
        lon, lat = attrs.pop("lon", None), attrs.pop("lat", None)
        attrs["place_field"] = "location"
        if lon is None and lat is None:
            return attrs
        if "location" in attrs:
            raise serializers.ValidationError({"lon": _("Give location, or lon and lat, not both.")})
        if lon is None or lat is None:
            raise serializers.ValidationError({"lon" if lon is None else "lat": _("lon and lat go together.")})
        attrs["location"] = Point(lon, lat, srid=4326)
        attrs["place_field"] = "lon"
        return attrs


def contact_of(fields: dict[str, Any]) -> Contact:
    return Contact(name=fields["name"], phone=fields["phone"], email=fields["email"])


def store_input(
    fields: dict[str, Any], *, channel: Channel, sender: Sender | None, by: Principal, now: datetime
) -> tuple[Report, bool]:
    """Stores what a ReportInput has checked, as submit_report says; `sender` is who is anonymous."""
    external_id = fields.get("external_id")
    if external_id is not None and sender is not None:
        external_id = scoped_external_id(sender, external_id)
    try:
        return submit_report(
            channel=channel,
            category=fields["category"],
            kind=fields["kind"],
            description=fields["description"],
            location=fields.get("location"),
            area_code=fields.get("area"),
            landmark=fields["landmark"],
            reported_at=fields.get("reported_at"),
            external_id=external_id,
            contact=contact_of(fields),
            photos=fields.get("photos", ()),
            device_hash=sender.device_hash if sender is not None and sender.has_token else "",
            now=now,
            by=by,
        )
    except InvalidFields as error:
        # The sender is told of the field that it sent: lon and lat, where there was no location.
        named = {fields["place_field"] if name == "location" else name: says for name, says in error.fields.items()}
        raise InvalidFields(named) from None
