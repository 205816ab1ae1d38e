"""`/api/reports/`: in, out, and what must never come out."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from geo.models import CityRole, Report, ReportContact
from geo.reports.access.channel_keys import create_key
from geo.reports.photos.cleaning import _turn_to_decode
from tests.factories import make_agency, make_category, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db
URL = "/api/reports/"
INSIDE = {"type": "Point", "coordinates": [106.93, -6.25]}


@pytest.fixture(autouse=True)
def city() -> Any:
    make_category("sampah")
    return make_city()


def post(client: Any, body: Any = None, **headers: Any) -> Any:
    values = {"category": "sampah", "description": "Tumpukan sampah", "location": INSIDE, **(body or {})}
    return client.post(URL, json.dumps(values), content_type="application/json", headers=headers)


def key_of(slug: str) -> str:
    return create_key(channel=make_channel(slug))[1]


def test_anonymous_report_is_taken_in_through_the_web_channel(client: Any) -> None:
    answer = post(client)
    assert answer.status_code == 201
    body = answer.json()
    assert answer["Location"].endswith(f"/api/reports/{body['id']}/")
    assert (body["channel"], body["status"], body["area"], body["location_flag"]) == (
        "web",
        "submitted",
        "kota-uji.1.1",
        "inside",
    )
    assert body["location"] == INSIDE
    assert [step["status"] for step in body["history"]] == ["submitted"]
    assert client.get(answer["Location"]).json()["id"] == body["id"]


def test_channel_with_its_key_reports_once_per_external_id(client: Any) -> None:
    key = key_of("qlue")
    first = post(client, {"external_id": "Q-1"}, X_Api_Key=key)
    again = post(client, {"external_id": "Q-1", "description": "another text"}, X_Api_Key=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert first.json()["channel"] == "qlue"


def test_same_external_id_of_two_channels_is_two_reports(client: Any) -> None:
    assert post(client, {"external_id": "1"}, X_Api_Key=key_of("qlue")).status_code == 201
    assert post(client, {"external_id": "1"}, X_Api_Key=key_of("pot")).status_code == 201


def test_wrong_and_revoked_keys_are_401_and_store_nothing(client: Any) -> None:
    key, text = create_key(channel=make_channel("qlue"))
    for bad in ("nonsense", "abc.def", text[:-1] + "?", text.split(".")[0] + ".x"):
        answer = post(client, X_Api_Key=bad)
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer
    key.revoked_at = timezone.now()
    key.save()
    assert post(client, X_Api_Key=text).status_code == 401
    assert not Report.objects.exists()


def test_anonymous_external_id_is_scoped_to_the_device(client: Any) -> None:
    tokens = [client.post("/api/device-tokens/").json()["token"] for _i in range(2)]
    mine = post(client, {"external_id": "1"}, X_Device_Token=tokens[0])
    assert post(client, {"external_id": "1"}, X_Device_Token=tokens[0]).status_code == 200
    strangers = post(client, {"external_id": "1"}, X_Device_Token=tokens[1])
    assert strangers.status_code == 201
    assert strangers.json()["id"] != mine.json()["id"]


def test_report_outside_every_area_is_kept_and_flagged(client: Any) -> None:
    body = post(client, {"location": {"type": "Point", "coordinates": [107.5, -6.25]}}).json()
    assert (body["location_flag"], body["area"], body["city"]) == ("outside", None, "kota-uji")


@pytest.mark.parametrize(
    ("sent", "field", "says"),
    [
        ({"location": {"type": "Point", "coordinates": [-6.25, 106.93]}}, "location", "longitude first"),
        ({"location": None, "lon": -6.25, "lat": 106.93}, "lon", "longitude first"),
        ({"location": {"type": "Point", "coordinates": [200, 10]}}, "location", "outside the world"),
        ({"location": {"type": "Point", "coordinates": [200, 300]}}, "location", "outside the world"),
        ({"location": {"type": "Point", "coordinates": ["106.9", -6.2]}}, "location", "two numbers"),
        ({"location": {"type": "Point", "coordinates": [10**400, 1]}}, "location", "too large"),
        ({"location": {"type": "Point", "coordinates": [True, 1]}}, "location", "two numbers"),
        ({"location": "here"}, "location", "geojson point"),
        ({"location": None}, "location", "null"),
        ({"lon": 106.9, "lat": -6.2}, "lon", "not both"),
        ({"category": "nothing"}, "category", "no category"),
        ({"kind": "wish"}, "kind", "valid choice"),
        ({"reported_at": "2026-03-01 07:00"}, "reported_at", "offset"),
        ({"reported_at": "yesterday"}, "reported_at", "rfc 3339"),
        ({"reported_at": "1999-12-31T23:59:59Z"}, "reported_at", "2000"),
        ({"email": "no"}, "email", "e"),
        ({"description": "a\0b"}, "description", "null"),
        ({"external_id": "x" * 201}, "external_id", "200"),
    ],
)
def test_what_cannot_be_accepted_is_a_400_that_names_the_field(client: Any, sent: Any, field: str, says: str) -> None:
    body = {"category": "sampah", "description": "x", "location": INSIDE, **sent}
    if "lon" in sent and sent.get("location", 0) is None:
        del body["location"]
    answer = client.post(URL, json.dumps(body), content_type="application/json", headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert list(errors) == [field]
    assert says in " ".join(errors[field]).lower()
    assert not Report.objects.exists()


def test_point_that_lies_in_the_city_only_when_swapped_is_refused(client: Any) -> None:
    make_city("kota-jauh", west=30.0, south=50.0, side=0.1)
    answer = post(client, {"location": {"type": "Point", "coordinates": [50.05, 30.05]}}, Accept_Language="en")
    assert answer.status_code == 400
    assert "swapped" in answer.json()["errors"]["location"][0]


def test_time_more_than_five_minutes_ahead_is_refused_and_less_is_a_clock_gone_wrong(client: Any) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    assert post(client, {"reported_at": ahead}).status_code == 400
    assert post(client, {"reported_at": (datetime.now(UTC) + timedelta(minutes=4)).isoformat()}).status_code == 201


def test_broken_and_bottomless_json_is_a_400(client: Any) -> None:
    for text in ("{", "[1]", "[" * 100_000, '{"a":' * 50_000):
        assert client.post(URL, text, content_type="application/json").status_code == 400


def test_body_beyond_the_limit_is_a_413(client: Any) -> None:
    assert client.post(URL, " " * 2_700_000, content_type="application/json").status_code == 413


def test_wish_may_name_an_area_and_is_supported_once_per_device(client: Any) -> None:
    sent = {"category": "sampah", "kind": "aspirasi", "area": "kota-uji.2", "description": "taman"}
    answer = client.post(URL, json.dumps(sent), content_type="application/json")
    assert answer.status_code == 201
    assert (answer.json()["area"], answer.json()["location"], answer.json()["location_flag"]) == (
        "kota-uji.2",
        None,
        "area",
    )
    url = f"/api/reports/{answer.json()['id']}/support/"
    token = client.post("/api/device-tokens/").json()["token"]
    assert client.post(url).status_code == 400
    for status in (201, 200):
        supported = client.post(url, headers={"X-Device-Token": token})
        assert (supported.status_code, supported.json()) == (status, {"support_count": 1})


def photo(name: str = "a.jpg", size: tuple[int, int] = (64, 48), exif: bytes = b"") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG", exif=exif)
    return SimpleUploadedFile(name, out.getvalue(), "image/jpeg")


def test_photos_come_with_a_form_and_are_served_with_safe_headers(client: Any) -> None:
    form = {"category": "sampah", "lon": "106.93", "lat": "-6.25", "photos": [photo("a.jpg"), photo("b.jpg", (30, 30))]}
    answer = client.post(URL, form)
    assert answer.status_code == 201, answer.content
    urls = answer.json()["photos"]
    assert len(urls) == 2
    served = client.get(urls[0], headers={"Accept": "image/jpeg"})
    assert (served.status_code, served["Content-Type"], served["X-Content-Type-Options"]) == (
        200,
        "image/jpeg",
        "nosniff",
    )
    assert (served["Cache-Control"], bool(served["ETag"])) == ("public, max-age=60", True)
    assert Image.open(io.BytesIO(b"".join(served.streaming_content))).size == (64, 48)
    assert client.get(urls[0].replace("photos/1", "photos/3")).status_code == 404
    Report.objects.update(is_public=False)
    assert client.get(urls[0]).status_code == 404


def test_refused_photo_names_itself_and_leaves_nothing_behind(client: Any, settings: Any) -> None:
    form = {
        "category": "sampah",
        "lon": "106.93",
        "lat": "-6.25",
        "photos": [photo(), SimpleUploadedFile("evil.jpg", b"<script>", "image/jpeg")],
    }
    answer = client.post(URL, form)
    assert answer.status_code == 400
    assert answer.json()["errors"]["photos"][0].startswith("evil.jpg")
    assert not Report.objects.exists()
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["photo", "photos[]", "description"])
def test_file_under_another_name_than_photos_is_a_400_that_names_it(client: Any, name: str) -> None:
    form = {"category": "sampah", "lon": "106.93", "lat": "-6.25", "photos": [photo()], name: photo("b.jpg", (30, 30))}
    answer = client.post(URL, form, headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]
    assert "photos" in answer.json()["errors"][name][0]
    assert not Report.objects.exists()


def test_photo_that_comes_while_others_are_decoded_for_long_is_a_503_and_stores_nothing(
    client: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("geo.reports.photos.cleaning.WAIT_S", 0.01)
    form = {"category": "sampah", "lon": "106.93", "lat": "-6.25", "photos": [photo()]}
    with _turn_to_decode():
        answer = client.post(URL, form)
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer["Content-Type"] == "application/problem+json"
    assert not Report.objects.exists()


def test_personal_data_never_comes_out(client: Any) -> None:
    sent = {
        "description": "hubungi 0812-3456-7890 atau siti@example.org, NIK 3275014107900001",
        "name": "Siti Rahma",
        "phone": "0812 3456 7890",
        "email": "siti@example.org",
    }
    first = post(client, sent)
    public_id = first.json()["id"]
    texts = [first, client.get(URL), client.get(f"{URL}{public_id}/"), client.get(f"{URL}?q=hubungi")]
    for answer in texts:
        text = answer.content.decode()
        assert "hubungi" in text
        for secret in ("3456", "siti@", "Siti", "3275014107900001"):
            assert secret not in text
    assert ReportContact.objects.get().phone == "0812 3456 7890"
    assert client.get(f"{URL}?q=siti@example.org").json()["results"] == []


def test_place_of_a_private_category_is_shown_by_its_grid_cell_only(client: Any) -> None:
    make_category("kekerasan", public_grid_m=1000)
    here = [106.9301, -6.2501]
    near = [106.9302, -6.2502]
    shown = {
        json.dumps(
            post(client, {"category": "kekerasan", "location": {"type": "Point", "coordinates": p}}).json()["location"]
        )
        for p in (here, near)
    }
    assert len(shown) == 1
    assert "106.9301" not in shown.pop()


def test_list_is_newest_first_and_its_pages_join_without_a_gap(client: Any) -> None:
    ids = [make_report().public_id for _i in range(5)]
    seen, url = [], f"{URL}?limit=2&category=sampah"
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
        make_report()  # what arrives meanwhile shifts nothing
    assert seen == ids[::-1]


def test_filters_narrow_the_list(client: Any) -> None:
    agency_city = make_report().city
    jalan = make_category("jalan")
    rusak = make_category("jalan-rusak", parent=jalan)
    make_agency(agency_city, "dbmsda", jalan)
    one = make_report(
        category=rusak,
        channel=make_channel("qlue"),
        description="Lubang 100% dalam",
        area_code="kota-uji.2",
        kind="aspirasi",
        reported_at=datetime(2026, 2, 10, 20, 0, tzinfo=UTC),  # the 11th, three in the morning, in Jakarta
        status="resolved",
    )
    for query in (
        "category=jalan",
        "category=jalan-rusak,jalan",
        "status=resolved,rejected",
        "area=kota-uji.2",
        "area=kota-uji&status=resolved",
        "channel=qlue",
        "kind=aspirasi",
        "datetime=2026-02-11",
        "start=2026-02-11&end=2026-02-11",
        "datetime=2026-02-10T20:00:00Z",
        "q=lubang",
        "q=100%25",
    ):
        results = client.get(f"{URL}?{query}").json()["results"]
        assert [row["id"] for row in results] == [one.public_id], query
    for query in ("datetime=2026-02-10", "q=100_", "bbox=0,0,1,1", "area=kota-uji.1.2", "city=kota-uji&q=nothing"):
        assert client.get(f"{URL}?{query}").json()["results"] == [], query
    assert len(client.get(f"{URL}?bbox=106.9,-6.3,107,-6.2").json()["results"]) == 1
    assert client.get(f"{URL}?category=jalan").json()["results"][0]["agency"] == "dbmsda"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("categroy=sampah", "categroy"),
        ("category=nothing", "category"),
        ("status=open", "status"),
        ("area=99", "area"),
        ("channel=x", "channel"),
        ("kind=x", "kind"),
        ("city=x", "city"),
        ("bbox=1,2,3", "bbox"),
        ("datetime=now", "datetime"),
        ("datetime=2026-01-01&start=2026-01-01", "datetime"),
        ("start=2026-02-01&end=2026-01-01", "end"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("next=made-up", "next"),
        ("q=a%00b", "q"),
        ("kind=laporan&kind=aspirasi", "kind"),
        ("format=xml", "format"),
    ],
)
def test_bad_parameter_is_a_400_that_names_it(client: Any, query: str, named: str) -> None:
    answer = client.get(f"{URL}?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, named)


def test_list_asks_as_many_queries_for_a_hundred_reports_as_for_one(
    client: Any, django_assert_max_num_queries: Any
) -> None:
    for _i in range(30):
        make_report()
    with django_assert_max_num_queries(5):
        assert len(client.get(URL).json()["results"]) == 30
    with django_assert_max_num_queries(12):
        client.get(f"{URL}?category=sampah&area=kota-uji&channel=web&city=kota-uji&status=submitted&limit=5")
    with django_assert_max_num_queries(5):
        client.get(f"{URL}{Report.objects.first().public_id}/")


def test_hidden_report_is_seen_by_its_channel_and_staff_and_nobody_else(client: Any, admin_client: Any) -> None:
    hidden = make_report(channel=make_channel("qlue"), is_public=False)
    url = f"{URL}{hidden.public_id}/"
    mine = client.get(url, headers={"X-Api-Key": key_of("qlue")})
    assert mine.status_code == 200
    assert "no-store" in mine["Cache-Control"]
    assert client.get(url, headers={"X-Api-Key": key_of("pot")}).status_code == 404
    assert client.get(url).status_code == 404
    assert client.get(URL).json()["results"] == []
    assert admin_client.get(url).status_code == 200
    assert client.get(f"{URL}zzzz/").status_code == 404


def test_names_come_in_the_language_that_is_asked_for(client: Any) -> None:
    make_category("banjir", name_id="Banjir", name_en="Flood")
    make_report(category=make_category("banjir"))
    for language, name in (("en", "Flood"), ("id", "Banjir")):
        answer = client.get(URL, headers={"Accept-Language": language})
        assert answer.json()["results"][0]["category_name"] == name


def test_half_a_surrogate_pair_is_a_problem_that_quotes_it(client: Any) -> None:
    answer = post(client, {"kind": "\ud800"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["kind"])


def test_nul_in_an_area_code_is_no_area(client: Any) -> None:
    assert client.get("/api/areas/%00/").status_code == 404


@pytest.mark.parametrize(
    "query", ["end=0001-01-02", "datetime=9999-12-31T23:59:59.999999Z", "start=9999-12-31T20:00:00Z"]
)
@pytest.mark.parametrize("path", ["/api/reports/summary/", "/layers/density.geojson", "/layers/reports.geojson"])
def test_times_at_the_ends_of_the_calendar_are_refused(client: Any, path: str, query: str) -> None:
    answer = client.get(f"{path}?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, query.split("=")[0])


def test_a_compressed_answer_is_not_sent_again_unchanged(client: Any) -> None:
    for _i in range(5):
        post(client)
    first = client.get(URL, headers={"Accept-Encoding": "gzip"})
    assert first["Content-Encoding"] == "gzip"
    again = client.get(URL, headers={"Accept-Encoding": "gzip", "If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_language_may_be_asked_for_of_the_api_too(client: Any) -> None:
    assert client.get("/api/categories/?lang=en").status_code == 200


def test_staff_of_no_city_report_like_any_citizen(client: Any, settings: Any) -> None:
    settings.INTAKE_LIMIT_DEVICE = 2
    client.force_login(User.objects.create_user("baru", password="a long password", is_staff=True))
    answers = [post(client) for _i in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[0].json()["channel"] == "web"


def test_officer_reports_in_their_own_city_only(client: Any, city: Any) -> None:
    officer = User.objects.create_user("petugas", password="a long password", is_staff=True)
    CityRole.objects.create(user=officer, city=city, role=CityRole.Role.DISPATCHER)
    make_city("kota-lain", west=108.0)
    client.force_login(officer)
    assert post(client).json()["channel"] == "staff"
    elsewhere = post(client, {"location": {"type": "Point", "coordinates": [108.03, -6.25]}})
    assert elsewhere.status_code == 403
    assert Report.objects.count() == 1
