"""How the contract tests ask, over real HTTP, and how they read an answer in either format by the same path.

A path names elements as XPath does from the root: `services/service/service_code`. In JSON the root and the elements of lists
have no name, so those steps are taken through brackets.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import requests
from django.db import connections

FORMATS = ("json", "xml")
BASE = "/open311/v2"
MEDIA_TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes
    form: str

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.content)

    def texts(self, path: str) -> list[str]:
        """The text of every element at this path, in order; an empty one, and null, is ""."""
        root, *steps = path.split("/")
        if self.form == "xml":
            assert self.xml.tag == root
            found = self.xml.findall("./" + "/".join(steps)) if steps else [self.xml]
            return [element.text or "" for element in found]
        places: list[Any] = [self.json]
        for step in steps:
            places = [inner for place in places for inner in _step(place, step)]
        return [_text(place) for place in places]

    def text(self, path: str) -> str:
        (only,) = self.texts(path)
        return only

    def names(self, path: str) -> list[list[str]]:
        """The names of what stands in each element at this path."""
        root, *steps = path.split("/")
        if self.form == "xml":
            assert self.xml.tag == root
            found = self.xml.findall("./" + "/".join(steps)) if steps else [self.xml]
            return [[child.tag for child in one] for one in found]
        places: list[Any] = [self.json]
        for step in steps:
            places = [inner for place in places for inner in _step(place, step)]
        return [list(place) for place in places]

    @property
    def ids(self) -> list[str]:
        return self.texts("service_requests/request/service_request_id")

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Code and description of each error; the format is as promised."""
        assert self.headers["Content-Type"] == MEDIA_TYPES[self.form]
        assert set(map(tuple, self.names("errors/error"))) == {("code", "description")}
        return list(zip(self.texts("errors/error/code"), self.texts("errors/error/description"), strict=True))


def _step(place: Any, name: str) -> list[Any]:
    if isinstance(place, list):
        return place
    return [place[name]] if name in place else []


def _text(value: Any) -> str:
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


class Open311:
    """Asks one service, in one format."""

    def __init__(self, url: str, form: str, session: requests.Session) -> None:
        self.url, self.form, self._session = url, form, session

    def send(self, method: str, address: str, **more: Any) -> Reply:
        """`address` is under /open311/v2/ and whole; language English unless a header says otherwise."""
        headers = {"Accept-Language": "en", **more.pop("headers", {})}
        answer = self._session.request(
            method, f"{self.url}{BASE}/{address}", headers=headers, allow_redirects=False, timeout=60, **more
        )
        return Reply(answer.status_code, answer.headers, answer.content, self.form)

    def get(self, resource: str, params: Mapping[str, Any] | None = None, **more: Any) -> Reply:
        return self.send("GET", f"{resource}.{self.form}", params=params, **more)

    def post(self, fields: Mapping[str, Any] | list[tuple[str, str]] | None = None, **more: Any) -> Reply:
        return self.send("POST", f"requests.{self.form}", data=fields, **more)


def commit(work: Callable[[], Any]) -> None:
    """Does some writing outside the test's transaction, so that the server sees it."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
