"""Filters that nobody would write: each is answered, or refused by name; none is a fault of the server."""

import random
from typing import Any

import pytest

from sensors.sensorthings.entities import ENTITY_TYPES, EntityType
from sensors.sensorthings.functions import FUNCTIONS
from tests.sensorthings.reading import city_of_sensors

LITERALS = [
    *("1", "-2.5", "1e308", "'x'", "''", "'%'", "'2026-03-01T00:00:00Z'", "true", "null", "2026-03-01", "12:30:00"),
    *("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z/2026-03-02T00:00:00+07:00", "duration'P1DT1H'"),
    *("geography'POINT (106.8 -6.5)'", "geography'POLYGON EMPTY'", "geography'LINESTRING (0 0, 1 1)'", "'T********'"),
    *("0", "9999-12-31T23:59:59Z", "00000000-0000-4000-8000-000000000000", "'12-1772323200000000'"),
]
COMPARATORS = ["eq", "ne", "lt", "le", "gt", "ge"]
ARITHMETIC = ["add", "sub", "mul", "div", "mod"]


def path(entity: EntityType, chance: random.Random) -> str:
    names = []
    while entity.navigations and chance.random() < 0.4 and len(names) < 3:
        name = chance.choice(list(entity.navigations))
        names.append(name)
        entity = ENTITY_TYPES[entity.navigations[name].target]
    name = chance.choice(["id", *entity.properties])
    names.append(name)
    members = entity.properties[name].members if name != "id" else {}
    if members and chance.random() < 0.7:
        names.append(chance.choice(list(members)))
    elif name == "properties" and chance.random() < 0.7:
        names.append(chance.choice(["slug", "owner", "code", "a-b"]))
    return "/".join(names)


def value(entity: EntityType, chance: random.Random, depth: int = 0) -> str:
    kind = chance.random()
    if depth > 2 or kind < 0.35:
        return path(entity, chance)
    if kind < 0.6:
        return chance.choice(LITERALS)
    if kind < 0.75:
        return f"({value(entity, chance, depth + 1)} {chance.choice(ARITHMETIC)} {value(entity, chance, depth + 1)})"
    name = chance.choice(list(FUNCTIONS))
    most = chance.randint(FUNCTIONS[name].least, FUNCTIONS[name].most)
    return f"{name}({', '.join(value(entity, chance, depth + 1) for _ in range(most))})"


def condition(entity: EntityType, chance: random.Random, depth: int = 0) -> str:
    kind = chance.random()
    if depth < 2 and kind < 0.3:
        sides = condition(entity, chance, depth + 1), condition(entity, chance, depth + 1)
        return f"({sides[0]} {chance.choice(['and', 'or'])} {sides[1]})"
    if depth < 2 and kind < 0.4:
        return f"not ({condition(entity, chance, depth + 1)})"
    if kind < 0.5:
        return value(entity, chance)
    return f"{value(entity, chance)} {chance.choice(COMPARATORS)} {value(entity, chance)}"


@pytest.mark.django_db(transaction=True)
def test_an_odd_filter_is_answered_or_refused_by_name(client: Any) -> None:
    city_of_sensors()
    chance, answered = random.Random(18088), 0
    for _ in range(250):
        entity = chance.choice(list(ENTITY_TYPES.values()))
        text, order = condition(entity, chance), value(entity, chance)
        for option, said in (("$filter", text), ("$orderby", order)):
            answer = client.get(f"/sta/v1.1/{entity.plural}", {option: said, "$count": "true"})
            assert answer.status_code in (200, 400), (entity.plural, said, answer.content)
            answered += answer.status_code == 200
            if answer.status_code == 400:
                assert answer.json()["parameter"] == option
    # So that it is not all refused.
    assert answered > 80
