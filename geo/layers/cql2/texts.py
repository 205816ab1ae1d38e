"""Text: casei, accenti and like."""

import re
from collections.abc import Sequence
from dataclasses import replace

from geo.layers.cql2.operands import Scope, Text, shortened
from geo.layers.cql2.reading import refuse
from geo.layers.layer import Property

# As long as a report's own words.
MAX_TEXT = 2000
MAX_WILDCARDS = 50
# Microseconds for each row, measured on texts of 200 characters.
CASEI_EFFORT, ACCENTI_EFFORT, LIKE_EFFORT = 1.5, 16.0, 0.5
# A pattern's wildcards, and the runs between them, in which a backslash takes the next character as it is.
_PIECES = re.compile(r"([%_])|((?:\\.|[^%_\\])+)", re.DOTALL)


def text_property(prop: Property) -> Text:
    # The cast is nothing for text; a uuid would otherwise raise on a literal that is none.
    return Text(said=prop.name, column=f"s.{prop.name}::text")


def text_literal(value: str) -> Text:
    if len(value) > MAX_TEXT:
        raise refuse(f"a text in the filter has {len(value)} characters; {MAX_TEXT} are possible")
    return Text(said=shortened(repr(value)), is_literal=True, value=value)


def folded(op: str, text: Text) -> Text:
    """casei or accenti of a text; both in either order are the same."""
    if op == "casei":
        return replace(text, said=f"casei({text.said})", is_caseless=True)
    return replace(text, said=f"accenti({text.said})", is_accentless=True)


def text_sql(text: Text, scope: Scope) -> str:
    if text.column is not None:
        scope.spend(text.is_caseless * CASEI_EFFORT + text.is_accentless * ACCENTI_EFFORT)
        return _fold(text.column, text)
    folded_value = _fold(f"{scope.bind(text.value)}::text", text)
    # unaccent is STABLE, and would be evaluated for each row: a query of its own is evaluated once.
    return f"(SELECT {folded_value})" if text.is_accentless else folded_value


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
    if sum(bool(wild) for wild, _run in pieces) > MAX_WILDCARDS:
        raise refuse(f"the pattern of LIKE has more than {MAX_WILDCARDS} wildcards")
    if text.column is not None:
        scope.spend(LIKE_EFFORT)
    if not pattern.is_accentless:
        return f"{text_sql(text, scope)} LIKE {text_sql(pattern, scope)}"
    return f"{text_sql(text, scope)} LIKE {_folded_pattern(pieces, pattern, scope)}"


def _folded_pattern(pieces: Sequence[tuple[str, str]], pattern: Text, scope: Scope) -> str:
    r"""The pattern with its runs folded, as a query of its own, which is evaluated once and not for each row.

    unaccent makes % and \ of their full-width forms: wildcards that nobody wrote. So the runs are folded without the
    pattern's wildcards between them, and what they then hold of wildcards stands for itself.
    """
    wilds = scope.bind([wild for wild, _run in pieces])
    runs = scope.bind([_plain(run) for _wild, run in pieces])
    escaped = rf"regexp_replace({_fold('run', pattern)}, '([\\%%_])', '\\\1', 'g')"
    return (
        f"(SELECT coalesce(string_agg(wild || {escaped}, '' ORDER BY place), '')"
        f" FROM unnest({wilds}::text[], {runs}::text[]) WITH ORDINALITY p(wild, run, place))"
    )


def _plain(run: str) -> str:
    return re.sub(r"\\(.)", r"\1", run, flags=re.DOTALL)
