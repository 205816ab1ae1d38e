"""`/api/analysis/saved/{slug}/print/`: a saved analysis on one sheet of A4, in one file: nothing is fetched to show it."""

import hashlib
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.formats import number_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from geo.analysis.freezing import checksum_of, code_version
from geo.analysis.models import ResultSet
from geo.analysis.saved import SavedAnalysis
from geo.api.analysis.print_words import FIGURES
from geo.api.analysis.saved import NOT_READY, find_saved, kept_as_allowed, path_of
from geo.api.reports import PROBLEM
from geo.api.views import PublicView, parameter, utc_now
from geo.areas.models import City
from geo.layers.drawing import PALE, SOLID, Drawing, draw
from geo.layers.layer import Layer, Query
from geo.layers.results import values_of
from geo.layers.saved import layer_of
from geo.layers.saving import result_of
from geo.layers.select import Selection
from geo.reports.models import Channel, Report
from sensors import published
from server.core.errors import NotFound
from server.core.listing import absolute_url, read_query
from server.core.params import parse_choice

# Millimetres of A4: the page's width, and within its margins the box that the map shares with the text below it.
PAGES: Mapping[str, tuple[int, tuple[int, int]]] = {"landscape": (297, (178, 122)), "portrait": (210, (190, 140))}
# Of the text below the map, about: letters on a line, and a line's height.
LETTERS, LINE_MM = 125, 3.9
LEAST_MAP_MM = 60
# Below the map: its scale bar.
BELOW_MM = 8
ROUND = (1, 2, 5)
# Of the members of a result, those that are said elsewhere on the sheet.
# The reason is in the notes, in words.
SAID = {"start", "end", "frozen_at", "data_version", "checksum", "caveat", "method", "n", "reason"}
LONGEST_VALUE = 120
LEAST_P = 0.001
MOST_SCALARS, MANY_CLASSES = 12, 8
# More shapes than this are small on paper: thick outlines would hide their colours.
MANY_SHAPES = 500


class PrintView(PublicView):
    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # What is sent is a page, and no rendering of DRF's.
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="saved_analyses_print",
        parameters=[parameter("orientation", "landscape or portrait.")],
        responses={(200, "text/html"): OpenApiTypes.STR, 400: PROBLEM, 404: PROBLEM, 503: NOT_READY},
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        """The analysis as a sheet of A4 with map, legend, n, method, caveats and source; for the browser's own printing."""
        values = read_query(request.query_params, ["orientation"])
        orientation = parse_choice(values.get("orientation", "landscape"), "orientation", PAGES)
        saved = find_saved(slug, self.principal)
        page_mm, (map_mm, _height) = PAGES[orientation]
        css = render_to_string(
            "analysis/print.css", {"orientation": orientation, "page_mm": page_mm, "map_mm": map_mm}
        ).strip()
        link = absolute_url(request._request, path_of(saved))
        sheet = _sheet(saved, orientation, link)
        context = {**sheet, "css": mark_safe(css), "orientation": orientation}
        response = HttpResponse(
            render_to_string("analysis/print.html", context), content_type="text/html; charset=utf-8"
        )
        response["Content-Security-Policy"] = _policy(css)
        patch_vary_headers(response, ["Accept-Language"])
        return kept_as_allowed(response, saved)


def _policy(css: str) -> str:
    """Nothing but this style sheet: the page is one file, and stays the same where it is kept."""
    digest = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _sheet(saved: SavedAnalysis, orientation: str, link: str) -> dict[str, Any]:
    result = result_of(saved, utc_now())
    layer = layer_of(saved)
    if layer is None or layer.settled is None:
        raise NotFound(_("The layer of this analysis is no longer there."))
    base = layer.settled.base
    query = Query(saved.city, values_of(result), result.requested_at, result_set=result.pk)
    source = layer.rows(query)
    method = [str(base.description), *_texts(source.members, "method")]
    width, height = map_box(orientation, [saved.title * 2, saved.description, " ".join(method)])
    drawing = draw(Selection(layer, query, source), srid=saved.city.metric_srid, width_mm=width, height_mm=height)
    parameters = _parameters(base, saved, query.values)
    styled = layer.property_named(layer.style.property) if layer.style.property else None
    return {
        "title": saved.title,
        "city": saved.city.name,
        "layer_title": base.title,
        "description": saved.description,
        "method": " ".join(method),
        "has_many_classes": len(drawing.entries) > MANY_CLASSES,
        "period": period_words(query.values, saved.city.zone),
        "map": _map(drawing),
        "legend": [
            {"label": entry.label, "colour": entry.colour, "opacity": PALE if entry.is_pale else SOLID}
            for entry in drawing.entries
        ],
        "legend_title": styled.title if styled else "",
        "n": _("%(shown)d %(units)s, %(figures)d of them with a figure")
        % {"shown": drawing.shown, "units": _units(base, query.values), "figures": drawing.with_figure},
        "whole": _scalars(source.members, dict(parameters)),
        "parameters": parameters,
        "caveats": _caveats(saved, result, layer, drawing, source.members),
        "source": _source(saved, result, link),
    }


def map_box(orientation: str, texts: Sequence[str]) -> tuple[float, float]:
    """Width and height of the map, in millimetres: what the texts leave of one page."""
    width, height = PAGES[orientation][1]
    lines = sum(math.ceil(len(text) / LETTERS) for text in texts)
    return width, max(LEAST_MAP_MM, height - BELOW_MM - lines * LINE_MM)


@dataclass(frozen=True, slots=True)
class Bar:
    path: str
    x: str
    y: str
    label: str


def _map(drawing: Drawing) -> dict[str, Any]:
    """The shapes as the template draws them; below them is room for the scale bar. Numbers are texts: no locale's comma."""
    shapes = [{"path": shape.path, "colour": shape.colour, "opacity": f"{shape.opacity:g}"} for shape in drawing.shapes]
    return {
        "shapes": shapes,
        "line": "0.05" if len(shapes) > MANY_SHAPES else "0.15",
        "width": f"{drawing.width:.2f}",
        "height": f"{drawing.height + BELOW_MM:.2f}",
        "bar": _bar(drawing) if shapes else None,
    }


def _bar(drawing: Drawing) -> Bar:
    """A scale bar of a round length, at most a third of the map."""
    longest_m = drawing.width / 3 * drawing.metres_per_mm
    lengths = [digit * 10**power for power in range(7) for digit in ROUND]
    length_m = max((length for length in lengths if length <= longest_m), default=1)
    y = drawing.height + 4
    path = f"M0.2 {y - 1.2:.2f}v1.2h{length_m / drawing.metres_per_mm:.2f}v-1.2"
    label = f"{length_m // 1000} km" if length_m >= 1000 else f"{length_m} m"
    return Bar(path, "0.2", f"{y + 3:.2f}", label)


def period_words(values: Mapping[str, Any], zone: ZoneInfo) -> str:
    """The period that is counted, in days of the city, the last one included; with hours where it is not of whole days."""
    start, end = values.get("start"), values.get("end")
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return ""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if all((at.hour, at.minute, at.second) == (0, 0, 0) for at in (first, last)):
        return f"{first:%Y-%m-%d} – {last - timedelta(days=1):%Y-%m-%d}"
    return f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M} {last:%Z}"


def _units(base: Layer, values: Mapping[str, Any]) -> str:
    """What the rows are; analyses over a grid have cells, whose size is given or chosen by a rule."""
    is_grid = any(p.name == "cell_m" for p in base.parameters) and not values.get("level")
    return _("cells") if is_grid else _("areas")


def _scalars(members: Mapping[str, Any], parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is said of the whole, as far as it is a number, a word, or a statistic with its p; and what a rule has chosen."""
    found = []
    for name, value in members.items():
        text = _figure(value)
        if text and name not in SAID and parameters.get(name) not in (text, str(value)):
            found.append((str(FIGURES.get(name, name)), text))
    return found[:MOST_SCALARS]


def _figure(value: Any) -> str:
    if isinstance(value, Mapping):
        statistic = next((value[name] for name in ("i", "l") if name in value), None)
        chance = value.get("p_permuted") or value.get("p")
        if statistic is None or chance is None:
            return ""
        return f"{_figure(statistic)} (p {_figure(chance) if chance >= LEAST_P else '< ' + _figure(LEAST_P)})"
    if isinstance(value, float):
        return str(number_format(f"{value:.5g}"))
    return _short(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _parameters(base: Layer, saved: SavedAnalysis, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Those that were given, and what the others were resolved to; the period is said elsewhere."""
    shown: dict[str, Any] = {}
    for declared in base.parameters:
        resolved = values.get(declared.name)
        if declared.name in saved.parameters:
            shown[declared.name] = saved.parameters[declared.name]
        elif isinstance(resolved, str | int | float):
            shown[declared.name] = f"{resolved:g}" if isinstance(resolved, float) else resolved
    return [(name, _short(text)) for name, text in shown.items()]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _caveats(
    saved: SavedAnalysis, result: ResultSet, layer: Layer, drawing: Drawing, members: Mapping[str, Any]
) -> list[str]:
    said = _texts(members, "caveat", "caveats", "notes")
    if not saved.is_frozen:
        said.append(_("Not frozen: these figures follow the data, and may be others tomorrow."))
    elif checksum_of(result, saved.parameters) != saved.checksum:
        said.append(_("The stored rows no longer agree with the checksum: do not cite this sheet."))
    missing = drawing.shown - drawing.with_figure
    if missing:
        said.append(_("Without a figure, since there is too little for one: %(n)d.") % {"n": missing})
    if drawing.is_schematic:
        said.append(_("Boundaries are schematic: drawn from published names, areas and centroids, not surveyed."))
    return said + _simulated(saved.city, layer)


def _texts(members: Mapping[str, Any], *names: str) -> list[str]:
    """What a result says of itself in words, under these names."""
    found: list[str] = []
    for name in names:
        given = members.get(name)
        found += [text for text in (given if isinstance(given, list) else [given]) if isinstance(text, str)]
    return found


def _simulated(city: City, layer: Layer) -> list[str]:
    said = []
    if "reports" in layer.versions.get("geo_dataversion", ()):
        simulators = list(Channel.objects.filter(is_simulated=True).values_list("pk", flat=True))
        if Report.objects.filter(city=city, is_public=True, channel__in=simulators).exists():
            said.append(_("Some reports come from the simulated city, not from citizens."))
    if published.VERSION_TABLE in layer.versions and published.things().filter(is_simulated=True).exists():
        said.append(_("Some readings come from simulated sensors."))
    return said


def _source(saved: SavedAnalysis, result: ResultSet, link: str) -> Sequence[tuple[str, str]]:
    zone = saved.city.zone
    frozen = saved.frozen_at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z") if saved.frozen_at else _("no")
    as_of = result.as_of.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z") if result.as_of else "–"
    seed = result.parameters.get("seed")
    return [
        (_("Computed at"), as_of),
        (_("Frozen"), frozen),
        (_("Data version"), str(result.data_version)),
        (_("Code version"), saved.code_version or code_version()),
        (_("Seed"), "–" if seed is None else f"{seed:g}"),
        (_("Checksum (SHA-256)"), saved.checksum or "–"),
        (_("Link"), link),
    ]
