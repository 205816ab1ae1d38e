"""Photos that a channel or a client names by their addresses: fetched by the delivery worker, and cleaned like any other."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from geo.operations.outbox.messages import enqueue_many
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import LATER, Refused, Unreachable, register, retry_after_s
from geo.reports.access.principals import Origin, Principal
from geo.reports.history import add_line
from geo.reports.locking import lock_reports
from geo.reports.models import Report
from geo.reports.photos.cleaning import MAX_BYTES, MAX_PHOTOS, CleanPhoto, clean_photo
from geo.reports.photos.stored import StoredFiles
from server.core.errors import InvalidFields, NotReady
from server.core.outbound import Response, TooLarge, fetch

log = logging.getLogger(__name__)

TRANSPORT = "photo"
TOPIC = "photo.fetch"
MAX_URL = 2000
TIMEOUT_S = 15.0
# A server of photos that is away for a day is away.
LIFETIME = timedelta(hours=24)


def connect() -> None:
    """Called once, when the app is ready."""
    register(TRANSPORT, fetch_photo, in_background=True)


def enqueue_photos(*, report_urls: Sequence[tuple[int, str]], now: datetime) -> int:
    """Photos to be fetched, as (the report's primary key, address); in the caller's transaction. Returns how many.

    Addresses that cannot be one, those named twice for a report, and those beyond a report's number of photos are left out,
    and logged; a report is not refused because of its photos.
    """
    wanted: dict[int, dict[str, SplitResult]] = defaultdict(dict)
    for report_id, url in report_urls:
        parts = _parts(url)
        if parts is None or len(wanted[report_id]) >= MAX_PHOTOS:
            log.info("a photo of report %d is left out: %s", report_id, _without_query(url, parts))
        else:
            wanted[report_id][url] = parts
    public_ids = dict(Report.objects.filter(pk__in=wanted).values_list("pk", "public_id"))
    messages = [
        OutboxMessage(
            transport=TRANSPORT,
            destination=f"photo:{parts.netloc.lower()}"[:200],
            topic=TOPIC,
            payload={"report": public_ids[report_id], "url": url},
            created_at=now,
            next_attempt_at=now,
            give_up_at=now + LIFETIME,
        )
        for report_id, urls in wanted.items()
        for url, parts in urls.items()
    ]
    enqueue_many(messages)
    return len(messages)


def fetch_photo(message: OutboxMessage) -> int:
    """The transport of these messages: stores the photo under its report; the HTTP status with which it came.

    Again with the same message, or with another that leads to the same photo, it changes nothing.
    """
    public_id = message.payload["report"]
    _open_report(public_id, is_locked=False)  # before a stranger is called for nothing
    response = _fetched(message.payload["url"])
    try:
        photo = clean_photo(response.body, _("the photo"))
        _store(public_id, photo, timezone.now())
    except InvalidFields as error:
        raise Refused(str(error.fields["photos"][0]), response.status) from None
    except NotReady as error:  # the storage is away, or others are being decoded: the photo is asked for again
        raise Unreachable(error.detail, error.retry_after_s) from None
    return response.status


def _fetched(url: str) -> Response:
    try:
        response = fetch(url, max_bytes=MAX_BYTES, timeout_s=TIMEOUT_S)
    except TooLarge as error:
        raise Refused(error.detail) from None
    if response.status == 200:
        return response
    says = _("The photo's server answered %(status)d.") % {"status": response.status}
    if response.status in LATER or response.status >= 500:
        wait_s = retry_after_s(response.headers.get("retry-after", ""), now=timezone.now())
        raise Unreachable(says, wait_s, response.status)
    raise Refused(says, response.status)


def _open_report(public_id: str, *, is_locked: bool) -> Report:
    """The report, if it takes photos still."""
    wanted = Report.objects.filter(public_id=public_id)
    found = lock_reports(wanted, "city", "channel") if is_locked else list(wanted.select_related("city"))
    if not found:
        raise Refused(_("There is no such report."))
    (report,) = found
    if report.anonymised_at is not None or not report.is_public:
        raise Refused(_("The report was taken back, hidden or anonymised; it takes no photo any more."))
    return report


def _store(public_id: str, photo: CleanPhoto, now: datetime) -> None:
    with StoredFiles() as files, transaction.atomic():
        report = _open_report(public_id, is_locked=True)
        stored = set(report.photos.values_list("sha256", flat=True))
        if photo.sha256 in stored:
            return
        if len(stored) >= MAX_PHOTOS:
            raise Refused(_("At most %(n)d photos go with a report.") % {"n": MAX_PHOTOS})
        files.store(report, [photo])
        by = Principal(channel=report.channel, origin=Origin.OUTBOX)
        add_line(report, "photo_added", by=by, at=now)
        moment = max(now, report.updated_at + timedelta(microseconds=1))
        Report.objects.filter(pk=report.pk).update(updated_at=moment)


def _parts(url: str) -> SplitResult | None:
    """An address that may be called, in its parts; what else makes it impossible, the one who calls it will say."""
    if len(url) > MAX_URL or any(character <= " " or character in "\\\x7f" for character in url):
        return None
    try:
        url.encode()  # half a surrogate pair can be stored nowhere
        parts = urlsplit(url)
        is_complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_complete and "@" not in parts.netloc else None


def _without_query(url: str, parts: SplitResult | None) -> str:
    """For the log: a query may hold a key, and what is no address may hold anything."""
    if parts is None:
        return f"{len(url)} characters that are no address"
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
