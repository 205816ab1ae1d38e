"""The levels of a rule, as they stand in its JSON."""

from typing import Any

import pytest

from geo.operations.alerts.reading import read_levels, read_levels_of


def test_levels_are_read_from_the_mildest_on() -> None:
    given = [{"name": "Siaga 1", "from": 551}, {"name": "Siaga 3", "from": 351}]
    assert [(level.name, level.at_least) for level in read_levels(given)] == [("Siaga 3", 351.0), ("Siaga 1", 551.0)]
    assert [level.name for level in read_levels(given, is_below=True)] == ["Siaga 1", "Siaga 3"]
    assert read_levels([]) == ()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("Siaga", "a list"),
        ([{"name": "Siaga 3"}], "from"),
        ([{"name": "Siaga 3", "from": "high"}], "could not convert"),
        ([{"name": "Siaga 3", "from": "inf"}], "finite"),
        ([{"name": "Siaga 3", "from": 1}, {"name": "Siaga 3", "from": 2}], "of its own"),
        ([{"name": "Siaga 3", "from": 1}, {"name": "Siaga 2", "from": 1}], "of its own"),
        ([{"name": " ", "from": 1}], "characters"),
        ([{"name": f"{n}", "from": n} for n in range(11)], "at most 10"),
    ],
)
def test_levels_that_cannot_be_read_say_why(given: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_levels(given)


def test_levels_of_each_value_are_read_by_value() -> None:
    found = read_levels_of({"housing": [{"name": "Melebihi", "from": 55.1}]})
    assert [(level.name, level.at_least) for level in found["housing"]] == [("Melebihi", 55.1)]


@pytest.mark.parametrize(
    ("given", "why"),
    [([], "an object"), ({"housing": []}, "housing: levels: one"), ({"housing": [{"name": "x"}]}, "housing: .*from")],
)
def test_levels_of_each_value_that_cannot_be_read_say_of_which(given: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_levels_of(given)
