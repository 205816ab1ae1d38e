"""The catalogue as DCAT: what it says of each layer, and what it leaves out because nobody has said it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.gis.geos import GEOSGeometry

from geo.areas.models import Area, City
from geo.ogc.dcat import catalogue_document
from tests.factories import make_category, make_channel, make_city, make_datastream, make_report, make_thing

pytestmark = pytest.mark.django_db
BASE = "https://peta.kota-uji.example"


def datasets(city: City) -> dict[str, Any]:
    return {dataset["dct:identifier"]: dataset for dataset in catalogue_document(BASE, city)["dcat:dataset"]}


def test_the_catalogue_is_of_the_city_in_both_languages(city: City) -> None:
    document = catalogue_document(BASE + "/", city)
    assert document["@type"] == "dcat:Catalog"
    assert document["@id"] == f"{BASE}/layers/"
    assert document["dct:publisher"]["foaf:name"] == "Kota Uji"
    assert document["dct:title"] == [
        {"@value": "Lapisan peta Kota Uji", "@language": "id"},
        {"@value": "Map layers of Kota Uji", "@language": "en"},
    ]
    assert json.loads(json.dumps(document)) == document


def test_every_prefix_is_in_the_context_so_that_nothing_has_to_be_fetched(city: City) -> None:
    make_report(channel=make_channel("sim", is_simulated=True))

    def names(node: Any) -> set[str]:
        if isinstance(node, list):
            return set().union(*map(names, node))
        if not isinstance(node, dict):
            return set()
        own = (
            {name for name in node if not name.startswith("@")} | {str(node["@type"])} if "@type" in node else set(node)
        )
        return {name for name in own if not name.startswith("@")}.union(*map(names, node.values()))

    document = catalogue_document(BASE, city)
    context = document.pop("@context")
    assert {name.split(":")[0] for name in names(document)} <= set(context)


def test_each_layer_is_a_dataset_with_its_titles(city: City) -> None:
    found = datasets(city)
    assert list(found) == [
        *("reports", "incidents", "sensors", "cities", "districts", "subdistricts", "density"),
        *("surface", "hotspots", "clusters", "emerging", "correlation", "bivariate"),
    ]
    assert found["density"]["dct:title"] == [
        {"@value": "Kepadatan laporan", "@language": "id"},
        {"@value": "Density of reports", "@language": "en"},
    ]


def test_a_dataset_spans_the_city_with_longitude_first(city: City) -> None:
    box = datasets(city)["districts"]["dct:spatial"]["dcat:bbox"]
    assert box["@type"] == "gsp:wktLiteral"
    assert GEOSGeometry(box["@value"]).extent == (106.9, -6.3, 107.1, -6.2)


def test_reports_begin_with_the_first_and_have_no_end(city: City) -> None:
    make_report(reported_at=datetime(2026, 2, 1, 3, 0, tzinfo=UTC))
    make_report(reported_at=datetime(2026, 2, 20, 3, 0, tzinfo=UTC))
    assert datasets(city)["reports"]["dct:temporal"] == {
        "@type": "dct:PeriodOfTime",
        "dcat:startDate": {"@type": "xsd:dateTime", "@value": "2026-02-01T03:00:00Z"},
    }


def test_density_says_which_period_it_counts(city: City) -> None:
    temporal = datasets(city)["density"]["dct:temporal"]
    start, end = (datetime.fromisoformat(temporal[name]["@value"]) for name in ("dcat:startDate", "dcat:endDate"))
    assert (end - start).days == 30


def test_each_form_has_an_address_and_a_media_type_that_iana_knows_or_else_a_format(city: City) -> None:
    forms = {form["dcat:accessURL"]["@id"]: form for form in datasets(city)["reports"]["dcat:distribution"]}
    known = "https://www.iana.org/assignments/media-types/"
    assert {url: form.get("dcat:mediaType", {}).get("@id", "").removeprefix(known) for url, form in forms.items()} == {
        f"{BASE}/ogc/collections/reports": "application/geo+json",
        f"{BASE}/layers/reports.geojson": "application/geo+json",
        f"{BASE}/layers/reports.csv": "text/csv",
        f"{BASE}/layers/reports.geojsons": "application/geo+json-seq",
        f"{BASE}/layers/reports.geojsonl": "",
        f"{BASE}/layers/reports.fgb": "",
        f"{BASE}/layers/reports.gpkg": "application/geopackage+sqlite3",
        f"{BASE}/layers/reports.shp.zip": "",
        f"{BASE}/layers/reports.parquet": "application/vnd.apache.parquet",
        f"{BASE}/layers/reports.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        f"{BASE}/tiles/reports.json": "application/json",
    }
    assert forms[f"{BASE}/layers/reports.fgb"]["dct:format"]["rdfs:label"] == "application/flatgeobuf"
    assert forms[f"{BASE}/layers/reports.gpkg"]["dcat:downloadURL"] == {"@id": f"{BASE}/layers/reports.gpkg"}


def test_a_layer_that_requires_a_parameter_has_only_its_collection(city: City) -> None:
    correlation = datasets(city)["correlation"]
    assert [form["dcat:accessURL"]["@id"] for form in correlation["dcat:distribution"]] == [
        f"{BASE}/ogc/collections/correlation"
    ]
    assert GEOSGeometry(correlation["dct:spatial"]["dcat:bbox"]["@value"]).extent == (106.9, -6.3, 107.1, -6.2)


def test_with_several_cities_every_address_names_the_one_that_is_meant(city: City) -> None:
    make_city("timur", west=119.4)
    document = catalogue_document(BASE, city)
    assert document["@id"] == f"{BASE}/layers/?city=kota-uji"
    urls = [form["dcat:accessURL"]["@id"] for form in document["dcat:dataset"][0]["dcat:distribution"]]
    assert urls[:2] == [
        f"{BASE}/ogc/with/city=kota-uji/collections/reports",
        f"{BASE}/layers/reports.geojson?city=kota-uji",
    ]


def test_a_licence_is_only_said_where_one_is_set(city: City, settings: Any) -> None:
    assert "dct:license" not in json.dumps(catalogue_document(BASE, city))
    settings.LICENSE_URL = "https://creativecommons.org/licenses/by/4.0/"
    document = catalogue_document(BASE, city)
    said = {"@id": "https://creativecommons.org/licenses/by/4.0/"}
    assert document["dct:license"] == said
    assert document["dcat:dataset"][0]["dct:license"] == said
    assert document["dcat:dataset"][0]["dcat:distribution"][0]["dct:license"] == said


def statements(dataset: Any) -> list[str]:
    return [statement["rdfs:label"][1]["@value"].split(" ")[0:2] for statement in dataset.get("dct:provenance", [])]


def test_schematic_boundaries_and_simulated_data_are_said_where_a_layer_is_made_from_them(city: City) -> None:
    assert "dct:provenance" not in datasets(city)["reports"]
    Area.objects.filter(code="kota-uji.1").update(is_schematic=True)
    make_report(channel=make_channel("sim", is_simulated=True))
    make_datastream(make_thing(is_simulated=True))
    found = datasets(city)
    assert statements(found["districts"]) == [["Boundaries", "are"], ["Some", "reports"]]
    assert statements(found["sensors"]) == [["Boundaries", "are"], ["Some", "readings"]]
    assert statements(found["correlation"]) == [["Boundaries", "are"], ["Some", "reports"], ["Some", "readings"]]


def test_keywords_are_what_a_layer_can_be_asked_for(city: City) -> None:
    make_category("banjir", name_id="Banjir", name_en="Flood")
    make_datastream(make_thing(), "pm25")
    found = datasets(city)
    assert {"@value": "Flood", "@language": "en"} in found["reports"]["dcat:keyword"]
    assert {"@value": "pm25", "@language": "en"} in found["sensors"]["dcat:keyword"]
    assert found["districts"]["dcat:keyword"] == [{"@value": "Kota Uji", "@language": "id"}]


def test_a_dataset_tells_when_its_data_last_changed(city: City) -> None:
    make_report()
    modified = datasets(city)["reports"]["dct:modified"]
    assert modified["@type"] == "xsd:dateTime"
    assert abs((datetime.now(UTC) - datetime.fromisoformat(modified["@value"])).total_seconds()) < 600
