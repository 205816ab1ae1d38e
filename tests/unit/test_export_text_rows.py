"""PostgreSQL's text format, as its documentation of COPY has it."""

import pytest

from geo.layers.export.child.text_rows import text_rows


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (b"a\tb\n", ["a", "b"]),
        (b"\\N\t\n", [None, ""]),
        (b"\n", [""]),
        (b"\\\\N\t\\N\n", ["\\N", None]),
        (b"two\\nlines\\r\\n\ta\\ttab\n", ["two\nlines\r\n", "a\ttab"]),
        (b"\\\\n\t\\\\\\n\n", ["\\n", "\\\n"]),
        (b"\\b\\f\\v\tdan \xc3\xa9\xe4\xb8\xad\n", ["\b\f\v", "dan é中"]),
        # U+2028 and U+0085 are ends of lines for Python's text, and none here.
        ("a\u2028b\x85c\td\n".encode(), ["a\u2028b\x85c", "d"]),
    ],
)
def test_a_line_is_a_row_whose_nulls_and_odd_letters_are_told_apart(line: bytes, values: list[str | None]) -> None:
    assert list(text_rows([line])) == [values]
