"""`/api/things/import/`: things from a table, all or none of them."""

import io
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sensors.api.inputs import CsvParser, GeoJsonParser
from sensors.api.registering import give_credentials, registry_errors
from sensors.api.things import REFUSED
from sensors.api.views import SensorProblemSerializer, WritingView, parameter
from sensors.ingest.units import is_unit
from sensors.registry.files import BadFile, parse_columns, rows_of
from sensors.registry.import_file import COLUMNS, BadRows, Measured, things_of
from sensors.registry.services import ALWAYS, ThingEntry, provision_things
from sensors.registry.units import units_in_use
from server.core.errors import BadParameter, InvalidFields
from server.core.listing import read_query
from server.core.params import parse_choice, parse_time

PARAMETERS = ["dry_run", "map", "default_property", "unit", "moved_at", "since"]


class NewCredentialSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    password = serializers.CharField()


class ImportedBrokerSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["created", "kept", "elsewhere", "failed"])
    credentials = NewCredentialSerializer(
        many=True, help_text="Of the things that are new at the broker; told this once."
    )


class ImportedSerializer(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    things = serializers.IntegerField(help_text="How many the file names.")
    counts = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="things_created, things_updated, things_unchanged, things_moved, datastreams_created, datastreams_updated.",
    )
    broker = ImportedBrokerSerializer(allow_null=True, help_text="Null after a dry run.")


class ThingsImportView(WritingView):
    parser_classes = [CsvParser, GeoJsonParser]

    @extend_schema(
        operation_id="things_import",
        request={"text/csv": {"type": "string"}, "application/geo+json": {"type": "object"}},
        parameters=[
            parameter("dry_run", "true: checks everything, and keeps nothing.", bool),
            parameter("map", "name=column,…: which columns are meant, where they are called otherwise."),
            parameter("default_property", "What things measure whose row says nothing."),
            parameter("unit", "The default property's unit, in UCUM."),
            parameter("moved_at", "When things moved that stand elsewhere now; now, if left out."),
            parameter("since", "Since when new things stand where they do; since ever, if left out."),
        ],
        responses={200: ImportedSerializer, **REFUSED, 409: SensorProblemSerializer},
    )
    def post(self, request: Request) -> Response:
        """Makes or updates the things of a CSV or GeoJSON file. A second time it changes nothing."""
        self.require("sensors.add_thing", "sensors.change_thing", "sensors.add_datastream", "sensors.change_datastream")
        values = read_query(request.query_params, PARAMETERS)
        is_dry = parse_choice(values.get("dry_run", "false"), "dry_run", ("true", "false")) == "true"
        moved_at, since = _times(values)
        entries = _entries(request, values)
        with registry_errors(), transaction.atomic():
            counts = provision_things(entries, moved_at=moved_at, standing_since=since)
            transaction.set_rollback(is_dry)
        return Response(_answer(entries, counts, is_dry=is_dry))


def _answer(entries: list[ThingEntry], counts: Counter[str], *, is_dry: bool) -> dict[str, Any]:
    broker = None
    if not is_dry:
        state, credentials = give_credentials(entry.slug for entry in entries)
        new = [{"username": slug, "password": password} for slug, password in credentials.passwords.items()]
        broker = {"state": state, "credentials": new}
    return {"dry_run": is_dry, "things": len(entries), "counts": dict(+counts), "broker": broker}


def _times(values: dict[str, str]) -> tuple[datetime, datetime]:
    zone, now = ZoneInfo(settings.DEFAULT_TIME_ZONE), datetime.now(UTC)
    moved_at = parse_time(values["moved_at"], "moved_at", zone) if "moved_at" in values else now
    since = parse_time(values["since"], "since", zone) if "since" in values else ALWAYS
    for name, moment in (("moved_at", moved_at), ("since", since)):
        if not ALWAYS <= moment <= now:
            raise BadParameter(name, f"{name} is before 1990, or still ahead")
    return moved_at, since


def _entries(request: Request, values: dict[str, str]) -> list[ThingEntry]:
    """The things of the body. Errors: InvalidFields by row, or for the body as a whole; BadParameter."""
    mapping = {name: name for name in COLUMNS}
    if "map" in values:
        try:
            mapping |= parse_columns(values["map"], allowed=COLUMNS)
        except BadFile as error:
            raise BadParameter("map", str(error)) from None
    measured = units_in_use() | _default(values)
    is_geojson = (request.content_type or "").partition(";")[0].strip() == GeoJsonParser.media_type
    try:
        rows = rows_of(_text(request.data), "the body", is_geojson=is_geojson)
        entries = things_of(rows, mapping, measured=measured, default_property=values.get("default_property", ""))
    except BadRows as error:
        raise InvalidFields(_by_place(error.complaints)) from None
    except BadFile as error:
        raise InvalidFields({"body": [str(error)]}) from None
    if not entries:
        raise InvalidFields({"body": [_("It has no rows.")]})
    faults = [
        (entry.place, f"{stream.unit_ucum!r} is no unit of UCUM")
        for entry in entries
        for stream in entry.datastreams
        if not is_unit(stream.unit_ucum)
    ]
    if faults:
        raise InvalidFields(_by_place(faults))
    return entries


def _text(body: Any) -> io.StringIO:
    if not isinstance(body, bytes) or not body.strip():
        raise InvalidFields({"body": [_("The file is to be sent as it is, as the body of the request.")]})
    try:
        return io.StringIO(body.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError:
        raise InvalidFields({"body": [_("It is not UTF-8.")]}) from None


def _default(values: dict[str, str]) -> dict[str, Measured]:
    unit = values.get("unit", "")
    if not unit:
        return {}
    if "default_property" not in values:
        raise BadParameter("unit", "unit says how the default_property is measured; it needs one")
    if not is_unit(unit):
        raise BadParameter("unit", f"{unit!r} is no unit of UCUM")
    return {values["default_property"]: Measured(unit)}


def _by_place(complaints: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for place, sentence in complaints:
        places.setdefault(place, []).append(sentence)
    return places
