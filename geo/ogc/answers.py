"""Answering with a layer's rows: which data stands behind an answer, and whether the client has it already."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
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
    """A question with the data behind its answer. `question` names both, whatever the page and the form."""

    layer: Layer
    asked: LayerRequest
    as_of: datetime
    changed_at: datetime | None
    question: str

    def etag(self, *form: Any) -> str:
        """Weak, since compression changes the bytes. `form` is what else the bytes depend on."""
        asked = self.asked
        page = [asked.limit, asked.offset, asked.after, asked.matched, asked.leading, asked.output]
        return f'W/"{_digest([self.question, page, get_language(), form])}"'

    def source(self) -> RowSource:
        return self.layer.rows(self.asked.query)

    def selection(self, source: RowSource | None = None) -> Selection:
        return Selection(self.layer, self.asked.query, source or self.source())


def prepare(layer: Layer, asked: LayerRequest) -> Prepared:
    """Resolves the data version and, for a computed layer, the result set. One small query where nothing is computed."""
    version = data_version(layer.versions)
    as_of = asked.query.now
    if layer.is_stored:
        if asked.result_set is None:
            result = current_result(layer, asked.query, version.number)
        else:
            result = named_result(layer, asked.query, asked.result_set)
        as_of = result.as_of or as_of
        asked = replace(asked, result_set=result.pk, query=replace(asked.query, result_set=result.pk))
        # The figures are the result's, the boundaries are today's.
        version = data_version(BOUNDARIES)
        version = DataVersion(version.number, max(filter(None, (version.changed_at, result.as_of)), default=None))
    query = asked.query
    question = [layer.id, parameters_of(query), query.bbox, query.interval, query.condition, query.order]
    digest = _digest([question, asked.result_set, version.number])
    return Prepared(layer, asked, as_of, version.changed_at, digest)


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
    prepared: Prepared,
    body: Callable[[], HttpResponseBase],
    *,
    content_type: str,
    form: Iterable[Any] = (),
    state: Callable[[], str] | None = None,
) -> HttpResponseBase:
    """304 where the client has just this; headers alone for HEAD; else what `body` makes. Every answer is cacheable.

    `state` is that of a single row, for If-Match: it ends the tag, and is asked for only where the body is sent.
    """
    etag = prepared.etag(content_type, *form)
    given = [tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")]
    if state is not None:
        stem = re.escape(etag[:-1])
        etag = (
            next((tag for tag in given if re.fullmatch(rf'{stem}\.[0-9a-f]+"', tag)), None) or f'{etag[:-1]}.{state()}"'
        )
    if etag in given:
        response: HttpResponseBase = HttpResponse(status=304)
    elif request.method == "HEAD":
        response = HttpResponse(content_type=content_type)
    else:
        response = body()
    response["ETag"] = etag
    return with_validity(response, prepared)


def with_validity(response: HttpResponseBase, prepared: Prepared) -> HttpResponseBase:
    """The headers that say since when an answer holds, for how long, and for whom."""
    if prepared.changed_at is not None:
        response["Last-Modified"] = format_datetime(prepared.changed_at.astimezone(UTC), usegmt=True)
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


def _digest(identity: Any) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:32]
