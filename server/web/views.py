"""The pages. They speak the public HTTP API only, so a view renders its frame and nothing else."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from server.core.problems import problem


@require_safe
def city_map(request: HttpRequest) -> HttpResponse:
    return render(request, "map.html")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(404, "Not found", f"There is nothing at {request.path}.")


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(500, "Server error", "Something went wrong here; it has been logged.")
