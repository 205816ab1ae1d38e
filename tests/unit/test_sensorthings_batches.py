"""The two forms of a batch, read and written, without a service."""

import json

import pytest

from sensors.sensorthings.batch.json_form import read_json_batch, write_json_batch
from sensors.sensorthings.batch.multipart import read_multipart, write_multipart
from sensors.sensorthings.batch.parts import Answer, BadBatch, Part, grouped


def test_line_ends_of_either_kind_are_read_alike() -> None:
    text = '--b\nContent-Type: application/http\nContent-ID: <a>\n\nPATCH Things(1) HTTP/1.1\nPrefer: x\n\n{"name": "é"}\n--b--\n'
    expected = [Part("a", "PATCH", "Things(1)", {"Prefer": "x"}, '{"name": "é"}'.encode())]
    assert read_multipart("multipart/mixed; boundary=b", text.encode()) == expected
    assert read_multipart('multipart/mixed; boundary="b"', text.replace("\n", "\r\n").encode()) == expected


def test_an_id_inside_the_request_counts_where_its_part_has_none() -> None:
    text = "--b\r\nContent-Type: application/http\r\n\r\nGET Things\r\nContent-ID: 7\r\n\r\n\r\n--b--"
    assert [part.id for part in read_multipart("multipart/mixed; boundary=b", text.encode())] == ["7"]


def test_answers_of_a_change_set_stand_in_a_change_set() -> None:
    answers = [
        Answer("", 200, {"Content-Type": "application/json"}, b"{}"),
        Answer("1", 201, {}, b"", "g"),
        Answer("2", 204, {}, b"", "g"),
    ]
    assert write_multipart(answers, "b").decode().splitlines() == [
        "--b", "Content-Type: application/http", "Content-Transfer-Encoding: binary", "",
        "HTTP/1.1 200 OK", "Content-Type: application/json", "", "{}",
        "--b", "Content-Type: multipart/mixed; boundary=b-1", "",
        "--b-1", "Content-Type: application/http", "Content-Transfer-Encoding: binary", "Content-ID: 1", "",
        "HTTP/1.1 201 Created", "", "",
        "--b-1", "Content-Type: application/http", "Content-Transfer-Encoding: binary", "Content-ID: 2", "",
        "HTTP/1.1 204 No Content", "", "",
        "--b-1--",
        "--b--",
    ]  # fmt: skip


def test_a_batch_in_json_is_read_and_answered() -> None:
    request = {
        "id": "1",
        "method": "patch",
        "url": "Things(1)",
        "headers": {"a": "b"},
        "body": {"c": 1},
        "atomicityGroup": "g",
    }
    assert read_json_batch({"requests": [request]}) == [Part("1", "PATCH", "Things(1)", {"a": "b"}, b'{"c": 1}', "g")]
    answers = [Answer("1", 200, {"Content-Type": "text/plain"}, "é".encode()), Answer("2", 200)]
    assert json.loads(write_json_batch(answers)) == {
        "responses": [
            {"id": "1", "status": 200, "headers": {"Content-Type": "text/plain"}, "body": "é"},
            {"id": "2", "status": 200, "headers": {}},
        ]
    }


def test_neighbours_of_a_group_are_one_run_and_others_by_themselves() -> None:
    parts = [Part(str(place), "GET", "Things", group=group) for place, group in enumerate([None, None, "a", "a", "b"])]
    assert [[part.id for part in run] for run in grouped(parts)] == [["0"], ["1"], ["2", "3"], ["4"]]


def test_a_group_that_is_torn_apart_is_refused() -> None:
    parts = [Part(str(place), "GET", "Things", group=group) for place, group in enumerate(["a", None, "a"])]
    with pytest.raises(BadBatch, match="stand together"):
        grouped(parts)
