"""A WSGI application that tells what the web server made of a request, before any middleware."""

import json
from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([environ["wsgi.url_scheme"], environ["SCRIPT_NAME"]]).encode()]
