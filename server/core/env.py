"""Settings from the environment: a bad value fails at start with a sentence that names the variable."""

import os
from typing import NoReturn
from urllib.parse import unquote, urlsplit


class BadSetting(SystemExit):
    """A variable is missing or cannot be used; the process ends with a sentence that names it."""


def fail(name: str, why: str) -> NoReturn:
    raise BadSetting(f"pantau: {name} {why} (see .env.example)")


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        fail(name, "must be set")
    return default


def flag(name: str, default: bool = False) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    fail(name, f"must be 0 or 1, not {value!r}")


def integer(name: str, default: int, *, minimum: int = 0, maximum: int = 2**31) -> int:
    value = text(name, str(default))
    if not value.lstrip("-").isdigit() or not minimum <= int(value) <= maximum:
        fail(name, f"must be a whole number from {minimum} to {maximum}, not {value!r}")
    return int(value)


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def integers(name: str, default: str = "") -> list[int]:
    parts = names(name, default)
    if not all(part.isdecimal() for part in parts):
        fail(name, f"must be whole numbers with commas between, not {','.join(parts)!r}")
    return [int(part) for part in parts]


def database(name: str = "DATABASE_URL") -> dict[str, object]:
    """Django's DATABASES entry from postgres://user:password@host:port/name."""
    parts = urlsplit(text(name))
    if parts.scheme not in {"postgres", "postgresql", "postgis"} or len(parts.path) < 2:
        fail(name, "must look like postgres://user:password@host:5432/name")
    return {
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {"connect_timeout": 10},
        # A connection costs more than most queries; one that died with the database is noticed and made anew.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
