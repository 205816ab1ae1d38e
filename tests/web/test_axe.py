"""axe-core over every page: in both languages and both themes, on a desktop, a phone and a wall."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from server.run.home import CHECKOUT
from tests.clients.browser import DESKTOP, PHONE, READY, SETTLED, Watched, open_page
from tests.web.demo import Demo
from tests.web.screenshots import sign_in

pytestmark = [pytest.mark.browser]
AXE = CHECKOUT / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What each page is opened as, and what stands when it is complete.
PUBLIC = {
    "map": ("/", "#period=30d", SETTLED),
    "map with a district": ("/", "#period=30d&open=area:32.75.04", SETTLED),
    "map with a thing": ("/", "#open=thing:p2c", SETTLED),
    "embedded map": ("/embed", "#period=30d", SETTLED),
    "report": ("/report/", "", "html"),
    "wish": ("/report/aspirasi/", "", "html"),
    "city": ("/city/", "", "html"),
    "city on a wall": ("/city/", "?wall", "html"),
    "layers": ("/layers/", "?f=html", "html"),
}
STAFF = {"board": ("/operations/", "", READY), "board on a wall": ("/operations/", "?wall", READY)}
WALL: Any = {"width": 1920, "height": 1080}
LOOKS: list[dict[str, Any]] = [
    {"color_scheme": "light", "viewport": DESKTOP},
    {"color_scheme": "dark", "viewport": PHONE},
    {"color_scheme": "dark", "viewport": DESKTOP},
    {"color_scheme": "light", "viewport": PHONE},
    {"color_scheme": "dark", "viewport": WALL},
    {"color_scheme": "light", "viewport": WALL},
]


def serious(page: Any) -> list[str]:
    """What axe finds serious or critical: the rule, and where."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(rules) => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", RULES)
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def address(path: str, rest: str, language: str) -> str:
    query, _hash, fragment = rest.partition("#")
    joined = "&".join(part for part in (query.lstrip("?"), f"lang={language}") if part)
    return f"{path}?{joined}" + (f"#{fragment}" if fragment else "")


def in_every_look(page: Any) -> str:
    """A line for each thing that is found."""
    found = []
    for look in LOOKS:
        page.set_viewport_size(look["viewport"])
        page.emulate_media(color_scheme=look["color_scheme"])
        found += [f"{look['color_scheme']} {look['viewport']['width']} {each}" for each in serious(page)]
    return "\n".join(found)


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("name", PUBLIC)
def test_nothing_serious_on_a_public_page(
    demo: Demo, browser: Browser, watched: Watched, name: str, language: str
) -> None:
    path, rest, until = PUBLIC[name]
    page = open_page(browser, demo.url + address(path, rest, language), watched, until=until)
    assert in_every_look(page) == ""


@pytest.mark.parametrize("language", ["id", "en"])
def test_nothing_serious_on_a_page_of_the_staff(demo: Demo, browser: Browser, language: str) -> None:
    page = browser.new_context(reduced_motion="reduce").new_page()
    sign_in(page, demo.url, "dispatcher-1")
    found = {}
    for name, (path, rest, until) in STAFF.items():
        page.goto(demo.url + address(path, rest, language))
        page.wait_for_selector(until)
        found[name] = in_every_look(page)
    assert found == dict.fromkeys(STAFF, "")
