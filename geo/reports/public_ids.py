"""Public ids of reports: opaque, stable, made many at a time."""

import secrets

ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_TRIPLES = [first + second + third for first in ALPHABET for second in ALPHABET for third in ALPHABET]
# Far more random bits than an id has, so that no id is likelier than another.
_BYTES = 16


def new_public_ids(count: int) -> list[str]:
    """Ids of twelve characters that a person can read out: 59 bits, so that they cannot be guessed or counted."""
    random = secrets.token_bytes(_BYTES * count)
    return [_spelled(int.from_bytes(random[at : at + _BYTES])) for at in range(0, len(random), _BYTES)]


def _spelled(number: int) -> str:
    n = len(_TRIPLES)
    return (
        _TRIPLES[number % n] + _TRIPLES[number // n % n] + _TRIPLES[number // n**2 % n] + _TRIPLES[number // n**3 % n]
    )
