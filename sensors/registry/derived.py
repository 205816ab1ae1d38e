"""What is derived is computed: nobody writes it."""

from django.utils.translation import gettext as _

from sensors.registry.models import Datastream
from server.core.errors import Conflict


def refuse_derived(datastream: Datastream) -> None:
    """Errors: Conflict for a datastream that is computed from others."""
    if datastream.derivation:
        says = _("%(datastream)s is computed from other datastreams: correct these.")
        raise Conflict(says % {"datastream": datastream})
