"""Doing the requests of a batch, each as if it had come by itself; those of one group in one transaction."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from sensors.sensorthings.batch.parts import FAILED_DEPENDENCY, Answer, Part
from server.core.problems import problem

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# A batch holds one thread of the web server's, and all of its answers in memory, for as long as it goes on.
LONGEST_S = 60
MOST_ANSWERED_BYTES = 50_000_000
_REFERENCE = re.compile(r"\$([A-Za-z0-9_.-]+)(?=$|[/?])")
_KEY = re.compile(r"\(([^()]*)\)$")
# What a part may say of itself; who asks, and from where, is said by the request that brought it.
_OWN_HEADERS = {"accept", "accept-language", "content-type", "correction-reason", "prefer"}
_ANSWERED_HEADERS = ("Content-Type", "Location", "ETag", "Retry-After", "WWW-Authenticate")


class _GroupFailed(Exception):
    """Undoes the group's transaction."""


class Execution:
    """The parts of one request to `root`, the path of the service with its slash, one after the other."""

    def __init__(self, request: HttpRequest, root: str, user: Any) -> None:
        self._request = request
        self._root = root
        self._user = user
        # Of what was made: by the id of its part, the path that it is at.
        self._made: dict[str, str] = {}

    def answers(self, runs: Sequence[Sequence[Part]], *, goes_on: bool) -> list[Answer]:
        """Of runs as `grouped` makes them. Stops after the first failure unless it `goes_on`; a group fails as a whole.

        What takes too long altogether stops as well, with a 503 to the run that would have been next.
        """
        done: list[Answer] = []
        gives_up_at = time.monotonic() + LONGEST_S
        for run in runs:
            if time.monotonic() > gives_up_at or sum(len(answer.body) for answer in done) > MOST_ANSWERED_BYTES:
                late = problem(
                    503, _("Too slow"), _("The batch is too long to be answered at once: send the rest again.")
                )
                done += [_answer(part, late) for part in run]
                break
            done += [self._answer(run[0])] if run[0].group is None else self._group(run)
            if done[-1].is_failure and not goes_on:
                break
        return done

    def _group(self, run: Sequence[Part]) -> list[Answer]:
        made = dict(self._made)
        answers: list[Answer] = []
        try:
            with transaction.atomic():
                for part in run:
                    answers.append(self._answer(part))
                    if answers[-1].is_failure:
                        raise _GroupFailed
        except _GroupFailed:
            self._made = made
            undone = problem(
                FAILED_DEPENDENCY, _("Undone"), _("Another request of its group failed: nothing was done.")
            )
            failed = len(answers) - 1
            return [answers[failed] if place == failed else _answer(part, undone) for place, part in enumerate(run)]
        return answers

    def _answer(self, part: Part) -> Answer:
        if part.method not in METHODS:
            return _answer(part, problem(405, _("Method not allowed"), _("A part is one of %s.") % ", ".join(METHODS)))
        try:
            address = urlsplit(urljoin(self._root, self._with_paths(part.url)))
            path, query = unquote(address.path), address.query.encode().decode("latin-1")
            path.encode()  # half a surrogate pair, which JSON lets through, is of no address
        except ValueError:
            return _answer(part, self._elsewhere())
        of_service = address.netloc in ("", self._request.get_host()) and path.startswith(self._root)
        if not of_service or "$batch" in path:
            return _answer(part, self._elsewhere())
        request = self._inner_request(part, path, query)
        try:
            found = resolve(path)
        except Resolver404:
            return _answer(part, problem(404, _("Not found"), _("There is no such way.")))
        response = found.func(request, *found.args, **found.kwargs)
        answer = _answer(part, response)
        if part.id and answer.status == 201 and "Location" in answer.headers:
            self._made[part.id] = unquote(urlsplit(answer.headers["Location"]).path).removeprefix(self._root)
        return answer

    def _elsewhere(self) -> HttpResponse:
        return problem(404, _("Not found"), _("A part asks for what lies below %s.") % self._root)

    def _inner_request(self, part: Part, path: str, query: str) -> WSGIRequest:
        headers = {name.lower(): value for name, value in part.headers.items()}
        body = self._with_ids(part.body)
        outer = self._request.META
        environ: dict[str, Any] = {
            name: value
            for name, value in outer.items()
            if name.startswith(("SERVER_", "REMOTE_", "HTTP_X_FORWARDED_"))
            or name in ("HTTP_HOST", "HTTP_ACCEPT_LANGUAGE")
        }
        environ |= {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if name in _OWN_HEADERS
        }
        environ |= {
            "REQUEST_METHOD": part.method,
            "PATH_INFO": path.encode().decode("latin-1"),
            "SCRIPT_NAME": "",
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("content-type", "application/json"),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": self._request.scheme,
            "wsgi.input": BytesIO(body),
        }
        request = WSGIRequest(environ)
        # Who asks was found out, and the page it comes from was looked at, for the whole batch.
        request.user = self._user
        request._force_auth_user = self._user if self._user.is_authenticated else None  # type: ignore[attr-defined]
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return request

    def _with_paths(self, url: str) -> str:
        """`$1/Datastreams` is what the part 1 made, and its Datastreams."""
        match = _REFERENCE.match(url)
        if match is None or match[1] not in self._made:
            return url
        return self._made[match[1]] + url[match.end() :]

    def _with_ids(self, body: bytes) -> bytes:
        """`{"@iot.id": "$1"}` links to what the part 1 made."""
        if b'"$' not in body or not self._made:
            return body
        try:
            return json.dumps(self._replaced(json.loads(body))).encode()
        except ValueError:
            return body  # whoever reads it will say what is wrong

    def _replaced(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._replaced(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        members = {name: self._replaced(each) for name, each in value.items()}
        said = members.get("@iot.id")
        if isinstance(said, str) and said.startswith("$") and said[1:] in self._made:
            members["@iot.id"] = _id_in(self._made[said[1:]])
        return members


def _id_in(path: str) -> int | str:
    match = _KEY.search(path)
    text = match[1].strip("'") if match else ""
    return int(text) if text.lstrip("-").isdigit() else text


def _answer(part: Part, response: HttpResponse | StreamingHttpResponse) -> Answer:
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.render()
    body = response.getvalue() if isinstance(response, StreamingHttpResponse) else response.content
    headers = {name: response[name] for name in _ANSWERED_HEADERS if name in response}
    answer = Answer(part.id, response.status_code, headers, body, part.group)
    return answer if body else replace(answer, headers={n: v for n, v in headers.items() if n != "Content-Type"})
