"""What `bench.ingest` publishes. No key comes twice in a run: each part has days of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime

THINGS = 100
CITY_THINGS = 500
# Names of which nothing is derived (sensors.derived), so that the rollups' process does nothing besides. The first is what single
# readings are of, the last is kept for the watch on rollups.
PROPERTIES = tuple(f"bench_{number}" for number in range(10))
CITY_PROPERTIES = PROPERTIES[:4]
DAY_S = 86_400
T0 = 1_772_337_600  # 2026-03-01T04:00:00Z
SINGLES_T0, TOGETHER_T0, CITY_T0 = T0 + 5 * DAY_S, T0 + 10 * DAY_S, T0 + 15 * DAY_S

Messages = Iterator[tuple[str, bytes]]


def alone(first: int, count: int) -> Messages:
    """One property, one reading a message; of one run of numbers, however many are taken at a time."""
    for number in range(first, first + count):
        topic = f"sensors/bench-{number % THINGS}/{PROPERTIES[0]}"
        yield topic, b'{"result": %d.5, "phenomenon_time": %d}' % (number % 300, T0 + number // THINGS)


def singles(first: int, count: int) -> Messages:
    """The readings of `together`, a message each."""
    for number in range(first, first + count):
        row, place = divmod(number, len(PROPERTIES))
        topic = f"sensors/bench-{row % THINGS}/{PROPERTIES[place]}"
        yield topic, b'{"result": %d.5, "phenomenon_time": %d}' % (row % 300, SINGLES_T0 + row // THINGS)


def together(first: int, count: int) -> Messages:
    """`count` readings, those of a thing at a time in one message."""
    for row in range(first // len(PROPERTIES), (first + count) // len(PROPERTIES)):
        results = b", ".join(b'"%s": %d.5' % (code.encode(), row % 300) for code in PROPERTIES)
        payload = b'{"phenomenon_time": %d, "results": {%s}}' % (TOGETHER_T0 + row // THINGS, results)
        yield f"sensors/bench-{row % THINGS}", payload


def city(minutes: int) -> Messages:
    """A city's readings of so many minutes: each thing says four properties each minute."""
    for minute in range(minutes):
        for thing in range(CITY_THINGS):
            value = (minute + thing) % 300
            results = b", ".join(b'"%s": %d.5' % (code.encode(), value) for code in CITY_PROPERTIES)
            yield (
                f"sensors/bench-{thing}",
                b'{"phenomenon_time": %d, "results": {%s}}' % (CITY_T0 + 60 * minute, results),
            )


def now(number: int, code: str) -> tuple[str, bytes]:
    """A reading of this moment."""
    at = datetime.now(UTC).isoformat()
    return f"sensors/bench-{number % THINGS}/{code}", f'{{"result": 1, "phenomenon_time": "{at}"}}'.encode()
