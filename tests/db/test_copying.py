"""Rows as text by COPY, in a thread beside the reader."""

import pytest
from django.db import ProgrammingError, connection

from geo.layers.copying import CHUNK_BYTES, copy_values
from geo.layers.select import snapshot

pytestmark = pytest.mark.django_db


def test_json_text_comes_back_as_it_was_written() -> None:
    text = '{"a":"back\\\\slash, \\"quote\\", line\\nfeed, tab\\t, \\u0001, é, 日本"}'
    with snapshot():
        assert list(copy_values("SELECT %(text)s::text", {"text": text})) == [(1, text.encode())]


def test_a_text_that_is_empty_or_begins_as_the_format_does_is_a_text() -> None:
    rows = "SELECT t FROM unnest(ARRAY['', 'PGCOPY\n', '']) WITH ORDINALITY AS r(t, n) ORDER BY n"
    with snapshot():
        # The first row is a chunk of its own.
        assert list(copy_values(rows, {})) == [(1, b""), (2, b"PGCOPY\n,")]


def test_the_first_row_leaves_before_the_others_are_there() -> None:
    with snapshot():
        chunks = list(copy_values("SELECT repeat('x', 100) FROM generate_series(1, 10000)", {}))
    assert [chunks[0][0], sum(count for count, _texts in chunks)] == [1, 10_000]
    assert b",".join(texts for _count, texts in chunks) == b",".join([b"x" * 100] * 10_000)
    assert all(len(texts) <= CHUNK_BYTES + 101 for _count, texts in chunks)


def test_no_row_is_no_chunk() -> None:
    with snapshot():
        assert list(copy_values("SELECT 'x' WHERE false", {})) == []


def test_a_reader_that_leaves_early_finds_the_connection_free() -> None:
    with snapshot():
        lines = copy_values("SELECT repeat('x', 1000) FROM generate_series(1, 20000)", {})
        next(lines)
        lines.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 7")
            assert cursor.fetchone() == (7,)


def test_an_error_of_the_statement_is_the_readers() -> None:
    with pytest.raises(ProgrammingError, match="there_is_none"), snapshot():
        list(copy_values("SELECT there_is_none", {}))


def test_a_value_is_no_sql_and_a_per_cent_sign_is_itself() -> None:
    with snapshot():
        found = list(copy_values("SELECT %(text)s || '%%'", {"text": "'); DROP TABLE geo_report; --"}))
    assert found == [(1, b"'); DROP TABLE geo_report; --%")]
