"""Downloads: every feature that matches, in a form for files. `?f=` at items, and `/layers/{id}.{extension}`."""

import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import get_language

from geo.layers.crs import CRS84, Crs
from geo.layers.export.making import Export, make_file
from geo.layers.export.spool import open_or_make, streaming
from geo.layers.export.statements import (
    Rows,
    TextColumns,
    csv_header,
    csv_line_sql,
    rows_sql,
    sequence_line_sql,
)
from geo.layers.geojson import properties_sql
from geo.layers.layer import Layer
from geo.layers.select import CHUNK, FIRST_CHUNK, snapshot, stream_rows
from geo.ogc.answers import Prepared, conditional, digest, prepare, with_validity
from geo.ogc.api import layer_at, read_only
from geo.ogc.features import iso, plain_members
from geo.ogc.files import client_is_gone, file_response, tag_known
from geo.ogc.formats import DOWNLOADS, Format
from geo.ogc.requests import LayerRequest, parse_request, utc_now
from server.core.errors import BadParameter, NotFound
from server.core.geojson import Primed
from server.core.params import parse_choice, parse_integer, parse_list

# Parameters that only downloads have: how geometry stands in a table of text, and whether what a spreadsheet would
# take for a formula is made harmless by an apostrophe before it.
GEOMETRY, FORMULAS = "geometry", "formulas"
GEOMETRIES = ("lonlat", "wkt", "none")
MAX_LIMIT = 10**9
# A COPY of everything, read by a client that takes its time.
LONGEST_S = 900


@dataclass(frozen=True, slots=True)
class Download:
    """What is to be downloaded: the question with the data behind it, its form, and how tables are written."""

    prepared: Prepared
    name: str
    form: Format
    table: TextColumns
    given: Mapping[str, str]

    @property
    def layer(self) -> Layer:
        return self.prepared.layer

    @property
    def asked(self) -> LayerRequest:
        return self.prepared.asked

    @property
    def question(self) -> str:
        """Of the question. What was asked for stands inside a file, and is a part of it."""
        table = [self.table.has_lonlat, self.table.has_wkt, self.table.escapes_formulas]
        asked = [self.asked.limit, self.asked.offset, self.asked.output, self.given]
        return digest([self.prepared.question, self.name, table, asked, get_language()])

    def rows(self) -> Rows:
        return Rows(self.prepared.selection(), self.asked.limit, self.asked.offset)


@read_only
def layer_download(request: HttpRequest, layer_id: str, extension: str) -> HttpResponseBase:
    """`/layers/{id}.{extension}`: all of a layer as a file."""
    layer = layer_at(request, layer_id)
    name = next((name for name, form in DOWNLOADS.items() if form.extension == extension), None)
    if name is None:
        offered = ", ".join(form.extension for form in DOWNLOADS.values())
        raise NotFound(f"There is no form {extension!r} of a layer; there are geojson, {offered}.")
    if "f" in request.GET:
        raise BadParameter("f", "the form is that of the address; leave f out")
    return download(request, layer, name, fixed={})


def download(request: HttpRequest, layer: Layer, name: str, *, fixed: Mapping[str, str]) -> HttpResponseBase:
    """Everything that the request matches, in the form of this name; all of it unless `limit` is given."""
    found = read_download(request, layer, name, fixed)
    response = _streamed(request, found) if found.form.is_streamed else _spooled(request, found)
    day = found.prepared.as_of.astimezone(found.asked.query.city.zone).date()
    filename = f"pantau-{layer.id}-{day.isoformat()}.{found.form.extension}"
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    response["Content-Crs"] = f"<{found.asked.output.crs.uri}>"
    return response


def read_download(request: HttpRequest, layer: Layer, name: str, fixed: Mapping[str, str]) -> Download:
    """The request as a Download; BadParameter for what this form cannot do."""
    given = request.GET.copy()
    own = {key: _taken(given, key) for key in (GEOMETRY, FORMULAS, "limit")}
    asked = parse_request(layer, given, utc_now(), default_limit=None, fixed=fixed, refused=["next"])
    limit = own["limit"]
    output = replace(asked.output, crs=_file_crs(asked.output.crs))
    asked = replace(
        asked,
        output=output,
        limit=None if limit is None else parse_integer(limit, "limit", minimum=1, maximum=MAX_LIMIT, clamp=True),
    )
    if not output.has_geometry and name in ("flatgeobuf", "shp-zip"):
        raise BadParameter("skipGeometry", f"{name} is of geometries; take csv, xlsx, gpkg or geoparquet without them")
    table = _table(layer, name, own[GEOMETRY], own[FORMULAS], asked)
    asked = replace(asked, output=replace(output, has_geometry=output.has_geometry and own[GEOMETRY] != "none"))
    said = {key: str(value) for key, value in request.GET.items() if key not in ("f", "lang")} | dict(fixed)
    return Download(prepare(layer, asked), name, DOWNLOADS[name], table, said)


def _taken(given: QueryDict, name: str) -> str | None:
    """A parameter that the layers' own reading does not know."""
    texts = given.pop(name, [])
    if len(texts) > 1:
        raise BadParameter(name, f"{name} is given twice")
    return texts[0].strip() or None if texts else None


def _file_crs(crs: Crs) -> Crs:
    """Files are x first whatever the authority says: EPSG:4326 with longitude first is CRS84."""
    return CRS84 if crs.srid == CRS84.srid else replace(crs, is_y_first=False)


def _table(layer: Layer, name: str, geometry: str | None, formulas: str | None, asked: LayerRequest) -> TextColumns:
    if geometry is not None and name not in ("csv", "xlsx"):
        raise BadParameter(GEOMETRY, f"{GEOMETRY} is for csv and xlsx; skipGeometry=true leaves it out elsewhere")
    if formulas is not None and name != "csv":
        raise BadParameter(FORMULAS, f"{FORMULAS} is for csv; elsewhere text is text")
    # A point is two numbers; an area as two numbers would not be the area.
    default = "lonlat" if layer.geometry_type == "Point" or name == "xlsx" else "wkt"
    parts = parse_list(geometry or default, GEOMETRY, lambda part, key: parse_choice(part, key, GEOMETRIES))
    if "none" in parts and len(parts) > 1:
        raise BadParameter(GEOMETRY, f"{GEOMETRY} is none, or lonlat, or wkt, or lonlat,wkt")
    if name == "xlsx" and "wkt" in parts:
        raise BadParameter(GEOMETRY, "a cell of Excel holds 32,767 letters, and most boundaries are longer; take csv")
    kept = parse_choice(formulas or "escaped", FORMULAS, ["escaped", "kept"]) == "kept"
    has = asked.output.has_geometry
    return TextColumns(asked.output.crs, has and "lonlat" in parts, has and "wkt" in parts, not kept)


def _streamed(request: HttpRequest, found: Download) -> HttpResponseBase:
    kind = f"{found.form.media_type}; charset=utf-8; header=present" if found.name == "csv" else found.form.media_type

    def body(prepared: Prepared) -> HttpResponseBase:
        if request.method == "HEAD":
            return StreamingHttpResponse((), content_type=kind)
        # The first piece at once: an early error is still an error.
        return StreamingHttpResponse(Primed(_pieces(found), pieces_now=1), content_type=kind)

    response = conditional(request, found.layer, lambda: found.asked, body, content_type=kind)
    response["Accept-Ranges"] = "none"
    return response


def _pieces(found: Download) -> Generator[bytes, None, None]:
    """The lines that PostgreSQL wrote, in chunks. The first piece has the header."""
    layer, output = found.layer, found.asked.output
    head, beside, is_first = "", "", True
    if found.name == "csv":
        head = csv_header(layer, output, found.table)
        line = csv_line_sql(layer, output, found.table)
    else:
        line = sequence_line_sql(layer, output, has_separator=found.name == "geojsonseq")
        beside = properties_sql(layer, output)
    with ExitStack() as held:
        held.enter_context(streaming())
        held.enter_context(snapshot(longest_s=LONGEST_S))
        sql, params = rows_sql(found.rows(), line, beside)
        for rows in stream_rows(sql, params, chunks=chain([FIRST_CHUNK], repeat(CHUNK))):
            yield (head + "".join([row[0] for row in rows])).encode()
            is_first, head = False, ""
        if is_first:
            yield head.encode()


def _spooled(request: HttpRequest, found: Download) -> HttpResponseBase:
    question = found.question
    request.META.pop("HTTP_IF_MODIFIED_SINCE", None)  # as in geo.ogc.answers.conditional
    # A range of a compressed file would be no range of the file.
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
    known = tag_known(request, question)
    if known:
        response: HttpResponseBase = HttpResponse(status=304)
        response["ETag"] = known
    else:
        # HEAD as well: who reads a file by ranges asks for its length first.
        kept = open_or_make(question, lambda path: _make(request, found, path))
        response = file_response(request, kept, found.form.media_type)
    return with_validity(response, found.prepared.changed_at)


def _make(request: HttpRequest, found: Download, path: Path) -> None:
    with snapshot(longest_s=LONGEST_S):
        source = found.prepared.source()
        rows = Rows(found.prepared.selection(source), found.asked.limit, found.asked.offset)
        export = Export(
            format=found.name,
            rows=rows,
            output=found.asked.output,
            title=str(found.layer.title),
            description=str(found.layer.description),
            metadata=_metadata(found, plain_members(source.members)),
            zone=found.asked.query.city.timezone,
        )
        make_file(export, path, is_abandoned=lambda: client_is_gone(request))


def _metadata(found: Download, members: Mapping[str, object]) -> dict[str, str]:
    """What stands inside a file, so that it can be understood away from here."""
    said = {
        "as_of": iso(found.prepared.as_of),
        "city": found.asked.query.city.name,
        "parameters": json.dumps(dict(found.given), ensure_ascii=False, sort_keys=True),
        **{name: str(value) for name, value in members.items() if value is not None},
        "licence": settings.LICENSE_URL,
        "source": f"{settings.BASE_URL}/layers/{found.layer.id}/" if settings.BASE_URL else "Pantau",
    }
    return {name: text for name, text in said.items() if text}
