"""Probes: whoever asks cleverly (shrinking boxes, filters, sort orders, searches) learns no more than who reads the map."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.gis.geos import Point
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from geo.layers.catalogue import layer_by_id
from geo.models import CategoryAttribute, Report, ResultSet
from geo.ogc.requests import sortable
from geo.reports.access.channel_keys import create_key
from geo.reports.access.principals import Principal
from geo.reports.importing.importer import import_rows
from geo.reports.revision import revise_report
from tests.factories import make_category, make_channel, make_report
from tests.http.downloading import table
from tests.http.ogc_writing import feature, send
from tests.privacy_hunt.planted import (
    ADDRESS,
    ANSWER,
    DIGITS,
    EMAIL,
    EXACT,
    NAME,
    NIK,
    PHONE,
    PUBLIC,
    SENSITIVE_TEXT,
    TEXT,
    City,
    disturb,
    plant,
    tagged_photo,
)
from tests.privacy_hunt.reading import as_comparable, body_of, differences, finds, in_crs, near_numbers, texts_of
from tests.privacy_hunt.routes import OVER_EXACT, OVER_PUBLIC

pytestmark = pytest.mark.django_db
EXACT_XY = (EXACT.x, EXACT.y)
# Half the side of a box, in degrees: 110 m, 33 m, 1 m. The two places are 230 m apart.
SHRINKING = (0.001, 0.0003, 0.00001)


@pytest.fixture(autouse=True)
def _own_home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def city() -> City:
    return plant()


def box(at: tuple[float, float], half: float) -> str:
    return f"{at[0] - half:.7f},{at[1] - half:.7f},{at[0] + half:.7f},{at[1] + half:.7f}"


def metres(at: tuple[float, float], half: float) -> str:
    corners = (Point(at[0] + sign * half, at[1] + sign * half, srid=4326) for sign in (-1, 1))
    west, east = (corner.transform(3857, clone=True) for corner in corners)
    return f"{west.x},{west.y},{east.x},{east.y}"


def ring(at: tuple[float, float], half: float) -> str:
    west, south, east, north = box(at, half).split(",")
    return f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"


def got(client: Client, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, (path, response.content)
    return json.loads(body_of(response))


def feature_ids(client: Client, path: str) -> set[str]:
    return {one["id"] for one in got(client, path)["features"]}


def cql2(client: Client, text: str) -> set[str]:
    return feature_ids(client, f"/ogc/collections/reports/items?f=json&filter={quote(text)}")


Box = Callable[[Client, tuple[float, float], float], set[str]]
BOXES: dict[str, Box] = {
    "geojson": lambda c, at, half: feature_ids(c, f"/layers/reports.geojson?bbox={box(at, half)}"),
    "items": lambda c, at, half: feature_ids(c, f"/ogc/collections/reports/items?f=json&bbox={box(at, half)}"),
    "items in metres": lambda c, at, half: feature_ids(
        c,
        "/ogc/collections/reports/items?f=json&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/3857"
        f"&bbox={metres(at, half)}",
    ),
    "csv": lambda c, at, half: {row["id"] for row in table(c, f"/layers/reports.csv?bbox={box(at, half)}")},
    "api": lambda c, at, half: {one["id"] for one in got(c, f"/api/reports/?bbox={box(at, half)}")["results"]},
    "open311": lambda c, at, half: {
        one["service_request_id"] for one in got(c, f"/open311/v2/requests.json?bbox={box(at, half)}")
    },
    "S_INTERSECTS": lambda c, at, half: cql2(c, f"S_INTERSECTS(geometry, BBOX({box(at, half)}))"),
    "S_WITHIN": lambda c, at, half: cql2(c, f"S_WITHIN(geometry, {ring(at, half)})"),
    "NOT S_DISJOINT": lambda c, at, half: cql2(c, f"NOT S_DISJOINT(geometry, {ring(at, half)})"),
    "cql2-json": lambda c, at, half: feature_ids(
        c,
        "/ogc/collections/reports/items?f=json&filter-lang=cql2-json&filter="
        + quote(
            json.dumps(
                {
                    "op": "s_intersects",
                    "args": [{"property": "geometry"}, {"bbox": [float(x) for x in box(at, half).split(",")]}],
                }
            )
        ),
    ),
}


@pytest.mark.parametrize("name", BOXES)
def test_a_box_that_shrinks_finds_the_public_place_and_never_the_exact_one(
    name: str, client: Client, city: City
) -> None:
    for half in SHRINKING:
        assert city.sensitive.public_id not in BOXES[name](client, EXACT_XY, half), half
        assert city.sensitive.public_id in BOXES[name](client, PUBLIC, half), half


def test_tiles_of_the_deepest_zoom_show_it_at_its_public_place_alone(client: Client, city: City) -> None:
    for template in ("/tiles/reports/{z}/{x}/{y}.mvt", "/ogc/collections/reports/tiles/WebMercatorQuad/{z}/{y}/{x}"):
        exact, public = (
            client.get(template.format(z=tile.z, x=tile.x, y=tile.y)) for tile in (OVER_EXACT, OVER_PUBLIC)
        )
        assert (exact.status_code, public.status_code) == (204, 200)
        assert b"kekerasan" in public.content


@pytest.mark.parametrize(
    "path", ["/layers/reports.geojson?area={area}", "/api/reports/?area={area}", "/layers/reports.csv?area={area}"]
)
def test_areas_hold_it_where_its_public_place_lies(path: str, client: Client, city: City) -> None:
    said = {area: body_of(client.get(path.format(area=area))).decode() for area in ("kota-uji.1.1", "kota-uji.1.2")}
    assert city.sensitive.public_id not in said["kota-uji.1.1"]
    assert city.sensitive.public_id in said["kota-uji.1.2"]


def test_counts_are_of_the_public_area(client: Client, city: City) -> None:
    counted = got(client, "/layers/density.geojson?level=kelurahan&category=kekerasan")["features"]
    assert {one["properties"]["code"]: one["properties"]["reports"] for one in counted if one["properties"]["reports"]} == {
        "kota-uji.1.2": 1
    }  # fmt: skip
    for area, n in (("kota-uji.1.1", 0), ("kota-uji.1.2", 1)):
        assert got(client, f"/api/reports/summary/?category=kekerasan&area={area}")["total"] == n


def test_the_extent_of_the_layer_is_that_of_the_public_places(client: Client, city: City) -> None:
    Report.objects.exclude(pk=city.sensitive.pk).update(is_public=False)
    for path in (
        "/ogc/collections/reports?f=json",
        "/ogc/collections?f=json",
        "/layers/reports/?f=json",
        "/tiles/reports.json",
    ):
        assert near_numbers(body_of(client.get(path)).decode()) == [], path


@pytest.mark.parametrize(
    "wanted", ["0812", "81234567890", "3275", "example.org", "siti", "Rahma", "kenanga", "ZX81", "QQ7", "106.948"]
)
def test_a_search_for_what_is_masked_finds_nothing(wanted: str, client: Client, city: City) -> None:
    assert got(client, f"/api/reports/?q={wanted}")["results"] == []
    assert got(client, f"/api/reports/summary/?q={wanted}")["total"] == 0
    assert cql2(client, f"description LIKE '%{wanted}%'") == set()
    assert cql2(client, f"CASEI(description) LIKE CASEI('%{wanted}%')") == set()


def test_a_search_for_what_is_public_finds_both(client: Client, city: City) -> None:
    both = {city.sensitive.public_id, city.plain.public_id}
    assert {one["id"] for one in got(client, "/api/reports/?q=tolong%20segera")["results"]} == both
    assert cql2(client, "description LIKE '%Tolong segera%'") == both


@pytest.mark.parametrize("text", [SENSITIVE_TEXT, TEXT, f"Saya {NAME} takut."])
def test_the_original_text_as_a_filter_finds_nothing(text: str, client: Client, city: City) -> None:
    assert feature_ids(client, f"/layers/reports.geojson?description={quote(text)}") == set()
    assert cql2(client, f"description = '{text}'") == set()


@pytest.mark.parametrize(
    "name",
    ["location", "external_id", "address", "attributes", "name", "phone", "email", "original", "contact", "area_id"],
)
def test_no_list_can_be_filtered_or_sorted_by_what_is_private(name: str, client: Client, city: City) -> None:
    items = "/ogc/collections/reports/items?f=json"
    for path in (
        f"/api/reports/?{name}=x",
        f"/layers/reports.geojson?{name}=x",
        f"/layers/reports.geojson?sortby={name}",
        f"/layers/reports.geojson?properties={name}",
        f"{items}&sortby=-{name}",
        f"{items}&filter={name}%3D%27x%27",
        f"/open311/v2/requests.json?{name}=x",
    ):
        response = client.get(path)
        # GeoReport lets a server ignore what it does not know.
        if path.startswith("/open311") and response.status_code == 200:
            assert body_of(response) == body_of(client.get("/open311/v2/requests.json")), path
        else:
            assert response.status_code == 400, path


def probes() -> list[str]:
    """Questions about the surroundings of the exact place, and every order in which the reports can be had."""
    asked = []
    for half in (*SHRINKING, 0.0016, 0.002, 0.005):
        asked += [
            f"/layers/{layer}.geojson?bbox={box(EXACT_XY, half)}"
            for layer in ("reports", "density", "clusters", "incidents")
        ]
        asked += [f"/api/reports/?bbox={box(EXACT_XY, half)}", f"/open311/v2/requests.xml?bbox={box(EXACT_XY, half)}"]
    for step in range(-5, 6):
        lon, lat = EXACT.x + step * 0.001, EXACT.y + step * 0.0007
        asked.append(
            f"/api/reports/duplicates/?category=kekerasan&lon={lon:.6f}&lat={lat:.6f}&q={quote(SENSITIVE_TEXT)}"
        )
    for prop in sortable(layer_by_id("reports")):
        for sign in ("", "-"):
            asked.append(f"/layers/reports.geojson?sortby={sign}{prop.name}")
            asked.append(f"/ogc/collections/reports/items?f=json&limit=2&sortby={sign}{prop.name}")
    for area in ("kota-uji.1.1", "kota-uji.1.2"):
        asked += [f"/api/analysis/districts/{area}/?f=json", f"/layers/reports.geojson?area={area}"]
    for layer in ("hotspots", "clusters", "emerging", "surface", "density"):
        asked.append(f"/layers/{layer}.geojson?category=kekerasan")
    return asked


def answers(client: Client, paths: list[str]) -> dict[str, str]:
    ResultSet.objects.all().delete()
    cache.clear()
    found = {}
    for path in paths:
        response = client.get(path)
        kind = response.headers["Content-Type"].split(";")[0]
        found[path] = f"{response.status_code} {as_comparable(body_of(response), kind)}"
    return found


def test_no_probe_tells_the_exact_place_from_another_in_the_same_cell(client: Client, city: City) -> None:
    before = answers(client, probes())
    assert {answer[:3] for answer in before.values()} <= {"200", "404"}
    disturb(city)
    after = answers(client, probes())
    if told := differences(before, after):
        pytest.fail("\n".join(told))


# Reports on their way in: what is answered, said in a refusal, and logged

JSON = "application/json"
PERSONAL = {"name": NAME, "phone": PHONE, "email": EMAIL}


def intake(client: Client, key: str, photo: Any) -> dict[str, Any]:
    """The same report by every way in; name of the way -> response."""
    place = {"location": {"type": "Point", "coordinates": list(EXACT_XY)}}
    body = {"category": "kekerasan", "description": SENSITIVE_TEXT, **PERSONAL}
    form = {
        "api_key": key, "service_code": "kekerasan", "lat": EXACT.y, "long": EXACT.x, "description": SENSITIVE_TEXT,
        "first_name": "Siti", "last_name": "Rahma", "phone": PHONE, "email": EMAIL, "address_string": ADDRESS,
        "attribute[warna]": ANSWER,
    }  # fmt: skip
    multipart = {**body, "location": json.dumps(place["location"]), "photos": photo}
    return {
        "json": client.post("/api/reports/", json.dumps(body | place), content_type=JSON),
        "multipart": client.post("/api/reports/", multipart),
        "open311 json": client.post("/open311/v2/requests.json", form),
        "open311 xml": client.post("/open311/v2/requests.xml", {**form, "description": SENSITIVE_TEXT + " lagi"}),
        "ogc": send(
            client, "POST", "/ogc/collections/reports/items", key=key,
            body=feature({"type": "Point", "coordinates": list(EXACT_XY)}, category="kekerasan", description=SENSITIVE_TEXT),
        ),
    }  # fmt: skip


def test_a_report_that_comes_in_is_answered_and_logged_without_what_is_private(
    client: Client, city: City, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    CategoryAttribute.objects.create(
        category=make_category("kekerasan"), code="warna", order=1, description_id="Warna?", description_en="Colour?"
    )
    key = create_key(channel=make_channel("pot"))[1]
    photo = tagged_photo("green")
    caplog.set_level(logging.DEBUG)
    for way, response in intake(client, key, photo).items():
        assert response.status_code in (200, 201), (way, response.content)
        for text in texts_of(response, body_of(response)):
            # By OGC API no contact comes in by which the name could be known.
            found = [word for word in finds(text) if way != "ogc" or word != "siti rahma"]
            assert found + near_numbers(text) == [], way
    out = capfd.readouterr()
    for log in (caplog.text, out.out, out.err):
        assert finds(log) + near_numbers(log) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"email": "siti.rahma@"},
        {"phone": PHONE * 9},
        {"name": NAME * 40},
        {"category": "nothing"},
        {"reported_at": f"kemarin {PHONE}"},
        {"description": SENSITIVE_TEXT * 60},
        {"kind": NIK},
        {"location": {"type": "Point", "coordinates": [EXACT.y, EXACT.x]}},
        {"external_id": EMAIL * 20},
    ],
)
def test_a_refusal_says_what_was_wrong_and_not_what_was_sent(
    fault: Any, client: Client, city: City, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    place = {"location": {"type": "Point", "coordinates": list(EXACT_XY)}}
    body = {"category": "kekerasan", "description": SENSITIVE_TEXT, **PERSONAL, **place, **fault}
    response = client.post("/api/reports/", json.dumps(body), content_type=JSON)
    assert response.status_code == 400
    named = next(iter(fault))
    problem = response.json()
    assert named in problem["errors"]
    # What is no choice and no place may be quoted to its sender: that is how a mistake is seen. A contact is not.
    if named not in ("kind", "location"):
        assert finds(json.dumps(problem)) + near_numbers(json.dumps(problem)) == []
    assert PHONE not in json.dumps(problem)
    assert finds(caplog.text) + near_numbers(caplog.text) == []


def test_a_revised_text_is_masked_as_a_new_one(city: City) -> None:
    by = Principal(channel=city.sensitive.channel)
    text = f"{NAME} lagi, {PHONE}, di {EXACT.y}, {EXACT.x}"
    revise_report(report=city.sensitive, by=by, now=timezone.now(), description=text)
    assert Report.objects.get(pk=city.sensitive.pk).public_description == "[nama] lagi, [telepon], di [tempat]"


def test_a_text_that_comes_into_a_sensitive_category_loses_its_positions(city: City) -> None:
    report = make_report(channel=city.sensitive.channel, description=f"Di {EXACT.y}, {EXACT.x} ya", location=EXACT)
    assert report.public_description == f"Di {EXACT.y}, {EXACT.x} ya"
    by = Principal(channel=report.channel)
    revise_report(report=report, by=by, now=timezone.now(), category=make_category("kekerasan"))
    assert Report.objects.get(pk=report.pk).public_description == "Di [tempat] ya"


def test_rows_of_a_file_are_masked_as_any_other(client: Client, city: City) -> None:
    row = {
        "external_id": "F-1", "category": "kekerasan", "description": SENSITIVE_TEXT, "lon": EXACT.x, "lat": EXACT.y,
        "address": ADDRESS, "reported_at": "2026-03-01T05:00:00Z", **PERSONAL,
    }  # fmt: skip
    assert import_rows([row], channel=make_channel("berkas")).stored == 1
    said = Report.objects.get(external_id="F-1").public_description
    assert finds(said) + near_numbers(said) == []
    assert said.startswith("Saya [nama] takut. NIK [NIK], WA [telepon], surel [e-mail]. Tolong segera. Posisi [tempat]")


def test_the_hunter_would_have_found_them() -> None:
    """What the hunt looks for it does find, in the disguises of JSON, HTML and addresses."""
    assert finds('{"a": "\\u0053iti Rahma"}') == ["siti rahma"]
    assert finds("nama=Siti+Rahma&amp;hp=0812%2D3456%2D7890") == ["81234567890", "siti rahma"]
    assert finds("3275 0141.0790-0001") == [NIK]
    assert finds("Tumpukan sampah, RT 04") == []
    assert near_numbers(f"[{EXACT.x},{EXACT.y}]") == [str(EXACT.x), str(EXACT.y)]
    assert near_numbers(json.dumps([round(value, 1) for value in in_crs(32748)])) != []
    assert near_numbers(f"{PUBLIC[0]},{PUBLIC[1]} 106.95 -6.3") == []
    assert all(number.isdigit() for number in DIGITS)
