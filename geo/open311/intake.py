"""A new request comes in: by a channel's key, checked, stored as a report like any other."""

from collections.abc import Sequence
from datetime import datetime

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils.translation import gettext as _

from geo.areas.models import Area, City
from geo.open311.finding import address_names
from geo.open311.questions import check_answers
from geo.open311.requests import NewRequest
from geo.operations.outbox.remote_photos import enqueue_photos
from geo.reports.access.channel_keys import find_key
from geo.reports.access.principals import Origin, Principal
from geo.reports.intake_limits import admit_key
from geo.reports.models import Category, Channel, ChannelKey, Report
from geo.reports.photos.cleaning import Upload
from geo.reports.services import MAX_ADDRESS, submit_report
from server.core.errors import Forbidden, InvalidFields, NotFound

# What the service calls a field, and how a sender of GeoReport knows it.
SENT_AS = {
    "location": "lat, long",
    "area": "address_id",
    "address": "address_string",
    "photos": "media",
    "category": "service_code",
}
# A token stands in a path, between a slash and a point: neither they nor ":" occur in it.
_TOKENS = Signer(salt="pantau.open311-token", sep="~")


def channel_by_key(api_key: str, *, now: datetime) -> Channel:
    """The channel whose key this is; Forbidden for none, a wrong one and one that may send nothing, TooMany past its limit."""
    if not api_key:
        raise Forbidden(_("An api_key is needed to send a request."))
    key = find_key(api_key, now=now) if "\0" not in api_key else None
    if key is None:
        raise Forbidden(_("This api_key is wrong or was revoked."))
    if ChannelKey.Scope.SUBMIT not in key.scopes:
        raise Forbidden(_("This API key may not send reports."))
    admit_key(key, now=now)
    return key.channel


def take_in(
    sent: NewRequest, *, channel: Channel, category: Category, city: City, photos: Sequence[Upload], now: datetime
) -> tuple[Report, bool]:
    """Stores the report, its photos, and the order to fetch those that are elsewhere; a repeat stores nothing.

    `city` is that of the jurisdiction: where the place lies in another one, the place decides.
    Errors: InvalidFields, by the name that the sender knows.
    """
    answers, faults = check_answers(category.attributes.all(), sent.answers)
    if faults:
        raise InvalidFields(faults)
    with transaction.atomic():
        try:
            report, is_new = submit_report(
                channel=channel,
                category=category,
                city=city,
                description=sent.description,
                location=sent.location,
                # Where there is a point, an id of somebody else's address book says nothing more.
                area_code=sent.area_code or None if sent.location is None else None,
                address=_address(sent),
                attributes=answers,
                contact=sent.contact,
                device_hash=sent.device_hash,
                external_id=sent.external_id,
                photos=photos,
                now=now,
                by=Principal(origin=Origin.OPEN311),
            )
        except InvalidFields as error:
            raise InvalidFields({SENT_AS.get(name, name): says for name, says in error.fields.items()}) from None
        if is_new and sent.media_urls:
            enqueue_photos(report_urls=[(report.pk, url) for url in sent.media_urls], now=now)
    return report, is_new


def _address(sent: NewRequest) -> str:
    """As it was written, else the names of the area that was named."""
    if sent.address or sent.location is not None or not sent.area_code:
        return sent.address
    area = Area.objects.current().filter(code=sent.area_code).only("id").first()
    if area is None:
        raise InvalidFields({"address_id": [_("There is no area with this code.")]})
    return address_names({area.pk})[area.pk][:MAX_ADDRESS]


def token_of(report: Report) -> str:
    """The same for the same report, so that a repeat gets it again."""
    return str(_TOKENS.sign_object(report.public_id))


def public_id_of(token: str) -> str:
    """The report's id; NotFound for what is no token of this service, or of a report that is gone."""
    try:
        public_id = _TOKENS.unsign_object(token)
    except (BadSignature, ValueError):
        public_id = None
    if public_id is None or not Report.objects.filter(public_id=public_id).exists():
        raise NotFound(_("There is no such token."))
    return str(public_id)
