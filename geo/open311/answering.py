"""How GeoReport is answered: the suffix decides the format, and every refusal is an array of errors in it."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from geo.open311.mapping import error as error_document
from geo.open311.render import MEDIA_TYPES, render
from server.core.errors import InvalidFields, NotFound
from server.core.problems import problem_for

log = logging.getLogger(__name__)
# GeoReport knows 400, 403 and 404. These say more than a 400 to those who send too much, too often or too early; the rest is 400.
KEPT = frozenset({403, 404, 413, 429, 500, 503})


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said, under the name of its root element, and for how long everybody may keep it (None: nobody may)."""

    root: str
    data: Any
    status: int = 200
    max_age_s: int | None = None


Handler = Callable[..., Answer]


def endpoint(**handlers: Handler) -> Callable[..., HttpResponse]:
    """A view that answers these methods, by their names in small letters; others are refused with a 400."""
    allowed = sorted({name.upper() for name in handlers} | ({"HEAD"} if "get" in handlers else set()) | {"OPTIONS"})

    @csrf_exempt  # who posts shows a key, and no cookie
    def view(request: HttpRequest, form: str = "json", **named: str) -> HttpResponse:
        request.encoding = "utf-8"  # whatever its header says: "will be assumed to be UTF-8"
        method = (request.method or "").lower()
        if method == "options":
            return HttpResponse(status=204, headers={"Allow": ", ".join(allowed)})
        handler = handlers.get("get" if method == "head" else method)
        if handler is None:
            response = refuse(400, [_("This address takes %(methods)s only.") % {"methods": ", ".join(allowed)}], form)
            response["Allow"] = ", ".join(allowed)
            return response
        try:
            if any("\0" in part for part in named.values()):
                raise NotFound(_("There is nothing at %(path)s.") % {"path": request.path})
            return respond(handler(request, **named), form)
        except Exception as error:  # the outermost layer: nothing in HTML leaves here, whatever went wrong
            return refusal(error, form, path=request.path)

    return view


def respond(answer: Answer, form: str) -> HttpResponse:
    """HEAD gets the same; the server sends its head alone."""
    content = render(answer.root, answer.data, form)
    response = HttpResponse(content, status=answer.status, content_type=MEDIA_TYPES[form])
    if answer.max_age_s is None:
        patch_cache_control(response, private=True, no_store=True)
    else:
        patch_cache_control(response, public=True, max_age=answer.max_age_s)
        patch_vary_headers(response, ["Cookie"])  # the language that was chosen on the map
    return response


def refuse(status: int, sentences: list[str], form: str) -> HttpResponse:
    return respond(Answer("errors", [error_document(status, sentence) for sentence in sentences], status), form)


def refusal(error: Exception, form: str, *, path: str) -> HttpResponse:
    """The answer to an error: of the one table of the service, in GeoReport's form."""
    if isinstance(error, InvalidFields):
        return refuse(400, [f"{name}: {sentence}" for name, says in error.fields.items() for sentence in says], form)
    if isinstance(error, MultiPartParserError | BadRequest):
        return refuse(400, [_("The form cannot be read.")], form)
    known = problem_for(error)
    if known is None and isinstance(error, SuspiciousOperation):
        return refuse(400, [_("The form cannot be read.")], form)
    if known is None:
        log.error("unhandled error at %s", path, exc_info=error)
        return refuse(500, [_("Something went wrong here; it has been logged.")], form)
    status = known.status_code if known.status_code in KEPT else 400
    response = refuse(status, [json.loads(known.content)["detail"]], form)
    if "Retry-After" in known:
        response["Retry-After"] = known["Retry-After"]
    return response
