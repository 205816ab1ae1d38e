"""Who asks: a channel by its API key, a person by token, password or session, a reporter by a link, anybody else."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from geo.reports.access.channel_keys import find_key
from geo.reports.access.links import HEADER, read_link
from geo.reports.access.people import CHALLENGE, READING, person_of
from geo.reports.access.principals import Link, Origin, Principal, principal_of_user
from geo.reports.intake_limits import admit_key
from geo.reports.models import AccessToken, ChannelKey


class ChannelKeyAuthentication(BaseAuthentication):
    """`X-Api-Key: prefix.secret`. A wrong or revoked key is 401, never an anonymous request."""

    def authenticate(self, request: Request) -> tuple[Any, ChannelKey] | None:
        text = request.headers.get("X-Api-Key")
        if text is None:
            return None
        now = datetime.now(UTC)
        key = find_key(text.strip(), now=now)
        if key is None:
            raise AuthenticationFailed(_("This API key is wrong or was revoked."))
        if request.method not in READING:
            admit_key(key, now=now)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'ApiKey realm="X-Api-Key"'


class ChannelKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "geo.reports.access.authentication.ChannelKeyAuthentication"
    name = "channelKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-Api-Key"}


class PersonAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with an access token, or `Basic`. No CSRF token is asked: no page sends it by itself."""

    def authenticate(self, request: Request) -> tuple[Any, AccessToken | None] | None:
        person = person_of(request._request)
        return None if person is None else (person.user, person.token)

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class PersonScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "geo.reports.access.authentication.PersonAuthentication"
    name = ["accessToken", "basic"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [{"type": "http", "scheme": "bearer"}, {"type": "http", "scheme": "basic"}]


class ReportLinkAuthentication(BaseAuthentication):
    """`X-Report-Link: token`, as it came with the answer to a report. One that is not good any more is 401."""

    def authenticate(self, request: Request) -> tuple[Any, Link] | None:
        token = request.headers.get(HEADER)
        if token is None:
            return None
        link = read_link(token.strip(), now=datetime.now(UTC))
        if link is None:
            raise AuthenticationFailed(_("This link is wrong or too old, or what it led to was erased."))
        return AnonymousUser(), link

    def authenticate_header(self, request: Request) -> str:
        return f'ReportLink realm="{HEADER}"'


class ReportLinkScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "geo.reports.access.authentication.ReportLinkAuthentication"
    name = "reportLink"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": HEADER}


def principal_of(request: Request, *, origin: str = Origin.API) -> Principal:
    """Who has sent this request, as reads and writes of reports want to know it."""
    if isinstance(request.auth, ChannelKey):
        return Principal(channel=request.auth.channel, scopes=frozenset(request.auth.scopes), origin=origin)
    if isinstance(request.auth, Link):
        return Principal(link=request.auth, origin=Origin.LINK)
    return principal_of_user(request.user, origin=origin)
