"""API keys of channels: made, found by their text, replaced by new ones."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from geo.reports.access.key_texts import in_force, is_stale, matching, new_text, prefix_of, use_is_stale
from geo.reports.models import Channel, ChannelKey
from geo.reports.models.directory import all_scopes
from server.core.errors import InvalidFields


def create_key(*, channel: Channel, scopes: Collection[str] | None = None) -> tuple[ChannelKey, str]:
    """A new key and its text, which cannot be read again later. Without `scopes` it may do all that a channel may."""
    chosen = all_scopes() if scopes is None else sorted(set(scopes))
    if not chosen or not set(chosen) <= set(all_scopes()):
        raise InvalidFields({"scopes": [_("One or more of %(known)s.") % {"known": ", ".join(all_scopes())}]})
    new = new_text()
    key = ChannelKey.objects.create(channel=channel, prefix=new.prefix, key_hash=new.key_hash, scopes=chosen)
    return key, new.text


def rotate_key(
    *, channel: Channel, now: datetime, revoke_at: datetime, old: ChannelKey | None = None
) -> tuple[ChannelKey, str]:
    """A new key in the place of an old one, or of all that are in force, which end at `revoke_at`.

    Until then both open, so that a channel changes over without losing a report. A key that was to end earlier still does.
    The new one may do what the old ones together could, within the limit of the widest.
    """
    with transaction.atomic():
        # Two rotations at once leave two new keys in force, and no old one.
        Channel.objects.select_for_update().get(pk=channel.pk)
        replaced = ChannelKey.objects.filter(in_force(now), channel=channel)
        if old is not None:
            replaced = replaced.filter(pk=old.pk)
        keys = list(replaced)
        scopes = {scope for key in keys for scope in key.scopes} or None
        limits = [key.requests_per_window for key in keys]
        new, text = create_key(channel=channel, scopes=scopes)
        if limits and None not in limits:
            new.requests_per_window = max(limit for limit in limits if limit is not None)
            new.save(update_fields=["requests_per_window"])
        later = Q(revoked_at=None) | Q(revoked_at__gt=revoke_at)
        ChannelKey.objects.filter(later, pk__in=[key.pk for key in keys]).update(revoked_at=max(now, revoke_at))
    return new, text


def find_key(text: str, *, now: datetime) -> ChannelKey | None:
    """The key in force that this text is, with its channel; None for a wrong or revoked one."""
    prefix = prefix_of(text)
    if not prefix:
        return None
    known = ChannelKey.objects.filter(in_force(now), channel__is_active=True, prefix=prefix)
    found = matching(text, known.select_related("channel__city"))
    if found is not None and is_stale(found.last_used_at, now):
        ChannelKey.objects.filter(use_is_stale(now), pk=found.pk).update(last_used_at=now)
    return found
