"""What makes the form an app on a telephone: its manifest, and the worker that opens it offline and sends what was kept."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from server.web.modules import modules_of
from server.web.page_language import in_page_language

ENTRY = "pantau/report/main.js"
# What the form is made of; the map is not, since it has nothing to show without a connection.
FILES = (
    *("pantau/base.css", "pantau/report.css", "pantau/mark.svg", "pantau/report/symbols.svg"),
    "pantau/report/queue.js",
)


@require_safe
@in_page_language
def manifest(request: HttpRequest) -> HttpResponse:
    form = reverse("report-page")
    icons = [
        {"src": static(f"pantau/report/icon-{size}{suffix}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size, suffix, purpose in ((192, "", "any"), (512, "", "any"), (512, "-maskable", "maskable"))
    ]  # fmt: skip
    return JsonResponse(
        {
            "id": form,
            "name": _("Pantau: report to the city"),
            "short_name": "Pantau",
            "description": _("Tell the city what is broken, and follow what becomes of it."),
            "lang": get_language(),
            "start_url": f"{form}?lang={get_language()}",
            "scope": form,
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#0b6e5f",
            "icons": icons,
            "shortcuts": [
                {"name": _("Send a wish"), "url": f"{reverse('wish-page')}?lang={get_language()}"},
                {"name": _("See how a report stands"), "url": f"{reverse('report-find')}?lang={get_language()}"},
            ],
        },
        content_type="application/manifest+json",
    )


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, here and not among the static files: it may only serve what lies below its own address."""
    context = {"forms": [reverse("report-page"), reverse("wish-page")], "files": [*FILES, *modules_of(ENTRY)]}
    response = render(request, "report_worker.js", context, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response
