"""Pictures of a running service, for the README and to look at.

    .venv/bin/python -m tests.clients.screenshots http://127.0.0.1:8000 docs/images [--all]

writes map.png and correlation.png; with --all also the map in both themes, on a desktop and on a phone, and the catalogue of layers.
"""

import argparse
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.clients.browser import DESKTOP, PHONE, SETTLED, Watched, chromium, open_page

README_VIEWS = {
    "map": "/?lang=en#period=30d&open=area:32.75.04",
    "correlation": "/?lang=en#period=30d&category=banjir&colour=correlation&property=river_level&open=area:32.75.09",
}
VIEWS = {
    "map": "/#",
    "area": "/#open=area:32.75.04",
    "correlation": "/?lang=en#period=30d&category=banjir&colour=correlation&property=river_level",
}


def picture(page: Page, path: Path) -> None:
    page.wait_for_selector(SETTLED)
    page.screenshot(path=path)
    page.context.close()
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="also every view, theme and size")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    base, watched = asked.url.rstrip("/"), Watched()
    with chromium() as browser:
        for view, path in README_VIEWS.items():
            picture(open_page(browser, base + path, watched, locale="en-GB"), asked.folder / f"{view}.png")
        sizes: dict[str, dict[str, Any]] = {
            "desktop": {"viewport": DESKTOP},
            "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True, "device_scale_factor": 2},
        }
        for size, context in sizes.items() if asked.all else ():
            for theme in ("light", "dark"):
                for view, path in VIEWS.items():
                    page = open_page(browser, base + path, watched, color_scheme=theme, **context)
                    picture(page, asked.folder / f"{view}-{size}-{theme}.png")


if __name__ == "__main__":
    main()
