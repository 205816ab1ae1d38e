"""Field links themselves: what stands in a token, and what it opens now. As in geo.reports.access.links, the token is not stored."""

import uuid
from datetime import datetime

from django.core import signing
from django.utils.translation import gettext as _

from geo.operations.field_links.models import FieldLink
from geo.reports.access.principals import Link, Origin, Principal
from geo.reports.workflow import CLOSED, Actor
from server.core.errors import NotFound, PantauError

_SALT = "pantau.field-link"
_LONGEST = 120


class LinkEnded(PantauError):
    """It was one of ours, and opens nothing any more. `link` says whose it was, and what it was used for."""

    def __init__(self, detail: str, link: FieldLink) -> None:
        super().__init__(detail)
        self.link = link


def token_of(link: FieldLink) -> str:
    return signing.Signer(salt=_SALT, sep=".").sign(link.key.hex)


def link_path(link: FieldLink) -> str:
    """The page that a link opens, under the service's address."""
    return f"/field/{token_of(link)}/"


def read_field_link(token: str, *, now: datetime) -> FieldLink:
    """The live link of a token, with its report. NotFound for one that was not made here; LinkEnded."""
    link = _of_token(token)
    if why := ended_because(link, now=now):
        raise LinkEnded(why, link)
    return link


def ended_because(link: FieldLink, *, now: datetime) -> str | None:
    """A sentence for who holds the link; None while it is good."""
    report = link.report
    if link.used == FieldLink.Use.RESOLVED:
        return _("You have reported this as done. Thank you.")
    if link.used == FieldLink.Use.HANDED_OVER:
        return _("You have handed this report over. Thank you.")
    if link.ending == FieldLink.Ending.CLOSED or report.status in CLOSED:
        return _("This report is closed.")
    if link.ending == FieldLink.Ending.LEFT or report.agency_id != link.agency_id:
        return _("This report is with another agency now.")
    if link.ending == FieldLink.Ending.REPLACED:
        return _("A newer link to this report was sent to you; please use that one.")
    if link.revoked_at is not None or not link.contact.is_active:
        return _("This link was withdrawn.")
    if now >= link.expires_at:
        return _("This link has expired.")
    return None


def principal_of_link(link: FieldLink) -> Principal:
    """Its holder acts for the agency, with this report alone; and that only as long as the agency has it."""
    return Principal(link=Link(link.report_id, Actor.OFFICER, link.agency_id), origin=Origin.LINK)


def _of_token(token: str) -> FieldLink:
    unknown = NotFound(_("This link is not one of ours, or not whole."))
    if len(token) > _LONGEST:
        raise unknown
    try:
        key = uuid.UUID(hex=signing.Signer(salt=_SALT, sep=".").unsign(token))
    except (signing.BadSignature, ValueError):
        raise unknown from None
    joined = FieldLink.objects.select_related("agency", "contact", "report__category", "report__city", "report__area")
    link = joined.defer("report__area__boundary").filter(key=key).first()
    if link is None:
        raise unknown
    return link
