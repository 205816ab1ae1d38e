"""What the pages' files name beside them is there: a module, a picture of a style sheet, what the form keeps for offline."""

import posixpath
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from server.run.home import CHECKOUT
from server.web.modules import modules_of
from server.web.report.app import ENTRY, FILES

STATIC = CHECKOUT / "server/web/static/pantau"
# import … from "./x.js", import("./x.js"), url("x.svg")
NAMED = {
    ".js": re.compile(r"""(?:from|import\()\s*["'](\.[^"']+)["']"""),
    ".css": re.compile(r"""url\(["']?([^"')]+)["']?\)"""),
}


@pytest.mark.parametrize("path", [*FILES, *modules_of(ENTRY)])
def test_what_the_form_keeps_for_offline_is_there(path: str) -> None:
    assert finders.find(path)


@pytest.mark.parametrize(
    "file", sorted(STATIC.rglob("*.js")) + sorted(STATIC.rglob("*.css")), ids=lambda file: file.name
)
def test_what_a_file_names_is_there(file: Path) -> None:
    named = NAMED[file.suffix].findall(file.read_text(encoding="utf-8"))
    folder = "pantau" / file.parent.relative_to(STATIC)
    absent = [
        name
        for name in named
        if not name.startswith("data:") and not finders.find(posixpath.normpath(f"{folder}/{name}"))
    ]
    assert absent == []
