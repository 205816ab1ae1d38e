"""A person by the Authorization header: an access token, or HTTP Basic with the user's name.

Basic's password is an access token, or over TLS the user's own. Who fails too often is locked out for a while, by user name
and address, and by the address (django-axes, which watches the admin's door as well; see geo.reports.access.lockout).
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from geo.reports.access.key_texts import looks_like_one, prefix_of
from geo.reports.access.lockout import is_address_locked
from geo.reports.access.tokens import Scope, find_token
from geo.reports.intake_limits import client_address
from geo.reports.models import AccessToken
from server.core.errors import Forbidden, TooMany, Unauthenticated

READING = frozenset({"GET", "HEAD", "OPTIONS"})
CHALLENGE = 'Bearer realm="Pantau", Basic realm="Pantau", charset="UTF-8"'
# A map asks for forty tiles at once, and a password's hash costs a third of a second by design.
_PASSWORD_REMEMBERED_S = 60
# In the request's META, since several layers of one request ask.
_KNOWN = "pantau.person"
_STORED = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_USER_AGENT")


@dataclass(frozen=True, slots=True)
class Person:
    """Who has shown something that is theirs; `token` where it was a token, whose scopes bound what they may."""

    user: AbstractBaseUser
    token: AccessToken | None = None


def address_of(request: HttpRequest) -> str:
    """The client's own address, behind trusted proxies too; see `client_address`."""
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return client_address(request.META.get("REMOTE_ADDR", ""), forwarded_for, settings.TRUSTED_PROXIES)


def locked_address(request: HttpRequest) -> str | None:
    """The same as one address, by which failures are counted: of an IPv6 household the first of its network."""
    return address_of(request).partition("/")[0] or None


def person_of(request: HttpRequest) -> Person | None:
    """Who is named by the Authorization header; None without one.

    Errors: Unauthenticated for what is wrong, never an anonymous request; TooMany for who failed too often; Forbidden for a
    token that only reads where something is written, and for a page of another site that writes by a browser's Basic.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    if _KNOWN not in request.META:
        request.META[_KNOWN] = _by_header(request, header)
    return request.META[_KNOWN]


def _by_header(request: HttpRequest, header: str) -> Person:
    kind, _space, value = header.strip().partition(" ")
    if kind.lower() == "bearer":
        person = _by_token(request, value.strip())
    elif kind.lower() == "basic":
        person = _by_basic(request, value.strip())
    else:
        raise Unauthenticated(_("Authorization is Bearer with an access token, or Basic."), challenge=CHALLENGE)
    if request.method not in READING and person.token is not None and Scope.WRITE not in person.token.scopes:
        raise Forbidden(_("This access token reads only."))
    return person


def _by_token(request: HttpRequest, text: str) -> Person:
    token = find_token(text, now=datetime.now(UTC))
    if token is None:
        # Two hundred and fifty-six random bits are not guessed; what is counted is who tries.
        name = f"token:{prefix_of(text)}"
        _refuse_locked(request, name)
        _note_failure(request, name)
        raise Unauthenticated(_("This access token is wrong, too old, or was revoked."), challenge=CHALLENGE)
    return Person(token.user, token)


def _by_basic(request: HttpRequest, value: str) -> Person:
    name, password = _name_and_password(value)
    if looks_like_one(password):
        token = find_token(password, now=datetime.now(UTC))
        if token is not None and token.user.get_username() == name:
            _refuse_other_sites(request)
            return Person(token.user, token)
        _refuse_locked(request, name)
        _note_failure(request, name)
    elif request.is_secure() or settings.DEBUG:
        _refuse_locked(request, name)
        user = _by_password(request, name, password)
        if user is not None:
            _refuse_other_sites(request)
            return Person(user)
    else:
        # Before it is looked at: an answer would tell whether it was right, to whoever listens.
        raise Unauthenticated(
            _("A password is taken over TLS (https) alone; make an access token, and send it as the password."),
            challenge=CHALLENGE,
        )
    raise Unauthenticated(_("User name or password is wrong."), challenge=CHALLENGE)


def _name_and_password(value: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name, colon, password = "", "", ""
    if not colon or not name or len(name) > 150 or len(password) > 4096 or "\0" in name + password:
        raise Unauthenticated(_("Basic is the base64 of name:password in UTF-8."), challenge=CHALLENGE)
    return name, password


def _by_password(request: HttpRequest, name: str, password: str) -> Any:
    """The user, by their password, or by the memory of it: never kept, only its keyed hash, and not past a change of it."""
    key = "password:" + salted_hmac("pantau.basic", f"{name}\0{password}", algorithm="sha256").hexdigest()
    remembered = cache.get(key)
    if remembered is not None:
        user: Any = get_user_model()._default_manager.filter(pk=remembered[0], is_active=True).first()
        if user is not None and constant_time_compare(user.get_session_auth_hash(), remembered[1]):
            return user
    watched = _watched(request)
    user = authenticate(watched, username=name, password=password)
    if user is None:
        _refuse_if_locked_now(watched)
        return None
    cache.set(key, (user.pk, user.get_session_auth_hash()), _PASSWORD_REMEMBERED_S)
    return user


def _refuse_other_sites(request: HttpRequest) -> None:
    """A browser sends Basic by itself, for a form of another site as well; programs name no origin."""
    origin = request.META.get("HTTP_ORIGIN")
    if request.method not in READING and origin not in (None, f"{request.scheme}://{request.get_host()}"):
        raise Forbidden(_("Pages of other sites do not write by Basic; send an access token as Bearer."))


def locked_sentence(watched: HttpRequest) -> str:
    """Of a request that axes has refused."""
    says = (
        _("Too many failed attempts from this address; it opens again after %(n)d minutes.")
        if is_address_locked(watched)
        else _("Too many failed attempts with this name from this address; it opens again after %(n)d minutes.")
    )
    return says % {"n": _cool_off_s() // 60}


def _refuse_locked(request: HttpRequest, name: str) -> None:
    watched = _watched(request)
    if not AxesProxyHandler.is_allowed(watched, {"username": name}):
        raise TooMany(locked_sentence(watched), retry_after_s=_cool_off_s())


def _note_failure(request: HttpRequest, name: str) -> None:
    watched = _watched(request)
    user_login_failed.send(sender=__name__, credentials={"username": name}, request=watched)
    _refuse_if_locked_now(watched)


def _refuse_if_locked_now(watched: HttpRequest) -> None:
    if getattr(watched, "axes_locked_out", False):
        raise TooMany(locked_sentence(watched), retry_after_s=_cool_off_s())


def _watched(request: HttpRequest) -> HttpRequest:
    """The request as axes sees and stores it: from where, and to what. A report that was sent with a wrong token is not for it."""
    seen = HttpRequest()
    seen.META = {name: request.META[name] for name in _STORED if name in request.META}
    seen.method, seen.path = request.method, request.path
    return seen


def _cool_off_s() -> int:
    return int(settings.AXES_COOLOFF_TIME.total_seconds())
