"""`/report/status/`: how a report stands, for everybody who has its number; and `/report/mine/`, for the one who sent it.

The first is made here, of what the public may see and nothing else, so that its address can be passed on. The second is a frame: the
token stands behind the #, for the script.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from geo.reports.access.principals import PUBLIC
from geo.reports.models import HistoryEntry, Report
from geo.reports.workflow import WORDS, Status
from server.web.page_language import in_page_language
from server.web.report.strings import MEANINGS, NEXT, report_strings

LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the history: when, to which status, by which agency, and the note where it is public."""

    at: datetime
    name: str
    agency: str
    note: str


@require_safe
@in_page_language
def find_report(request: HttpRequest) -> HttpResponse:
    """The form for a number; a number that is known leads to its page."""
    number = _number(request.GET.get("number", ""))
    if not number:
        return render(request, "report_find.html", {"asked": "", "is_unknown": "number" in request.GET})
    if _public_report(number) is None:
        return render(request, "report_find.html", {"asked": number, "is_unknown": True}, status=404)
    return HttpResponseRedirect(f"{reverse('report-status-page', args=[number])}?lang={get_language()}", status=303)


@require_safe
@in_page_language
def report_status(request: HttpRequest, number: str) -> HttpResponse:
    report = _public_report(_number(number))
    if report is None:
        return render(request, "report_find.html", {"asked": number, "is_unknown": True}, status=404)
    status = Status(report.status)
    parent = report.duplicate_of
    context = {
        "report": report,
        "status": WORDS[status].name,
        "means": MEANINGS[status],
        "next": NEXT[status],
        "steps": _steps(report),
        "photos": range(1, len(report.photos.all()) + 1),
        "followed": parent.public_id if parent is not None and parent.is_public else None,
        "followers": report.duplicates.filter(is_public=True).count(),
        "zone": report.city.zone,
        "is_wish": report.kind == Report.Kind.ASPIRASI,
    }
    return render(request, "report_status.html", context)


def _number(text: str) -> str:
    """A report's number as people copy it: with spaces, in capitals, with the sign before it."""
    return "".join(text.split()).lstrip("#").lower()[:LONGEST_NUMBER]


def _public_report(number: str) -> Report | None:
    found = Report.objects.visible_to(PUBLIC).for_answer().select_related("duplicate_of")
    return found.filter(public_id=number).first() if number and "\0" not in number else None


def _steps(report: Report) -> list[Step]:
    """The newest first."""
    lines = HistoryEntry.objects.filter(report=report, new__has_key="status").select_related("agency", "note")
    return [
        Step(
            line.at,
            WORDS[Status(line.new["status"])].name,
            line.agency.name if line.agency is not None else "",
            line.note.text if line.note is not None and line.note.is_public else "",
        )
        for line in lines.order_by("-id")
    ]


@require_safe
def my_report(request: HttpRequest) -> HttpResponse:
    """What a reporter's link opens. The frame is the same for everybody."""
    response = render(
        request, "report_mine.html", {"strings": report_strings(), "link_days": settings.REPORT_LINK_DAYS}
    )
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
