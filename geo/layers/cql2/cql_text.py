"""CQL text as GDAL 3.6 writes it: CQL2 text, and ILIKE, which CQL2 has not."""

import re

# A literal is taken whole, so that what merely stands in one is left alone.
_ILIKE = re.compile(
    r"""'(?:[^']|'')*'|(?P<name>"[^"]*"|[A-Za-z_]\w*)\s+ILIKE\s+(?P<text>'(?:[^']|'')*')""", re.IGNORECASE
)


def as_cql2(text: str) -> str:
    """The same filter in CQL2 text: `a ILIKE 'b%'` is `CASEI(a) LIKE CASEI('b%')`."""
    return _ILIKE.sub(
        lambda found: f"CASEI({found['name']}) LIKE CASEI({found['text']})" if found["name"] else found[0], text
    )
