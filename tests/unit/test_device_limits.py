"""The buckets of readings, by a clock of the test's own."""

from datetime import UTC, datetime

from sensors.ingest.batch import Message
from sensors.ingest.decoders import Decoder, decode_native
from sensors.ingest.decoders.rules import Rule
from sensors.ingest.limits import Allowance, DeviceLimits, Sorted

NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
JUST_NOW, TWO_HOURS_AGO = "2026-03-01T04:59:00Z", "2026-03-01T03:00:00Z"


def sent(count: int, thing: str = "noise-1", *, at: str = JUST_NOW, redelivered: bool = False) -> list[Message]:
    topic, payload = f"sensors/{thing}/leq", f'{{"result": 60, "phenomenon_time": "{at}"}}'.encode()
    return [Message(topic, payload, 0, redelivered=redelivered, decoded=decode_native(topic, payload))] * count


def take(limits: DeviceLimits, messages: list[Message], *, now_s: float) -> Sorted:
    short = limits.overdrawn(messages, now=NOW, now_s=now_s)
    return limits.sort(messages, short, now=NOW, now_s=now_s)


def counts(limits: DeviceLimits, messages: list[Message], *, now_s: float) -> tuple[int, dict[str, int]]:
    done = take(limits, messages, now_s=now_s)
    return len(done.within), {thing: len(beyond) for thing, beyond in done.beyond.items()}


def test_a_burst_is_taken_and_what_is_beyond_it_is_not_until_time_has_passed() -> None:
    limits = DeviceLimits(Allowance(rate=2, burst=10))
    assert counts(limits, sent(13), now_s=100) == (10, {"noise-1": 3})
    assert counts(limits, sent(1), now_s=100) == (0, {"noise-1": 1})
    # Two a second: three seconds are six.
    assert counts(limits, sent(7), now_s=103) == (6, {"noise-1": 1})


def test_after_a_long_silence_no_more_than_the_burst_is_taken() -> None:
    limits = DeviceLimits(Allowance(rate=2, burst=10))
    counts(limits, sent(10), now_s=100)
    assert counts(limits, sent(11), now_s=100_000) == (10, {"noise-1": 1})


def test_a_device_that_keeps_to_its_rate_is_never_slowed() -> None:
    limits = DeviceLimits(Allowance(rate=2, burst=2))
    assert [counts(limits, sent(2), now_s=float(second)) for second in range(50)] == [(2, {})] * 50


def test_one_device_s_flood_takes_nothing_from_another() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    assert counts(limits, sent(9) + sent(5, "noise-2"), now_s=1) == (10, {"noise-1": 4})


def test_a_backlog_of_sixteen_times_the_burst_is_taken() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    assert counts(limits, sent(80, at=TWO_HOURS_AGO), now_s=1) == (80, {})
    assert counts(limits, sent(1), now_s=1) == (0, {"noise-1": 1})


def test_readings_beyond_the_backlog_are_refused_too_so_that_old_times_are_no_way_round() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    assert counts(limits, sent(200, at=TWO_HOURS_AGO), now_s=1) == (80, {"noise-1": 120})


def test_each_reading_of_a_message_counts_and_the_message_is_taken_whole() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    topic = "sensors/noise-1/leq"
    payload = b"[" + b", ".join(b'{"result": 1, "phenomenon_time": "2026-03-01T04:59:00Z"}' for _ in range(4)) + b"]"
    four = [Message(topic, payload, 0, decoded=decode_native(topic, payload))] * 3
    assert counts(limits, four, now_s=1) == (2, {"noise-1": 1})
    # Eight were taken, three more than there were: four seconds later there is one again.
    assert counts(limits, four, now_s=3) == (0, {"noise-1": 3})
    assert counts(limits, four, now_s=5) == (1, {"noise-1": 2})


def test_messages_that_cannot_be_read_count_as_well() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    topic, payload = "sensors/noise-1/leq", b"{{{"
    broken = [Message(topic, payload, 0, decoded=decode_native(topic, payload))] * 8
    assert counts(limits, broken, now_s=1) == (5, {"noise-1": 3})


def test_what_is_delivered_again_is_not_paid_for_twice() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    assert counts(limits, sent(9, redelivered=True), now_s=1) == (9, {})
    assert counts(limits, sent(5), now_s=1) == (5, {})


def test_a_thing_may_have_a_limit_of_its_own_and_0_is_none() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    limits.own = {"noise-1": Allowance(rate=10, burst=8), "noise-2": Allowance(rate=0, burst=0)}
    messages = sent(9) + sent(1_000, "noise-2") + sent(6, "noise-3")
    assert counts(limits, messages, now_s=1) == (1_013, {"noise-1": 1, "noise-3": 1})


def test_who_has_paid_on_credit_is_told_how_long_to_wait() -> None:
    limits = DeviceLimits(Allowance(rate=2, burst=10))
    assert limits.wait_s("noise-1", now_s=1) == 0
    limits.pay("noise-1", 30, now_s=1)
    # Twenty too many and the next one, at two a second.
    assert limits.wait_s("noise-1", now_s=1) == 10.5
    assert limits.wait_s("noise-1", now_s=11.5) == 0


def test_buckets_of_many_names_are_let_go_once_they_are_full_again() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    topic, payload = "x", b'{"result": 1}'
    for number in range(20_001):
        topic = f"sensors/name-{number}/leq"
        limits.overdrawn([Message(topic, payload, 0, decoded=decode_native(topic, payload))], now=NOW, now_s=1)
    assert len(limits._buckets) == 20_001
    limits.overdrawn(sent(1), now=NOW, now_s=10)
    assert set(limits._buckets) == {"noise-1"}


def test_who_claims_to_be_another_device_pays_for_it_all_the_same() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    topic, payload = "sensors/noise-1/senml", b'[{"bn": "noise-2/", "n": "leq", "v": 60}]'
    decoded = Decoder([Rule("sensors/{device}/senml", "senml")])(topic, payload)
    assert not decoded.readings
    assert counts(limits, [Message(topic, payload, 0, decoded=decoded)] * 8, now_s=1) == (5, {"noise-1": 3})
    assert counts(limits, sent(5, "noise-2"), now_s=1) == (5, {})


def test_things_behind_a_gateway_count_each_for_itself() -> None:
    limits = DeviceLimits(Allowance(rate=1, burst=5))
    decode = Decoder([Rule("gw/{device}", "senml")])
    messages = []
    for topic in ("gw/a", "gw/b"):
        payload = b'[{"n": "leq", "v": 60}]'
        messages += [Message(topic, payload, 0, decoded=decode(topic, payload))] * 6
    assert counts(limits, messages, now_s=1) == (10, {"a": 1, "b": 1})
