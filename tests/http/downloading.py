"""Asking for a download as a client would, and reading it."""

import csv
import io
from typing import Any

from django.test import Client


def get(client: Client, path: str, **headers: str) -> Any:
    """The response, its body read to the end as `body`."""
    response = client.get(path, headers=headers)
    response.body = b"".join(response.streaming_content) if response.streaming else response.content
    return response


def table(client: Client, path: str) -> list[dict[str, str]]:
    response = get(client, path)
    assert response.status_code == 200, response.body
    return list(csv.DictReader(io.StringIO(response.body.decode(), newline="")))
