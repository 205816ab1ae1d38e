"""What every address shares that writes the registry: one table from its errors, and what a new thing is told."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from sensors.registry.broker import Credentials, ensure_credentials
from sensors.registry.models import Thing
from sensors.registry.services import RegistryConflict, RegistryError
from server.core.errors import Conflict, InvalidFields, NotFound

log = logging.getLogger(__name__)


class BrokerSerializer(serializers.Serializer[Any]):
    """How the device publishes. The password is told this once."""

    state = serializers.ChoiceField(
        choices=["created", "kept", "elsewhere", "failed"],
        help_text="created: a new credential; kept: it had one; elsewhere: the broker's users are managed by another system; "
        "failed: it could not be written, see the service's log.",
    )
    username = serializers.CharField(help_text="The MQTT user name: the thing's slug.")
    password = serializers.CharField(required=False)
    topic = serializers.CharField(help_text="Below which the device publishes.")


@contextmanager
def registry_errors() -> Iterator[None]:
    """The registry's refusals as this API's: 409 where what is there stands against it, else 400, at the row of a file."""
    try:
        yield
    except RegistryConflict as error:
        raise Conflict(str(error), extra={"errors": {error.place: [str(error)]}} if error.place else None) from None
    except RegistryError as error:
        raise InvalidFields({error.place or "thing": [str(error)]}) from None


def thing_named(slug: str) -> Thing:
    """Errors: NotFound."""
    thing = Thing.objects.filter(slug=slug).first()
    if thing is None:
        raise NotFound(_("There is no such thing."))
    return thing


def give_credentials(slugs: Iterable[str]) -> tuple[str, Credentials]:
    """Broker users for things that are registered, and what became of it: created, kept, elsewhere or failed.

    A folder that cannot be written does not undo the registration: asking again, or the admin's action, gives them later.
    """
    try:
        credentials = ensure_credentials(slugs)
    except OSError:
        log.exception("the broker's credentials cannot be written")
        return "failed", Credentials()
    if not credentials.is_managed:
        return "elsewhere", credentials
    return ("created" if credentials.created else "kept"), credentials


def broker_answer(slug: str) -> Mapping[str, str]:
    """What the one who registered a thing is told of its broker user."""
    state, credentials = give_credentials([slug])
    answer = {"state": state, "username": slug, "topic": f"sensors/{slug}/"}
    return answer | ({"password": credentials.passwords[slug]} if slug in credentials.passwords else {})
