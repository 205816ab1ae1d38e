"""A device's limit where it sends by HTTP: it is told to wait, and loses nothing."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil

from django.conf import settings
from django.utils.translation import gettext as _

from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.floods.noting import note_floods, own_allowances, say_who_floods
from sensors.ingest.limits import Allowance, DeviceLimits
from server.core.errors import TooMany

RELOADED_S = 30.0


class _ProcessLimits(DeviceLimits):
    """One process's; the rates of single devices are read anew every half minute."""

    _loaded_s = float("-inf")

    def keep_fresh(self, now_s: float) -> None:
        if now_s - self._loaded_s > RELOADED_S:
            self._loaded_s = now_s
            self.own = own_allowances()


def require_credit(thing: str) -> None:
    """Errors: TooMany where the device has sent more than its limit lately."""
    limits, now_s = _limits(), time.monotonic()
    limits.keep_fresh(now_s)
    wait_s = limits.wait_s(thing, now_s=now_s)
    now = datetime.now(UTC)
    if not wait_s or DeviceLimit.objects.unlimited([thing], now):
        return
    say_who_floods(note_floods({thing: 1}, now))
    raise TooMany(
        _("This device has sent more than its limit of readings; it may send on in %(n)d seconds.")
        % {"n": ceil(wait_s)},
        retry_after_s=ceil(wait_s),
    )


def pay(thing: str, readings: int) -> None:
    """For what the device has sent: one request may overdraw its account, the next one waits."""
    _limits().pay(thing, readings, now_s=time.monotonic())


def _limits() -> _ProcessLimits:
    return _limits_of(settings.DEVICE_RATE, settings.DEVICE_BURST)


@lru_cache(maxsize=1)
def _limits_of(rate: int, burst: int) -> _ProcessLimits:
    return _ProcessLimits(Allowance(rate, burst))
