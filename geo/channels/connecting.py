"""Connecting a channel with its remote side: what is given is checked and set, what is not given stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils.translation import gettext as _

from geo.channels.adapters import ADAPTERS
from geo.channels.category_words import word_key
from geo.channels.models import ChannelConnection
from geo.reports.models import Category, Channel
from server.core.errors import InvalidFields

SHORTEST_PACE_S = 10
_IS_URL = URLValidator(schemes=["http", "https"])


@dataclass(frozen=True, slots=True)
class Settings:
    """What is to be set; None leaves a setting as it is, an empty text clears it. A word of the map with no slug goes."""

    adapter: str | None = None
    feed_url: str | None = None
    status_url: str | None = None
    category_map: Mapping[str, str] | None = None
    default_category: str | None = None
    pull_every_s: int | None = None
    is_active: bool | None = None


def connect_channel(*, channel: Channel, settings: Settings) -> ChannelConnection:
    """The channel's connection with these settings; the same again changes nothing. InvalidFields, by the name of the setting."""
    with transaction.atomic():
        connection = ChannelConnection.objects.select_for_update().filter(channel=channel).first()
        if connection is None:
            connection = ChannelConnection(channel=channel)
        if settings.adapter is not None:
            if connection.adapter and connection.adapter != settings.adapter:
                connection.cursor = {}  # it is the other remote side's
            connection.adapter = settings.adapter
        if connection.adapter not in ADAPTERS:
            known = ", ".join(ADAPTERS)
            raise InvalidFields({"adapter": [_("Needed: one of %(known)s.") % {"known": known}]})
        _set_addresses(connection, settings)
        _set_categories(connection, settings)
        if settings.pull_every_s is not None:
            if settings.pull_every_s < SHORTEST_PACE_S:
                raise InvalidFields({"every": [_("At least %(n)d seconds.") % {"n": SHORTEST_PACE_S}]})
            connection.pull_every_s = settings.pull_every_s
        if settings.is_active is not None:
            connection.is_active = settings.is_active
        connection.save()
    return connection


def rotate_key(connection: ChannelConnection) -> None:
    """From now on another key: the receiver must know it before the next message."""
    with transaction.atomic():
        locked = ChannelConnection.objects.select_for_update().get(pk=connection.pk)
        locked.key_generation += 1
        locked.save(update_fields=["key_generation"])
    connection.key_generation = locked.key_generation


def missing_parts(connection: ChannelConnection) -> list[str]:
    """What does not happen yet because something is not set, in sentences."""
    missing = []
    if not connection.is_active:
        missing.append(_("The connection is off: nothing is read, nothing is sent."))
    if not connection.channel.is_active:
        missing.append(_("The channel is closed: no report comes in by it."))
    if ADAPTERS[connection.adapter].is_pulled:
        if not connection.feed_url:
            missing.append(_("There is no feed: no reports are read."))
        if connection.default_category is None:
            missing.append(_("There is no default category: reports with unknown words become dead letters."))
    if not connection.status_url:
        missing.append(_("There is no status address: the channel is not told of changes."))
    return missing


def _set_addresses(connection: ChannelConnection, settings: Settings) -> None:
    for name in ("feed_url", "status_url"):
        url = getattr(settings, name)
        if url is None:
            continue
        if url:
            _check_url(name, url)
        if name == "feed_url" and url != connection.feed_url:
            connection.cursor = {}
        setattr(connection, name, url)


def _check_url(name: str, url: str) -> None:
    try:
        _IS_URL(url)
        if "@" in urlsplit(url).netloc or len(url) > 500:
            raise ValidationError("")
    except ValidationError:
        says = _("An http or https address of at most 500 characters is needed, without a user's name in it.")
        raise InvalidFields({name: [says]}) from None


def _set_categories(connection: ChannelConnection, settings: Settings) -> None:
    if settings.category_map is not None:
        added = {word_key(word): slug for word, slug in settings.category_map.items()}
        connection.category_map = checked_words(
            {word: slug for word, slug in (connection.category_map | added).items() if slug}
        )
    if settings.default_category is not None:
        slug = settings.default_category
        connection.default_category = _category("default_category", slug) if slug else None


def checked_words(words: Any) -> dict[str, str]:
    """A list of words as it is kept. InvalidFields where it is none, or names a category that is not there."""
    if not isinstance(words, dict):
        raise InvalidFields({"category_map": [_("An object is needed: their word, and the slug of our category.")]})
    for slug in words.values():
        _category("category_map", slug)
    return {word_key(word): slug for word, slug in words.items()}


def _category(name: str, slug: Any) -> Category:
    category = Category.objects.filter(slug=slug).first() if isinstance(slug, str) else None
    if category is None:
        raise InvalidFields({name: [_("There is no category %(slug)r.") % {"slug": slug}]})
    return category
