"""How many letters and requests there may be of those who have confirmed nothing: nobody's letter box is filled by strangers.

Counted apart from what it counts, so that an ended subscription frees nothing. Addresses are kept as keyed hashes only.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from geo.reports.intake_limits import forget_old_windows
from geo.reports.statements import QUERIES
from server.core.errors import TooMany

# To one e-mail address in an hour, whoever asks for them.
MOST_LETTERS = 3
# From one network address in an hour, without an account.
MOST_REQUESTS = 20


def may_be_asked_to_confirm(email: str, *, now: datetime) -> bool:
    """Counts a letter of confirmation; no more than three in an hour reach the letter box behind an address."""
    return _count("subscription-letters", letter_box(email), now) <= MOST_LETTERS


def admit_request(address: str, *, now: datetime) -> None:
    """Counts a request from a network address, apart from its reports; TooMany after 20 in an hour."""
    if _count("subscription-requests", address, now) > MOST_REQUESTS:
        wait_s = int((_hour(now) + timedelta(hours=1) - now).total_seconds()) + 1
        raise TooMany(_("Too many subscriptions in a short time; please try again later."), retry_after_s=wait_s)


def letter_box(email: str) -> str:
    """siti+a@example.org and Siti@example.org are read by the same person. The database says it in the models' LETTER_BOX."""
    name, _at, host = email.strip().lower().rpartition("@")
    return f"{name.partition('+')[0] or name}@{host}"


def _count(purpose: str, value: str, now: datetime) -> int:
    key = salted_hmac(f"pantau.{purpose}", value, algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.count_key, {"key": key, "window": _hour(now)})
        (n,) = cursor.fetchone()
    if n == 1:
        forget_old_windows(now)
    return int(n)


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
