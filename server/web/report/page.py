"""`/report/`: the form by which anybody reports something. It works without a script; with one, the API takes what is sent.

Both go through the same services. Nobody is signed in here: a session counts for nothing, so that no page of another site can
send anything in its name, and no token against that is needed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from geo.reports.access.links import link_path, make_link
from geo.reports.access.people import address_of
from geo.reports.access.principals import Origin, Principal
from geo.reports.intake_limits import admit, sender_of
from geo.reports.models import Report
from geo.reports.photos.cleaning import MAX_BYTES, MAX_PHOTOS
from geo.reports.report_input import ReportInput, store_input
from geo.reports.services import MAX_DESCRIPTION, MAX_LANDMARK, channel_of
from server.core.errors import Conflict, Forbidden, InvalidFields, NotReady, TooMany
from server.core.parsers import refuse_larger
from server.web.middleware import content_policy
from server.web.modules import modules_of
from server.web.page_language import in_page_language
from server.web.report.app import ENTRY
from server.web.report.choices import category_choices, place_choices
from server.web.report.form_strings import form_strings

TYPED = ("category", "area", "lon", "lat", "landmark", "description", "name", "phone", "email")
# Where the service's name for a field is none of the form's.
SHOWN_AT = {"location": "place", "area": "place", "lon": "place", "lat": "place", "kind": "form", "external_id": "form"}
SHOWN = ("place", "landmark", "category", "description", "photos", "name", "phone", "email")
_STATUS = {TooMany: 429, NotReady: 503, Forbidden: 403, Conflict: 409}


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed, and what stands in its way: shown again, so that nothing is lost."""

    kind: str
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    had_photos: bool = False


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@in_page_language
def report_form(request: HttpRequest, *, kind: str = Report.Kind.LAPORAN) -> HttpResponse:
    if request.method != "POST":
        return _page(request, Draft(kind), 200)
    try:
        refuse_larger(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + MAX_PHOTOS * MAX_BYTES)
    except RequestDataTooBig:
        says = _("The photos are too large to be sent together. Please choose fewer, or smaller ones.")
        return _page(request, Draft(kind, problem=says), 413)
    draft = Draft(kind, {name: _sent(request, name) for name in TYPED})
    try:
        return _taken_in(request, draft)
    except InvalidFields as error:
        return _page(request, _refused(request, draft, error.fields), 400)
    except (TooMany, NotReady, Forbidden, Conflict) as error:
        status = next(code for kind_of, code in _STATUS.items() if isinstance(error, kind_of))
        page = _page(request, _refused(request, draft, {}, error.detail), status)
        if isinstance(error, TooMany | NotReady):
            page["Retry-After"] = str(error.retry_after_s)
        return page


def _sent(request: HttpRequest, name: str) -> str:
    """A field of the form; no person types a NUL, and PostgreSQL has no place for it."""
    return request.POST.get(name, "").replace("\0", "").replace("\r\n", "\n").strip()


def _taken_in(request: HttpRequest, draft: Draft) -> HttpResponse:
    photos = request.FILES.getlist("photos")
    _check(draft, has_photos=bool(photos))
    now, by = timezone.now(), Principal(origin=Origin.PAGE)
    form = ReportInput(data={**_given(draft), "external_id": _repeat_key(draft, request, now)})
    if not form.is_valid():
        raise InvalidFields({str(name): [str(each) for each in says] for name, says in form.errors.items()})
    fields = {**form.validated_data, "photos": photos}
    sender = sender_of(None, address_of(request))
    admit(sender, now=now)
    report, is_new = store_input(fields, channel=channel_of(by), sender=sender, by=by, now=now)
    context: dict[str, Any] = {
        "report": report,
        # Who repeats it may be somebody else behind the same address.
        "link": link_path(make_link(report, now=report.received_at)) if is_new else None,
        "link_days": settings.REPORT_LINK_DAYS,
        "email": bool(draft.typed["email"]),
    }
    page = render(request, "report_sent.html", context, status=201 if is_new else 200)
    page["Location"] = reverse("report-status-page", args=[report.public_id])
    page["Cache-Control"] = "private, no-store"
    return page


def _check(draft: Draft, *, has_photos: bool) -> None:
    """What a person can forget, in words for a person; the rest is for the services to say."""
    typed, faults = draft.typed, {}
    is_wish = draft.kind == Report.Kind.ASPIRASI
    if not is_wish and not (typed["lon"] and typed["lat"]):
        if not typed["area"]:
            faults["place"] = [_("Please say where it is.")]
        if not typed["landmark"]:
            faults["landmark"] = [_("Please name the street, or something by which the place is found.")]
    if is_wish and not typed["area"]:
        faults["place"] = [_("Please choose an area, or the whole city.")]
    if not typed["category"]:
        faults["category"] = [_("Please choose what it is about.")]
    if not typed["description"] and (is_wish or not has_photos):
        faults["description"] = [
            _("Please write what you wish for.") if is_wish else _("Please write a few words, or add a photo.")
        ]
    if faults:
        raise InvalidFields(faults)


def _given(draft: Draft) -> dict[str, str]:
    """The fields as the service names them. A point says more than an area, which is then left out."""
    given = {name: text for name, text in draft.typed.items() if text}
    if "lon" in given and "lat" in given:
        given.pop("area", None)
    else:
        given = {name: text for name, text in given.items() if name not in ("lon", "lat")}
    return {**given, "kind": draft.kind}


def _repeat_key(draft: Draft, request: HttpRequest, now: datetime) -> str:
    """The same for the same, sent twice from one address on one day: a button that was pressed again, a page that was reloaded."""
    photos = [f"{photo.name}:{photo.size}" for photo in request.FILES.getlist("photos")]
    whole = "\0".join([f"{now:%F}", draft.kind, *(draft.typed[name] for name in TYPED), *photos])
    return f"form:{hashlib.sha256(whole.encode(errors='replace')).hexdigest()}"


def _refused(request: HttpRequest, draft: Draft, fields: Mapping[str, Any], problem: str = "") -> Draft:
    faults: dict[str, str] = {}
    for name, says in fields.items():
        shown = SHOWN_AT.get(name, name)
        faults[shown] = " ".join(filter(None, [faults.get(shown, ""), *map(str, says)]))
    loose = " ".join(words for name, words in faults.items() if name not in SHOWN)
    return Draft(
        draft.kind,
        draft.typed,
        {name: words for name, words in faults.items() if name in SHOWN},
        problem or loose,
        had_photos=bool(request.FILES),
    )


def _page(request: HttpRequest, draft: Draft, status: int) -> HttpResponse:
    base_map = settings.BASEMAP
    context = {
        "draft": draft,
        "typed": draft.typed,
        "faults": draft.faults,
        "is_wish": draft.kind == Report.Kind.ASPIRASI,
        "categories": category_choices(),
        "places": place_choices(),
        "strings": form_strings(),
        "modules": modules_of(ENTRY),
        "basemap": base_map.for_script(),
        "longest": {"description": MAX_DESCRIPTION, "landmark": MAX_LANDMARK},
        "most_photos": MAX_PHOTOS,
        "link_days": settings.REPORT_LINK_DAYS,
    }
    page = render(request, "report.html", context, status=status)
    page["Content-Security-Policy"] = content_policy(request, maps_from=base_map.origin)
    if request.method == "POST":
        page["Cache-Control"] = "private, no-store"
    return page
