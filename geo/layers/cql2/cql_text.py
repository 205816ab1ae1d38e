"""CQL text as GDAL 3.6 writes it: CQL2 text, and what CQL2 has not.

`a ILIKE 'b%'` is `CASEI(a) LIKE CASEI('b%')`; a boolean is compared with 0 or 1.
"""

import re
from collections.abc import Collection

_TEXT = r"'(?:[^']|'')*'"
_NAME = r'"[^"]*"|[A-Za-z_]\w*'
# A literal is taken whole, so that what merely stands in one is left alone.
_PARTS = re.compile(
    rf"(?P<ilike>{_NAME})\s+ILIKE\s+(?P<pattern>{_TEXT})"
    rf"|{_TEXT}"
    rf"|(?P<flag>{_NAME})\s*(?P<relation>=|<>)\s*(?P<bit>[01])(?![\w.])",
    re.IGNORECASE,
)


def as_cql2(text: str, booleans: Collection[str] = ()) -> str:
    """The same filter in CQL2 text. `booleans` are the properties that hold true or false."""

    def one(found: re.Match[str]) -> str:
        if found["ilike"]:
            return f"CASEI({found['ilike']}) LIKE CASEI({found['pattern']})"
        if found["flag"] and found["flag"].strip('"') in booleans:
            return f"{found['flag']} {found['relation']} {'TRUE' if found['bit'] == '1' else 'FALSE'}"
        return found[0]

    return _PARTS.sub(one, text)
