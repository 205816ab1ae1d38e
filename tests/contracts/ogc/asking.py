"""How the contract tests ask, and what they look for in an answer. Asks over HTTP alone."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection
from django.test import Client

GEOJSON = "application/geo+json"
SCHEMA_JSON = "application/schema+json"
PROBLEM = "application/problem+json"

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG_4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
EPSG_3857 = "http://www.opengis.net/def/crs/EPSG/0/3857"
EPSG_32748 = "http://www.opengis.net/def/crs/EPSG/0/32748"
CRS_LIST = [CRS84, EPSG_4326, EPSG_3857, EPSG_32748]

# What a collection cannot be asked without.
REQUIRED: dict[str, dict[str, str]] = {"correlation": {"property": "pm25"}, "bivariate": {"property": "pm25"}}
# What a collection is asked with, so that it has rows: the town's reports are older than the last 90 days. The town lies from
# 710.2 to 732.3 km east and 9303.2 to 9314.3 km north on its plane: of cells of 5 km, the centres of 4 x 2 lie in it.
NEEDS: dict[str, dict[str, str]] = {
    **REQUIRED,
    "surface": {"start": "2026-02-27", "end": "2026-03-01", "cell_m": "5000", "bandwidth_m": "10000"},
    # No two of the town's reports lie near each other.
    "incidents": {"start": "2026-02-27", "end": "2026-03-02", "min_reports": "1"},
}
COLLECTIONS = [
    "reports", "incidents", "sensors", "cities", "districts", "subdistricts", "density", "surface", "hotspots", "clusters",
    "emerging", "correlation", "bivariate",
]  # fmt: skip
# Those that need no parameter.
LISTED = [name for name in COLLECTIONS if name not in REQUIRED]
POINTS = ["reports", "incidents", "sensors"]
# A value that each parameter takes.
PARAMETER_VALUES = {
    "limit": "5", "offset": "0", "bbox": "106.9,-6.3,107.1,-6.2", "bbox-crs": CRS_LIST[0], "crs": CRS_LIST[2],
    "datetime": "2026-02-28", "filter": "1 = 1", "filter-lang": "cql2-text", "filter-crs": CRS_LIST[0], "f": "json",
    "skipGeometry": "true", "city": "kota-uji", "lang": "en", "category": "sampah", "channel": "web",
    "status": "submitted", "kind": "laporan", "area": "kota-uji.1", "start": "2026-02-27", "end": "2026-02-28",
    "property": "pm25", "domain": "environment", "level": "kecamatan", "interval": "day", "lag": "1",
    "max_distance_m": "100", "cell_m": "1000", "measure": "per_km2", "counted": "reports", "neighbours": "nearest",
    "distance_m": "2000", "slice": "month", "slices": "6", "bandwidth_m": "2000",
    "radius_m": "500", "hours": "6", "min_reports": "2",
    "statistic": "max", "control": "population",
}  # fmt: skip


def get(client: Client, path: str, params: Mapping[str, str] | None = None, **headers: str) -> Any:
    """The response, its body read to the end as a client would."""
    response: Any = client.get(path, params, headers=headers)
    if response.streaming:
        response.streaming_content = [b"".join(response.streaming_content)]
    return response


def text_of(response: Any) -> str:
    return (b"".join(response.streaming_content) if response.streaming else response.content).decode()


def body(response: Any) -> Any:
    assert response.status_code == 200, (response.status_code, text_of(response)[:500])
    return json.loads(text_of(response))


def ask(client: Client, path: str, params: Mapping[str, str] | None = None, **headers: str) -> Any:
    """The JSON of a 200."""
    return body(get(client, path, params, **headers))


def collection_path(collection: str, tail: str = "") -> str:
    return f"/ogc/collections/{collection}{tail}"


def items_path(collection: str) -> str:
    return collection_path(collection, "/items")


def items(client: Client, collection: str, params: Mapping[str, str] | None = None) -> Any:
    """The FeatureCollection of a collection, with the parameters that it cannot do without."""
    return ask(client, items_path(collection), {**NEEDS.get(collection, {}), **(params or {})})


def ids(document: Mapping[str, Any]) -> list[str]:
    return [feature["id"] for feature in document["features"]]


def report_ids(client: Client, params: Mapping[str, str] | None = None) -> list[str]:
    return ids(items(client, "reports", params))


def refused(client: Client, path: str, params: Mapping[str, str] | None = None) -> str:
    """The parameter that a 400 names."""
    response = get(client, path, params)
    assert response.status_code == 400, (response.status_code, text_of(response)[:500])
    assert response["Content-Type"] == PROBLEM
    problem = json.loads(text_of(response))
    assert (problem["status"], bool(problem["title"]), bool(problem["detail"])) == (400, True, True)
    return str(problem["parameter"])


def links_of(document: Mapping[str, Any], rel: str, kind: str | None = None) -> list[str]:
    return [
        link["href"]
        for link in document["links"]
        if link["rel"] == rel and (kind is None or link.get("type", "").startswith(kind))
    ]


def link_of(document: Mapping[str, Any], rel: str, kind: str | None = None) -> str:
    """The one href of a relation (and media type); fails where there is none."""
    found = links_of(document, rel, kind)
    assert found, (rel, kind, document["links"])
    return found[0]


def header_links(response: Any) -> list[dict[str, str]]:
    """The Link header of RFC 8288 as `{href, rel, type …}`."""
    found = []
    for href, rest in re.findall(r'<([^>]*)>((?:\s*;\s*\w+\*?=(?:"[^"]*"|[^",;]+))*)', response.get("Link", "")):
        params = {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^",;]+)', rest)}
        found.append({"href": href, **params})
    return found


def pages(client: Client, path: str, params: Mapping[str, str] | None = None) -> Iterator[Any]:
    """The pages of a list, by their `next` links."""
    page = ask(client, path, params)
    while True:
        yield page
        following = links_of(page, "next")
        if not following:
            return
        assert len(following) == 1
        page = ask(client, following[0])


def every_link(value: Any) -> Iterator[dict[str, str]]:
    """Each link object, wherever in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "links" and isinstance(inner, list):
                yield from inner
            else:
                yield from every_link(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every_link(inner)


REPORT_ROWS = """
    SELECT r.public_id FROM geo_report r
    JOIN geo_category c ON c.id = r.category_id
    JOIN geo_channel ch ON ch.id = r.channel_id
    LEFT JOIN geo_area a ON a.id = r.public_area_id
    LEFT JOIN geo_agency ag ON ag.id = r.agency_id
    WHERE r.is_public AND r.public_location IS NOT NULL AND
"""


def reports_where(sql: str, params: Mapping[str, Any] | None = None) -> set[str]:
    """Ids of the public reports for which a hand-written SQL condition over the tables holds."""
    with connection.cursor() as cursor:
        cursor.execute(f"{REPORT_ROWS} ({sql})", dict(params or {}) or None)
        return {row[0] for row in cursor.fetchall()}
