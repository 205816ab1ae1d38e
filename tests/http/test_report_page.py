"""The form at /report/ without a script, the public page of a report's status, and what makes an app of the form."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from geo.models import Agency, Area, Category, Channel, City, HistoryEntry, Report, ReportContact, ReportPhoto
from geo.reports.access.links import HEADER, make_link
from geo.reports.access.principals import Principal
from geo.reports.insertion import Contact
from geo.reports.intake_limits import issue_token
from geo.reports.merging import merge_reports
from geo.reports.personal_data.person import erase_person, export_person, read_person
from geo.reports.workflow import Status
from server.web.report.form_strings import form_strings
from server.web.report.strings import NEXT
from tests.factories import make_agency, make_category, make_report
from tests.pictures import plain
from tests.workflow_paths import bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city", "categories")]

FORM = "/report/?lang=en"
WISH = "/report/aspirasi/?lang=en"
GIVEN = {"category": "sampah", "area": "kota-uji.1.1", "landmark": "seberang pasar", "description": "Sampah menumpuk"}
"""A laporan as a browser without scripts sends it: an area from the list, and words."""


def send(client: Client, path: str = FORM, **more: Any) -> Any:
    return client.post(path, {**GIVEN, "lon": "", "lat": "", "name": "", "phone": "", "email": "", **more})


def fault_of(page: str, name: str) -> str:
    found = re.search(rf'<p class="error" id="{name}-fault">(.*?)</p>', page)
    assert found is not None
    return found[1].strip()


def test_form_is_a_plain_one_that_names_categories_and_areas_and_sets_no_cookie(client: Client) -> None:
    make_category("lubang", name_id="Jalan berlubang", name_en="Pothole", parent=make_category("sampah"))
    answer = client.get("/report/")
    page = answer.content.decode()
    assert (answer.status_code, answer["Content-Language"]) == (200, "id")
    assert not answer.cookies
    assert '<form id="form" method="post" enctype="multipart/form-data">' in page
    assert 'name="category" value="sampah"' in page
    assert '<label for="category-lubang">Jalan berlubang</label>' in page
    assert '<option value="kota-uji.1.1">' in page
    assert 'action="/report/status/"' in page


@pytest.mark.parametrize(
    ("query", "accepted", "language"), [("", "en", "id"), ("?lang=en", "id", "en"), ("?lang=xx", "", "id")]
)
def test_a_link_to_the_form_says_the_same_to_everybody(
    client: Client, query: str, accepted: str, language: str
) -> None:
    answer = client.get(f"/report/{query}", headers={"accept-language": accepted})
    assert answer["Content-Language"] == language
    assert f'<html lang="{language}">' in answer.content.decode()


def test_report_with_an_area_and_a_landmark_arrives_and_is_told_its_number_and_link(client: Client) -> None:
    answer = send(client, photos=plain(), email="siti@example.org")
    report = Report.objects.get()
    page = answer.content.decode()
    assert (answer.status_code, answer["Location"]) == (201, f"/report/status/{report.public_id}/")
    assert answer["Cache-Control"] == "private, no-store"
    assert f"<b>{report.public_id}</b>" in page
    assert 'href="/report/mine/#' in page
    assert (report.channel.slug, report.kind, report.landmark) == ("web", "laporan", "seberang pasar")
    assert (report.location, report.location_flag, report.area.code) == (None, "area", "kota-uji.1.1")
    assert ReportPhoto.objects.count() == 1
    assert ReportContact.objects.get().email == "siti@example.org"
    assert HistoryEntry.objects.get().origin == "page"


def test_point_that_a_script_has_put_in_holds_before_the_area(client: Client) -> None:
    send(client, lon="106.93", lat="-6.25", area="kota-uji.2.1", landmark="")
    report = Report.objects.get()
    assert (report.location.x, report.location.y, report.location_flag) == (106.93, -6.25, "inside")


def test_same_sent_twice_is_stored_once_and_its_link_not_given_again(client: Client) -> None:
    first, again = send(client), send(client)
    assert (first.status_code, again.status_code) == (201, 200)
    assert Report.objects.count() == 1
    page = again.content.decode()
    assert "It had arrived before, and was not stored a second time." in page
    assert "/report/mine/" not in page
    send(client, description="Sampah menumpuk lagi")
    assert Report.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"area": ""}, "place", "Please say where it is."),
        ({"landmark": " "}, "landmark", "Please name the street, or something by which the place is found."),
        ({"category": ""}, "category", "Please choose what it is about."),
        ({"category": "tidak-ada"}, "category", "There is no category &#x27;tidak-ada&#x27; in use."),
        ({"description": ""}, "description", "Please write a few words, or add a photo."),
        ({"email": "siti"}, "email", "Enter a valid email address."),
        ({"landmark": "x" * 301}, "landmark", "Ensure this field has no more than 300 characters."),
        ({"area": "nirgends"}, "place", "There is no area with this code."),
        ({"lon": "-6.25", "lat": "106.93"}, "place", "Longitude first, then latitude: these look swapped (-6.25, 106.93)."),
        ({"lon": "here", "lat": "there"}, "place", "A valid number is required. A valid number is required."),
    ],
)  # fmt: skip
def test_fault_is_said_beside_its_field_and_nothing_typed_is_lost(
    client: Client, change: dict[str, str], field: str, says: str
) -> None:
    answer = send(client, **{"description": "Bau <b>busuk</b>", "name": "Siti", "phone": "0812", **change})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert fault_of(page, field) == says
    assert Report.objects.count() == 0
    if "description" not in change:
        assert "Bau &lt;b&gt;busuk&lt;/b&gt;</textarea>" in page
    assert 'value="Siti"' in page
    assert 'value="0812"' in page
    assert '<details class="part contact" id="contact" open>' in page
    if "category" not in change:
        assert 'value="sampah" checked' in page
    if "area" not in change:
        assert '<option value="kota-uji.1.1" selected>' in page


def test_file_that_is_no_photo_is_refused_beside_the_photos_and_asked_for_again(client: Client) -> None:
    answer = send(client, photos=SimpleUploadedFile("foto.jpg", b"no photo", "image/jpeg"))
    assert answer.status_code == 400
    assert "Please choose the photos again: a browser does not keep them." in fault_of(
        answer.content.decode(), "photos"
    )
    assert Report.objects.count() == 0


def test_photo_without_words_is_a_report(client: Client) -> None:
    answer = send(client, description="", photos=plain())
    assert answer.status_code == 201


def test_who_sends_too_much_is_told_when_to_come_back_and_keeps_what_was_typed(client: Client, settings: Any) -> None:
    settings.INTAKE_LIMIT_DEVICE = 1
    send(client)
    answer = send(client, description="Yang kedua")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 601
    page = answer.content.decode()
    assert "Too many reports in a short time; please try again later." in page
    assert "Yang kedua</textarea>" in page


def test_session_of_staff_counts_for_nothing_and_no_token_is_needed(client: Client) -> None:
    client.force_login(User.objects.create_superuser("admin", password="a long password"))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert send(strict).status_code == 201
    report = Report.objects.get()
    assert (report.channel.slug, HistoryEntry.objects.get().user_id) == ("web", None)


def test_channel_that_is_closed_says_so_and_keeps_what_was_typed(client: Client) -> None:
    Channel.objects.create(slug="web", name="Web", is_active=False)
    answer = send(client)
    assert answer.status_code == 403
    assert "This channel is closed." in answer.content.decode()
    assert "Sampah menumpuk</textarea>" in answer.content.decode()


def test_larger_body_than_is_read_is_refused_in_words(client: Client) -> None:
    answer = client.post(FORM, b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(10**9))
    assert answer.status_code == 413
    assert "The photos are too large to be sent together." in answer.content.decode()


def test_wish_needs_no_place_but_words_and_goes_to_the_whole_city(client: Client) -> None:
    page = client.get(WISH).content.decode()
    assert '<option value="kota-uji" selected>The whole of ' in page
    assert "landmark" not in page.partition("</form>")[0].partition("<form")[2]
    answer = send(client, WISH, area="kota-uji", landmark="", description="Lebih banyak taman")
    assert answer.status_code == 201
    wish = Report.objects.get()
    assert (wish.kind, wish.area.code, wish.location) == ("aspirasi", "kota-uji", None)
    refused = send(client, WISH, area="kota-uji", description="")
    assert fault_of(refused.content.decode(), "description") == "Please write what you wish for."


def test_empty_city_says_that_nothing_can_be_reported_yet(client: Client) -> None:
    for level in ("kelurahan", "kecamatan", "kota"):
        Area.objects.filter(level__code=level).delete()
    Category.objects.all().delete()
    page = client.get(FORM).content.decode()
    assert "This city has no areas yet." in page
    assert "This city has no categories yet, so nothing can be reported." in page


def test_form_asks_few_questions_of_the_database(client: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        make_category(f"kategori-{number}")
    with django_assert_max_num_queries(3):
        client.get(FORM)


# The page of a report's status.


@pytest.fixture
def resolved() -> Report:
    """Of Siti, at an exact place of which she also wrote a landmark, with a photo; resolved by dlh with a public note."""
    category = make_category("genangan", name_id="Genangan", name_en="Standing water")
    make_agency(City.objects.get(), "dlh", category)
    Agency.objects.update(name_id="Dinas Lingkungan Hidup", name_en="Environment Agency")
    now = timezone.now()
    report = make_report(
        category=category,
        description="Air setinggi lutut, hubungi Siti Rahma 081234567890",
        landmark="depan rumah Siti Rahma",
        contact=Contact("Siti Rahma", "081234567890", "siti@example.org"),
        photos=[plain()],
        reported_at=now,
        now=now,
    )
    return bring_to(report, "resolved", now=now, note="Saluran sudah dikeruk.", note_is_public=True)


def test_status_page_tells_the_public_how_a_report_stands_and_nothing_of_who_sent_it(
    client: Client, resolved: Report
) -> None:
    answer = client.get(f"/report/status/{resolved.public_id}/?lang=en")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert not answer.cookies
    assert "<h1>Standing water, Kota-Uji 1 1</h1>" in page
    assert '<span id="status">Resolved</span>' in page
    assert "Those who dealt with it say that it is done." in page
    assert "Whoever sent the report can say whether it is done" in page
    assert "<b>Resolved</b> · Environment Agency" in page
    assert "Saluran sudah dikeruk." in page
    assert "Air setinggi lutut" in page
    assert f'<img src="/api/reports/{resolved.public_id}/photos/1/thumbnail/"' in page
    assert "Times in WIB." in page
    assert not {word for word in ("Siti", "Rahma", "081234567890", "depan rumah") if word in page}
    assert "<script" not in page


def test_status_page_is_the_publics_even_for_staff(client: Client, resolved: Report) -> None:
    Report.objects.update(is_public=False)
    client.force_login(User.objects.create_superuser("admin", password="a long password"))
    answer = client.get(f"/report/status/{resolved.public_id}/?lang=en")
    assert answer.status_code == 404
    assert "There is no public report with this number." in fault_of(answer.content.decode(), "number")


def test_merged_report_leads_to_the_one_that_it_follows(client: Client) -> None:
    now = timezone.now()
    parent, child = make_report(now=now), make_report(now=now)
    merge_reports(parent=parent, children=[child], by=Principal(is_superuser=True), now=now)
    page = client.get(f"/report/status/{child.public_id}/?lang=en").content.decode()
    assert f'<a href="/report/status/{parent.public_id}/?lang=en">Report {parent.public_id}</a>' in page
    Report.objects.filter(pk=parent.pk).update(is_public=False)
    assert parent.public_id not in client.get(f"/report/status/{child.public_id}/?lang=en").content.decode()


def test_number_is_found_as_people_copy_it(client: Client, resolved: Report) -> None:
    spelt = f" #{resolved.public_id[:4]} {resolved.public_id[4:].upper()} "
    answer = client.get("/report/status/", {"number": spelt, "lang": "en"})
    assert (answer.status_code, answer["Location"]) == (303, f"/report/status/{resolved.public_id}/?lang=en")


@pytest.mark.parametrize(
    ("number", "status", "says"),
    [("", 200, "Please write the number."), ("tidakada", 404, "There is no public report with this number."), ("\0", 404, "There is no")],
)  # fmt: skip
def test_number_that_is_none_is_said_beside_its_field(client: Client, number: str, status: int, says: str) -> None:
    answer = client.get("/report/status/", {"number": number, "lang": "en"})
    assert answer.status_code == status
    assert fault_of(answer.content.decode(), "number").startswith(says)


def test_status_page_asks_few_questions_of_the_database(
    client: Client, resolved: Report, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(4):
        client.get(f"/report/status/{resolved.public_id}/")


# The landmark, and the link of who sends again.


def test_landmark_is_for_the_reporter_and_the_staff_and_goes_with_the_persons_data(
    client: Client, resolved: Report
) -> None:
    token = make_link(resolved, now=timezone.now())
    told = client.get("/api/report-link/", headers={HEADER: token}).json()
    assert told["landmark"] == "depan rumah [nama]"
    public = client.get(f"/api/reports/{resolved.public_id}/")
    assert "landmark" not in public.json()
    assert "depan rumah" not in public.content.decode()
    client.force_login(User.objects.create_superuser("admin", password="a long password"))
    private = client.get(f"/api/reports/{resolved.public_id}/private/").json()
    assert private["landmark"] == "depan rumah Siti Rahma"
    siti = read_person(email="siti@example.org")
    assert export_person(siti, now=timezone.now())["reports"][0]["landmark"] == "depan rumah Siti Rahma"
    erase_person(siti, now=timezone.now())
    resolved.refresh_from_db()
    assert resolved.landmark == ""


def test_api_takes_a_report_with_an_area_and_a_landmark_but_with_no_area_alone(client: Client) -> None:
    given = {"category": "sampah", "area": "kota-uji.1.1", "landmark": "dekat halte"}
    assert client.post("/api/reports/", given).status_code == 201
    assert Report.objects.get().landmark == "dekat halte"
    refused = client.post("/api/reports/", {**given, "landmark": ""})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["location"])


def test_device_whose_answer_was_lost_is_told_the_same_link_again_and_nobody_else_is(client: Client) -> None:
    given = {"category": "sampah", "lon": "106.93", "lat": "-6.25", "external_id": "a-1"}
    device, other = ({"X-Device-Token": issue_token()} for _time in range(2))
    first, again, others = (client.post("/api/reports/", given, headers=of) for of in (device, device, other))
    assert (first.status_code, again.status_code, others.status_code) == (201, 200, 201)
    assert again.json()["link"]["token"] == first.json()["link"]["token"]
    assert others.json()["id"] != first.json()["id"]


# The app.


def test_manifest_opens_the_form_in_its_language_with_icons_that_are_there(client: Client) -> None:
    answer = client.get("/report/manifest.webmanifest?lang=en")
    assert answer["Content-Type"] == "application/manifest+json"
    told = answer.json()
    assert (told["start_url"], told["scope"], told["display"]) == ("/report/?lang=en", "/report/", "standalone")
    assert [icon["purpose"] for icon in told["icons"]] == ["any", "any", "maskable"]
    for icon in told["icons"]:
        assert finders.find(icon["src"].removeprefix("/static/"))


def test_worker_keeps_only_files_that_are_there(client: Client) -> None:
    answer = client.get("/report/worker.js")
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/javascript; charset=utf-8", "no-cache")
    files = re.findall(r'"(/static/[^"]+)"', answer.content.decode())
    assert "/static/pantau/report/main.js" in files
    for path in files:
        assert finders.find(path.removeprefix("/static/"))
    assert resolve("/report/worker.js").url_name == "report-worker"


def test_every_state_says_what_comes_next() -> None:
    assert set(NEXT) == set(Status)
    assert all(form_strings().values())
