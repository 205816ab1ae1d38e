"""Sending the weekly brief to the mayors: once per city and week, at the first look after Monday 06:00 of the city."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from geo.areas.models import City
from geo.operations.mayor.gathering import weekly_brief
from geo.operations.mayor.models import WeeklyBrief
from geo.operations.mayor.rendering import as_html, as_text, title_of
from geo.operations.mayor.weeks import Week, read_week, week_to_send
from geo.operations.notifications.email_transport import Letter, enqueue_to_user, link_to, register_letter
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused
from geo.reports.models import CityRole

TOPIC = "mayor.weekly_brief"


def connect() -> None:
    """Called once, when the app is ready."""
    register_letter(TOPIC, compose_letter)


def send_due_briefs(now: datetime) -> str:
    """The brief of the week that is over, to every city's mayors; says to how many, or nothing. Any number may run at once.

    After an outage it is sent late, and of several missed weeks the last: the others are read at /api/brief/.
    """
    sent = 0
    for city in City.objects.filter(roles__role=CityRole.Role.MAYOR).distinct().order_by("id"):
        sent += send_brief(city=city, week=week_to_send(now, city.zone), now=now)
    return f"{sent} letters" if sent else ""


def send_brief(*, city: City, week: Week, now: datetime) -> int:
    """A letter to each mayor of the city who has an address; to how many. None where that week's has been sent already."""
    with transaction.atomic():
        mayors = CityRole.objects.filter(city=city, role=CityRole.Role.MAYOR, user__is_active=True)
        ids = list(mayors.exclude(user__email="").order_by("user_id").values_list("user_id", flat=True).distinct())
        if not ids:
            # Whoever becomes mayor, or gets an address, within the week is still told.
            return 0
        # Of two at the same moment the second waits here for the first, and then finds its row.
        _kept, is_new = WeeklyBrief.objects.get_or_create(
            city=city, week=week.label, defaults={"sent_at": now, "recipients": len(ids)}
        )
        if not is_new:
            return 0
        for user_id in ids:
            enqueue_to_user(user_id=user_id, topic=TOPIC, now=now, extra={"city": city.slug, "week": week.label})
        return len(ids)


def compose_letter(message: OutboxMessage) -> Letter:
    """The brief as it is when it was enqueued, in the language of its reader; Refused for who is no mayor any more."""
    payload, at = message.payload, message.created_at
    city = City.objects.filter(slug=payload["city"]).first()
    roles = CityRole.objects.filter(city=city, user=payload["user"], role=CityRole.Role.MAYOR)
    if city is None or not roles.exists():
        raise Refused("its reader is no mayor of the city any more")
    brief = weekly_brief(city, read_week(payload["week"], now=at, zone=city.zone), at)
    link = _("To print: %(url)s") % {"url": link_to(f"/api/brief/?city={city.slug}&week={payload['week']}&f=html")}
    return Letter(title_of(brief)[0], f"{as_text(brief)}\n{link}\n", as_html(brief)[0])
