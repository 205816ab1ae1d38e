"""What is pure about sending: a signature, a wish to be left alone, how long to wait."""

from datetime import UTC, datetime

import pytest

from geo.operations.outbox.delivery import delay_s
from geo.operations.outbox.transports import register, retry_after_s, sender, signature

NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


def test_a_signature_is_what_openssl_makes_of_time_and_body() -> None:
    # printf '1772341200.{"status":"selesai"}' | openssl dgst -sha256 -hmac 'kunci'
    assert signature(b'{"status":"selesai"}', timestamp="1772341200", key=b"kunci") == (
        "sha256=3e083284d9318039a6d72ce67e513e51d47dd986096ed47fdf8b6b18f4eaa7dd"
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Sun, 01 Mar 2026 05:02:00 GMT", 120),
        ("Sunday, 01-Mar-26 05:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 04:00:00 GMT", 0),
        # No receiver is left alone for more than a day.
        ("99999999999", 86400),
        ("Sun, 01 Mar 2126 05:02:00 GMT", 86400),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("Sun, 99 Mar 2026 05:02:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, now=NOW) == seconds


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (10, 900), (5000, 900)]
)
def test_the_wait_doubles_from_five_seconds_to_fifteen_minutes(failures: int, seconds: float) -> None:
    assert delay_s(failures, jitter=1.0) == seconds


def test_the_wait_is_spread_so_that_what_failed_together_does_not_come_back_together() -> None:
    assert (delay_s(1, jitter=0.8), delay_s(1, jitter=1.2)) == (4, 6)


def test_a_name_stands_for_one_transport() -> None:
    register("unit-one", print)
    register("unit-one", print)
    with pytest.raises(ValueError, match="unit-one"):
        register("unit-one", repr)
    assert sender("unit-one") is print
    with pytest.raises(LookupError, match="unit-two"):
        sender("unit-two")
