"""An app with one transport, for `manage deliver` as a process of its own: it posts each message to the address in its payload."""

from django.apps import AppConfig


class ProbeConfig(AppConfig):
    name = "tests.faults.probe_app"
    label = "probe"

    def ready(self) -> None:
        from geo.operations.outbox.transports import register, send_signed_json

        register("probe", lambda message: send_signed_json(message.payload["url"], {}, key=b"kunci", message=message))
