"""A device at the HTTP door: by the name and the password that it has at the broker."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from sensors.ingest.broker_url import BadBrokerUrl, parse_broker_url
from server.core import broker_credentials
from server.core.errors import Forbidden, Unauthenticated

CHALLENGE = 'Basic realm="Pantau", charset="UTF-8", Bearer realm="Pantau"'


@dataclass(frozen=True, slots=True)
class Device:
    """Who publishes; `thing` is the slug of the only thing that they may speak of, "" for the gateway, which speaks for all."""

    name: str
    thing: str


class DeviceAuthentication(BaseAuthentication):
    """HTTP Basic with a thing's slug, or the gateway's name, and the broker's password. Other names are left to whoever knows them.

    No lock-out: these passwords are made by this service, and are too long to be guessed.
    """

    def authenticate(self, request: Request) -> tuple[Any, Device] | None:
        name, password = _name_and_password(request.META.get("HTTP_AUTHORIZATION", ""))
        expected = _passwords().get(name) if name else None
        if expected is None:
            return None
        if not hmac.compare_digest(password.encode(), expected.encode()):
            raise Unauthenticated(_("This is not the device's password at the broker."), challenge=CHALLENGE)
        # A browser sends Basic by itself, for a form of another site as well; devices name no origin.
        if request.META.get("HTTP_ORIGIN") not in (None, f"{request.scheme}://{request.get_host()}"):
            raise Forbidden(_("Pages of other sites do not write by Basic; send an access token as Bearer."))
        gateway, _password = _gateway()
        return AnonymousUser(), Device(name, "" if name == gateway else name)

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class DeviceScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "sensors.api.device_authentication.DeviceAuthentication"
    name = "device"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "basic", "description": "A thing's slug and its password at the broker."}


def _name_and_password(header: str) -> tuple[str, str]:
    kind, _space, value = header.strip().partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _passwords() -> dict[str, str]:
    gateway, password = _gateway()
    known = _devices(settings.BROKER_DIR) if settings.BROKER_DIR else {}
    return known | {gateway: password} if gateway and password else known


def _gateway() -> tuple[str, str]:
    try:
        url = parse_broker_url(settings.MQTT_GATEWAY_URL)
    except BadBrokerUrl:
        return "", ""
    return url.username or "", url.password or ""


def _devices(folder: str) -> dict[str, str]:
    try:
        changed_ns = (Path(folder) / "devices.json").stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    return _devices_as_of(folder, changed_ns)


@lru_cache(maxsize=1)
def _devices_as_of(folder: str, changed_ns: int) -> dict[str, str]:
    """Read once for each change: a city has thousands of devices, and each of their requests would read the file."""
    return broker_credentials.devices(Path(folder))
