"""Rows as text by COPY, in a thread beside the reader."""

import pytest
from django.db import ProgrammingError, connection

from geo.layers.copying import CHUNK_BYTES, copy_lines
from geo.layers.select import snapshot

pytestmark = pytest.mark.django_db


def test_json_text_comes_back_as_it_was_written() -> None:
    text = '{"a":"back\\\\slash, \\"quote\\", line\\nfeed, tab\\t, \\u0001, é, 日本"}'
    with snapshot():
        assert b"".join(copy_lines("SELECT %(text)s::text", {"text": text})).decode() == text + "\n"


def test_the_first_row_leaves_before_the_others_are_there() -> None:
    with snapshot():
        chunks = list(copy_lines("SELECT repeat('x', 100) FROM generate_series(1, 10000)", {}))
    assert [chunks[0].count(b"\n"), sum(chunk.count(b"\n") for chunk in chunks)] == [1, 10_000]
    assert all(len(chunk) <= CHUNK_BYTES + 101 for chunk in chunks)


def test_no_row_is_no_chunk() -> None:
    with snapshot():
        assert list(copy_lines("SELECT 'x' WHERE false", {})) == []


def test_a_reader_that_leaves_early_finds_the_connection_free() -> None:
    with snapshot():
        lines = copy_lines("SELECT repeat('x', 1000) FROM generate_series(1, 20000)", {})
        next(lines)
        lines.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 7")
            assert cursor.fetchone() == (7,)


def test_an_error_of_the_statement_is_the_readers() -> None:
    with pytest.raises(ProgrammingError, match="there_is_none"), snapshot():
        list(copy_lines("SELECT there_is_none", {}))


def test_a_value_is_no_sql_and_a_per_cent_sign_is_itself() -> None:
    with snapshot():
        found = b"".join(copy_lines("SELECT %(text)s || '%%'", {"text": "'); DROP TABLE geo_report; --"}))
    assert found == b"'); DROP TABLE geo_report; --%\n"
