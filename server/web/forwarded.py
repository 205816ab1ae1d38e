"""What a reverse proxy says of the request it passes on, believed from trusted proxies only."""

import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

SAID = ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")


class ForwardedMiddleware:
    """Links are made from the scheme, host and port that the client used. A client of its own could make them up, and so
    write its host into answers that others' caches keep: from anybody else these headers are dropped."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        self.trusted = [ipaddress.ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self._is_trusted(request.META.get("REMOTE_ADDR", "")):
            for name in SAID:
                request.META.pop(name, None)
        return self.get_response(request)

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:  # a unix socket has none
            return False
        return any(found in network for network in self.trusted)
