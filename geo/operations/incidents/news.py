"""A public incident is news to those who subscribed to it: when it is opened, shown to the public, and closed."""

from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from geo.operations.incidents.models import Incident
from geo.operations.notifications.matching import Notice
from geo.operations.notifications.models import Event
from geo.operations.notifications.notices import TOPICS, notify
from geo.operations.outbox.models import OutboxMessage


def tell(incident: Incident, *, now: datetime) -> None:
    """In the caller's transaction, how the incident stands; nobody is told of one that is not public."""
    if not incident.is_public:
        return
    facts = {
        "incident": incident.public_id,
        "status": str(incident.status),
        "title_id": _title(incident, "id"),
        "title_en": _title(incident, "en"),
        "path": reverse("incident", args=[incident.public_id]),
    }
    notice = Notice(
        event=Event.INCIDENT,
        city_id=incident.city_id,
        at=now,
        area_id=incident.area_id,
        category_id=incident.category_id,
        facts=facts,
    )
    notify(notice, now=now)


def was_told(incident: Incident) -> bool:
    return _messages(incident).exists()


def take_back(incident: Incident) -> None:
    """What waits to be sent of an incident that is hidden now is not sent any more."""
    waiting = _messages(incident).filter(state=OutboxMessage.State.PENDING)
    waiting.filter(pk__in=waiting.select_for_update(skip_locked=True).values("pk")).delete()


def _messages(incident: Incident) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(topic=TOPICS[Event.INCIDENT], payload__incident=incident.public_id)


def _title(incident: Incident, language: str) -> str:
    with translation.override(language):
        if incident.status == Incident.Status.CLOSED:
            return _("An incident was closed: %(title)s") % {"title": incident.title}
        return _("An incident was opened: %(title)s") % {"title": incident.title}
