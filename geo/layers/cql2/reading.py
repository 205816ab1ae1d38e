"""From a filter's text to its tree: what CQL2 JSON calls it, as plain Python values."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

import cql2

from server.core.errors import BadParameter

MAX_LENGTH = 10_000
# Brackets, prefixes and chained operators that stand in each other, and how deep a tree may be. The parser recurses in
# native code: in a stack of 1 MB it overflows, which ends the process, at 127 (measured: "-(-(-(…").
MAX_NESTING = 50
MAX_JOINS = 500
# Where brackets group, the parser reads what is in them twice before it gives up: 2**depth times in all. It takes about
# 0.5 µs for each character each time, and four times that for a bracket (measured), so this is 0.2 s.
MAX_WORK = 300_000
BRACKET_WORK = 4

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|[^\W\d][\w.:]*|\d[\d.]*(?:[eE][+-]?\d+)?|\s+|.""", re.DOTALL)
_JOINS = ("and", "or")
_WORDS = ("not", "in", "like", "between", "is", "null", "div", *_JOINS)


def refuse(detail: str) -> BadParameter:
    return BadParameter("filter", detail)


def read_filter(text: str, lang: Literal["cql2-text", "cql2-json"]) -> Any:
    """The tree of a filter. Its shape is not checked, its depth in JSON neither."""
    if len(text) > MAX_LENGTH:
        raise refuse(f"the filter has {len(text)} characters; {MAX_LENGTH} are possible")
    check_text(text)
    return _read_json(text) if lang == "cql2-json" else _read_text(text)


def check_text(text: str) -> None:
    """PostgreSQL stores neither; a JSON filter can hold them escaped."""
    if "\0" in text:
        raise refuse("the filter holds a NUL character, which no text can hold")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise refuse("the filter holds half of a surrogate pair, which is no character")


def _read_json(text: str) -> Any:
    # json rather than cql2.parse_json, which makes every number a double and so loses the digits of large integers.
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise refuse(f"the filter is not JSON: {error.msg} at line {error.lineno}, character {error.colno}") from None
    except RecursionError:
        raise refuse(_too_deep()) from None
    except ValueError:  # an integer of more than 4,300 digits
        raise refuse("the filter holds a number of too many digits") from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise refuse("the filter holds a JSON object that says the same name twice")
    return read


def _no_number(name: str) -> Any:
    raise refuse(f"the filter holds {name}, which is not a number")


def _read_text(text: str) -> Any:
    if not text.strip():
        raise refuse("the filter is empty")
    _check_cost(text)
    try:
        return cql2.parse_text(text).to_json()
    except Exception as error:
        raise refuse(_sentence(str(error), text)) from None
    except BaseException as error:
        # A panic of the parser derives from BaseException, and its class cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise refuse("the filter cannot be read") from None


def _check_cost(text: str) -> None:
    """What the parser would need in stack and time, estimated from the tokens."""
    # For each open bracket: the operators before it, and whether it groups (and does not hold a function's arguments).
    outer: list[tuple[int, bool]] = []
    chain = work = groups = joins = 0
    before = ""
    for token in _TOKEN.findall(text):
        work += (BRACKET_WORK if token == "(" else len(token)) << groups
        if token.isspace():
            continue
        word = token.lower()
        if token == "(":
            is_group = not _is_name(before)
            outer.append((chain, is_group))
            groups += is_group
            chain = 0
        elif token == ")" and outer:
            chain, was_group = outer.pop()
            groups -= was_group
        elif word in _JOINS or token == ",":
            joins += token != ","
            chain = 0
        elif word in _WORDS or token in "=<>+-*/%^!":
            chain += 1
        if chain + len(outer) + sum(operators for operators, _ in outer) > MAX_NESTING:
            raise refuse(_too_deep())
        if work > MAX_WORK or joins > MAX_JOINS:
            raise refuse("the filter is too large for its brackets; a shorter or flatter one is possible")
        before = word


def _is_name(word: str) -> bool:
    return bool(word) and (word[0].isalpha() or word[0] in '_"') and word not in _WORDS


def _too_deep() -> str:
    return f"the filter is nested too deeply; {MAX_NESTING} levels are possible"


def _sentence(message: str, text: str) -> str:
    """The parser's message, several lines with a drawing, as one sentence."""
    place = re.search(r"--> (\d+):(\d+)", message)
    if place is None:
        return f"the filter cannot be read: {' '.join(message.split())[:200]}"
    line, column = int(place[1]), int(place[2])
    lines = text.split("\n")
    rest = lines[line - 1][column - 1 : column + 19].strip() if line <= len(lines) else ""
    found = f"near {rest!r}" if rest else "at its end"
    where = f"character {column}" if len(lines) == 1 else f"line {line}, character {column}"
    expected = message.partition("= expected ")[2]
    if "Identifier" in expected or "Expr\n" in expected + "\n":
        wanted = ": a property, a value or a function is expected"
    elif "EOI" in expected:
        wanted = ": an operator, or the end, is expected"
    elif "Eq" in expected:
        wanted = ": an operator, or a closing bracket, is expected"
    else:
        wanted = ""
    return f"the filter cannot be read at {where}, {found}{wanted}"
