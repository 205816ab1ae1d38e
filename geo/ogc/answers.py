"""Answering with a layer's rows: which data stands behind an answer, and whether the client has it already."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

from geo.layers.layer import Layer, RowSource
from geo.layers.leading import SAMPLE, leading_keys
from geo.layers.results import current_result, named_result, parameters_of
from geo.layers.select import Selection, count_rows
from geo.ogc.requests import LayerRequest
from server.core.versions import DataVersion, data_version

BOUNDARIES = {"geo_dataversion": ["areas"]}
FEW_SECONDS = "public, max-age=5"
# Counting more rows than this is left out: the answer then has no numberMatched.
MOST_COUNTED = 250_000
KEEP_S = 600


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question with the data behind its answer. `question` names both, whatever the page and the form.

    `is_older`: a computed layer answers with a result of older data than there is now.
    """

    layer: Layer
    asked: LayerRequest
    as_of: datetime
    changed_at: datetime | None
    question: str
    is_older: bool = False

    def source(self) -> RowSource:
        return self.layer.rows(self.asked.query)

    def selection(self, source: RowSource | None = None) -> Selection:
        return Selection(self.layer, self.asked.query, source or self.source())


def prepare(layer: Layer, asked: LayerRequest, version: DataVersion | None = None) -> Prepared:
    """Resolves the data version, where it is not known yet, and for a computed layer the result set."""
    version = version or version_of(layer)
    as_of = asked.query.now
    is_older = False
    if layer.settled and layer.settled.pinned:
        pinned = layer.settled.pinned.result_set
        as_of = layer.settled.pinned.as_of
        asked = replace(asked, result_set=pinned, query=replace(asked.query, result_set=pinned))
    elif layer.is_stored:
        # A saved analysis shares the results of its layer.
        computation = layer.settled.base if layer.settled else layer
        if asked.result_set is None:
            result = current_result(computation, asked.query, version.number)
        else:
            result = named_result(computation, asked.query, asked.result_set)
        as_of = result.as_of or as_of
        asked = replace(asked, result_set=result.pk, query=replace(asked.query, result_set=result.pk))
        is_older = result.data_version != version.number
        # The figures are the result's, the boundaries are today's.
        version = data_version(BOUNDARIES)
        version = DataVersion(version.number, max(filter(None, (version.changed_at, result.as_of)), default=None))
    query = asked.query
    question = [*_identity(layer), parameters_of(query), query.bbox, query.interval, query.condition, query.order]
    name = digest([question, asked.result_set, version.number])
    return Prepared(layer, asked, as_of, version.changed_at, name, is_older)


def version_of(layer: Layer) -> DataVersion:
    """The version of the data behind the layer now: of a frozen analysis that of its result, which is asked of nobody."""
    if layer.settled and layer.settled.pinned:
        return DataVersion(layer.settled.pinned.result_set, layer.settled.revised_at)
    return data_version(layer.versions)


def with_count(prepared: Prepared, selection: Selection, *, leads: bool) -> Prepared:
    """The same with `numberMatched` and, if it `leads`, the leading rows: found for the first page, carried on to later ones."""
    asked = prepared.asked
    if not asked.is_first:
        return prepared
    leads = leads and (asked.limit is None or asked.limit >= SAMPLE)

    def found() -> tuple[int | None, tuple[int, ...]]:
        return count_rows(selection, most=MOST_COUNTED), leading_keys(selection) if leads else ()

    matched, leading = _remembered(f"first-{prepared.question}-{leads}", found)
    return replace(prepared, asked=replace(asked, matched=matched, leading=leading))


def conditional(
    request: HttpRequest,
    layer: Layer,
    ask: Callable[[], LayerRequest],
    body: Callable[[Prepared], HttpResponseBase],
    *,
    content_type: str,
    state: Callable[[], str] | None = None,
) -> HttpResponseBase:
    """304 where the client has just this, at the price of the data version's query; else what `body` makes.

    The tag is of the address, the language and the data version, so it is known before the question is read: `ask` reads it.
    `state` is that of a single row, for If-Match: it ends the tag, and is asked for only where the body is sent.
    """
    # Transactions do not commit in the order of their times, and a relative period moves by itself: only the tag tells.
    request.META.pop("HTTP_IF_MODIFIED_SINCE", None)
    version = version_of(layer)
    stem = _stem(request, layer, content_type, version.number)
    if held := _held(request, stem):
        return _not_modified(held, version.changed_at)
    prepared = prepare(layer, ask(), version)
    if prepared.is_older:
        stem = _stem(request, layer, content_type, prepared.question)
        if held := _held(request, stem):
            return _not_modified(held, prepared.changed_at)
    response = body(prepared)
    # Weak, since compression changes the bytes.
    response["ETag"] = f'W/"{stem}.{state()}"' if state else f'W/"{stem}"'
    return with_validity(response, prepared.changed_at)


def _stem(request: HttpRequest, layer: Layer, content_type: str, *data: Any) -> str:
    # A period that is relative to today moves with the city's day, which begins at a whole hour of UTC.
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H") if layer.follows_clock else None
    return digest([_identity(layer), request.get_full_path(), get_language(), content_type, hour, data])


def _identity(layer: Layer) -> list[Any]:
    """The layer, and when a saved one was last changed: its title is in the answers."""
    return [layer.id, layer.settled.revised_at if layer.settled else None]


def _held(request: HttpRequest, stem: str) -> str | None:
    """The tag among the client's own that has this stem, whatever state ends it."""
    given = [tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")]
    return next((tag for tag in given if re.fullmatch(rf'W/"{stem}(\.[0-9a-f]+)?"', tag)), None)


def _not_modified(tag: str, changed_at: datetime | None) -> HttpResponseBase:
    response = HttpResponse(status=304)
    response["ETag"] = tag
    return with_validity(response, changed_at)


def with_validity(response: HttpResponseBase, changed_at: datetime | None) -> HttpResponseBase:
    """The headers that say since when an answer holds, for how long, and for whom."""
    if changed_at is not None:
        response["Last-Modified"] = format_datetime(changed_at.astimezone(UTC), usegmt=True)
    response["Cache-Control"] = FEW_SECONDS
    patch_vary_headers(response, ["Accept", "Accept-Encoding", "Accept-Language"])
    return response


def _remembered(key: str, find: Callable[[], Any]) -> Any:
    """What was found for the same question on the same data. `cache` keeps None as well as a value."""
    nothing = object()
    found = cache.get(key, nothing)
    if found is nothing:
        found = find()
        cache.set(key, found, KEEP_S)
    return found


def digest(identity: Any) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:32]
