"""Named statements from a .sql file.

A file holds blocks that begin with `-- name: some_name`; the comment lines that follow say what one row means.
Values are always parameters (`%(name)s`); a literal per cent sign is written `%%`.
"""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


class Queries:
    """The statements of one file, as attributes."""

    def __init__(self, statements: dict[str, str], path: Path) -> None:
        self._statements = statements
        self._path = path

    def __getattr__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"no query named {name} in {self._path.name}") from None

    def names(self) -> list[str]:
        return list(self._statements)


@cache
def load_queries(path: str | Path) -> Queries:
    """The queries of a file; a name used twice is an error."""
    path = Path(path)
    parts = _NAME.split(path.read_text(encoding="utf-8"))[1:]
    statements: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in statements:
            raise ValueError(f"{path}: two queries are named {name}")
        statements[name] = body.strip().rstrip(";")
    return Queries(statements, path)
