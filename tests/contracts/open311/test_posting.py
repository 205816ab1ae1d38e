"""POST service request, and the token that some services answer with."""

from typing import Any

import pytest
from django.utils import timezone

from geo.reports.access.channel_keys import create_key
from tests.contracts.open311.asking import Open311, commit
from tests.contracts.open311.posting import CREATED, PLACE, nothing_comes, photo, post, refused, stored
from tests.contracts.open311.schemas import check
from tests.factories import make_channel

pytestmark = pytest.mark.django_db

# --- the key ---------------------------------------------------------------------------------------------------------


@nothing_comes
@pytest.mark.parametrize("bad", ["", "wrong", "abc.def", "a\0b.c"])
def test_a_missing_or_wrong_api_key_is_a_403(open311: Open311, bad: str) -> None:
    refused(post(open311, bad), 403, "api_key")


@nothing_comes
def test_a_revoked_api_key_is_a_403(open311: Open311, town: None) -> None:
    made: list[str] = []

    def make() -> None:
        key, text = create_key(channel=make_channel("pot"))
        key.revoked_at = timezone.now()
        key.save()
        made.append(text)

    commit(make)
    refused(post(open311, made[0]), 403)


def test_the_key_may_stand_in_the_form_the_address_or_a_header(open311: Open311, key: str) -> None:
    fields = {"service_code": "sampah", **PLACE}
    replies = [
        open311.post({"api_key": key, **fields}),
        open311.send("POST", f"requests.{open311.form}?api_key={key}", data=fields),
        open311.post(fields, headers={"X-Api-Key": key}),
    ]
    assert [stored(reply).channel.slug for reply in replies] == ["pot", "pot", "pot"]


# --- the answer ------------------------------------------------------------------------------------------------------


def test_a_realtime_service_answers_the_number_and_no_token(open311: Open311, key: str) -> None:
    reply = post(open311, key, {"account_id": "A-1"})
    assert reply.status == 201
    assert reply.names(CREATED) == [["service_request_id", "service_notice", "account_id", "report_link"]]
    assert reply.text(f"{CREATED}/account_id") == "A-1"
    assert stored(reply).status == "submitted"


def test_a_batch_service_answers_a_token_and_no_number(open311: Open311, key: str) -> None:
    reply = post(open311, key, {"service_code": "kekerasan"})
    assert reply.status == 201
    assert reply.names(CREATED) == [["token", "service_notice", "account_id"]]


@pytest.mark.parametrize("form", ["json"])
def test_answers_to_a_post_keep_the_published_rules(open311: Open311, key: str) -> None:
    check("created", post(open311, key).json)
    batch = post(open311, key, {"service_code": "kekerasan"})
    check("created", batch.json)
    check("token", open311.get(f"tokens/{batch.text(f'{CREATED}/token')}").json)


def test_a_token_leads_to_the_number_and_the_number_to_the_request(open311: Open311, key: str) -> None:
    token = post(open311, key, {"service_code": "kekerasan", "description": "Tolong"}).text(f"{CREATED}/token")
    reply = open311.get(f"tokens/{token}")
    assert reply.status == 200
    assert reply.names(CREATED) == [["service_request_id", "token"]]
    assert reply.text(f"{CREATED}/token") == token
    assert open311.get(f"requests/{reply.ids[0]}").text(f"{CREATED}/description") == "Tolong"


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: "x" + token, lambda token: "x"])
def test_a_token_that_is_none_of_this_service_is_a_404(open311: Open311, key: str, change: Any) -> None:
    token = post(open311, key, {"service_code": "kekerasan"}).text(f"{CREATED}/token")
    refused(open311.get(f"tokens/{change(token)}"), 404)


def test_service_notice_says_who_deals_with_it_where_that_is_known(open311: Open311, key: str) -> None:
    assert post(open311, key).text(f"{CREATED}/service_notice") == ""
    told = post(open311, key, {"service_code": "genangan", "attribute[kedalaman]": "lutut"})
    assert told.text(f"{CREATED}/service_notice") == "DBMSDA deals with this, within 24 working hours."


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_a_form_may_be_urlencoded_or_multipart(open311: Open311, key: str) -> None:
    fields = {"description": "Gerobak di trotoar, 50% lebar – ayo"}
    assert stored(post(open311, key, fields)).description == fields["description"]
    reply = post(open311, key, fields, files={"media": ("a.jpg", photo(), "image/jpeg")})
    report = stored(reply)
    assert report.description == fields["description"]
    assert report.photos.count() == 1
    told = open311.get(f"requests/{report.public_id}").text(f"{CREATED}/media_url")
    assert told == f"{open311.url}/api/reports/{report.public_id}/photos/1/"


def test_text_is_taken_as_utf8_whatever_the_header_claims(open311: Open311, key: str) -> None:
    body = f"api_key={key}&service_code=sampah&lat=-6.25&long=106.93&description=caf%C3%A9".encode()
    for charset in ("iso-8859-1", "utf-16", "nonsense"):
        headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
        assert stored(open311.post(body, headers=headers)).description == "café"


@nothing_comes
def test_a_missing_service_code_is_a_400(open311: Open311, key: str) -> None:
    refused(post(open311, key, {"service_code": None}), 400, "service_code")
    refused(post(open311, key, {"service_code": ""}), 400, "service_code")


@nothing_comes
@pytest.mark.parametrize("code", ["unknown", "usang"])
def test_an_unknown_service_code_is_a_404(open311: Open311, key: str, code: str) -> None:
    refused(post(open311, key, {"service_code": code}), 404, code)


@nothing_comes
def test_every_fault_is_told_at_once(open311: Open311, key: str) -> None:
    reply = post(open311, key, {"lat": "north", "email": "nobody", "description": "x" * 4001})
    refused(reply, 400, "lat: ", "email: ", "description: At most 4000 characters.")
    assert len(reply.errors) == 3


@nothing_comes
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"description": ["one", "two"]}, "description"),
        ({"description": "a\0b"}, "description"),
        ({"phone": "0" * 41}, "phone"),
        ({"first_name": "x" * 100}, "first_name"),
        ({"email": "x@y"}, "email"),
        ({"address_string": "x" * 301}, "address_string"),
        ({"external_id": "x" * 201}, "external_id"),
        ({"media_url": "ftp://example.org/a.jpg"}, "media_url"),
        ({"media_url": "http://[::1"}, "media_url"),
        ({"media_url": [f"http://example.org/{i}.jpg" for i in range(6)]}, "media_url"),
    ],
)
def test_a_field_that_cannot_be_taken_is_a_400_that_names_it(
    open311: Open311, key: str, fields: dict[str, Any], says: str
) -> None:
    refused(post(open311, key, fields), 400, f"{says}: ")


# --- the place -------------------------------------------------------------------------------------------------------


def test_lat_and_long_are_a_place(open311: Open311, key: str) -> None:
    report = stored(post(open311, key, {"address_string": "Gang Mawar 7"}))
    assert report.location is not None
    assert (report.location.x, report.location.y, report.location_flag) == (106.93, -6.25, "inside")
    assert report.address == "Gang Mawar 7"


def test_address_string_alone_is_a_place_and_is_not_public(open311: Open311, key: str) -> None:
    report = stored(post(open311, key, {"lat": None, "long": "", "address_string": "Gang Mawar 7"}))
    assert (report.location, report.area, report.address) == (None, None, "Gang Mawar 7")
    assert b"Mawar" not in open311.get(f"requests/{report.public_id}").content


def test_address_id_alone_is_the_area_with_this_code(open311: Open311, key: str) -> None:
    report = stored(post(open311, key, {"lat": None, "long": None, "address_id": "kota-uji.2.1"}))
    assert report.area is not None
    assert (report.area.code, report.location_flag) == ("kota-uji.2.1", "area")
    assert report.address == "Kota-Uji 2 1, Kota-Uji 2, Kota-Uji"
    told = open311.get(f"requests/{report.public_id}")
    assert told.text(f"{CREATED}/address") == "Kota-Uji 2 1, Kota-Uji 2, Kota-Uji"
    assert told.text(f"{CREATED}/address_id") == "kota-uji.2.1"


def test_with_a_point_an_address_id_of_somebody_elses_book_does_no_harm(open311: Open311, key: str) -> None:
    assert stored(post(open311, key, {"address_id": "545483"})).area.code == "kota-uji.1.1"  # type: ignore[union-attr]


def test_a_place_outside_every_area_is_kept(open311: Open311, key: str) -> None:
    assert stored(post(open311, key, {"long": "107.5"})).location_flag == "outside"


@nothing_comes
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"lat": None, "long": None}, "lat and long, or address_string, or address_id"),
        ({"lat": None}, "go together"),
        ({"long": ""}, "go together"),
        ({"lat": "-6,25"}, "number"),
        ({"lat": "NaN"}, "number"),
        ({"long": "inf"}, "number"),
        ({"long": "1e999"}, "number"),
        ({"lat": "1_0"}, "number"),
        ({"lat": "106.93", "long": "-6.25"}, "swapped"),
        ({"lat": "91", "long": "181"}, "Outside the world"),
        ({"lat": None, "long": None, "address_id": "unknown"}, "address_id"),
    ],
)
def test_what_is_no_place_is_a_400(open311: Open311, key: str, fields: dict[str, Any], says: str) -> None:
    refused(post(open311, key, fields), 400, says)


# --- the description -------------------------------------------------------------------------------------------------


def test_a_description_may_have_4000_characters_and_line_breaks(open311: Open311, key: str) -> None:
    text = "baris satu\r\nbaris dua\n" + "é" * 3979
    assert stored(post(open311, key, {"description": text})).description == text.replace("\r\n", "\n")


@nothing_comes
def test_a_longer_description_is_a_400(open311: Open311, key: str) -> None:
    refused(post(open311, key, {"description": "é" * 4001}), 400, "description: At most 4000 characters.")


def test_html_in_a_description_is_taken_out(open311: Open311, key: str) -> None:
    text = 'Air <b>naik</b> <script src="x">cepat</script>, tinggi < 50 cm & > 20 cm <<b>script>'
    report = stored(post(open311, key, {"description": text}))
    assert report.description == "Air naik cepat, tinggi < 50 cm & > 20 cm"


# --- what is no form -------------------------------------------------------------------------------------------------


@nothing_comes
def test_another_content_type_is_a_400(open311: Open311, key: str) -> None:
    for kind in ("application/json", "text/xml"):
        reply = open311.post(b"{}", headers={"X-Api-Key": key, "Content-Type": kind})
        refused(reply, 400, "application/x-www-form-urlencoded")


@nothing_comes
@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"]
)
def test_a_broken_multipart_form_is_a_400(open311: Open311, key: str, kind: str) -> None:
    reply = open311.post(b"--y\r\nnothing", headers={"X-Api-Key": key, "Content-Type": kind})
    refused(reply, 400)


@nothing_comes
def test_too_large_a_form_is_a_413(open311: Open311, key: str) -> None:
    refused(post(open311, key, {"description": "x" * 2_700_000}), 413)


@nothing_comes
def test_too_many_fields_are_a_400(open311: Open311, key: str) -> None:
    refused(post(open311, key, {f"field{i}": "x" for i in range(1001)}), 400)


@nothing_comes
def test_an_empty_post_is_a_403(open311: Open311) -> None:
    refused(open311.post(), 403)
