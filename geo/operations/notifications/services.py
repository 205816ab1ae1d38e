"""Writes of subscriptions. Each function owns its transaction."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Polygon
from django.db import connection, transaction
from django.utils.translation import gettext as _

from geo.areas.models import Area, City
from geo.operations.notifications.email_transport import enqueue_letter
from geo.operations.notifications.letters import CONFIRM, RECIPIENT
from geo.operations.notifications.limits import letter_box, may_be_asked_to_confirm
from geo.operations.notifications.links import CONFIRMED_WITHIN
from geo.operations.notifications.matching import SQL, filters
from geo.operations.notifications.models import OF_REPORTS, Event, Subscription, SubscriptionQuerySet
from geo.operations.notifications.webhook import check_url, destination_of
from geo.operations.outbox.models import OutboxMessage
from geo.reports.access.principals import Principal
from geo.reports.models import Category, Report
from server.core.errors import BadParameter, Conflict, Forbidden, InvalidFields

MOST_VERTICES = 200
# Of one letter box, not yet confirmed: so many letters it can get, within a week, that its reader has not asked for.
MOST_UNCONFIRMED = 3

Kind, Scope = Subscription.Kind, Subscription.Scope


@dataclass(frozen=True, slots=True)
class Wish:
    """Of what somebody wants to be told: all that is set has to hold. `polygon` is in EPSG:4326, `filter` CQL2 text."""

    city: City
    events: tuple[str, ...] = OF_REPORTS
    report: Report | None = None
    area: Area | None = None
    category: Category | None = None
    polygon: Polygon | None = None
    filter: str = ""

    @property
    def scope(self) -> str:
        if self.report is not None:
            return Scope.REPORT
        if self.polygon is not None:
            return Scope.POLYGON
        if self.area is not None:
            return Scope.AREA
        return Scope.CATEGORY if self.category is not None else Scope.CITY


def subscribe_by_email(
    *, wish: Wish, email: str, by: Principal, now: datetime, language: str = settings.LANGUAGE_CODE
) -> Subscription | None:
    """An e-mail subscription; unless the address is the account's own it waits for its reader to confirm it, by a letter.

    An address that is not the account's own belongs to its reader alone: the subscription has no owner. None where it has as
    many as it may, or this very one, or was written to often enough this hour: nobody else is told what an address is
    subscribed to.
    Errors: InvalidFields, by the name of the field. Forbidden for an account without a role in the city. Conflict for its own
            address, for too many and for the same again.
    """
    _check(wish, by)
    is_own = by.user_id is not None and _is_own_address(by.user_id, email)
    with transaction.atomic():
        _lock(letter_box(email))
        known = Subscription.objects.filter(email__iexact=email)
        if fault := _too_many(known, email, is_own=is_own) or _repeated(known, wish):
            if is_own:
                raise Conflict(fault)
            return None
        if not is_own and not may_be_asked_to_confirm(email, now=now):
            return None
        subscription = _create(
            wish, kind=Kind.EMAIL, owner_id=by.user_id if is_own else None, email=email, language=language, created_at=now,
            confirmed_at=now if is_own else None,
        )  # fmt: skip
        if not is_own:
            enqueue_letter(
                topic=CONFIRM, to=RECIPIENT, payload={"subscription": str(subscription.key)}, now=now,
                give_up_at=now + CONFIRMED_WITHIN,
            )  # fmt: skip
    return subscription


def subscribe_webhook(*, wish: Wish, url: str, by: Principal, now: datetime) -> Subscription:
    """A webhook of somebody with an account; its key is `webhook.signing_key`, to be shown once.

    Errors: Forbidden for whoever has no role in the city; InvalidFields, `url` among them, for an address that must not be
            called; Conflict beyond settings.SUBSCRIPTIONS_MOST, and for the same again.
    """
    if by.user_id is None:
        raise Forbidden(_("Only staff of the city may do this."))
    _check(wish, by)
    check_url(url)  # before the transaction: a name server may take its time
    with transaction.atomic():
        _lock(f"user {by.user_id}")
        known = Subscription.objects.filter(owner=by.user_id, kind=Kind.WEBHOOK)
        if known.count() >= settings.SUBSCRIPTIONS_MOST:
            raise Conflict(_most())
        if fault := _repeated(known.filter(url=url), wish):
            raise Conflict(fault)
        return _create(wish, kind=Kind.WEBHOOK, owner_id=by.user_id, url=url, created_at=now, confirmed_at=now)


def confirm(*, subscription: Subscription, now: datetime) -> None:
    """By the link in the letter. The second time changes nothing."""
    Subscription.objects.filter(pk=subscription.pk, confirmed_at=None).update(confirmed_at=now)


def end(*, subscription: Subscription) -> None:
    """Deletes it, and with it the address. What is on its way to a webhook is not sent any more."""
    with transaction.atomic():
        if subscription.kind == Kind.WEBHOOK:
            waiting = OutboxMessage.objects.filter(
                destination=destination_of(subscription.key), state=OutboxMessage.State.PENDING
            )
            waiting.filter(pk__in=waiting.select_for_update(skip_locked=True).values("pk")).delete()
        Subscription.objects.filter(pk=subscription.pk).delete()


def forget_address(*, email: str) -> int:
    """Ends every subscription of an e-mail address; how many."""
    count, _by_model = Subscription.objects.filter(email__iexact=email).delete()
    return count


def rotate_key(*, subscription: Subscription) -> Subscription:
    """A new key for a webhook, from the next message on; what waits to be sent again is signed with the new one, too."""
    if subscription.kind != Kind.WEBHOOK:
        raise Conflict(_("Only a webhook has a key."))
    with transaction.atomic():
        locked = Subscription.objects.select_for_update().get(pk=subscription.pk)
        locked.key_generation += 1
        locked.save(update_fields=["key_generation"])
    return locked


def forget_unconfirmed(now: datetime) -> int:
    """Deletes what was not confirmed within seven days; how many."""
    old = Subscription.objects.filter(confirmed_at=None, created_at__lt=now - CONFIRMED_WITHIN)
    count, _by_model = old.delete()
    return count


def _check(wish: Wish, by: Principal) -> None:
    if by.user_id is not None and not by.may_act_in(wish.city.pk):
        raise Forbidden(_("You have no role in this city."))
    faults: dict[str, list[str]] = {}
    elsewhere = _("Belongs to another city.")
    if not wish.events or not set(wish.events) <= set(Event.values):
        faults["events"] = [_("One or more of %(known)s.") % {"known": ", ".join(Event.values)}]
    if wish.report is not None and wish.report.city_id != wish.city.pk:
        faults["report"] = [elsewhere]
    if wish.area is not None and wish.area.city_id != wish.city.pk:
        faults["area"] = [elsewhere]
    if wish.category is not None and wish.category.city_id not in (None, wish.city.pk):
        faults["category"] = [elsewhere]
    if wish.polygon is not None and (fault := _polygon_fault(wish.polygon, wish.city)):
        faults["polygon"] = [fault]
    if wish.filter:
        if fault := _filter_fault(wish, by):
            faults["filter"] = [fault]
    elif wish.scope == Scope.CITY and by.user_id is None:
        faults["area"] = [_("Needed: one of report, area, category, polygon and filter.")]
    if faults:
        raise InvalidFields(faults)


def _polygon_fault(polygon: Polygon, city: City) -> str | None:
    if polygon.num_coords > MOST_VERTICES + len(polygon):  # each ring says its first vertex twice
        return _("A polygon has at most %(n)d vertices.") % {"n": MOST_VERTICES}
    west, south, east, north = polygon.extent
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return _("It does not lie on the earth; longitude comes first, in degrees.")
    if polygon.valid_reason != "Valid Geometry":
        return _("This polygon is not valid: %(why)s.") % {"why": polygon.valid_reason}
    root = Area.objects.current().filter(city=city, parent=None)
    return None if root.filter(boundary__intersects=polygon).exists() else _("It lies outside the city.")


def _filter_fault(wish: Wish, by: Principal) -> str | None:
    # Each filter is asked of every report that comes in, so that not everybody may leave one here.
    if by.user_id is None:
        return _("Only those with an account can be told by a filter.")
    try:
        filters().check(wish.filter, wish.city)
    except BadParameter as error:
        return error.detail
    return None


def _is_own_address(user_id: int, email: str) -> bool:
    return get_user_model().objects.filter(pk=user_id, email__iexact=email).exists()


def _lock(subscriber: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL.lock_subscriber, {"subscriber": subscriber})


def _most() -> str:
    return _("There are %(n)d subscriptions already, which is the most; end one of them first.") % {
        "n": settings.SUBSCRIPTIONS_MOST
    }


def _too_many(known: SubscriptionQuerySet, email: str, *, is_own: bool) -> str:
    if known.count() >= settings.SUBSCRIPTIONS_MOST:
        return _most()
    if not is_own and Subscription.objects.unconfirmed_in(letter_box(email)).count() >= MOST_UNCONFIRMED:
        return _("Letters to this address wait to be confirmed already; that has to come first.")
    return ""


def _repeated(known: SubscriptionQuerySet, wish: Wish) -> str:
    same = known.filter(
        city=wish.city, report=wish.report, area=wish.area, category=wish.category, filter=wish.filter,
        events=sorted(set(wish.events)),
    )  # fmt: skip
    is_known = any(each.polygon == wish.polygon for each in same)
    return _("This subscription is there already.") if is_known else ""


def _create(wish: Wish, **values: object) -> Subscription:
    return Subscription.objects.create(
        **values, city=wish.city, events=sorted(set(wish.events)), scope=wish.scope, report=wish.report, area=wish.area,
        category=wish.category, polygon=wish.polygon, filter=wish.filter,
    )  # fmt: skip
