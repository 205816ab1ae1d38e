"""The catalogue as DCAT in JSON-LD, in the manner of DCAT-AP and GeoDCAT-AP, which carry the core elements of ISO 19115.

Everything comes from the declarations and the data. What nobody has said (a licence, whom to write to) is left out.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db.models import Q
from django.http import QueryDict
from django.utils import translation

from geo.areas.models import City
from geo.layers.catalogue import LAYERS
from geo.layers.crs import CRS84
from geo.layers.extents import extent_of
from geo.layers.layer import Layer, Query, Text
from geo.layers.saved import listed_layers
from geo.ogc.api import GEOJSON, JSON
from geo.ogc.features import iso
from geo.ogc.formats import DOWNLOADS
from geo.ogc.requests import parse_request, utc_now
from geo.placement.models import ThingPlacement
from geo.reports.access.principals import Principal
from geo.reports.models import Category, Channel, Report
from sensors import published
from server.core.errors import BadParameter
from server.core.versions import data_version

JSON_LD = "application/ld+json"
LANGUAGES = {
    "id": "http://publications.europa.eu/resource/authority/language/IND",
    "en": "http://publications.europa.eu/resource/authority/language/ENG",
}
PUBLIC = "http://publications.europa.eu/resource/authority/access-right/PUBLIC"
# Rows are computed when they are asked for.
CONTINUOUSLY = "http://publications.europa.eu/resource/authority/frequency/UPDATE_CONT"
DCAT_AP = "http://data.europa.eu/r5r/"
FEATURES_CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
# DCAT 3, section 6.8.17: dcat:mediaType takes what IANA has registered; anything else is a dct:format.
IANA = "https://www.iana.org/assignments/media-types/"
NOT_REGISTERED = {"application/flatgeobuf", "application/x-ndjson", "application/x-shapefile"}
FILE_TYPES = "http://publications.europa.eu/resource/authority/file-type/"
FILE_TYPE = {"csv": "CSV", "gpkg": "GPKG", "shp-zip": "SHP", "xlsx": "XLSX"}

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "gsp": "http://www.opengis.net/ont/geosparql#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
TITLE = {"id": "Lapisan peta {city}", "en": "Map layers of {city}"}
DESCRIPTION = {
    "id": "Apa yang dilaporkan warga dan yang diukur sensor di {city}, sebagai lapisan peta.",
    "en": "What citizens report and what sensors measure in {city}, as map layers.",
}
STATEMENTS = {
    "schematic": {
        "id": "Batas wilayah bersifat skematis: gambar dari nama, luas, dan titik tengah yang terbit, bukan hasil survei.",
        "en": "Boundaries are schematic: drawn from published names, areas and centroids, not surveyed.",
    },
    "simulated reports": {
        "id": "Sebagian laporan berasal dari kota simulasi, bukan dari warga; properti is_simulated menandainya.",
        "en": "Some reports come from a simulated city, not from citizens; the property is_simulated marks them.",
    },
    "simulated readings": {
        "id": "Sebagian pembacaan berasal dari sensor simulasi; properti is_simulated menandainya.",
        "en": "Some readings come from simulated sensors; the property is_simulated marks them.",
    },
}
SERVICE = {"id": "Fitur semua lapisan lewat OGC API", "en": "The features of every layer by OGC API"}
DATABASE_LANGUAGES = ("name_id", "id"), ("name_en", "en")

Node = dict[str, Any]


def catalogue_document(base_url: str, city: City) -> Node:
    """A dcat:Catalog of the layers as they show one city. `base_url` is absolute, without a slash at its end.

    Shape: one JSON-LD node with its context; nothing has to be fetched to read it.
    """
    place = _Place(base_url.rstrip("/"), city)
    return {
        "@context": CONTEXT,
        "@id": place.url("/layers/"),
        "@type": "dcat:Catalog",
        "dct:title": [_said(text.format(city=city.name), lang) for lang, text in TITLE.items()],
        "dct:description": [_said(text.format(city=city.name), lang) for lang, text in DESCRIPTION.items()],
        "dct:publisher": place.publisher,
        "dct:language": [_id(uri) for uri in LANGUAGES.values()],
        "dct:spatial": _location(extent_of(LAYERS[0], place.query(LAYERS[0])).box),
        "dct:conformsTo": _id(DCAT_AP),
        "foaf:homepage": _id(place.url("/", own=False)),
        "dcat:dataset": [_dataset(place, layer) for layer in place.layers],
        "dcat:service": _service(place),
        **_license(),
    }


class _Place:
    """Where the service is, and which city is asked about: every address in the document names both."""

    def __init__(self, base_url: str, city: City) -> None:
        self.base_url, self.city = base_url, city
        self.is_only_one = not City.objects.exclude(pk=city.pk).exists()
        self.now = utc_now()
        self.caveats = _caveats(city)
        # Of saved analyses those that anybody may read: the catalogue is of what is public.
        listed = listed_layers(Principal())
        self.layers = [layer for layer in listed if layer.settled is None or layer.settled.city == city]

    @property
    def publisher(self) -> Node:
        return {
            "@id": f"{self.base_url}/#{self.city.slug}",
            "@type": "foaf:Agent",
            "foaf:name": self.city.name,
        }

    def url(self, path: str, *, own: bool = True) -> str:
        """An address; with several cities it names this one, unless it is not `own` to a city."""
        query = "" if self.is_only_one or not own else f"?city={quote(self.city.slug)}"
        return f"{self.base_url}{path}{query}"

    def ogc(self, path: str) -> str:
        fixed = "" if self.is_only_one else f"/with/city={quote(self.city.slug)}"
        return f"{self.base_url}/ogc{fixed}{path}"

    def query(self, layer: Layer) -> Query | None:
        """The layer as it is without a parameter; None where it requires one."""
        given = QueryDict(f"city={quote(self.city.slug)}")
        try:
            return parse_request(layer, given, self.now, default_limit=1).query
        except BadParameter:
            return None


def _caveats(city: City) -> list[str]:
    """Which of the STATEMENTS are true of the city."""
    standing = ThingPlacement.objects.filter(area__city=city).values("thing_id")
    # As a list: the planner then sees that it is a few, and asks their index.
    simulators = list(Channel.objects.filter(is_simulated=True).values_list("pk", flat=True))
    true = {
        "schematic": city.areas.current().filter(is_schematic=True),
        "simulated reports": Report.objects.filter(city=city, is_public=True, channel__in=simulators),
        "simulated readings": published.things().filter(pk__in=standing, is_simulated=True),
    }
    return [name for name, found in true.items() if found.exists()]


def _dataset(place: _Place, layer: Layer) -> Node:
    query = place.query(layer)
    # A layer that requires a parameter has its city's extent all the same.
    around = query or place.query(LAYERS[0])
    document: Node = {
        "@id": place.ogc(f"/collections/{layer.id}"),
        "@type": "dcat:Dataset",
        "dct:identifier": layer.id,
        "dct:title": _in_each_language(layer.title),
        "dct:description": _in_each_language(layer.description),
        "dcat:keyword": _keywords(place, layer),
        "dct:publisher": _id(place.publisher["@id"]),
        "dct:language": [_id(uri) for uri in LANGUAGES.values()],
        "dct:accessRights": _id(PUBLIC),
        "dct:accrualPeriodicity": _id(CONTINUOUSLY),
        "dct:spatial": _location(extent_of(layer if query else LAYERS[0], around).box),
        "dct:conformsTo": {"@id": CRS84.uri, "@type": "dct:Standard"},
        "dcat:landingPage": _id(place.url(f"/layers/{layer.id}/")),
        "dcat:distribution": _distributions(place, layer, is_whole=query is not None),
        **_license(),
    }
    changed_at = data_version(layer.versions).changed_at
    if changed_at is not None:
        document["dct:modified"] = _time(iso(changed_at))
    if temporal := _temporal(layer, query):
        document["dct:temporal"] = temporal
    if provenance := _provenance(place, layer):
        document["dct:provenance"] = provenance
    return document


def _temporal(layer: Layer, query: Query | None) -> Node | None:
    """From the first row on, without an end, since rows keep coming; or the period that is counted."""
    if query is None:
        return None
    if layer.counts_period:
        bounds = {"dcat:startDate": query.values["start"], "dcat:endDate": query.values["end"]}
    else:
        bounds = {"dcat:startDate": extent_of(layer, query).start}
    times = {name: _time(iso(at)) for name, at in bounds.items() if at is not None}
    return {"@type": "dct:PeriodOfTime", **times} if times else None


def _provenance(place: _Place, layer: Layer) -> list[Node]:
    """What a reader must know before taking the layer at its word: it depends on the data that the layer is made from."""
    scopes = layer.versions.get("geo_dataversion", ())
    applies = {
        "schematic": "areas" in scopes,
        "simulated reports": "reports" in scopes,
        "simulated readings": published.VERSION_TABLE in layer.versions,
    }
    return [
        {
            "@type": "dct:ProvenanceStatement",
            "rdfs:label": [_said(text, lang) for lang, text in STATEMENTS[name].items()],
        }
        for name in place.caveats
        if applies[name]
    ]


def _keywords(place: _Place, layer: Layer) -> list[Node]:
    """The city, and what the layer can be asked for: the main categories, the observed properties."""
    words = [_said(place.city.name, "id")]
    if layer.parameter("category"):
        roots = Category.objects.filter(Q(city=None) | Q(city=place.city), parent=None)
        words += _names(roots.order_by("slug"))
    if layer.parameter("property"):
        words += _names(published.observed_properties().order_by("code"))
    unique = {(word["@language"], word["@value"].lower()): word for word in words}
    return list(unique.values())


def _names(named: Iterable[Any]) -> list[Node]:
    return [_said(getattr(item, name), lang) for item in named for name, lang in DATABASE_LANGUAGES]


def _distributions(place: _Place, layer: Layer, *, is_whole: bool) -> Sequence[Node]:
    """Each form of the data. A layer that requires a parameter is not to be had as a file without one."""
    by_api = {
        **_distribution("OGC API - Features", place.ogc(f"/collections/{layer.id}/items"), GEOJSON, "GEOJSON"),
        # The collection says which parameters there are.
        "dcat:accessURL": _id(place.ogc(f"/collections/{layer.id}")),
        "dcat:accessService": _id(place.ogc("/")),
        "dct:conformsTo": _id(place.ogc(f"/collections/{layer.id}/feature-schema")),
    }
    if not is_whole:
        return [by_api]
    here = f"/layers/{layer.id}"
    files = [
        _file(str(form.title), place.url(f"{here}.{form.extension}"), form.media_type, FILE_TYPE.get(name))
        for name, form in DOWNLOADS.items()
    ]
    return [
        by_api,
        _distribution("GeoJSON", place.url(f"{here}.geojson"), GEOJSON, "GEOJSON"),
        *files,
        _distribution("TileJSON", place.url(f"/tiles/{layer.id}.json"), JSON, None),
    ]


def _file(title: str, url: str, media_type: str, file_type: str | None) -> Node:
    return {**_distribution(title, url, media_type, file_type), "dcat:downloadURL": _id(url)}


def _distribution(title: str, url: str, media_type: str, file_type: str | None) -> Node:
    document: Node = {
        "@type": "dcat:Distribution",
        "dct:title": title,
        "dcat:accessURL": _id(url),
        **_license(),
    }
    if media_type not in NOT_REGISTERED:
        document["dcat:mediaType"] = _id(IANA + media_type)
    if file_type:
        document["dct:format"] = _id(FILE_TYPES + file_type)
    elif media_type in NOT_REGISTERED:
        document["dct:format"] = {"@type": "dct:MediaTypeOrExtent", "rdfs:label": media_type}
    return document


def _service(place: _Place) -> Node:
    return {
        "@id": place.ogc("/"),
        "@type": "dcat:DataService",
        "dct:title": [_said(text, lang) for lang, text in SERVICE.items()],
        "dcat:endpointURL": _id(place.ogc("/")),
        "dcat:endpointDescription": _id(place.ogc("/api")),
        "dct:conformsTo": _id(FEATURES_CORE),
        "dct:publisher": _id(place.publisher["@id"]),
        "dcat:servesDataset": [_id(place.ogc(f"/collections/{layer.id}")) for layer in place.layers],
        **_license(),
    }


def _license() -> Node:
    # None is invented: without PANTAU_LICENSE nothing is said of one.
    return {"dct:license": _id(settings.LICENSE_URL)} if settings.LICENSE_URL else {}


def _location(box: tuple[float, float, float, float]) -> Node:
    """A box as WKT, longitude first, which is what a wktLiteral without a CRS means (CRS84)."""
    west, south, east, north = box
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    ring = ",".join(f"{x:.6f} {y:.6f}" for x, y in corners)
    return {"@type": "dct:Location", "dcat:bbox": {"@type": "gsp:wktLiteral", "@value": f"POLYGON(({ring}))"}}


def _in_each_language(text: Text) -> list[Node]:
    out = []
    for lang in LANGUAGES:
        with translation.override(lang):
            out.append(_said(str(text), lang))
    return out


def _said(text: str, lang: str) -> Node:
    return {"@value": text, "@language": lang}


def _time(text: str) -> Node:
    return {"@type": "xsd:dateTime", "@value": text}


def _id(uri: str) -> Node:
    return {"@id": uri}
