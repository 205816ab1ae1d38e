"""What every view of this API shares."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS, AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from server.core.errors import Forbidden, Unauthenticated
from server.core.params import parse_choice
from server.core.parsers import ShallowJSONParser, refuse_larger


class SensorProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457, with the name of the parameter at fault."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    parameter = serializers.CharField(required=False)


class OpenView(APIView):
    """Readings are public: nobody is asked who they are."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code == 200:
            patch_cache_control(answer, public=True, max_age=5)
        return answer


class WritingView(APIView):
    """Who writes is a person with a token, a password or a session, and needs a permission. The answer is theirs alone."""

    permission_classes = [AllowAny]
    parser_classes = [ShallowJSONParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_larger(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(answer, ["Authorization", "Cookie"])
        patch_cache_control(answer, private=True, no_store=True)
        return answer

    def require(self, *permissions: str) -> None:
        """Errors: Unauthenticated for nobody in particular, Forbidden without one of these permissions (`sensors.add_thing`)."""
        if not self.request.user.is_authenticated:
            raise Unauthenticated(
                _("Sign in, or send an access token: Authorization: Bearer …"), challenge='Bearer realm="Pantau"'
            )
        if not self.request.user.has_perms(permissions):
            raise Forbidden(_("Your role does not allow this. Whoever administers the city gives roles."))


class SharedView(WritingView):
    """An address that anybody reads, as an OpenView, and that is written as a WritingView."""

    def get_authenticators(self) -> list[Any]:
        return [] if self._is_reading() else super().get_authenticators()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._is_reading():
            return super().finalize_response(request, response, *args, **kwargs)
        answer = APIView.finalize_response(self, request, response, *args, **kwargs)
        if answer.status_code == 200:
            patch_cache_control(answer, public=True, max_age=5)
        return answer

    def _is_reading(self) -> bool:
        # Where the API is described, there is no request.
        return getattr(self, "request", None) is not None and self.request.method in SAFE_METHODS


def parameter(name: str, description: str, kind: type = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description)


PAGE_PARAMETERS = [
    parameter("limit", "How many at most.", int),
    parameter("next", "Where the page begins: taken from the `next` link of the page before."),
]

EXERCISE = parameter("exercise", "`true`: what stands in for others in an exercise, instead of what is real.")


def wants_exercise(values: Mapping[str, str]) -> bool:
    return "exercise" in values and parse_choice(values["exercise"], "exercise", ["true", "false"]) == "true"
