"""Finds the functions that write on reports, by reading the modules: their ORM calls, the statements they name, whom they call."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TABLES = "report|reportcontact|reportphoto|reportevidence|reportsupport|historyentry|historynote"
IN_SQL = re.compile(rf"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+geo_(?:{TABLES})\b")
NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
BY_ORM = re.compile(
    r"\b(?:Report\w*|History\w+)\.objects\b(?:(?!\n\n).){0,300}?\.(?:bulk_create|bulk_update|create|update|delete|get_or_create"
    r"|update_or_create)\("
    r"|\.(?:photos|evidence|notes|history|supports)\.(?:all\(\)\.)?(?:create|update|delete)\("
    r"|\b(?:report|root|evidence|photo)\.(?:save|delete)\(",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Function:
    """One of a module, with the text of all that it reaches in it, and what it reaches elsewhere by its full name."""

    name: str
    text: str
    calls: frozenset[str]


def report_writers(root: Path, rooms: Sequence[str]) -> set[str]:
    """Full names of the public functions of these rooms that write on reports, themselves or by others."""
    statements = _writing_statements(root, rooms)
    named = re.compile(r"\b(?:" + "|".join(sorted(statements | {name.upper() for name in statements})) + r")\b")
    found = [each for room in rooms for path in sorted((root / room).rglob("*.py")) for each in _functions(path, root)]
    writers = {each.name for each in found if BY_ORM.search(each.text) or named.search(each.text)}
    while more := {each.name for each in found if each.calls & writers} - writers:
        writers |= more
    return {name for name in writers if not name.rpartition(".")[2].startswith("_")}


def _writing_statements(root: Path, rooms: Sequence[str]) -> set[str]:
    files = [path for room in rooms for path in (root / room).rglob("*.sql")]
    return {name for path in files for name, text in NAMED.findall(path.read_text("utf-8")) if IN_SQL.search(text)}


def _functions(path: Path, root: Path) -> Iterator[Function]:
    source = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    module = ".".join(path.relative_to(root.parent).with_suffix("").parts)
    texts = {
        # Not by ast.get_source_segment, which splits the whole module for each of them.
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for name in texts:
        reached, waiting = {name}, [name]
        while waiting:
            here = texts[waiting.pop()]
            new = {other for other in texts if re.search(rf"(?<!\.)\b{other}\b", here)} - reached
            reached |= new
            waiting.extend(new)
        text = "\n".join(texts[each] for each in sorted(reached))
        calls = {full for local, full in imported.items() if re.search(rf"(?<!\.)\b{local}\b(?! import)", text)}
        yield Function(f"{module}.{name}", text, frozenset(calls))
