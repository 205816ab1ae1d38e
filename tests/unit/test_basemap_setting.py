"""PANTAU_BASEMAP_URL: a map of somebody else's, and whose it is."""

import pytest

from server.core import env

URL, WORDS = "PANTAU_BASEMAP_URL", "PANTAU_BASEMAP_ATTRIBUTION"


def read(patch: pytest.MonkeyPatch, url: str, attribution: str = "© somebody") -> env.BaseMap:
    patch.setenv(URL, url)
    patch.setenv(WORDS, attribution)
    return env.base_map(URL, WORDS)


def test_unset_there_is_none_and_nobody_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, "")
    assert (found.url, found.origin) == ("", "")


@pytest.mark.parametrize(
    ("url", "origin", "is_raster"),
    [
        ("https://tiles.example.id/{z}/{x}/{y}.png", "https://tiles.example.id", True),
        ("http://10.0.0.5:8080/style.json", "http://10.0.0.5:8080", False),
        ("/base/{z}/{x}/{y}.png", "", True),
    ],
)
def test_origin_is_that_of_the_address(monkeypatch: pytest.MonkeyPatch, url: str, origin: str, is_raster: bool) -> None:
    found = read(monkeypatch, url)
    assert (found.origin, found.is_raster, found.attribution) == (origin, is_raster, "© somebody")


@pytest.mark.parametrize(
    "url",
    [
        "tiles.example.id/{z}/{x}/{y}.png",
        "ftp://tiles.example.id/style.json",
        "//tiles.example.id/style.json",
        "https://tiles.example.id/{z}/{x}.png",
        "https://tiles.example.id; script-src *",
        "https://user:secret@tiles.example.id/style.json",
        "https://[::1/style.json",
    ],
)
def test_what_is_no_address_of_a_map_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(env.BadSetting, match=URL):
        read(monkeypatch, url)


def test_map_without_its_makers_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(env.BadSetting, match=WORDS):
        read(monkeypatch, "https://tiles.example.id/style.json", "")
