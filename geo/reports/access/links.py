"""A reporter's link: signed, for one report, and good without an account.

It is sent as a header (X-Report-Link), and stands in a page's address behind the #, which browsers keep to themselves: so it
gets into no server's log. Nothing is stored of it. It ends after settings.REPORT_LINK_DAYS, and when the report's personal data
is erased.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import connection
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from geo.reports.access.principals import Link
from geo.reports.intake_limits import WINDOW
from geo.reports.models import Report
from geo.reports.statements import QUERIES
from geo.reports.workflow import Actor
from server.core.errors import TooMany

HEADER = "X-Report-Link"
PAGE = "/report/mine/"
_SALT = "pantau.report-link"
# Of a token of ours; a longer text is none.
_LONGEST = 300
# Of one link in ten minutes: who reads and answers needs a few.
MOST_WRITES = 10
_WINDOW_S = int(WINDOW.total_seconds())


def make_link(report: Report, *, now: datetime) -> str:
    """A token that makes its holder this report's reporter, from now on."""
    return signing.Signer(salt=_SALT).sign_object({"r": report.public_id, "t": int(now.timestamp())})


def link_path(token: str) -> str:
    """The page that a token opens, under the service's address."""
    return f"{PAGE}#{token}"


def read_link(token: str, *, now: datetime) -> Link | None:
    """Whose link this is; None for one that was not made here, is too old, or whose report holds no personal data any more."""
    if len(token) > _LONGEST:
        return None
    try:
        said = signing.Signer(salt=_SALT).unsign_object(token)
    except signing.BadSignature:
        return None
    if now.timestamp() - said["t"] > timedelta(days=settings.REPORT_LINK_DAYS).total_seconds():
        return None
    # Both the erasing of a person's data and its end by time are noted there.
    report_id = Report.objects.filter(public_id=said["r"], anonymised_at=None).values_list("pk", flat=True).first()
    return Link(report_id, Actor.REPORTER) if report_id is not None else None


def admit_write(link: Link, address: str, *, now: datetime) -> None:
    """Counts a write by this link; TooMany when it, or its network address, has written enough in this window."""
    window = datetime.fromtimestamp(int(now.timestamp()) // _WINDOW_S * _WINDOW_S, now.tzinfo)
    keys = {"device": _keyed("report-link", str(link.report_id)), "address": _keyed("report-link-address", address)}
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.count_intake, {**keys, "window": window, "device_limit": MOST_WRITES})
        by_link, by_address = cursor.fetchone()
    if by_link > MOST_WRITES or by_address > settings.INTAKE_LIMIT_ADDRESS:
        wait_s = int((window + WINDOW - now).total_seconds()) + 1
        raise TooMany(_("Too many answers in a short time; please try again later."), retry_after_s=wait_s)


def _keyed(purpose: str, value: str) -> str:
    return salted_hmac(f"pantau.{purpose}", value, algorithm="sha256").hexdigest()
