"""What subscribers are told of an alert, in both languages: a title and where to read more."""

from datetime import datetime

from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from geo.operations.alerts.models import Alert
from geo.operations.notifications.matching import Notice
from geo.operations.notifications.models import Event
from geo.operations.notifications.notices import notify


def tell(alert: Alert, property_name_id: str, property_name_en: str, unit: str, *, now: datetime) -> int:
    """Tells everybody who wants to know how it stands, in the caller's transaction; how many messages. Of an exercise, nobody."""
    if alert.is_exercise:
        return 0
    with translation.override("id"):
        title_id = _title(alert, property_name_id, unit)
    with translation.override("en"):
        title_en = _title(alert, property_name_en, unit)
    closed_at = alert.closed_at
    facts = {
        "title_id": title_id,
        "title_en": title_en,
        "path": f"/api/alerts/{alert.public_id}/",
        "alert": alert.public_id,
        "thing": alert.thing,
        "level": alert.level if closed_at is None else 0,
        "level_name": alert.level_name if closed_at is None else None,
        "value": alert.value,
        "value_at": alert.value_at.isoformat(),
        "peak": alert.peak,
    }
    notice = Notice(
        event=Event.ALERT,
        city_id=alert.city_id,
        at=closed_at or alert.level_since,
        area_id=alert.area_id,
        category_id=alert.rule.category_id,
        place=alert.location,
        facts=facts,
    )
    return notify(notice, now=now)


def _title(alert: Alert, property_name: str, unit: str) -> str:
    value = round(alert.value, 2)
    names = {
        "level": alert.level_name,
        "thing": alert.thing_name,
        "property": property_name,
        "value": number_format(int(value) if value.is_integer() else value),
        "unit": unit,
    }
    if alert.closed_at is None:
        return _("%(level)s, %(thing)s: %(property)s %(value)s %(unit)s") % names
    if alert.ended == Alert.Ended.RETRACTED:
        return _("Taken back, since values were corrected or came late: %(level)s, %(thing)s") % names
    if alert.is_late:
        return _("Learnt late, and over: %(level)s, %(thing)s: %(property)s %(value)s %(unit)s") % names
    return _("Back to normal, %(thing)s: %(property)s %(value)s %(unit)s") % names
