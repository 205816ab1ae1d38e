"""`/open311/v2/`: GeoReport v2."""

from datetime import UTC, datetime
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from geo.areas.models import City
from geo.open311 import mapping
from geo.open311.answering import Answer, refuse
from geo.open311.finding import (
    find_city,
    find_requests,
    find_service,
    group_names,
    services_of,
    surroundings_of,
)
from geo.open311.intake import channel_by_key, public_id_of, take_in, token_of
from geo.open311.requests import (
    FILTERS,
    Form,
    RequestsQuery,
    parse_new_request,
    parse_requests_query,
    photos_of,
    read_parameters,
)
from geo.reports.access.links import link_path, make_link
from geo.reports.categories import inherited
from geo.reports.models import Category, Report
from geo.reports.photos.cleaning import MAX_BYTES, MAX_PHOTOS, Upload
from server.core.errors import BadParameter, InvalidFields, NotFound
from server.core.listing import absolute_url
from server.core.parsers import refuse_larger
from server.core.versions import data_version

# For how long everybody may keep an answer. Services change seldom, and discovery tells when.
SERVICES_KEPT_S, REQUESTS_KEPT_S = 60, 5
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def discovery(request: HttpRequest) -> Answer:
    read_parameters(request.GET, ())
    home = absolute_url(request, reverse("map"))
    document = mapping.discovery_document(
        url=absolute_url(request, reverse("open311-discovery", args=["json"]).rpartition("/")[0]),
        contact=_("Pantau, the city's map of reports and measurements: %(url)s") % {"url": home},
        key_service=_("An api_key belongs to a channel; ask the city, which runs %(url)s, for one.") % {"url": home},
        changed_at=data_version({"geo_dataversion": ["services"]}).changed_at,
        is_test=settings.DEBUG,
    )
    return Answer("discovery", document, max_age_s=SERVICES_KEPT_S)


def services(request: HttpRequest) -> Answer:
    values = read_parameters(request.GET, ())
    city = find_city(values.get("jurisdiction_id", ""))
    groups = group_names()
    found = [
        mapping.service(category, group=groups[category.pk], has_questions=category.has_questions)  # type: ignore[attr-defined]
        for category in services_of(city)
    ]
    return Answer("services", found, max_age_s=SERVICES_KEPT_S)


def service_definition(request: HttpRequest, code: str) -> Answer:
    values = read_parameters(request.GET, ())
    category = find_service(find_city(values.get("jurisdiction_id", "")), code)
    questions = category.attributes.order_by("order")
    return Answer("service_definition", mapping.service_definition(category, questions), max_age_s=SERVICES_KEPT_S)


def requests(request: HttpRequest) -> Answer:
    values = read_parameters(request.GET, FILTERS)
    city = find_city(values.get("jurisdiction_id", ""))
    query = parse_requests_query(values, now=datetime.now(UTC))
    return _requests_answer(request, list(find_requests(query, city)))


def one_request(request: HttpRequest, public_id: str) -> Answer:
    values = read_parameters(request.GET, ())
    city = find_city(values.get("jurisdiction_id", ""))
    found = list(find_requests(RequestsQuery(public_ids=(public_id,)), city))
    if not found:
        raise NotFound(_("There is no such request."))
    return _requests_answer(request, found)


def _requests_answer(request: HttpRequest, reports: list[Report]) -> Answer:
    around = surroundings_of(reports)
    found = [
        mapping.service_request(
            report,
            address=around.addresses.get(report.public_area_id or 0),
            note=around.notes.get(report.pk, ""),
            media_url=_photo_url(request, report) if report.pk in around.with_photo else None,
            working_hours=around.working_hours[report.category_id],
        )
        for report in reports
    ]
    return Answer("service_requests", found, max_age_s=REQUESTS_KEPT_S)


def _photo_url(request: HttpRequest, report: Report) -> str:
    return absolute_url(request, reverse("report-photo", args=[report.public_id, 1]))


def create_request(request: HttpRequest) -> Answer:
    now = datetime.now(UTC)
    if request.content_type not in FORMS and int(request.META.get("CONTENT_LENGTH") or 0):
        raise BadParameter(
            "Content-Type", _("A request is sent as application/x-www-form-urlencoded or multipart/form-data.")
        )
    is_multipart = request.content_type == "multipart/form-data"
    refuse_larger(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + (MAX_PHOTOS * MAX_BYTES if is_multipart else 0))
    channel = channel_by_key(_api_key(request), now=now)
    form = Form(_sent(request))
    city = find_city(form.text("jurisdiction_id", at_most=100))
    category = _category(form, city)
    sent = parse_new_request(form, channel=channel.slug, idempotency_key=request.headers.get("Idempotency-Key"))
    photos = photos_of(request.FILES, form)
    if form.faults:
        raise InvalidFields(form.faults)
    report, is_new = take_in(
        sent,
        channel=channel,
        category=category,
        city=city,
        photos=cast("list[Upload]", photos),
        now=now,
    )
    whole = Report.objects.select_related("category", "agency").get(pk=report.pk)
    # A repeat is answered as the first one was.
    token = token_of(whole) if whole.category.open311_type == Category.Open311Type.BATCH else None
    document = mapping.created_request(
        whole,
        token=token,
        account_id=sent.account_id,
        working_hours=inherited(whole.category, "sla_working_hours", None),
        # Who holds it is the reporter: with a token in the number's stead nobody is told what the report is.
        report_link=None if token else absolute_url(request, link_path(make_link(whole, now=whole.received_at))),
    )
    return Answer("service_requests", [document], 201 if is_new else 200)


def _sent(request: HttpRequest) -> QueryDict:
    """The form; the jurisdiction may stand in the address, too."""
    sent = request.POST.copy()
    if "jurisdiction_id" not in sent:
        sent.setlist("jurisdiction_id", request.GET.getlist("jurisdiction_id"))
    return sent


def _api_key(request: HttpRequest) -> str:
    """From the header or the query first: who sends a wrong one there has no form read."""
    known = request.headers.get("X-Api-Key") or request.GET.get("api_key") or request.POST.get("api_key") or ""
    return known.strip()


def _category(form: Form, city: City) -> Category:
    code = form.text("service_code", at_most=100)
    if not code:
        raise InvalidFields(form.faults or {"service_code": [_("Needed: a service_code of services.")]})
    return find_service(city, code)


def token(request: HttpRequest, token: str) -> Answer:
    values = read_parameters(request.GET, ())
    find_city(values.get("jurisdiction_id", ""))
    return Answer("service_requests", [mapping.token_answer(public_id_of(token), token)])


@csrf_exempt
def nothing_here(request: HttpRequest, path: str) -> HttpResponse:
    """Every other address. Its suffix is a wish, too."""
    return refuse(
        404, [_("There is nothing at %(path)s.") % {"path": request.path}], "xml" if path.endswith(".xml") else "json"
    )
