"""What the rest of the project may know of sensors: the only module of this app that geo imports.

SQL reads the views that sensors/migrations declares: sensors_published_location, sensors_published_datastream,
sensors_published_hourly, sensors_published_latest.
"""

from datetime import datetime

from django.db import connection

from sensors.registry.models import ObservedProperty


def observed_property_codes() -> list[str]:
    return list(ObservedProperty.objects.order_by("code").values_list("code", flat=True))


def last_observation_time() -> datetime | None:
    """The time of the latest observation of any datastream; one index probe for each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(phenomenon_time) FROM sensors_published_latest")
        found: datetime | None = cursor.fetchone()[0]
        return found
