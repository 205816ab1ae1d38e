"""`/api/analysis/districts/{code}/`: the dossier of an area as JSON, as a page to print, and as a long table."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from geo.api.analysis.documents import CSV, HTML, JSON, DocumentView, Form, analysis_parameters
from geo.api.analysis.dossier_page import render_page
from geo.api.reports import PROBLEM
from geo.areas.models import Area
from geo.layers.analyses.dossier import DOSSIER
from geo.layers.asking import resolve_city
from server.core.errors import NotFound

COLUMNS = ("section", "name", "value", "unit", "low", "high", "note")
SECTIONS = ("area", "city", "period", "reports", "response_times", "hotspots", "readings", "correlations")
# What tells the entries of a list apart, the first that an entry has.
KEYS = ("pair", "category", "channel", "agency", "thing", "property", "code", "start", "name", "kind")


class Line(NamedTuple):
    """A line of the long table, as COLUMNS."""

    section: str
    name: str
    value: Any
    unit: str = ""
    low: Any = None
    high: Any = None
    note: str = ""


def long_table(document: Mapping[str, Any]) -> bytes:
    """A line for each figure and each fact; what a figure is compared with, its n and why it is missing stand in the note."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerow(Line("document", "as_of", document["as_of"]))
    for section in SECTIONS:
        if section in document:
            writer.writerows(_lines(section, "", document[section]))
    return text.getvalue().encode()


def _lines(section: str, name: str, said: Any) -> Iterator[Line]:
    if isinstance(said, Mapping):
        if {"value", "unit", "reason", "reference"} <= said.keys():
            yield Line(section, name, said["value"], said["unit"], said["low"], said["high"], _note(said))
            return
        for key, value in said.items():
            yield from _lines(section, f"{name}.{key}" if name else key, value)
    elif isinstance(said, list):
        for place, entry in enumerate(said, start=1):
            key = next((k for k in KEYS if entry.get(k)), None) if isinstance(entry, Mapping) else None
            rest = {k: value for k, value in entry.items() if k != key} if key else entry
            yield from _lines(section, f"{name}.{entry[key] if key else place}", rest)
    else:
        yield Line(section, name, said)


def _note(figure: Mapping[str, Any]) -> str:
    parts = [] if figure["n"] is None else [f"n={figure['n']}"]
    if figure["compared_with"]:
        of = "" if figure["reference_n"] is None else f" (n={figure['reference_n']})"
        known = "unknown" if figure["reference"] is None else figure["reference"]
        parts.append(f"{figure['compared_with']}={known}{of}")
    return "; ".join([*parts, figure["reason"]] if figure["reason"] else parts)


class FigureSerializer(serializers.Serializer[Any]):
    """A figure, its 95 % interval, and what it is compared with. Null has a reason."""

    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField(help_text="UCUM.")
    n = serializers.IntegerField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    compared_with = serializers.CharField(allow_null=True)
    reference = serializers.FloatField(allow_null=True)
    reference_n = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class DossierReportsSerializer(serializers.Serializer[Any]):
    total = FigureSerializer()
    per_km2 = FigureSerializer()
    per_10000 = FigureSerializer()
    ratio_per_km2 = FigureSerializer()
    ratio_per_10000 = FigureSerializer()
    change = FigureSerializer()
    change_in_city = FigureSerializer()
    by_category = serializers.ListField(child=serializers.DictField())
    by_channel = serializers.ListField(child=serializers.DictField())
    interval = serializers.ChoiceField(choices=["day", "week"])
    course = serializers.ListField(child=serializers.DictField())
    in_cut_intervals = serializers.IntegerField()
    trend = serializers.DictField(child=FigureSerializer())


class DossierResponseTimesSerializer(serializers.Serializer[Any]):
    closed = FigureSerializer()
    closed_before_reported = serializers.IntegerField()
    median = FigureSerializer()
    p90 = FigureSerializer()
    in_time = FigureSerializer()
    open_now = FigureSerializer()
    open_over_7_days = FigureSerializer()
    open_over_30_days = FigureSerializer()
    by_agency = serializers.ListField(child=serializers.DictField())


class DossierSerializer(serializers.Serializer[Any]):
    analysis = serializers.CharField()
    as_of = serializers.DateTimeField()
    data_version = serializers.IntegerField()
    parameters = serializers.DictField()
    area = serializers.DictField()
    city = serializers.DictField()
    period = serializers.DictField()
    reports = DossierReportsSerializer()
    response_times = DossierResponseTimesSerializer()
    hotspots = serializers.DictField()
    readings = serializers.DictField()
    correlations = serializers.DictField()


class DossierView(DocumentView):
    analysis = DOSSIER
    forms: ClassVar[Mapping[str, Form]] = {
        "html": Form(HTML, render_page),
        "csv": Form(CSV, long_table),
    }

    @extend_schema(
        operation_id="analysis_district_dossier",
        parameters=analysis_parameters(DOSSIER, forms, settled=("area",)),
        responses={
            (200, JSON): DossierSerializer,
            (200, HTML): OpenApiTypes.STR,
            (200, CSV): OpenApiTypes.STR,
            400: PROBLEM,
            404: PROBLEM,
            503: PROBLEM,
        },
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """The dossier of a current area of any level: reports, answers, hotspots and readings, each with what it is compared with."""
        current = Area.objects.current().filter(code=code).select_related("city").defer("boundary")
        area = current.first() if "\0" not in code else None
        asked = request.query_params.get("city")
        if area is None or (asked and resolve_city(asked).pk != area.city_id):
            raise NotFound(_("There is no such area."))
        return self.answer(request, {"area": code, "city": area.city.slug})
