"""Access tokens: by them programs act for the person who made them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext as _

from geo.reports.access.key_texts import in_force, is_stale, matching, new_text, prefix_of, use_is_stale
from geo.reports.models import AccessToken
from server.core.errors import InvalidFields

Scope = AccessToken.Scope
DEFAULT_DAYS, LONGEST_DAYS = 365, 730
MOST_IN_FORCE = 50
LONGEST_NAME = 100


def create_token(
    *, user: AbstractBaseUser, name: str, scopes: Collection[str], now: datetime, days: int = DEFAULT_DAYS
) -> tuple[AccessToken, str]:
    """A new token and its text, which cannot be read again later.

    Errors: InvalidFields for no name or one too long, an unknown scope or none, a life that is too long, too many tokens.
    """
    chosen = [scope.value for scope in Scope if scope.value in scopes]
    faults: dict[str, list[str]] = {}
    if not name.strip() or len(name.strip()) > LONGEST_NAME or "\0" in name:
        faults["name"] = [_("A name of at most %(n)d characters is needed.") % {"n": LONGEST_NAME}]
    if not chosen or len(chosen) != len(set(scopes)):
        faults["scopes"] = [_("One or more of %(known)s.") % {"known": ", ".join(Scope.values)}]
    if not 1 <= days <= LONGEST_DAYS:
        faults["days"] = [_("From 1 to %(n)d days.") % {"n": LONGEST_DAYS}]
    if not faults and tokens_in_force(user, now).count() >= MOST_IN_FORCE:
        faults["name"] = [_("There are %(n)d tokens already; revoke those that are not used.") % {"n": MOST_IN_FORCE}]
    if faults:
        raise InvalidFields(faults)
    new = new_text()
    token = AccessToken.objects.create(
        user_id=user.pk,
        name=name.strip(),
        prefix=new.prefix,
        key_hash=new.key_hash,
        # Who may write has read what they change.
        scopes=[Scope.READ.value, Scope.WRITE.value] if Scope.WRITE.value in chosen else chosen,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    return token, new.text


def find_token(text: str, *, now: datetime) -> AccessToken | None:
    """The token in force that this text is, with its user; None for a wrong, revoked or old one, and a closed account."""
    prefix = prefix_of(text)
    if not prefix:
        return None
    known = AccessToken.objects.filter(in_force(now), prefix=prefix, expires_at__gt=now, user__is_active=True)
    found = matching(text, known.select_related("user"))
    if found is not None and is_stale(found.last_used_at, now):
        AccessToken.objects.filter(use_is_stale(now), pk=found.pk).update(last_used_at=now)
    return found


def revoke_token(*, token: AccessToken, now: datetime) -> None:
    """Ends a token at once; the second time changes nothing."""
    AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)


def tokens_in_force(user: AbstractBaseUser, now: datetime) -> Any:
    return AccessToken.objects.filter(in_force(now), user_id=user.pk, expires_at__gt=now)
