"""`/api/tokens/`: the access tokens of whoever asks: made, listed, revoked."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.reports import PROBLEM
from geo.api.views import PAGE_PARAMETERS, PublicView, utc_now
from geo.reports.access.people import CHALLENGE
from geo.reports.access.tokens import DEFAULT_DAYS, LONGEST_DAYS, LONGEST_NAME, create_token, revoke_token
from geo.reports.models import AccessToken, ChannelKey
from server.core.errors import Forbidden, NotFound, Unauthenticated
from server.core.listing import PAGING, absolute_url, next_link, page_of, read_query

KIND = "access tokens"


class AccessTokenSerializer(serializers.ModelSerializer[AccessToken]):
    class Meta:
        model = AccessToken
        fields = ["id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]


class AccessTokenPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = AccessTokenSerializer(many=True)


class NewAccessTokenSerializer(AccessTokenSerializer):
    token = serializers.CharField(help_text="Its text, which is not shown again.")

    class Meta(AccessTokenSerializer.Meta):
        fields = [*AccessTokenSerializer.Meta.fields, "token"]


class AccessTokenInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME, help_text="What it is for: a program, a computer.")
    scopes = serializers.MultipleChoiceField(
        choices=AccessToken.Scope.choices, default={AccessToken.Scope.READ.value}, allow_empty=False
    )
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, default=DEFAULT_DAYS)


class OwnTokensView(PublicView):
    """For a person by session or password: no token makes another one, which would outlive its own revocation."""

    def person(self) -> Any:
        request = self.request
        if isinstance(request.auth, AccessToken | ChannelKey):
            raise Forbidden(_("Tokens are managed by their user: sign in, or send name and password over TLS."))
        if not request.user.is_authenticated:
            raise Unauthenticated(_("Sign in, or send name and password over TLS."), challenge=CHALLENGE)
        return request.user


class TokensView(OwnTokensView):
    @extend_schema(
        operation_id="tokens_list",
        parameters=PAGE_PARAMETERS,
        responses={200: AccessTokenPageSerializer, **dict.fromkeys((400, 401, 403), PROBLEM)},
    )
    def get(self, request: Request) -> Response:
        """One's own tokens, newest first, those included that are revoked or too old."""
        person = self.person()
        limit, after = page_of(read_query(request.query_params, PAGING), KIND)
        found = AccessToken.objects.filter(user_id=person.pk)
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(found.order_by("-id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        return Response({"next": following, "results": AccessTokenSerializer(page[:limit], many=True).data})

    @extend_schema(
        operation_id="tokens_create",
        request=AccessTokenInput,
        responses={201: NewAccessTokenSerializer, **dict.fromkeys((400, 401, 403), PROBLEM)},
    )
    def post(self, request: Request) -> Response:
        """A new token, whose text is in this answer and nowhere else. It opens what its user may, within its scopes."""
        person = self.person()
        form = AccessTokenInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        token, text = create_token(
            user=person, name=given["name"], scopes=given["scopes"], days=given["days"], now=utc_now()
        )
        location = absolute_url(request, f"/api/tokens/{token.pk}/")
        answer = {**AccessTokenSerializer(token).data, "token": text}
        return Response(answer, status=201, headers={"Location": location})


class TokenView(OwnTokensView):
    @extend_schema(
        operation_id="tokens_retrieve",
        responses={200: AccessTokenSerializer, **dict.fromkeys((400, 401, 403, 404), PROBLEM)},
    )
    def get(self, request: Request, number: int) -> Response:
        """One of one's own tokens."""
        read_query(request.query_params, [])
        return Response(AccessTokenSerializer(self._token(number)).data)

    @extend_schema(operation_id="tokens_revoke", responses={204: None, **dict.fromkeys((401, 403, 404), PROBLEM)})
    def delete(self, request: Request, number: int) -> Response:
        """Revokes a token at once. The second time changes nothing."""
        revoke_token(token=self._token(number), now=utc_now())
        return Response(status=204)

    def _token(self, number: int) -> AccessToken:
        found = AccessToken.objects.filter(user_id=self.person().pk, pk=min(number, 2**63 - 1)).first()
        if found is None:
            raise NotFound(_("There is no such token."))
        return found
