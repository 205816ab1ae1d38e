"""What is answered where a log-in has failed too often."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from geo.reports.access.people import locked_sentence


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """A page that says so, and when it is over: 429, in the place of the admin's form."""
    problem = {"title": "Too many requests", "status": 429, "detail": locked_sentence(request)}
    page = render(request, "problem.html", {"problem": problem}, status=429)
    page["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    page["Cache-Control"] = "no-store"
    return page
