"""What every list of the APIs shares: reading a query string strictly, and linking to the next page."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, QueryDict

from server.core.errors import BadParameter
from server.core.paging import decode_token, encode_token
from server.core.params import parse_integer, refuse_unknown

PAGING = ("limit", "next")
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


def read_query(given: QueryDict, known: Iterable[str]) -> dict[str, str]:
    """The parameters that were given and are not empty; one that is unknown, given twice or not text is a BadParameter."""
    refuse_unknown(given, {*known, "lang"})  # the middleware's, everywhere
    values: dict[str, str] = {}
    for name in given:
        texts = given.getlist(name)
        if len(texts) > 1:
            raise BadParameter(name, f"{name} is given twice; separate several values by commas")
        if "\0" in texts[0]:
            raise BadParameter(name, f"{name} holds a NUL character")
        if text := texts[0].strip():
            values[name] = text
    return values


def page_of(values: dict[str, str], kind: str, *, maximum: int = MAX_LIMIT) -> tuple[int, Any]:
    """The limit, and the key after which the page begins (None: the first page). A token of another list is refused."""
    limit = parse_integer(values.get("limit", str(DEFAULT_LIMIT)), "limit", minimum=1, maximum=maximum, clamp=True)
    if "next" not in values:
        return limit, None
    state = decode_token(values["next"])
    if state.get("list") != kind or "after" not in state:
        raise BadParameter("next", "next is a page token of another list")
    return limit, state["after"]


def absolute_url(request: HttpRequest, path: str) -> str:
    """An absolute URL, from the configured public address where there is one."""
    return f"{settings.BASE_URL}{path}" if settings.BASE_URL else request.build_absolute_uri(path)


def next_link(request: HttpRequest, kind: str, after: Any) -> str:
    """The absolute URL of the page after this key, with the same parameters."""
    query = request.GET.copy()
    query["next"] = encode_token({"list": kind, "after": after})
    return absolute_url(request, f"{request.path}?{query.urlencode()}")
