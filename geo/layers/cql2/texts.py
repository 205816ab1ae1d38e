"""Text: casei, accenti and like."""

import re
from dataclasses import replace

from geo.layers.cql2.operands import Scope, Text, shortened
from geo.layers.cql2.reading import refuse
from geo.layers.layer import Property

# A pattern's wildcards, and the runs between them, in which a backslash takes the next character as it is.
_PIECES = re.compile(r"([%_])|((?:\\.|[^%_\\])+)", re.DOTALL)


def text_property(prop: Property) -> Text:
    # The cast is nothing for text; a uuid would otherwise raise on a literal that is none.
    return Text(said=prop.name, column=f"s.{prop.name}::text")


def text_literal(value: str) -> Text:
    return Text(said=shortened(repr(value)), is_literal=True, value=value)


def folded(op: str, text: Text) -> Text:
    """casei or accenti of a text; both in either order are the same."""
    if op == "casei":
        return replace(text, said=f"casei({text.said})", is_caseless=True)
    return replace(text, said=f"accenti({text.said})", is_accentless=True)


def text_sql(text: Text, scope: Scope) -> str:
    return _fold(text.column or f"{scope.bind(text.value)}::text", text)


def _fold(sql: str, text: Text) -> str:
    if text.is_accentless:
        # unaccent knows letters with their accents, not accents that stand as characters of their own.
        sql = f"unaccent(normalize({sql}, NFC))"
    return f"lower({sql})" if text.is_caseless else sql


def like_sql(text: Text, pattern: Text, scope: Scope) -> str:
    """LIKE with % for any characters, _ for one, and a backslash before either of them, or before itself, to mean it."""
    if pattern.value is None:
        raise refuse(f"LIKE takes its pattern as text in the filter, not {pattern.said}")
    pieces = _PIECES.findall(pattern.value)
    if sum(len(wild) + len(run) for wild, run in pieces) < len(pattern.value):
        raise refuse(r"the pattern of LIKE ends with a backslash; a backslash itself is \\")
    if not pattern.is_accentless:
        return f"{text_sql(text, scope)} LIKE {text_sql(pattern, scope)}"
    # unaccent makes % and \ of their full-width forms: wildcards that nobody wrote. So only the runs are folded.
    parts = [
        f"'{wild.replace('%', '%%')}'" if wild else _escaped(_fold(f"{scope.bind(_plain(run))}::text", pattern))
        for wild, run in pieces
    ]
    return f"{text_sql(text, scope)} LIKE ({' || '.join(parts) or repr('')})"


def _plain(run: str) -> str:
    return re.sub(r"\\(.)", r"\1", run, flags=re.DOTALL)


def _escaped(sql: str) -> str:
    """SQL that puts a backslash before what LIKE would take for a wildcard."""
    return rf"regexp_replace({sql}, '([\\%%_])', '\\\1', 'g')"
