"""The small parts that everything stands on."""

import json
from pathlib import Path

import pytest
from django.utils import translation

from server.core import env, errors, problems
from server.core.geojson import feature_collection
from server.core.paging import decode_token, encode_token
from server.core.sql import load_queries


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="DATABASE_URL"):
        env.database()


@pytest.mark.parametrize("url", ["mysql://u:p@h/db", "postgres://u:p@h", "nonsense"])
def test_a_database_url_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SystemExit, match="postgres://"):
        env.database()


def test_a_database_url_may_hold_escaped_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://city:p%40ss%2F@db.example:5433/pan%20tau")
    entry = env.database()
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == (
        "city",
        "p@ss/",
        "db.example",
        "5433",
        "pan tau",
    )


def test_a_flag_that_is_neither_yes_nor_no_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_DEBUG", "maybe")
    with pytest.raises(SystemExit, match="PANTAU_DEBUG must be 0 or 1"):
        env.flag("PANTAU_DEBUG")


def test_every_domain_error_has_a_status() -> None:
    known = {kind for kind, _status, _title in problems.STATUS}
    here = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    assert set(here) - {errors.PantauError} <= known


def test_a_bad_parameter_becomes_a_problem_that_names_it() -> None:
    with translation.override("en"):
        response = problems.problem_for(errors.BadParameter("bbox", "bbox must be four numbers"))
    assert response is not None
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert json.loads(response.content) == {
        "type": "about:blank",
        "title": "Bad parameter",
        "status": 400,
        "detail": "bbox must be four numbers",
        "parameter": "bbox",
    }


def test_not_ready_says_when_to_ask_again() -> None:
    response = problems.problem_for(errors.NotReady("computing", retry_after_s=5))
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_an_unknown_error_is_not_explained_to_the_outside() -> None:
    assert problems.problem_for(RuntimeError("secret")) is None


def test_a_page_token_comes_back_as_it_was() -> None:
    assert decode_token(encode_token({"after": 12, "result": None})) == {"after": 12, "result": None}


# An id of its own: a token carries the time, and two processes that collect it would each call it something else.
@pytest.mark.parametrize("text", ["", "x", "eyJhZnRlciI6MX0", pytest.param(encode_token({"after": 1})[:-1], id="cut")])
def test_a_token_that_was_made_up_or_cut_is_refused(text: str) -> None:
    with pytest.raises(errors.BadParameter, match="next"):
        decode_token(text)


def test_an_empty_collection_is_valid() -> None:
    body = b"".join(feature_collection([], head={"name": "reports"}, tail=lambda n: {"numberReturned": n}))
    assert json.loads(body) == {"type": "FeatureCollection", "name": "reports", "features": [], "numberReturned": 0}


def test_chunks_are_joined_into_one_collection() -> None:
    chunks = [(2, b'{"id":1},{"id":2}'), (1, b'{"id":3}')]
    body = b"".join(feature_collection(chunks, head={}, tail=lambda n: {"numberReturned": n}))
    assert json.loads(body) == {
        "type": "FeatureCollection",
        "features": [{"id": 1}, {"id": 2}, {"id": 3}],
        "numberReturned": 3,
    }


def test_a_query_name_used_twice_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text("-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n")
    with pytest.raises(ValueError, match="one"):
        load_queries(file)
