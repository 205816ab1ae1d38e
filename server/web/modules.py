"""Which ES modules a page's entry imports, so that the browser can ask for all of them at once instead of one after another."""

import posixpath
import re
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

# `import … from "…"` and `export … from "…"` alone: what is imported with import() is not needed at first.
_IMPORTED = re.compile(r'^(?:import|export)\b[^"()]*?["](\.[^"]+)["]', re.MULTILINE)


@cache
def modules_of(entry: str) -> tuple[str, ...]:
    """The paths of all modules that this one needs, itself first, as they stand under STATIC_URL."""
    found: dict[str, None] = {}
    waiting = [entry]
    while waiting:
        path = waiting.pop(0)
        if path in found:
            continue
        found[path] = None
        file = finders.find(path)
        if isinstance(file, str):
            text = Path(file).read_text()
            waiting += [
                posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in _IMPORTED.findall(text)
            ]
    return tuple(found)
