"""The frames of the map page and of the embedded map, as the server sends them."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from server.core.env import BaseMap
from server.web.modules import modules_of

pytestmark = pytest.mark.django_db


def directives(response: Any) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";")]
    return {name: value for name, _space, value in parts}


def test_anybody_may_frame_the_embedded_map_and_it_alone(client: Client) -> None:
    embedded, whole = client.get("/embed?category=banjir"), client.get("/")
    assert directives(embedded)["frame-ancestors"] == "*"
    assert "X-Frame-Options" not in embedded
    assert directives(whole)["frame-ancestors"] == "'self'"
    assert whole["X-Frame-Options"] == "DENY"
    for response in (embedded, whole):
        assert not response.cookies
        assert directives(response)["default-src"] == "'self'"
        assert "unsafe" not in response["Content-Security-Policy"]


def test_embedded_map_speaks_the_language_of_its_link(client: Client) -> None:
    assert client.get("/embed", headers={"Accept-Language": "en"})["Content-Language"] == "id"
    assert client.get("/embed?lang=en")["Content-Language"] == "en"


@pytest.mark.parametrize("path", ["/", "/embed"])
def test_base_maps_origin_alone_is_let_through(client: Client, settings: Any, path: str) -> None:
    assert "tiles.example.id" not in client.get(path)["Content-Security-Policy"]
    settings.BASEMAP = BaseMap("https://tiles.example.id/{z}/{x}/{y}.png", "© somebody & co")
    response = client.get(path)
    found = directives(response)
    assert found["img-src"] == "'self' data: blob: https://tiles.example.id"
    assert found["connect-src"].split()[-1] == "https://tiles.example.id"
    assert found["default-src"] == "'self'"
    assert "somebody \\u0026 co" in response.content.decode()
    assert "tiles.example.id" not in client.get("/layers/?f=html")["Content-Security-Policy"]


@pytest.mark.parametrize(("path", "entry"), [("/", "pantau/map/main.js"), ("/embed", "pantau/map/embed.js")])
def test_every_module_that_is_needed_at_first_is_asked_for_at_once(client: Client, path: str, entry: str) -> None:
    preloaded = re.findall(r'rel="modulepreload" href="/static/([^"]+)"', client.get(path).content.decode())
    assert preloaded == [*modules_of(entry), "maplibre-gl/maplibre-gl.mjs"]
    assert {"pantau/map/model.js", "pantau/shared/words.js"} <= set(preloaded)
    # What waits for a click stays out.
    assert not {"pantau/map/use.js", "pantau/map/share.js", "pantau/map/slider.js"} & set(preloaded)
    assert all(isinstance(found := finders.find(name), str) and Path(found).is_file() for name in preloaded)
