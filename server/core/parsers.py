"""Bodies of requests: JSON that can be followed, and no more bytes than are read."""

from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request


class ShallowJSONParser(JSONParser):
    """JSON whose nesting Python can follow; deeper is a 400 like any other broken JSON."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(_("JSON that is nested too deeply.")) from None


def refuse_larger(request: HttpRequest | Request, limit: int) -> None:
    """RequestDataTooBig where the body is announced as larger than `limit` bytes; what is not announced is not read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise RequestDataTooBig(_("The request is larger than %(n)d bytes.") % {"n": limit})
