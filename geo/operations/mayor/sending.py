"""Sending the weekly brief to the mayors: once per city and week, at the first look after Monday 06:00 of the city."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.areas.models import City
from geo.operations.mayor.gathering import weekly_brief
from geo.operations.mayor.models import WeeklyBrief
from geo.operations.mayor.rendering import as_html, as_text, title_of
from geo.operations.mayor.weeks import Week, due_at, read_week, week_of, week_to_send
from geo.operations.notifications.email_transport import Letter, enqueue_letter, link_to, register_letter
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused
from geo.reports.models import CityRole

TOPIC = "mayor.weekly_brief"


class Fate(models.TextChoices):
    """What became of a letter. Too late: it could not be sent until the next brief was due."""

    DELIVERED = "delivered", gettext_lazy("delivered")
    WAITING = "waiting", gettext_lazy("to be sent")
    TOO_LATE = "too_late", gettext_lazy("too late")
    REFUSED = "refused", gettext_lazy("refused")


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
    return letters(sent) if sent else ""


def letters(n: int) -> str:
    """In English, as all that a command and a log say."""
    return f"{n} letter" if n == 1 else f"{n} letters"


def send_brief(*, city: City, week: Week, now: datetime) -> int:
    """A letter to each mayor of the city who has an address; to how many. None where that week's has been sent already.

    A city's first mayor is sent the week before the role was given, where there is something to tell of it: never an empty letter.
    Each waits for a mail server that is away until the next brief is due.
    """
    with transaction.atomic():
        mayors = CityRole.objects.filter(city=city, role=CityRole.Role.MAYOR, user__is_active=True)
        ids = list(mayors.exclude(user__email="").order_by("user_id").values_list("user_id", flat=True).distinct())
        if not ids or WeeklyBrief.objects.filter(city=city, week=week.label).exists():
            # Whoever becomes mayor, or gets an address, within the week is still told.
            return 0
        if weekly_brief(city, week, now).is_empty:
            # Not noted: what is read in later (a first import) may still be told of.
            return 0
        # Of two at the same moment the second waits here for the first, and then finds its row.
        _kept, is_new = WeeklyBrief.objects.get_or_create(
            city=city, week=week.label, defaults={"sent_at": now, "recipients": len(ids)}
        )
        if not is_new:
            return 0
        for user_id in ids:
            enqueue_letter(
                topic=TOPIC,
                to="user",
                payload={"user": user_id, "city": city.slug, "week": week.label},
                now=now,
                ordering_key=f"user:{user_id}",
                give_up_at=due_at(week_of(now, city.zone), city.zone),
            )
        return len(ids)


def fates_of(briefs: Sequence[WeeklyBrief]) -> dict[int, Counter[Fate]]:
    """What became of the letters of each brief, by its id, in one query; of those that the outbox has forgotten nothing is known."""
    sent = OutboxMessage.objects.filter(topic=TOPIC, payload__week__in={brief.week for brief in briefs})
    counted: dict[tuple[str, str], Counter[Fate]] = {}
    for letter in sent.only("payload", "state", "give_up_at", "finished_at"):
        of = (letter.payload["city"], letter.payload["week"])
        counted.setdefault(of, Counter())[_fate(letter)] += 1
    return {brief.pk: counted.get((brief.city.slug, brief.week), Counter()) for brief in briefs}


def _fate(letter: OutboxMessage) -> Fate:
    if letter.state == OutboxMessage.State.DELIVERED:
        return Fate.DELIVERED
    if letter.state == OutboxMessage.State.PENDING:
        return Fate.WAITING
    until, ended_at = letter.give_up_at, letter.finished_at
    return Fate.TOO_LATE if until is not None and ended_at is not None and ended_at >= until else Fate.REFUSED


def compose_letter(message: OutboxMessage) -> Letter:
    """The brief as it is when it was enqueued, in the language of its reader; Refused for who is no mayor any more.

    Refused, too, where the next one is due: two in one morning, the old one first, would be taken for one another.
    """
    payload, at = message.payload, message.created_at
    if message.give_up_at is not None and timezone.now() >= message.give_up_at:
        raise Refused(_("Too late: the brief of the next week is due. This one is read at /api/brief/."))
    city = City.objects.filter(slug=payload["city"]).first()
    roles = CityRole.objects.filter(city=city, user=payload["user"], role=CityRole.Role.MAYOR)
    if city is None or not roles.exists():
        raise Refused("its reader is no mayor of the city any more")
    brief = weekly_brief(city, read_week(payload["week"], now=at, zone=city.zone), at)
    link = _("To print: %(url)s") % {"url": link_to(f"/api/brief/?city={city.slug}&week={payload['week']}&f=html")}
    return Letter(title_of(brief)[0], f"{as_text(brief)}\n{link}\n", as_html(brief)[0])
