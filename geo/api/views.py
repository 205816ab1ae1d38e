"""What every view of this API shares: who may ask, what may be sent, how long an answer may be kept."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils.cache import patch_cache_control, patch_vary_headers
from drf_spectacular.utils import OpenApiParameter
from rest_framework.authentication import SessionAuthentication
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from geo.reports.access.authentication import ChannelKeyAuthentication, PersonAuthentication, principal_of
from geo.reports.access.people import address_of as address_of
from geo.reports.access.principals import PUBLIC, Principal
from geo.reports.photos.cleaning import MAX_BYTES, MAX_PHOTOS
from server.core.parsers import ShallowJSONParser, refuse_larger


class PublicView(APIView):
    """Anybody may ask; what they see is decided by `visible_to(principal)`."""

    authentication_classes = [ChannelKeyAuthentication, PersonAuthentication, SessionAuthentication]
    permission_classes = [AllowAny]
    parser_classes = [ShallowJSONParser, MultiPartParser, FormParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if (request.content_type or "").startswith("multipart/"):
            limit += MAX_PHOTOS * MAX_BYTES
        refuse_larger(request, limit)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(response, ["X-Api-Key", "Authorization", "Cookie"])
        if "Authorization" in request.headers:
            patch_cache_control(response, private=True)
            if not response.has_header("ETag"):
                patch_cache_control(response, no_store=True)
        elif not response.has_header("Cache-Control"):
            is_read = request.method in ("GET", "HEAD") and response.status_code == 200
            # Somebody without a role is nobody in particular, but has things of their own.
            if is_read and self.principal == PUBLIC and not request.user.is_authenticated:
                patch_cache_control(response, public=True, max_age=5)
            else:
                patch_cache_control(response, private=True, no_store=True)
        return response

    @cached_property
    def principal(self) -> Principal:
        return principal_of(self.request)


def utc_now() -> datetime:
    return datetime.now(UTC)


def parameter(name: str, description: str, kind: type = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description)


PAGE_PARAMETERS = [
    parameter("limit", "How many at most: 100 unless said otherwise, 1000 at the most.", int),
    parameter("next", "Where the page begins: taken from the `next` link of the page before."),
]
