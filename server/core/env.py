"""Settings from the environment: a bad value fails at start with a sentence that names the variable."""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
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


def token(name: str) -> str:
    """A secret by which a program shows who it is: at least 20 characters of ASCII; "" where unset."""
    value = text(name, "")
    if value and not (len(value) >= 20 and value.isascii() and value.isprintable() and " " not in value):
        # Its value is not repeated.
        fail(name, "must have at least 20 characters, all of ASCII and no space among them")
    return value


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


def choice(name: str, options: Sequence[str]) -> str:
    """One of these words; the first where it is unset."""
    value = text(name, options[0]).lower()
    if value not in options:
        fail(name, f"must be {' or '.join(options)}, not {value!r}")
    return value


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def integers(name: str, default: str = "") -> list[int]:
    parts = names(name, default)
    if not all(part.isdecimal() for part in parts):
        fail(name, f"must be whole numbers with commas between, not {','.join(parts)!r}")
    return [int(part) for part in parts]


def networks(name: str) -> list[str]:
    """Networks in CIDR notation; a single address is a network of one."""
    parts = names(name)
    for part in parts:
        try:
            ipaddress.ip_network(part)
        except ValueError:
            fail(name, f"must be networks such as 10.20.0.0/16 with commas between, not {part!r}")
    return parts


def bucket(name: str) -> dict[str, object]:
    """Django's STORAGES entry of a private bucket: objects have no public address, and none is written over."""
    from botocore.config import Config  # half a second, for those alone who have a bucket

    options: dict[str, object] = {
        # A report waits for its photos: a bucket that is away must not keep it for minutes.
        "client_config": Config(connect_timeout=3, read_timeout=15, retries={"max_attempts": 2}),
        "bucket_name": name,
        "access_key": text("PANTAU_S3_ACCESS_KEY"),
        "secret_key": text("PANTAU_S3_SECRET_KEY"),
        "default_acl": None,
        "file_overwrite": False,
    }
    if endpoint := text("PANTAU_S3_ENDPOINT", ""):
        options["endpoint_url"] = endpoint
    if region := text("PANTAU_S3_REGION", ""):
        options["region_name"] = region
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


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


@dataclass(frozen=True, slots=True)
class Mail:
    """Where letters go: Django's EMAIL_ settings."""

    backend: str
    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    encryption: str = ""


_MAIL_BACKENDS = {
    "file:": "django.core.mail.backends.filebased.EmailBackend",
    "console:": "django.core.mail.backends.console.EmailBackend",
}
# Scheme of a mail server's address: its usual port, and how it is encrypted.
_MAIL_SERVERS = {"smtp": (25, ""), "smtp+tls": (587, "STARTTLS"), "smtps": (465, "TLS")}


def mail(name: str) -> Mail:
    """From smtp://, smtp+tls:// (STARTTLS) or smtps://user:password@host:port, file: or console:; file: where unset."""
    value = text(name, "file:")
    if value in _MAIL_BACKENDS:
        return Mail(_MAIL_BACKENDS[value])
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in _MAIL_SERVERS or parts.path.strip("/") or parts.query:
        # Its value is not repeated: it may hold a password.
        fail(name, "must look like smtp+tls://user:password@host:587, smtps://… or smtp://…, or be file: or console:")
    usual_port, encryption = _MAIL_SERVERS[parts.scheme]
    return Mail(
        "django.core.mail.backends.smtp.EmailBackend",
        host,
        port or usual_port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        encryption,
    )


def sender(name: str, default: str | None) -> str:
    """Who letters are from: an address, or a name with the address in angle brackets."""
    value = text(name, default)
    address = parseaddr(value)[1]
    if not address.isascii() or not all(address.rpartition("@")[::2]) or any(char < " " for char in value):
        fail(name, f"must be an address such as Pantau <pantau@example.go.id>, not {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class BaseMap:
    """A map of somebody else's under the city's: a MapLibre style, or pictures by {z}/{x}/{y}; "" where there is none."""

    url: str = ""
    attribution: str = ""

    @property
    def is_raster(self) -> bool:
        return "{z}" in self.url

    @property
    def origin(self) -> str:
        """What a page's security policy has to let through; "" for one of this service's own, or none."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    def for_script(self) -> dict[str, str | bool] | None:
        """What a page's script has to know of it; None where there is none."""
        if not self.url:
            return None
        return {"url": self.url, "attribution": self.attribution, "is_raster": self.is_raster}


def base_map(url_name: str, attribution_name: str) -> BaseMap:
    """From the address of a style.json, or of tiles with {z}, {x} and {y} in it. Whoever made the map has to be named."""
    url, attribution = text(url_name, ""), text(attribution_name, "")
    if not url:
        return BaseMap()
    try:
        parts = urlsplit(url)
        own_path = not parts.scheme and not parts.netloc and url.startswith("/") and not url.startswith("//")
        is_address = own_path or (parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None)
    except ValueError:
        is_address = False
    # Where a policy's words end must not be for the address to say.
    if not is_address or any(char in " ;,'\"" or char < " " for char in url):
        fail(url_name, "must be the http(s) address, or the path, of a style.json or of tiles with {z}, {x} and {y}")
    named = [part for part in ("{z}", "{x}", "{y}") if part in url]
    if named and len(named) < 3:
        fail(url_name, "must have all of {z}, {x} and {y} in the address of tiles")
    if not attribution:
        fail(attribution_name, f"must be set beside {url_name}: the text that names whose map it is")
    return BaseMap(url, attribution)
