"""A CQL2 filter as text, as JSON and as the SQL condition that it means, asked and compared."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.contracts.ogc.asking import report_ids, reports_where

Case = tuple[str, dict[str, Any], str]


def prop(name: str) -> dict[str, str]:
    return {"property": name}


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


def at(text: str) -> dict[str, str]:
    return {"timestamp": text}


def day(text: str) -> dict[str, str]:
    return {"date": text}


def span(start: Any, end: Any) -> dict[str, list[Any]]:
    return {"interval": [start, end]}


def check(client: Client, case: Case) -> None:
    text, as_json, sql = case
    wanted = reports_where(sql.replace("%", "%%") if "%" in sql else sql, {"unused": 1} if "%" in sql else None)
    assert 0 < len(wanted) < 6, f"the case tells nothing: {wanted}"
    assert set(report_ids(client, {"filter": text})) == wanted
    assert set(report_ids(client, {"filter": json.dumps(as_json), "filter-lang": "cql2-json"})) == wanted


def cases(*given: Case) -> Any:
    return pytest.mark.parametrize("case", given, ids=[case[0] for case in given])
