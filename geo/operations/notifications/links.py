"""The signed links of a subscription: by them its reader confirms or ends it, without an account."""

from datetime import timedelta

from django.core import signing
from django.urls import reverse
from django.utils.translation import gettext as _

from geo.operations.notifications.email_transport import link_to
from geo.operations.notifications.models import Subscription
from server.core.errors import NotFound

# So long a subscription waits to be confirmed; then it is forgotten.
CONFIRMED_WITHIN = timedelta(days=7)
_CONFIRM, _END = "pantau.subscription.confirm", "pantau.subscription.end"


def confirm_link(subscription: Subscription) -> str:
    token = signing.dumps(str(subscription.key), salt=_CONFIRM)
    return link_to(reverse("subscription-confirm", args=[token]))


def end_link(subscription: Subscription) -> str:
    """It works as long as the subscription does."""
    return link_to(reverse("subscription-end", args=[signing.dumps(str(subscription.key), salt=_END)]))


def subscription_to_confirm(token: str) -> Subscription:
    """NotFound for a link that is not ours, is older than a week, or whose subscription has ended."""
    try:
        subscription = _of_key(signing.loads(token, salt=_CONFIRM, max_age=CONFIRMED_WITHIN))
    except signing.SignatureExpired:
        raise NotFound(_("This link is older than seven days; please subscribe anew.")) from None
    except signing.BadSignature:
        raise NotFound(_("This link is not one of ours, or not whole.")) from None
    if subscription is None:
        raise NotFound(_("This subscription has ended."))
    return subscription


def subscription_to_end(token: str) -> Subscription | None:
    """None where it has ended already; NotFound for a link that is not ours."""
    try:
        return _of_key(signing.loads(token, salt=_END))
    except signing.BadSignature:
        raise NotFound(_("This link is not one of ours, or not whole.")) from None


def _of_key(key: str) -> Subscription | None:
    joined = Subscription.objects.select_related("city", "report", "area", "category")
    return joined.defer("area__boundary").filter(key=key).first()
