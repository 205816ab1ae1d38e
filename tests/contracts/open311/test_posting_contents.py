"""POST service request: answers to questions, who sends, repeats, photos."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from geo.models import OutboxMessage, Report, ReportContact, ReportPhoto
from geo.reports.access.channel_keys import create_key
from tests.contracts.open311.asking import Open311, commit
from tests.contracts.open311.posting import CREATED, PLACE, nothing_comes, photo, post, refused, stored
from tests.factories import make_channel

pytestmark = pytest.mark.django_db


# --- attributes ------------------------------------------------------------------------------------------------------


def test_answers_are_kept_by_their_datatype_and_are_not_public(open311: Open311, key: str) -> None:
    reply = open311.post(
        [
            ("api_key", key), ("service_code", "genangan"), *PLACE.items(),
            ("attribute[kedalaman]", "lutut"),
            ("attribute[tinggi]", "42.5"),
            ("attribute[sejak]", "2026-03-01T07:00:00+07:00"),
            ("attribute[patokan]", "tiang-rahasia"),
            ("attribute[cerita]", "satu\ndua"),
            ("attribute[akibat][]", "macet"),
            ("attribute[akibat][]", "2"),
        ]
    )  # fmt: skip
    report = stored(reply)
    assert report.attributes == {
        "kedalaman": "lutut",
        "tinggi": 42.5,
        "sejak": "2026-03-01T07:00:00+07:00",
        "patokan": "tiang-rahasia",
        "cerita": "satu\ndua",
        "akibat": ["macet", "2"],
    }
    assert b"rahasia" not in open311.get(f"requests/{report.public_id}").content


@nothing_comes
@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({}, "attribute[kedalaman]: Needed"),
        ({"kedalaman": ""}, "attribute[kedalaman]: Needed"),
        ({"kedalaman": "leher"}, "attribute[kedalaman]: Not one of the keys: mata-kaki, lutut."),
        ({"kedalaman": ["lutut", "mata-kaki"]}, "attribute[kedalaman]: Takes one value only."),
        ({"tinggi": "dalam"}, "attribute[tinggi]: Takes a number."),
        ({"tinggi": "1e999"}, "attribute[tinggi]: Takes a number."),
        ({"sejak": "kemarin"}, "attribute[sejak]: Takes a date"),
        ({"sejak": "2026-03-01T07:00:00"}, "attribute[sejak]: The time needs its offset"),
        ({"patokan": "satu\ndua"}, "attribute[patokan]: Takes a single line."),
        ({"cerita": "x" * 4001}, "attribute[cerita]: At most 4000 characters."),
        ({"akibat][": ["macet", "gempa"]}, "attribute[akibat]: Not one of the keys: macet, 2."),
        ({"petunjuk": "baik"}, "attribute[petunjuk]: This only tells something"),
        ({"unknown": "1"}, "attribute[unknown]: This service has no such attribute."),
        ({"": "1"}, "attribute[]: Written attribute[code]"),
    ],
)
def test_an_answer_that_the_definition_does_not_allow_is_a_400(
    open311: Open311, key: str, answers: dict[str, Any], says: str
) -> None:
    whole = {"kedalaman": "lutut", **answers} if answers else {}
    fields = {f"attribute[{code}]": value for code, value in whole.items()}
    refused(post(open311, key, {"service_code": "genangan", **fields}), 400, says)


@nothing_comes
def test_a_service_without_questions_takes_no_answers(open311: Open311, key: str) -> None:
    refused(post(open311, key, {"attribute[tinggi]": "1"}), 400, "attribute[tinggi]")


# --- who sends -------------------------------------------------------------------------------------------------------


def test_who_sends_is_kept_apart_and_is_in_no_answer(open311: Open311, key: str) -> None:
    secret = {
        "first_name": "Siti", "last_name": "Rahma", "email": "siti@example.org", "phone": "0812 3456 7890",
        "device_id": "D-991", "description": "Hubungi 0812 3456 7890",
    }  # fmt: skip
    report = stored(post(open311, key, secret))
    contact = ReportContact.objects.get(report=report)
    assert (contact.name, contact.email, contact.phone) == ("Siti Rahma", "siti@example.org", "0812 3456 7890")
    assert len(contact.device_hash) == 64
    for reply in (open311.get(f"requests/{report.public_id}"), open311.get("requests")):
        assert not [word for word in ("Siti", "Rahma", "siti@", "3456", "D-991") if word in reply.content.decode()]


def test_a_device_has_one_hash_within_its_channel_and_another_in_another(open311: Open311, key: str) -> None:
    other: list[str] = []
    commit(lambda: other.append(create_key(channel=make_channel("sorot"))[1]))
    reports = [stored(post(open311, used, {"device_id": "D-1"})) for used in (key, key, other[0])]
    first, again, elsewhere = (ReportContact.objects.get(report=report).device_hash for report in reports)
    assert first == again
    assert first != elsewhere


# --- repeats ---------------------------------------------------------------------------------------------------------


def test_the_same_external_id_again_answers_the_first_number_and_stores_nothing(open311: Open311, key: str) -> None:
    name = f"E-{open311.form}"
    first = post(open311, key, {"external_id": name, "description": "satu"})
    again = post(open311, key, {"external_id": name, "description": "dua"})
    assert (first.status, again.status) == (201, 200)
    assert first.ids == again.ids
    assert stored(first).description == "satu"
    assert Report.objects.filter(external_id=name).count() == 1


def test_the_same_idempotency_key_answers_the_first_number_and_is_no_number_of_the_sender(
    open311: Open311, key: str
) -> None:
    name = f"K-{open311.form}"
    numbered = post(open311, key, {"external_id": name})
    first, again = (post(open311, key, {}, headers={"Idempotency-Key": name}) for _i in range(2))
    assert (first.status, again.status) == (201, 200)
    assert first.ids == again.ids != numbered.ids


def test_the_same_external_id_of_a_batch_service_answers_the_first_token(open311: Open311, key: str) -> None:
    fields = {"external_id": f"B-{open311.form}", "service_code": "kekerasan"}
    first, again = (post(open311, key, fields).text(f"{CREATED}/token") for _i in range(2))
    assert first == again


@nothing_comes
def test_an_external_id_and_an_idempotency_key_that_differ_are_a_400(open311: Open311, key: str) -> None:
    reply = post(open311, key, {"external_id": "one"}, headers={"Idempotency-Key": "two"})
    refused(reply, 400, "external_id: ")


def test_eight_senders_of_one_external_id_at_once_leave_one_report(open311: Open311, key: str) -> None:
    name = f"C-{open311.form}"
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _i: post(open311, key, {"external_id": name}), range(8)))
    assert sorted(reply.status for reply in replies) == [200] * 7 + [201]
    assert len({reply.ids[0] for reply in replies}) == 1
    assert Report.objects.filter(external_id=name).count() == 1


# --- media -----------------------------------------------------------------------------------------------------------


def test_a_media_url_is_fetched_later_and_once_only(open311: Open311, key: str) -> None:
    name = f"M-{open311.form}"
    fields = {"external_id": name, "media_url": "https://photos.example.org/1.jpg"}
    report = stored(post(open311, key, fields))
    post(open311, key, fields)
    message = OutboxMessage.objects.get(payload__report=report.public_id)
    assert message.payload == {"report": report.public_id, "url": "https://photos.example.org/1.jpg"}


@nothing_comes
def test_a_file_that_is_no_photo_is_a_400_and_leaves_nothing_on_disk(open311: Open311, key: str, settings: Any) -> None:
    files = [("media", ("a.jpg", photo(), "image/jpeg")), ("media", ("evil.jpg", b"<script>", "image/jpeg"))]
    refused(post(open311, key, files=files), 400, "media: evil.jpg")
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    assert not ReportPhoto.objects.filter(report__external_id="evil").exists()
