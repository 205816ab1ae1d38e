"""Tests wait for a condition, not for a time."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 60.0


def wait_for(holds: Callable[[], Any], what: str = "it") -> None:
    """Until it holds; a minute in vain fails, and says what never came."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what} never came"
        time.sleep(0.02)
