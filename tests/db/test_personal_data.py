"""One person's data: found in whatever form it was given, given out whole, and erased."""

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from PIL import Image

from geo.models import DeadLetter, HistoryEntry, HistoryNote, Report, ReportContact, ReportPhoto, ReportSupport
from geo.reports.insertion import Contact
from geo.reports.personal_data.person import erase_person, export_person, find_person, read_person
from geo.reports.services import support_report
from server.core.errors import BadParameter
from tests.factories import NOW, make_category, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db
SITI = Contact("Siti Rahma", "+62 812-3456-7890", "Siti@Example.org")
BUDI = Contact("Budi Santoso", "085612345678", "budi@example.org")
EXACT = Point(106.93123, -6.25321, srid=4326)


@pytest.fixture(autouse=True)
def city() -> Any:
    return make_city()


def photo(colour: str = "red") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (9, 9), colour).save(out, "JPEG")
    return SimpleUploadedFile("siti-rahma.jpg", out.getvalue())


def of_siti(**more: Any) -> Report:
    values = {
        "description": "Tolong, 0812 3456 7890",
        "category": make_category("kekerasan", public_grid_m=500),
        "location": EXACT,
        "contact": SITI,
        "device_hash": "d-siti",
        "address": "Jalan Mawar 12",
        "attributes": {"luas": "3"},
    }
    return make_report(**{**values, **more})


def found(**whom: str) -> tuple[int, ...]:
    return find_person(**whom).reports


@pytest.mark.parametrize(
    "phone", ["081234567890", "0812-3456-7890", "6281234567890", "+62 812 3456 7890", "+62 (0) 812 3456 7890",
              "0062 812 3456 7890", "812 3456 7890"]
)  # fmt: skip
@pytest.mark.parametrize("given", ["081234567890", "+62 812-3456-7890", "62.812.3456.7890"])
def test_every_form_of_a_telephone_number_is_the_same_number(given: str, phone: str) -> None:
    report = of_siti(contact=Contact(phone=given))
    make_report(contact=BUDI)
    assert found(phone=phone) == (report.pk,)


def test_case_of_an_email_address_does_not_matter() -> None:
    report = of_siti()
    assert found(email=" siti@EXAMPLE.org ") == (report.pk,)
    assert found(email="iti@example.org") == ()


def test_either_address_or_number_is_enough_and_a_name_narrows_down() -> None:
    by_email = of_siti(contact=Contact("Siti Rahma", "", "siti@example.org"))
    by_phone = of_siti(contact=Contact("Ibu Siti", "081234567890", ""))
    whom = {"email": "siti@example.org", "phone": "081234567890"}
    assert found(**whom) == (by_email.pk, by_phone.pk)
    assert found(**whom, name=" siti  RAHMA ") == (by_email.pk,)


def test_an_empty_field_matches_nobody() -> None:
    make_report(contact=Contact("Siti", "", ""))
    make_report()
    assert found(email="siti@example.org") == found(phone="081234567890") == ()


def test_a_report_is_found_by_its_public_id_though_nobody_left_a_contact() -> None:
    report = make_report()
    make_report()
    assert found(report=report.public_id) == (report.pk,)
    assert found(report="nothing") == ()


@pytest.mark.parametrize(
    ("whom", "name"),
    [({}, "person"), ({"email": "siti"}, "email"), ({"phone": "0812"}, "phone"), ({"phone": "+"}, "phone")],
)
def test_what_can_be_nobody_is_refused_by_name(whom: dict[str, str], name: str) -> None:
    with pytest.raises(BadParameter) as refused:
        read_person(**whom)
    assert refused.value.name == name


def test_a_name_alone_finds_but_neither_gives_out_nor_erases() -> None:
    report = of_siti()
    assert found(name="Siti Rahma") == (report.pk,)
    person = read_person(name="Siti Rahma")
    with pytest.raises(BadParameter):
        export_person(person, now=NOW)
    with pytest.raises(BadParameter):
        erase_person(person, now=NOW)
    assert ReportContact.objects.count() == 1


def test_export_holds_all_that_is_kept() -> None:
    report = of_siti(photos=[photo()], external_id="Q-1", channel=make_channel("qlue"))
    HistoryNote.objects.create(report=report, text="Ditelepon", is_public=False)
    wish = make_report(kind="aspirasi", area_code="kota-uji.2")
    support_report(report=wish, device_hash="d-siti", now=NOW)
    other = make_report(description="Kata Siti (081234567890) lampu mati", contact=BUDI)
    DeadLetter.objects.create(
        channel=make_channel("qlue"), external_id="9", payload={"hp": "0812-3456-7890"}, reason="x", received_at=NOW
    )
    told = json.loads(json.dumps(export_person(read_person(email="siti@example.org", phone="081234567890"), now=NOW)))
    (one,) = told["reports"]
    assert one["id"] == report.public_id
    assert one["contact"] == {"name": "Siti Rahma", "phone": "+62 812-3456-7890", "email": "Siti@Example.org"}
    assert (one["description"], one["address"], one["attributes"]) == (
        "Tolong, 0812 3456 7890", "Jalan Mawar 12", {"luas": "3"},
    )  # fmt: skip
    assert one["location"] == [106.93123, -6.25321]
    assert len(one["photos"]) == 1
    assert [line["action"] for line in one["history"]] == ["submitted"]
    assert one["notes"] == [{"text": "Ditelepon", "is_public": False}]
    assert told["supports"] == [
        {"report": wish.public_id, "at": ReportSupport.objects.get(report=wish).added_at.isoformat()}
    ]
    assert [letter["payload"] for letter in told["dead_letters"]] == [{"hp": "0812-3456-7890"}]
    assert told["named_in"] == [{"report": other.public_id, "reported_at": NOW.isoformat()}]
    assert "Budi" not in json.dumps(told)


def test_erasure_leaves_what_the_public_sees_and_nothing_of_the_person() -> None:
    report = of_siti(photos=[photo()], description="Tolong. Siti Rahma, 0812 3456 7890")
    HistoryNote.objects.create(report=report, text="Pelapor takut", is_public=False)
    HistoryNote.objects.create(report=report, text="Ibu Siti Rahma dihubungi", is_public=True)
    ReportPhoto.objects.update(taken_at=NOW, distance_m=3)
    letter = {"profile_name": "Siti", "e": "SITI@example.org"}
    DeadLetter.objects.create(channel=make_channel(), external_id="9", payload=letter, reason="x", received_at=NOW)
    others = make_report(contact=BUDI, device_hash="d-budi")

    erased = erase_person(read_person(email="siti@example.org"), now=NOW)

    assert (erased.reports, erased.photos, erased.dead_letters, erased.mentions) == (1, 0, 1, 0)
    after = Report.objects.get(pk=report.pk)
    assert after.description == after.public_description == "Tolong. [nama], [telepon]"
    assert (after.address, after.attributes, after.location.coords) == ("", {}, report.public_location.coords)
    assert ReportContact.objects.get().report_id == others.pk
    assert sorted(HistoryNote.objects.values_list("text", flat=True)) == ["", "Ibu [nama] dihubungi"]
    assert ReportPhoto.objects.values_list("taken_at", "distance_m").get() == (None, None)
    assert not DeadLetter.objects.exists()
    line = HistoryEntry.objects.filter(report=report).order_by("id").last()
    assert (line.action, line.old, line.new) == ("erased", {}, {})


def test_a_second_erasure_finds_nothing_and_writes_nothing() -> None:
    report = of_siti()
    for whom in ({"email": "siti@example.org"}, {"report": report.public_id}):
        person = read_person(**whom)
        erase_person(person, now=NOW)
        assert not erase_person(person, now=NOW)
    assert report.history.filter(action="erased").count() == 1


def test_what_a_device_of_theirs_supported_still_counts_and_names_no_device() -> None:
    of_siti()
    wish = make_report(kind="aspirasi", area_code="kota-uji.2")
    for device in ("d-siti", "d-budi"):
        support_report(report=wish, device_hash=device, now=NOW)
    erase_person(read_person(email="siti@example.org"), now=NOW)
    assert Report.objects.get(pk=wish.pk).support_count == 2
    devices = set(ReportSupport.objects.values_list("device_hash", flat=True))
    assert "d-budi" in devices
    assert "d-siti" not in devices
    assert len(devices) == 2


def test_in_reports_of_others_only_this_person_is_masked() -> None:
    other = make_report(
        contact=BUDI,
        description="Pak RT (0812 3456 7890) dan saya 085612345678",
        attributes={"saksi": ["Siti: 081234567890"], "jumlah": 3},
    )
    erased = erase_person(read_person(phone="+6281234567890"), now=NOW)
    after = Report.objects.get(pk=other.pk)
    assert (erased.reports, erased.mentions) == (0, 1)
    assert after.description == "Pak RT ([telepon]) dan saya 085612345678"
    assert after.attributes == {"saksi": ["Siti: [telepon]"], "jumlah": 3}
    assert ReportContact.objects.get().phone == "085612345678"
    assert not erase_person(read_person(phone="+6281234567890"), now=NOW)


@pytest.mark.django_db(transaction=True)
def test_photos_go_with_their_files_when_that_is_asked_for(settings: Any) -> None:
    of_siti(photos=[photo(), photo("blue")])
    files = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert len(files) >= 2
    assert erase_person(read_person(email="siti@example.org"), now=NOW, photos=True).photos == 2
    assert not ReportPhoto.objects.exists()
    assert not [path for path in files if path.exists()]


def test_photos_can_be_erased_after_all_the_rest_was() -> None:
    report = of_siti(photos=[photo()])
    erase_person(read_person(report=report.public_id), now=NOW)
    assert erase_person(read_person(report=report.public_id), now=NOW, photos=True).photos == 1


def test_dead_letters_of_their_own_reports_are_theirs() -> None:
    report = of_siti(external_id="Q-1", channel=make_channel("qlue"))
    values = {"payload": {}, "reason": "x", "received_at": NOW}
    DeadLetter.objects.create(channel=report.channel, external_id="Q-1", **values)
    DeadLetter.objects.create(channel=report.channel, external_id="Q-2", **values)
    DeadLetter.objects.create(channel=make_channel("pot"), external_id="Q-1", **values)
    erase_person(read_person(email="siti@example.org"), now=NOW)
    assert list(DeadLetter.objects.order_by("id").values_list("channel__slug", "external_id")) == [
        ("qlue", "Q-2"), ("pot", "Q-1"),
    ]  # fmt: skip


def test_export_command_writes_a_new_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    report = of_siti()
    path = tmp_path / "siti.json"
    call_command("export_person", email="siti@example.org", output=str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one["id"] for one in json.loads(path.read_text())["reports"]] == [report.public_id]
    with pytest.raises(CommandError, match="exists"):
        call_command("export_person", email="siti@example.org", output=str(path))


def test_export_command_writes_to_standard_output_otherwise(capsys: Any) -> None:
    report = of_siti()
    call_command("export_person", report=report.public_id)
    assert json.loads(capsys.readouterr().out)["reports"][0]["contact"]["name"] == "Siti Rahma"


def test_erase_command_asks_and_does_nothing_without_a_yes(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    of_siti()
    for answer in ("", "\n", "n\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        with pytest.raises(CommandError, match="nothing was erased"):
            call_command("erase_person", email="siti@example.org")
    assert ReportContact.objects.exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    capsys.readouterr()
    call_command("erase_person", email="siti@example.org")
    said = capsys.readouterr().out
    assert "1 reports, 0 dead letters; named in 0 reports of others" in said
    assert "erased: 1 reports, 0 photos, 0 dead letters; masked in 0 reports of others" in said
    assert not ReportContact.objects.exists()


def test_erase_command_says_when_nothing_is_left(capsys: Any) -> None:
    of_siti()
    for _i in range(2):
        call_command("erase_person", phone="0812 3456 7890", yes=True)
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing is left to erase."


def test_commands_refuse_a_name_alone_in_a_sentence() -> None:
    of_siti()
    for command in ("erase_person", "export_person"):
        with pytest.raises(CommandError, match="name: "):
            call_command(command, name="Siti Rahma", **({"yes": True} if command == "erase_person" else {}))
    assert ReportContact.objects.exists()


# U+00A0, U+2009, U+200A, U+202F: spaces. U+2010 to U+2015: hyphens and dashes. U+00AD, U+200B: not seen. U+FF0E: a full stop.
@pytest.mark.parametrize(
    "gap", "\u00a0\u2009\u200a\u202f\u2010\u2011\u2012\u2013\u2014\u2015\u00ad\u200b\u3000\uff0e\r"
)
def test_number_in_a_text_of_another_is_found_and_masked_whatever_stands_between_its_digits(gap: str) -> None:
    text = f"Tanya Pak RT 0812{gap}3456{gap}7890 saja"
    other = make_report(contact=BUDI)
    Report.objects.filter(pk=other.pk).update(description=text)
    assert find_person(phone="081234567890").mentions == (other.pk,)
    assert find_person(phone="081234567891").mentions == ()
    erase_person(read_person(phone="081234567890"), now=NOW)
    assert Report.objects.get(pk=other.pk).description == "Tanya Pak RT [telepon] saja"


@pytest.mark.parametrize("number", ["０８１２３４５６７８９０", "٠٨١٢٣٤٥٦٧٨٩٠", "0\ufe0f\u20e3812 3456 7890"])
def test_number_in_other_digits_is_found_in_a_text_of_another(number: str) -> None:
    other = make_report(contact=BUDI)
    Report.objects.filter(pk=other.pk).update(description=f"Hubungi {number}")
    assert find_person(phone="081234567890").mentions == (other.pk,)


def test_erasure_takes_a_name_out_of_the_notes_of_the_whole_group_but_not_of_others() -> None:
    root, sibling, stranger = (make_report(contact=BUDI) for _i in range(3))
    report = of_siti()
    Report.objects.filter(pk__in=[report.pk, sibling.pk]).update(duplicate_of=root)
    for one in (root, sibling, report, stranger):
        HistoryNote.objects.create(report=one, text="Ibu Siti Rahma dan Pak Budi Santoso", is_public=True)
    erase_person(read_person(email="siti@example.org"), now=NOW)
    notes = dict(HistoryNote.objects.values_list("report_id", "text"))
    masked = "Ibu [nama] dan Pak Budi Santoso"
    assert [notes[one.pk] for one in (root, sibling, report)] == [masked] * 3
    assert notes[stranger.pk] == "Ibu Siti Rahma dan Pak Budi Santoso"


def test_erasure_of_the_report_that_others_follow_takes_the_name_out_of_their_notes() -> None:
    report, follower = of_siti(), make_report(contact=BUDI)
    Report.objects.filter(pk=follower.pk).update(duplicate_of=report)
    HistoryNote.objects.create(report=follower, text="Ibu Siti Rahma dihubungi", is_public=True)
    erase_person(read_person(report=report.public_id), now=NOW)
    assert HistoryNote.objects.get().text == "Ibu [nama] dihubungi"
