"""The web server as `up` starts it, asked by a real request: whose word it takes of the scheme and of the path's first part."""

import json
import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.run import owned
from server.run.home import CHECKOUT
from server.run.ports import is_free, unused_port
from server.run.private import Child
from server.run.processes import GUNICORN
from server.run.said import last_lines, wait_until


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = unused_port()
    served = ["tests.run.scheme_seen:application" if ":application" in part else part for part in GUNICORN]
    command = [sys.executable, *served, "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    log = tmp_path_factory.mktemp("gunicorn") / "web.log"
    environment = {**os.environ, owned.MARK: f"run:{os.environ.get('PANTAU_HOME', '')}"}
    web = Child(command, log, environment, CHECKOUT, signal.SIGTERM)
    web.start()
    try:
        assert wait_until(lambda: not is_free(port), seconds=30), last_lines(Path(log))
        yield f"http://127.0.0.1:{port}/ogc/"
    finally:
        web.stop(seconds=30)


@pytest.mark.parametrize(
    "header",
    [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Ssl", "on"),
        ("X-Forwarded-Protocol", "ssl"),
        ("SCRIPT_NAME", "/ogc"),
    ],
    ids=lambda header: header[0],
)
def test_no_header_of_a_neighbour_on_this_machine_changes_scheme_or_path(url: str, header: tuple[str, str]) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict([header])), timeout=30) as answer:
        assert json.load(answer) == ["http", ""]
