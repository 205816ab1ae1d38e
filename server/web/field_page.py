"""The page behind a field link: an agency without a workstation accepts a report, hands it over, or closes it with a photo.

It is made here and works without a script, on a cheap telephone. Who holds the link may; no session is asked for. The token
stands in the address, so nothing of the address is passed on or logged (server.web.hidden_tokens).
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.authentication import CSRFCheck

from geo.operations.field_links.links import LinkEnded, principal_of_link, read_field_link
from geo.operations.field_links.models import FieldLink
from geo.operations.field_links.services import accept, close, hand_over, note_opened
from geo.operations.mayor.models import Instruction, State
from geo.reports.evidence.services import lacks_evidence
from geo.reports.models import Agency, ReportContact
from geo.reports.personal_data.masking import mask
from geo.reports.photos.cleaning import MAX_BYTES, thumbnail_of
from geo.reports.photos.stored import read_file
from geo.reports.status import next_steps
from geo.reports.workflow import WORDS, Status
from server.core.errors import Conflict, Forbidden, InvalidFields, NotFound, NotReady
from server.core.parsers import refuse_larger

LONGEST_NOTE = 2000
# A photo that is too large is read all the same, to say so beside what was typed; not one of any size.
MOST_BYTES = 3 * MAX_BYTES
# States into which the mayor brings an instruction, saying something to the agency.
MAYORS = (State.OPEN, State.RETURNED)
_STATUS = {InvalidFields: 400, Forbidden: 403, Conflict: 409, NotReady: 503}

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Trial:
    """What was typed into which form, and what stood in its way: shown again, so that nothing is lost."""

    action: str = ""
    note: str = ""
    reason: str = ""
    agency: str = ""
    problem: str = ""
    faults: Mapping[str, str] | None = None


def _by_link(view: View) -> View:
    """Reads the link before anything else, and keeps the answer to whoever holds it."""

    @wraps(view)
    def answer(request: HttpRequest, token: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, read_field_link(token, now=timezone.now()), *args, **kwargs)
        except LinkEnded as ended:
            response = _ended(request, ended)
        except NotFound as error:
            response = render(request, "field_ended.html", {"says": error.detail}, status=404)
        response["Cache-Control"] = "private, no-store"
        response["X-Robots-Tag"] = "noindex, nofollow"
        # Never the path. With "no-referrer" a browser sends "Origin: null" along with a form, which no check can accept.
        response["Referrer-Policy"] = "strict-origin"
        return response

    return answer


@csrf_exempt  # asked for below, once it is known that the link is good: before that no body is read
@require_http_methods(["GET", "HEAD", "POST"])
@_by_link
def field_page(request: HttpRequest, link: FieldLink) -> HttpResponseBase:
    if request.method != "POST":
        if request.method == "GET":
            note_opened(link, now=timezone.now())
        return _page(request, link, Trial(), 200)
    try:
        refuse_larger(request, MOST_BYTES)
    except RequestDataTooBig as error:
        return _page(request, link, Trial(problem=str(error)), 413)
    trial = Trial(
        action=_sent(request, "action"),
        note=_sent(request, "note"),
        reason=_sent(request, "reason"),
        agency=_sent(request, "agency"),
    )
    if _is_forged(request):
        return _page(request, link, _failed(trial, _("Please press the button once more.")), 403)
    try:
        _do(request, link, trial)
    except InvalidFields as error:
        faults = {name: " ".join(map(str, says)) for name, says in error.fields.items()}
        return _page(request, link, _failed(trial, "", faults), 400)
    except (Forbidden, Conflict, NotReady) as error:
        status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
        # What it is now is read anew: that is why the step could not be taken.
        return _page(request, _as_it_is(link), _failed(trial, error.detail), status)
    return HttpResponseRedirect(request.get_full_path(), status=303)


def _sent(request: HttpRequest, name: str) -> str:
    """A field of the form; no person types a NUL, and PostgreSQL has no place for it."""
    return request.POST.get(name, "").replace("\0", "").strip()


def _as_it_is(link: FieldLink) -> FieldLink:
    link.report.refresh_from_db()
    return link


def _do(request: HttpRequest, link: FieldLink, trial: Trial) -> None:
    now, faults = timezone.now(), {}
    for name, words in (("note", trial.note), ("reason", trial.reason)):
        if len(words) > LONGEST_NOTE:
            faults[name] = [_("At most %(n)d characters.") % {"n": LONGEST_NOTE}]
    if faults:
        raise InvalidFields(faults)
    if trial.action == "accept":
        accept(link=link, now=now)
    elif trial.action == "hand_over":
        agency = Agency.objects.filter(city_id=link.report.city_id, slug=trial.agency).first()
        try:
            hand_over(link=link, agency=agency, reason=trial.reason, now=now)
        except InvalidFields as error:
            # The workflow knows one name for what is written with a step; this page has a form for each.
            raise InvalidFields(
                {{"note": "reason"}.get(name, name): said for name, said in error.fields.items()}
            ) from None
    elif trial.action == "close":
        photo: Any = request.FILES.get("photo")
        # Before a file is taken for nothing: what is missing would be asked for afterwards.
        if not trial.note:
            raise InvalidFields({"note": [_("Needed: what was done.")]})
        close(link=link, note=trial.note, photo=photo, now=now)
    else:
        raise InvalidFields({"action": [_("Please choose one of the buttons.")]})


def _failed(trial: Trial, problem: str, faults: Mapping[str, str] | None = None) -> Trial:
    # Of faults that belong to no field of the page, the whole is said above it.
    shown = {"note", "reason", "agency", "photo", "evidence"}
    loose = " ".join(words for name, words in (faults or {}).items() if name not in shown)
    return Trial(trial.action, trial.note, trial.reason, trial.agency, problem or loose, faults)


def _page(request: HttpRequest, link: FieldLink, trial: Trial, status: int) -> HttpResponse:
    report = link.report
    targets = {edge.target for edge in next_steps(report, principal_of_link(link), now=timezone.now())}
    contact = ReportContact.objects.filter(report=report).first()
    known = contact.words if contact is not None else []
    context = {
        "link": link,
        "report": report,
        "category": report.category.name,
        "status": WORDS[Status(report.status)].name,
        # What its sender is called and can be reached by is not for whoever holds a link; the place is.
        "description": mask(report.description, known),
        "address": mask(report.address, known),
        "landmark": mask(report.landmark, known),
        "point": report.location,
        "photos": range(1, report.photos.count() + 1),
        "zone": report.city.zone,
        "may_accept": Status.IN_PROGRESS in targets,
        "may_hand_over": Status.COORDINATION in targets,
        "may_close": Status.RESOLVED in targets,
        "agencies": Agency.objects.filter(city_id=report.city_id).exclude(pk=link.agency_id).order_by("name_id"),
        "needs_photo": lacks_evidence(report),
        "brought": report.evidence.exists(),
        "instructions": _instructions(link, known),
        "trial": trial,
        "faults": trial.faults or {},
        "longest": LONGEST_NOTE,
    }
    return render(request, "field.html", context, status=status)


def _instructions(link: FieldLink, known: Sequence[str]) -> list[dict[str, Any]]:
    """What the mayor wants of this agency about this report, until when, in the mayor's words."""
    seen = Instruction.objects.visible_to(principal_of_link(link)).filter(report=link.report_id, agency=link.agency_id)
    told = seen.unfulfilled().order_by("id").prefetch_related("steps__note", "steps__report_note")
    return [
        {
            "deadline": one.deadline,
            "state": one.get_state_display(),
            "words": [mask(step.text, known) for step in one.steps.all() if step.text and step.new_state in MAYORS],
        }
        for one in told
    ]


def _ended(request: HttpRequest, ended: LinkEnded) -> HttpResponse:
    """Of one that its holder has used up, thanks; of any other, that it opens nothing, and whom to ask."""
    is_used = ended.link.used in (FieldLink.Use.RESOLVED, FieldLink.Use.HANDED_OVER)
    context = {"says": ended.detail, "is_used": is_used, "report_id": ended.link.report.public_id}
    return render(request, "field_ended.html", context, status=200 if is_used else 410)


def _is_forged(request: HttpRequest) -> bool:
    check = CSRFCheck(lambda _request: HttpResponse())
    check.process_request(request)
    return check.process_view(request, lambda _request: HttpResponse(), (), {}) is not None


@require_safe
@_by_link
def field_photo(request: HttpRequest, link: FieldLink, number: int, *, is_small: bool = False) -> HttpResponseBase:
    """A photo of the report, as JPEG; the first one is number 1."""
    photos = list(link.report.photos.all())
    if not 1 <= number <= len(photos):
        raise NotFound(_("There is no such photo."))
    photo = photos[number - 1]
    if is_small:
        content = read_file(photo.thumbnail) if photo.thumbnail else thumbnail_of(read_file(photo.image))
    else:
        content = read_file(photo.image)
    response = FileResponse(io.BytesIO(content), content_type="image/jpeg")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Content-Disposition"] = "inline"
    return response
