"""`/api/subscriptions/`: being told of what happens to reports, by e-mail or by a webhook."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.operations.subscription_fields import (
    NewSubscriptionSerializer,
    SaidSerializer,
    SubscriptionInput,
    SubscriptionPageSerializer,
    SubscriptionSerializer,
    wish_of,
)
from geo.api.reports import PROBLEM
from geo.api.views import PAGE_PARAMETERS, PublicView, address_of, parameter, utc_now
from geo.operations.notifications.letters import described
from geo.operations.notifications.limits import admit_request
from geo.operations.notifications.links import subscription_to_confirm, subscription_to_end
from geo.operations.notifications.models import Subscription
from geo.operations.notifications.services import confirm, end, rotate_key, subscribe_by_email, subscribe_webhook
from geo.operations.notifications.webhook import signing_key
from server.core.errors import Forbidden, NotFound
from server.core.listing import PAGING, absolute_url, next_link, page_of, read_query

KIND = "subscriptions"
FORM = parameter("f", "html for a page, json for JSON; else what `Accept` asks for.")
_ENDED = gettext_lazy("The subscription has ended, and the address is forgotten.")


def _own(view: PublicView) -> Any:
    """The subscriptions of who asks; Forbidden for those without an account."""
    if view.principal.user_id is None:
        raise Forbidden(
            _("Only those with an account have a list; others end a subscription by the link in its letters.")
        )
    joined = Subscription.objects.select_related("city", "report", "area", "category").defer("area__boundary")
    return joined.listed_for(view.principal)


def _find(view: PublicView, key: UUID) -> Subscription:
    found: Subscription | None = _own(view).filter(key=key).first()
    if found is None:
        raise NotFound(_("There is no such subscription."))
    return found


class SubscriptionsView(PublicView):
    @extend_schema(
        operation_id="subscriptions_list",
        parameters=PAGE_PARAMETERS,
        responses={200: SubscriptionPageSerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """One's own subscriptions, newest first. For those with an account."""
        values = read_query(request.query_params, PAGING)
        limit, after = page_of(values, KIND)
        found = _own(self)
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(found.order_by("-id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        return Response({"next": following, "results": SubscriptionSerializer(page[:limit], many=True).data})

    @extend_schema(
        operation_id="subscriptions_create",
        request=SubscriptionInput,
        responses={
            201: NewSubscriptionSerializer,
            202: OpenApiResponse(SaidSerializer, description="a letter asks the reader to confirm it"),
            **dict.fromkeys((400, 401, 403, 409, 429), PROBLEM),
        },
    )
    def post(self, request: Request) -> Response:
        """Subscribes an e-mail address, or with an account a webhook. An address has to confirm it by the link in a letter."""
        if self.principal.user_id is None:
            admit_request(address_of(request), now=utc_now())
        form = SubscriptionInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        if given["kind"] == Subscription.Kind.WEBHOOK:
            made = subscribe_webhook(wish=wish_of(given), url=given["url"], by=self.principal, now=utc_now())
            return _created({**SubscriptionSerializer(made).data, "signing_key": signing_key(made)}, made, request)
        letters_to = subscribe_by_email(
            wish=wish_of(given), email=given["email"], language=given["language"], by=self.principal, now=utc_now()
        )
        if letters_to is not None and letters_to.owner_id is not None:
            return _created({**SubscriptionSerializer(letters_to).data, "signing_key": ""}, letters_to, request)
        # The same whether there was room for it or not, with an account or without: what an address is subscribed to is
        # nobody's business.
        says = _("If this address can take one more subscription, a letter with a link to confirm it is on its way.")
        return Response({"detail": says}, status=202)


def _created(answer: dict[str, Any], made: Subscription, request: Request) -> Response:
    location = absolute_url(request, reverse("subscription", args=[made.key]))
    return Response(answer, status=201, headers={"Location": location})


class SubscriptionView(PublicView):
    @extend_schema(
        operation_id="subscriptions_retrieve",
        responses={200: SubscriptionSerializer, **dict.fromkeys((400, 403, 404), PROBLEM)},
    )
    def get(self, request: Request, key: UUID) -> Response:
        """One of one's own subscriptions."""
        read_query(request.query_params, [])
        return Response(SubscriptionSerializer(_find(self, key)).data)

    @extend_schema(
        operation_id="subscriptions_delete", responses={204: None, **dict.fromkeys((401, 403, 404), PROBLEM)}
    )
    def delete(self, request: Request, key: UUID) -> Response:
        """Ends one of one's own subscriptions."""
        end(subscription=_find(self, key))
        return Response(status=204)


class RotateView(PublicView):
    @extend_schema(
        operation_id="subscriptions_rotate_key",
        request=None,
        responses={200: NewSubscriptionSerializer, **dict.fromkeys((401, 403, 404, 409), PROBLEM)},
    )
    def post(self, request: Request, key: UUID) -> Response:
        """A new key for a webhook of one's own; the old one signs nothing any more."""
        made = rotate_key(subscription=_find(self, key))
        return Response({**SubscriptionSerializer(made).data, "signing_key": signing_key(made)})


class LinkView(PublicView):
    """What a link in a letter leads to. Opening it changes nothing, since mail programs open links by themselves.

    Who holds the link may; no session is asked for, and so none can be misused.
    """

    authentication_classes = []

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A page is no renderer's: without this, who takes HTML alone would be refused.
        return super().perform_content_negotiation(request, force=True)

    def answer(self, request: Request, says: str | Promise, button: str = "") -> Any:
        if _wants_page(request):
            context = {"says": says, "button": button}
            response: Any = HttpResponse(render(request._request, "subscription.html", context).content)
        else:
            response = Response({"detail": says})
        patch_vary_headers(response, ["Accept", "Accept-Language"])
        response["Cache-Control"] = "private, no-store"
        return response


def _wants_page(request: Request) -> bool:
    """A browser's page, or JSON; `f` says it before `Accept` does."""
    named = request.query_params.get("f")
    preferred = request._request.get_preferred_type(["application/json", "text/html"])
    return named == "html" or (named is None and preferred == "text/html")


class ConfirmView(LinkView):
    @extend_schema(
        operation_id="subscriptions_confirm_ask", parameters=[FORM], responses={200: SaidSerializer, 404: PROBLEM}
    )
    def get(self, request: Request, token: str) -> Any:
        """What is to be confirmed: a page with a button, or JSON."""
        subscription = subscription_to_confirm(token)
        says = _("Letters about %(what)s will come to this address.") % {"what": described(subscription)}
        return self.answer(request, says, _("Confirm"))

    @extend_schema(
        operation_id="subscriptions_confirm",
        parameters=[FORM],
        request=None,
        responses={200: SaidSerializer, 404: PROBLEM},
    )
    def post(self, request: Request, token: str) -> Any:
        """Confirms an e-mail subscription. The second time changes nothing."""
        confirm(subscription=subscription_to_confirm(token), now=utc_now())
        return self.answer(request, _("The subscription is confirmed. Each letter holds a link to end it."))


class EndView(LinkView):
    @extend_schema(
        operation_id="subscriptions_end_ask", parameters=[FORM], responses={200: SaidSerializer, 404: PROBLEM}
    )
    def get(self, request: Request, token: str) -> Any:
        """What would be ended: a page with a button, or JSON."""
        subscription = subscription_to_end(token)
        if subscription is None:
            return self.answer(request, _ENDED)
        says = _("No more letters about %(what)s?") % {"what": described(subscription)}
        return self.answer(request, says, _("End the subscription"))

    @extend_schema(
        operation_id="subscriptions_end", parameters=[FORM], request=None, responses={200: SaidSerializer, 404: PROBLEM}
    )
    def post(self, request: Request, token: str) -> Any:
        """Ends a subscription by the link in its letters, by one click of a mail program, too (RFC 8058)."""
        if (subscription := subscription_to_end(token)) is not None:
            end(subscription=subscription)
        return self.answer(request, _ENDED)
