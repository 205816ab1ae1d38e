"""What a thing that was made by HTTP needs to publish by MQTT."""

import logging

from sensors.registry.broker import ensure_credentials

logger = logging.getLogger(__name__)


def give_credential(slug: str) -> None:
    """Gives a new thing its broker user, once it is committed. A folder that cannot be written undoes nothing: it is logged."""
    try:
        ensure_credentials([slug])
    except OSError as error:
        logger.warning("%s has no broker user yet: %s; import_things gives one", slug, error)
