"""The expression language of `$filter` and `$orderby`: odata-query's, with what SensorThings adds to it. Pure.

Source: OASIS OData 4.01 URL conventions, 5.1.1; OGC 18-088, clauses 9.3.3.5.1 and 9.3.3.5.2.
"""

# ruff: noqa: F821  (sly's metaclass gives the decorator `_` to the class body)
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException, ParsingException, TokenizingException
from odata_query.grammar import ODataLexer, ODataParser

from server.core.errors import BadParameter

LONGEST = 8000
_TIME = r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[ +-]\d\d:\d\d)?"
# A word of the language is one where no name goes on, and `any` and `all` where a parenthesis follows.
_BOOLEAN, _NULL = r"(?:true|false)(?![\w.-])", r"null(?![\w.-])"
_ANY, _ALL = r"any(?=\s*\()", r"all(?=\s*\()"
_NAME = r"(?:@iot\.)?[_a-z](?:[.-]?\w){0,127}"
# In a query string an unescaped "+07:00" arrives as " 07:00".
_LOST_PLUS = re.compile(r" (\d\d:\d\d)$")


@dataclass(frozen=True)
class Interval(ast._Literal):
    """`2026-03-01T00:00:00Z/2026-03-02T00:00:00Z`, from start to end."""

    start: str
    end: str


class _Lexer(ODataLexer):
    """Intervals, `@iot.id`, names with a hyphen, and names that begin with a word of the language (`allowed`).

    The decorator is sly's, not gettext's.
    """

    tokens = ODataLexer.tokens
    _: Callable[..., Callable[[Any], Any]]

    @_(rf"{_TIME}(?:/{_TIME})?")
    def DATETIME(self, token: Any) -> Any:
        start, _slash, end = (_LOST_PLUS.sub(r"+\1", part) for part in token.value.partition("/"))
        token.value = Interval(start, end) if end else ast.DateTime(start)
        return token

    @_(_BOOLEAN)
    def BOOLEAN(self, token: Any) -> Any:
        token.value = ast.Boolean(token.value)
        return token

    @_(_NULL)
    def NULL(self, token: Any) -> Any:
        token.value = ast.Null()
        return token

    @_(_ANY)
    def ANY(self, token: Any) -> Any:
        token.value = ast.Any()
        return token

    @_(_ALL)
    def ALL(self, token: Any) -> Any:
        token.value = ast.All()
        return token

    @_(_NAME)
    def ODATA_IDENTIFIER(self, token: Any) -> Any:
        token.value = ast.Identifier(token.value)
        return token


def parse_expression(text: str, option: str) -> ast._Node:
    """The syntax tree of an expression; which functions and properties there are is not looked at.

    Errors: BadParameter that names the option and the place where it cannot be read.
    """
    if len(text) > LONGEST:
        raise BadParameter(option, f"{option} is longer than {LONGEST} characters")
    text = text.strip()
    parser = ODataParser()
    # Which functions there are is this service's own to say.
    parser._function_call = ast.Call  # type: ignore[method-assign]
    try:
        tree = parser.parse(_Lexer().tokenize(text))
    except TokenizingException as error:
        raise BadParameter(option, f"{option} cannot be read at {_shown(error.token.value)}") from None
    except ParsingException as error:
        if error.token is None:
            raise BadParameter(option, f"{option} ends too early: {_shown(text[-40:])}") from None
        raise BadParameter(option, f"{option} cannot be read at {_shown(text[error.token.index :])}") from None
    except RecursionError:
        raise BadParameter(option, f"{option} is nested too deeply") from None
    except (ODataException, AttributeError, NotImplementedError):
        raise BadParameter(option, f"{option} cannot be read: {_shown(text)}") from None
    if not isinstance(tree, ast._Node):
        raise BadParameter(option, f"{option} is empty")
    return tree


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
