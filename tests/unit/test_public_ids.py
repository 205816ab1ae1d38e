"""Public ids: what a person can read out, and nobody can guess."""

from collections import Counter

from geo.reports.public_ids import ALPHABET, new_public_ids


def test_ids_are_twelve_readable_characters_and_no_two_are_alike() -> None:
    ids = new_public_ids(5000)
    assert len(set(ids)) == 5000
    assert {len(one) for one in ids} == {12}
    assert set("".join(ids)) == set("23456789abcdefghjkmnpqrstvwxyz")


def test_every_letter_is_as_likely_at_every_place() -> None:
    ids = new_public_ids(30_000)
    for place in range(12):
        counts = Counter(one[place] for one in ids)
        # 1,000 of each are expected, with a standard deviation of 31: six of them.
        assert all(abs(counts[letter] - 1000) < 190 for letter in ALPHABET)


def test_none_are_none() -> None:
    assert new_public_ids(0) == []
