"""Pictures of every page on the demo city, to look at and for the README.

    .venv/bin/python -m tests.web.screenshots FOLDER [--url http://127.0.0.1:8000] [--only NAME …]

starts a demo city (minutes), or takes the running one at --url, whose staff must be those of tests.web.demo for the board.
Every view in both themes, on a desktop and on a phone; the wall displays on a wall.
"""

import argparse
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.clients.browser import DESKTOP, PHONE, READY, SETTLED, Watched, chromium, open_page
from tests.web.demo import PASSWORD, Demo, demo_city

WALL = {"width": 1920, "height": 1080}
SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True, "device_scale_factor": 2},
}


@dataclass(frozen=True, slots=True)
class View:
    """A page as it is opened; `user` signs in first. `until` is what stands when it is complete; `keys` are pressed then."""

    path: str
    until: str = READY
    user: str = ""
    is_wall: bool = False
    keys: tuple[str, ...] = ()


VIEWS = {
    "map": View("/?lang=en#period=30d&open=area:32.75.04", SETTLED),
    "peta": View("/#period=30d", SETTLED),
    "correlation": View("/?lang=en#period=30d&category=banjir&colour=correlation&property=river_level", SETTLED),
    "thing": View("/#open=thing:river-p2c", SETTLED),
    "embed": View("/embed?lang=id#period=30d", SETTLED),
    "report": View("/report/", "html"),
    "city": View("/city/?lang=en", "html"),
    "kota": View("/city/", "html"),
    "city-wall": View("/city/?wall", "html", is_wall=True),
    "board": View("/operations/", READY, user="dispatcher-1"),
    "board-report": View("/operations/?lang=en#category=genangan", READY, user="dispatcher-1", keys=("j", "Enter")),
    "board-wall": View("/operations/?wall", READY, user="dispatcher-1", is_wall=True),
    "layers": View("/layers/?f=html", "html"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of every page on the demo city.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="a service that runs already")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=VIEWS, default=list(VIEWS))
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    city: AbstractContextManager[Demo | None] = nullcontext() if asked.url else demo_city()
    with city as demo, chromium() as browser:
        base = demo.url if demo else asked.url.rstrip("/")
        for name in asked.only:
            view = VIEWS[name]
            sizes = {"wall": {"viewport": WALL}} if view.is_wall else SIZES
            for size, context in sizes.items():
                for theme in ("light", "dark"):
                    take(
                        browser, base, view, asked.folder / f"{name}-{size}-{theme}.png", color_scheme=theme, **context
                    )


def take(browser: Browser, base: str, view: View, path: Path, **context: Any) -> None:
    if view.user:
        page = browser.new_context(locale="id-ID", reduced_motion="reduce", **context).new_page()
        sign_in(page, base, view.user)
        page.goto(base + view.path)
    else:
        page = open_page(browser, base + view.path, Watched(), until="html", **context)
    page.wait_for_selector(view.until)
    page.wait_for_load_state("load")
    for key in view.keys:
        page.keyboard.press(key)
    # What a dot's size says is known once its tiles are drawn, and a frame later they are drawn by it.
    page.wait_for_timeout(1000)
    page.screenshot(path=path)
    page.context.close()
    print(path, flush=True)


def sign_in(page: Page, base: str, user: str) -> None:
    page.goto(f"{base}/admin/login/?next=/health/live")
    page.fill("#id_username", user)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url("**/health/live")


if __name__ == "__main__":
    main()
