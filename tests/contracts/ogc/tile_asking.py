"""How the contract tests come from a collection to its tiles: by the links alone, as a client would."""

from typing import Any
from urllib.parse import urlencode

from django.test import Client

from tests.contracts.ogc.asking import NEEDS, REQUIRED, ask, collection_path, get, link_of, links_of

MVT = "application/vnd.mapbox-vector-tile"
TILESETS_VECTOR = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
TILING_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
TILING_SCHEMES = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"
GEODATA = "http://www.opengis.net/def/rel/ogc/1.0/geodata"
WEB_MERCATOR_QUAD = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
EPSG_3857 = "http://www.opengis.net/def/crs/EPSG/0/3857"


def tile_sets(client: Client, collection: str) -> Any:
    """The list of the tile sets of a collection."""
    return ask(client, link_of(ask(client, collection_path(collection)), TILESETS_VECTOR))


def tile_set(client: Client, collection: str) -> Any:
    """The one tile set of a collection."""
    (entry,) = tile_sets(client, collection)["tilesets"]
    return ask(client, link_of(entry, "self"))


def template(client: Client, collection: str) -> str:
    """The address of its tiles with `{tileMatrix}`, `{tileRow}` and `{tileCol}`; of the data that NEEDS names.

    What is required is settled in the link itself; the rest is added to it, as any parameter may be.
    """
    required = REQUIRED.get(collection, {})
    settled = [f"{name}={value}" for name, value in required.items()]
    found = [href for href in links_of(tile_set(client, collection), "item") if all(text in href for text in settled)]
    assert len(found) == 1, found
    rest = {name: value for name, value in NEEDS.get(collection, {}).items() if name not in required}
    return f"{found[0]}?{urlencode(rest)}" if rest else found[0]


def tile(client: Client, collection: str, matrix: object, row: object, col: object, more: str = "") -> Any:
    """The response to a tile of a collection; `more` is the rest of a query."""
    address = template(client, collection).format(tileMatrix=matrix, tileRow=row, tileCol=col)
    return get(client, f"{address}{'&' if '?' in address else '?'}{more}" if more else address)
