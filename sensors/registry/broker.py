"""Credentials by which things may publish: one broker user per thing, its slug."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from server.core import broker_credentials

PASSWORD_BYTES = 18


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was done for the things: how many are new; `is_managed` is False where another system keeps the users."""

    created: int = 0
    is_managed: bool = True
    is_reloaded: bool = False


def ensure_credentials(slugs: Iterable[str]) -> Credentials:
    """Gives every thing a broker user; passwords that are there stay. The broker reads them without a restart.

    Errors: OSError where PANTAU_BROKER_DIR cannot be written.
    """
    if not settings.BROKER_DIR:
        return Credentials(is_managed=False)
    folder = Path(settings.BROKER_DIR)
    known = broker_credentials.devices(folder)
    passwords = {slug: known.get(slug) or secrets.token_urlsafe(PASSWORD_BYTES) for slug in slugs}
    has_changed = broker_credentials.set_devices(folder, passwords)
    return Credentials(
        created=len(passwords.keys() - known.keys()),
        is_reloaded=has_changed and broker_credentials.reload(folder),
    )
