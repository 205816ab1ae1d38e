"""CQL text as GDAL writes it."""

import pytest

from geo.layers.cql2.cql_text import as_cql2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name ILIKE 'a%'", "CASEI(name) LIKE CASEI('a%')"),
        ("(status = 'x') AND (name ilike 'it''s%')", "(status = 'x') AND (CASEI(name) LIKE CASEI('it''s%'))"),
        ("\"name\" ILIKE 'a'", "CASEI(\"name\") LIKE CASEI('a')"),
        ("name = 'b ILIKE ''c'''", "name = 'b ILIKE ''c'''"),
        ("(agency IS NULL)", "(agency IS NULL)"),
    ],
)
def test_ilike_becomes_a_comparison_without_case(text: str, expected: str) -> None:
    assert as_cql2(text) == expected
