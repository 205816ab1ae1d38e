import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.ingest.broker_url import BadBrokerUrl, parse_broker_url
from sensors.registry.files import BadFile, parse_mapping, read_rows
from sensors.registry.import_file import COLUMNS, Measured, read_things
from sensors.registry.models import slug_rule
from sensors.registry.naming import slug_of

LEVEL = {"river_level": Measured("mm")}
MAPPING = {"name": "gauge", "lon": "x", "lat": "y"}


def things_of(tmp_path: Path, text: str, mapping: dict[str, str] = MAPPING, **more: str) -> list:
    path = tmp_path / "things.csv"
    path.write_text(text, encoding="utf-8")
    return read_things(path, mapping, measured=LEVEL, **more)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("P.A. Istiqlal  ", "p-a-istiqlal"),
        ("PA. Cibalok - Gadog", "pa-cibalok-gadog"),
        ("Pompa Kali Duri (Kalijodo)", "pompa-kali-duri-kalijodo"),
        ("air-01", "air-01"),
        ("Café N°5", "cafe-n-5"),
        ("市", ""),
    ],
)
def test_a_name_becomes_a_slug(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.text(max_size=120))
def test_every_slug_keeps_the_rule_and_is_its_own_slug(name: str) -> None:
    slug = slug_of(name)
    assert slug_of(slug) == slug
    assert len(slug) <= 64
    if slug:
        slug_rule(slug)


def test_two_long_names_stay_two() -> None:
    assert slug_of("a" * 70 + "1") != slug_of("a" * 70 + "2")


def test_a_gauge_named_on_many_rows_is_one_thing(tmp_path: Path) -> None:
    text = "gauge,x,y,level\nPA. Hek ,106.8,-6.2,1\nPA. Hek,106.8,-6.2,2\nPA. Karet,106.9,-6.1,3\n"
    things = things_of(tmp_path, text, default_property="river_level")
    assert [(thing.slug, thing.name, thing.lon_lat) for thing in things] == [
        ("pa-hek", "PA. Hek", (106.8, -6.2)),
        ("pa-karet", "PA. Karet", (106.9, -6.1)),
    ]
    assert [stream.unit_ucum for stream in things[0].datastreams] == ["mm"]


def test_a_compressed_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "things.csv.gz"
    path.write_bytes(gzip.compress(b"gauge,x,y\nA,1,2\n"))
    assert [thing.slug for thing in read_things(path, MAPPING, measured={})] == ["a"]


def test_geojson_points_give_the_place(tmp_path: Path) -> None:
    path = tmp_path / "things.geojson"
    feature = {
        "type": "Feature",
        "properties": {"gauge": "A"},
        "geometry": {"type": "Point", "coordinates": [107, -6.3]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (thing,) = read_things(path, {"name": "gauge", "lon": "lon", "lat": "lat"}, measured={})
    assert thing.lon_lat == (107.0, -6.3)


def test_every_complaint_names_its_row_and_column(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as raised:
        things_of(tmp_path, "gauge,x,y\n(),1,2\nB,east,2\nC,-6.3,106.9\nD,1,\n")
    assert str(raised.value).splitlines() == [
        "line 2, column gauge: '()' gives no slug: it needs a letter or a digit",
        "line 3, column x: 'east' is not a number of degrees",
        "line 4, column y: 106.9 is outside -90 to 90; are lon and lat swapped?",
        "line 5, column y: '' is not a number of degrees",
    ]


def test_two_names_with_one_slug_are_not_quietly_one_thing(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"'A-B' and 'A B' \(line 2\) both give 'a-b'; map a slug"):
        things_of(tmp_path, "gauge,x,y\nA B,1,2\nA-B,1,2\n")


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="has no column x, y; it has gauge, lon"):
        things_of(tmp_path, "gauge,lon\nA,1\n")


def test_an_unknown_unit_is_a_complaint(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no unit is known for 'rain'; known are river_level"):
        things_of(tmp_path, "gauge,x,y\nA,1,2\n", default_property="rain")


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="has no rows"):
        things_of(tmp_path, "gauge,x,y\n")


def test_a_row_with_too_many_cells_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2,3\n")
    with pytest.raises(BadFile, match="line 2: more cells"):
        list(read_rows(path, needed={"a"}))


def test_a_mapping_is_text_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text('{"name": "gauge"}')
    assert (
        parse_mapping("name=gauge", allowed=COLUMNS) == parse_mapping(str(path), allowed=COLUMNS) == {"name": "gauge"}
    )
    with pytest.raises(BadFile, match="cannot map colour"):
        parse_mapping("colour=x", allowed=COLUMNS)
    with pytest.raises(BadFile, match="reads name=column"):
        parse_mapping("name", allowed=COLUMNS)


def test_a_broker_address_says_everything() -> None:
    url = parse_broker_url("mqtts://pantau.ingest:p%40ss@broker.example?ca=/etc/ca.pem")
    assert (url.host, url.port, url.username, url.password) == ("broker.example", 8883, "pantau.ingest", "p@ss")
    assert (url.has_tls, url.ca_file) == (True, "/etc/ca.pem")
    assert "p@ss" not in str(url)
    assert parse_broker_url("mqtt://h").port == 1883


@pytest.mark.parametrize("text", ["", "http://h", "mqtt://", "mqtt://h:99999", "h:1883"])
def test_a_bad_broker_address_is_refused(text: str) -> None:
    with pytest.raises(BadBrokerUrl):
        parse_broker_url(text)
