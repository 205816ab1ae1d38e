"""A result that is kept as it is, so that it can be cited: its own copy, a checksum over it, and which code computed it."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from geo.analysis.models import ResultSet
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("saved.sql"))
CODE = Path(__file__).parent


def copy_result(original: ResultSet) -> ResultSet:
    """A copy that nothing else answers with. Its rows keep the shapes and names that their areas have now.

    To be called in a transaction: rows without their result, or the other way round, are no result.
    """
    copy = ResultSet.objects.create(
        analysis=original.analysis,
        # Found by no question: what is asked of the layer itself goes on to be computed anew.
        parameters_key=f"frozen {secrets.token_hex(16)}",
        parameters=original.parameters,
        data_version=original.data_version,
        state=original.state,
        progress=original.progress,
        requested_at=original.requested_at,
        touched_at=original.touched_at,
        as_of=original.as_of,
        members=original.members,
    )
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.copy_rows, {"copy": copy.pk, "original": original.pk})
    return copy


def checksum_of(result: ResultSet, given: Mapping[str, str]) -> str:
    """SHA-256 of a result, as hex: lines of canonical JSON, each ended by a newline, in UTF-8.

    The first line is an object: `layer`, `given` (the parameters as they were saved), `resolved` (those that were computed
    with) and `members` (what is said of the whole). Then a line for each row, by key: [key, figures, shape], the shape as
    EWKB in hex. Canonical: names sorted, no spaces, no escapes but those that JSON needs.
    """
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        digest.update(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")

    add({"layer": result.analysis, "given": dict(given), "resolved": result.parameters, "members": result.members})
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.rows_in_full, {"result_set": result.pk})
        for key, figures, shape in cursor:
            add([key, json.loads(figures), shape])
    return digest.hexdigest()


@cache
def code_version() -> str:
    """The service's version, a hash of what computes (every .py and .sql under geo/analysis), and the libraries' versions.

    An installation need not have the repository's history, so no commit is named.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in CODE.rglob("*") if path.suffix in (".py", ".sql")):
        digest.update(f"{path.relative_to(CODE).as_posix()}\n".encode() + path.read_bytes())
    libraries = " ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    return f"pantau {settings.SPECTACULAR_SETTINGS['VERSION']} analysis {digest.hexdigest()[:16]} {libraries}"
