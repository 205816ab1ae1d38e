"""Features over HTTP: pages of items and single ones, for the OGC API and for `/layers/{id}.geojson` alike."""

import json
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from geo.layers.crs import CRS84, parse_crs
from geo.layers.geojson import FeatureStream, one_feature
from geo.layers.layer import Layer
from geo.layers.select import Position, Window, position_of_row, snapshot
from geo.ogc.answers import Prepared, conditional, with_count
from geo.ogc.api import GEOJSON, Link
from geo.ogc.requests import LayerRequest, question_of
from server.core.errors import NotFound
from server.core.geojson import Primed, feature_collection
from server.core.listing import absolute_url
from server.core.paging import encode_token
from server.core.time_limits import allow_statements

LONGEST_S = 600

# Reads the question out of the request, if it has to be read.
Ask = Callable[[], LayerRequest]


def page_response(
    request: HttpRequest, layer: Layer, ask: Ask, *, more_links: list[Link], leads: bool = False
) -> HttpResponseBase:
    """One page as a FeatureCollection; 304 where the data behind the ETag has not changed.

    If it `leads`, the rows that show a value of each property come first (see geo.layers.leading).
    """

    def body(prepared: Prepared) -> HttpResponseBase:
        page = Page(request, prepared, more_links, leads=leads)
        # The head and the first rows: an early error is still an error, and the links of the header are known.
        content = Primed(page.pieces(), pieces_now=1 if request.method == "HEAD" else 2)
        if request.method == "HEAD":
            content.close()
            # Streamed, since an answer of no length would say that there are no bytes.
            response = StreamingHttpResponse((), content_type=GEOJSON)
        else:
            response = StreamingHttpResponse(content, content_type=GEOJSON)
        response["Link"] = link_header(page.links)
        response["Accept-Ranges"] = "none"
        return response

    response = conditional(request, layer, ask, body, content_type=GEOJSON)
    response["Content-Crs"] = _content_crs(request)
    return response


def _content_crs(request: HttpRequest) -> str:
    return f"<{(parse_crs(request.GET['crs'], 'crs') if request.GET.get('crs') else CRS84).uri}>"


class Page:
    """The bytes of one page. `links` are complete once the first piece was made."""

    def __init__(
        self, request: HttpRequest, prepared: Prepared, more_links: list[Link], *, leads: bool, kind: str = GEOJSON
    ) -> None:
        self.request, self.prepared, self.leads, self.kind = request, prepared, leads, kind
        self.links = [{"rel": "self", "type": kind, "href": absolute_url(request, request.get_full_path())}]
        self.links += more_links

    def pieces(self) -> Generator[bytes, None, None]:
        with snapshot():
            source = self.prepared.source()
            selection = self.prepared.selection(source)
            prepared = with_count(self.prepared, selection, leads=self.leads)
            asked = prepared.asked
            assert asked.limit is not None
            window = Window(asked.limit, asked.after, asked.offset, asked.leading)
            # The header leaves before the rows do: where the next page begins has to be looked up.
            last = position_of_row(selection, window)
            # The rows go out as fast as the client takes them; that they can be found in time is known by now.
            allow_statements(LONGEST_S)
            if last is not None:
                self.links.append({"rel": "next", "type": self.kind, "href": _next_url(self.request, prepared, last)})
            head: dict[str, Any] = {
                "name": prepared.layer.id,
                "title": str(prepared.layer.title),
                "timeStamp": iso(datetime.now(UTC)),
                "as_of": iso(prepared.as_of),
                **plain_members(source.members),
            }
            if asked.matched is not None:
                head["numberMatched"] = asked.matched
            stream = FeatureStream(selection, window, asked.output)
            yield from feature_collection(
                stream, head=head, tail=lambda count: {"numberReturned": count, "links": self.links}
            )


def _next_url(request: HttpRequest, prepared: Prepared, last: Position) -> str:
    asked = prepared.asked
    token = {
        "list": prepared.layer.id,
        "key": last.key,
        "values": last.values,
        "now": asked.query.now.isoformat(),
        "result": asked.result_set,
        "matched": asked.matched,
        "leading": asked.leading,
        "question": question_of(asked.query),
    }
    query = request.GET.copy()
    query.pop("offset", None)
    query["next"] = encode_token(token)
    return absolute_url(request, f"{request.path}?{query.urlencode()}")


def feature_response(
    request: HttpRequest,
    layer: Layer,
    ask: Ask,
    fid: str,
    links: list[Link],
    *,
    state: Callable[[], str] | None = None,
) -> HttpResponseBase:
    """One feature by its id; NotFound where the layer has none. `state` is that of a feature that can be changed."""

    def body(prepared: Prepared) -> HttpResponseBase:
        text = find_feature(prepared, fid)
        # The feature is text from PostGIS; links go before its closing brace.
        return HttpResponse(text[:-1] + ',"links":' + json.dumps(links, ensure_ascii=False) + "}", content_type=GEOJSON)

    response = conditional(request, layer, ask, body, content_type=GEOJSON, state=state)
    response["Content-Crs"] = _content_crs(request)
    response["Link"] = link_header(links)
    return response


def find_feature(prepared: Prepared, fid: str) -> str:
    """The JSON text of a feature; NotFound where the layer has none of this id."""
    text = one_feature(prepared.selection(), fid, prepared.asked.output)
    if text is None:
        raise NotFound(f"There is no feature {fid!r} in {prepared.layer.id}.")
    return text


def link_header(links: list[Link]) -> str:
    """RFC 8288. Titles are left out: they may hold any letter, and a header may not."""
    return ", ".join(f'<{link["href"]}>; rel="{link["rel"]}"; type="{link["type"]}"' for link in links)


def plain_members(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in members.items()}


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
