"""Credentials by which things may publish: one broker user per thing, its slug."""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from sensors.registry.naming import slug_of
from server.core import broker_credentials

PASSWORD_BYTES = 18


class BadGateway(ValueError):
    """A gateway that cannot be; a sentence on what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was done for the things: how many are new; `is_managed` is False where another system keeps the users.

    `passwords` are those of the new ones by slug, to be told once.
    """

    created: int = 0
    is_managed: bool = True
    is_reloaded: bool = False
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)


def ensure_credentials(slugs: Iterable[str], *, renew: bool = False) -> Credentials:
    """Gives every thing a broker user; passwords that are there stay, unless they are to be renewed.

    The broker reads them without a restart; whoever is connected by a password that is renewed is cut off.

    Errors: OSError where PANTAU_BROKER_DIR cannot be written.
    """
    if not settings.BROKER_DIR:
        return Credentials(is_managed=False)
    folder = Path(settings.BROKER_DIR)
    known = {} if renew else broker_credentials.devices(folder)
    passwords = {slug: known.get(slug) or secrets.token_urlsafe(PASSWORD_BYTES) for slug in slugs}
    has_changed = broker_credentials.set_devices(folder, passwords)
    new = {slug: password for slug, password in passwords.items() if slug not in known}
    return Credentials(created=len(new), is_reloaded=has_changed and broker_credentials.reload(folder), passwords=new)


def lock_out(slugs: Collection[str]) -> set[str]:
    """Takes these things' passwords from the broker, which ends their connections, and keeps them for `let_in`.

    Returns those that have a credential of their own. Errors: OSError where PANTAU_BROKER_DIR cannot be written.
    """
    if not settings.BROKER_DIR:
        return set()
    folder = Path(settings.BROKER_DIR)
    known = broker_credentials.devices(folder).keys() & set(slugs)
    if broker_credentials.remove_passwords(folder, known):
        broker_credentials.reload(folder)
    return set(known)


def let_in(slugs: Iterable[str]) -> None:
    """Gives the broker these things' passwords again; a thing that has none by now is left out. Errors: OSError."""
    if settings.BROKER_DIR:
        folder = Path(settings.BROKER_DIR)
        known = broker_credentials.devices(folder)
        if broker_credentials.set_passwords(folder, {slug: known[slug] for slug in slugs if slug in known}):
            broker_credentials.reload(folder)


def revoke_credentials(slugs: Iterable[str]) -> list[str]:
    """Takes these things' credentials away for good: whoever is connected by them is cut off at once. Those that had one.

    Errors: OSError where PANTAU_BROKER_DIR cannot be written.
    """
    folder = Path(settings.BROKER_DIR)
    gone = broker_credentials.remove_devices(folder, slugs)
    if gone:
        broker_credentials.reload(folder)
    return gone


def add_gateway(name: str, topics: Sequence[str], *, renew: bool = False) -> str:
    """Gives a gateway a broker user that may write these topics, and no others but those below its own name.

    Returns its password where it is new, else "": it is kept nowhere. The topics of a gateway that exists are replaced.
    Errors: BadGateway for a name or a topic filter that the broker would misread; OSError.
    """
    if slug_of(name) != name:
        raise BadGateway(
            f"a gateway's name is of a-z, 0-9 and hyphens, such as {slug_of(name) or 'lora-1'}, not {name!r}"
        )
    for topic in topics:
        if complaint := _complaint_about(topic):
            raise BadGateway(f"{topic!r} is no topic that a gateway may write: {complaint}")
    folder = Path(settings.BROKER_DIR)
    is_known = name in broker_credentials.gateways(folder)
    has_changed = broker_credentials.set_gateway(folder, name, topics)
    password = "" if is_known and not renew else secrets.token_urlsafe(PASSWORD_BYTES)
    if password:
        broker_credentials.set_passwords(folder, {f"{broker_credentials.GATEWAY_PREFIX}{name}": password})
    if password or has_changed:
        broker_credentials.reload(folder)
    return password


def revoke_gateway(name: str) -> bool:
    """Takes a gateway's credential away, which ends its connection; False where there is none of that name. Errors: OSError."""
    folder = Path(settings.BROKER_DIR)
    had_password = broker_credentials.remove_passwords(folder, [f"{broker_credentials.GATEWAY_PREFIX}{name}"])
    had_topics = broker_credentials.set_gateway(folder, name, [])
    broker_credentials.reload(folder)
    return had_password or had_topics


def _complaint_about(topic: str) -> str:
    levels = topic.split("/")
    if not topic or topic != topic.strip() or not topic.isprintable():
        return "it is empty, or has blanks around it"
    if levels[0].startswith("$") or levels[0] in ("sta", "+"):
        return "the broker's and this service's own topics are nobody else's"
    if "#" in topic.removesuffix("#") or (topic.endswith("#") and levels[-1] != "#"):
        return "# stands alone, as the last level"
    if any("+" in level and level != "+" for level in levels):
        return "+ stands alone, as a level"
    if "%" in topic:
        return "% would be read as a user's name"
    return ""
