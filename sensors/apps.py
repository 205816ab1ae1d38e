from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from server.core.heartbeat import Heartbeat


class SensorsConfig(AppConfig):
    name = "sensors"
    verbose_name = _("Sensors")

    def ready(self) -> None:
        if settings.HEARTBEAT:
            Heartbeat(Path(settings.HEARTBEAT)).start()
