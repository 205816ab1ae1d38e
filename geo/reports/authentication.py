"""Who asks: a channel by its API key, staff by their session, anybody else."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from geo.reports.channel_keys import find_key
from geo.reports.models import ChannelKey
from geo.reports.querysets import PUBLIC, Principal, cities_of


class ChannelKeyAuthentication(BaseAuthentication):
    """`X-Api-Key: prefix.secret`. A wrong or revoked key is 401, never an anonymous request."""

    def authenticate(self, request: Request) -> tuple[Any, ChannelKey] | None:
        text = request.headers.get("X-Api-Key")
        if text is None:
            return None
        key = find_key(text.strip(), now=datetime.now(UTC))
        if key is None:
            raise AuthenticationFailed(_("This API key is wrong or was revoked."))
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'ApiKey realm="X-Api-Key"'


class ChannelKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "geo.reports.authentication.ChannelKeyAuthentication"
    name = "channelKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-Api-Key"}


def principal_of(request: Request) -> Principal:
    """Who has sent this request, as reads and writes of reports want to know it."""
    if isinstance(request.auth, ChannelKey):
        return Principal(channel=request.auth.channel)
    return principal_of_user(request.user)


def principal_of_user(user: Any) -> Principal:
    """Signed-in staff with the cities of their roles, else nobody in particular."""
    if user.is_authenticated and user.is_staff:
        cities = None if user.is_superuser else frozenset(cities_of(user))
        return Principal(is_staff=True, city_ids=cities, user_id=user.pk)
    return PUBLIC
