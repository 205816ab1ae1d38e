"""The admin of reports: what is read there, what may be changed, and what never leaves the machine."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from PIL import Image

from geo.models import Category, ChannelKey, CityRole, HistoryEntry, Report
from geo.reports.access.channel_keys import find_key
from geo.reports.insertion import Contact
from tests.factories import NOW, make_category, make_channel, make_city, make_report, make_thing

pytestmark = pytest.mark.django_db


def officer(client: Any, city: Any, *permissions: str) -> User:
    user = User.objects.create(username="petugas", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    CityRole.objects.create(user=user, city=city, role="dispatcher")
    client.force_login(user)
    return user


def test_every_page_opens_and_asks_no_third_party_for_anything(admin_client: Any) -> None:
    make_city()
    report = make_report(contact=Contact(name="Siti Rahma"))
    thing = make_thing()
    for path in (
        "geo/report/",
        f"geo/report/{report.pk}/change/",
        "geo/category/",
        f"geo/category/{report.category_id}/change/",
        "geo/agency/",
        "geo/channel/",
        f"geo/channel/{report.channel_id}/change/",
        "geo/channelkey/",
        "geo/cityrole/add/",
        "geo/historyentry/",
        "sensors/thing/",
        f"sensors/thing/{thing.pk}/change/",
        "sensors/observedproperty/",
        "sensors/sensor/",
        "sensors/rejectedmessage/",
        "sensors/ingeststatus/",
    ):
        answer = admin_client.get(f"/admin/{path}")
        assert answer.status_code == 200, path
        text = answer.content.decode()
        for stranger in ("openstreetmap", "OSMWidget", "cdn.", "ol.js", 'src="http', "OpenLayers"):
            assert stranger not in text, (path, stranger)


def test_changing_what_is_public_writes_history_and_nothing_else_can_be_changed(admin_client: Any) -> None:
    make_city()
    report = make_report(description="old")
    form = {"public_description": "new", "description": "forged", "status": "resolved"}
    form |= {"initial-public_description": "old", "initial-is_public": "True"}
    for prefix in ("contact", "photos", "history"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    assert admin_client.post(f"/admin/geo/report/{report.pk}/change/", form).status_code == 302
    changed = Report.objects.get(pk=report.pk)
    assert (changed.public_description, changed.is_public) == ("new", False)
    assert (changed.description, changed.status) == ("old", "submitted")
    assert list(changed.history.order_by("id").values_list("action", flat=True)) == ["submitted", "moderated"]


@pytest.mark.django_db(transaction=True)
def test_photo_that_staff_delete_is_deleted_from_the_disk_too(admin_client: Any, settings: Any) -> None:
    make_city()
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, "JPEG")
    report = make_report(photos=[SimpleUploadedFile("a.jpg", out.getvalue())])
    photo = report.photos.get()
    url = f"/admin/geo/report/{report.pk}/change/"
    assert f"/api/reports/{report.public_id}/photos/1/" in admin_client.get(url).content.decode()
    assert settings.MEDIA_ROOT.joinpath(photo.image.name).exists()
    form = {"public_description": "x", "is_public": "on"}
    for prefix in ("contact", "history"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    form |= {"photos-TOTAL_FORMS": "1", "photos-INITIAL_FORMS": "1"}
    form |= {"photos-0-id": str(photo.pk), "photos-0-report": str(report.pk), "photos-0-DELETE": "on"}
    assert admin_client.post(url, form).status_code == 302
    assert not report.photos.exists()
    assert not settings.MEDIA_ROOT.joinpath(photo.image.name).exists()


def test_personal_data_is_shown_only_to_those_who_may_see_it(client: Any) -> None:
    city = make_city()
    report = make_report(contact=Contact(name="Siti Rahma", phone="0812"))
    officer(client, city)
    url = f"/admin/geo/report/{report.pk}/change/"
    assert "Siti Rahma" in client.get(url).content.decode()
    CityRole.objects.update(role="mayor")
    assert "Siti Rahma" not in client.get(url).content.decode()


def test_officer_opens_the_reports_of_the_own_city_only(client: Any) -> None:
    from django.contrib.gis.geos import Point

    bekasi = make_city()
    make_city("makassar", west=119.4, south=-5.2)
    here, there = make_report(), make_report(location=Point(119.43, -5.15, srid=4326))
    officer(client, bekasi, "view_report")
    assert client.get(f"/admin/geo/report/{here.pk}/change/").status_code == 200
    assert client.get(f"/admin/geo/report/{there.pk}/change/").status_code == 302
    assert there.public_id not in client.get("/admin/geo/report/").content.decode()


def test_history_is_read_only_and_reports_are_not_deleted(admin_client: Any) -> None:
    make_city()
    report = make_report()
    line = HistoryEntry.objects.get()
    assert admin_client.post(f"/admin/geo/historyentry/{line.pk}/delete/").status_code == 403
    assert admin_client.post(f"/admin/geo/report/{report.pk}/delete/").status_code == 403
    assert admin_client.get("/admin/geo/report/add/").status_code == 403


def test_key_is_made_by_an_action_shown_once_and_revoked(admin_client: Any) -> None:
    channel = make_channel("qlue")
    made = admin_client.post(
        "/admin/geo/channel/", {"action": "make_key", "_selected_action": [channel.pk]}, follow=True
    ).content.decode()
    key = ChannelKey.objects.get()
    assert f"{key.prefix}." in made
    assert key.key_hash not in made
    admin_client.post("/admin/geo/channelkey/", {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_coarser_category_moves_the_public_places_of_its_reports(admin_client: Any) -> None:
    make_city()
    category = make_category("kekerasan")
    report = make_report(category=category)
    form = {"slug": "kekerasan", "name_id": "x", "name_en": "y", "public_grid_m": "1000", "is_active": "on"}
    form |= {"open311_type": "realtime"}
    for prefix in ("responsibilities", "attributes"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    assert admin_client.post(f"/admin/geo/category/{category.pk}/change/", form).status_code == 302
    assert Category.objects.get(pk=category.pk).public_grid_m == 1000
    assert Report.objects.get(pk=report.pk).public_location != report.location


def test_command_prints_a_key_once_and_keeps_only_its_hash(capsys: Any) -> None:
    make_channel("qlue")
    call_command("create_channel_key", "qlue")
    text = capsys.readouterr().out.strip()
    assert find_key(text, now=NOW).channel.slug == "qlue"
    assert text.split(".")[1] not in str(ChannelKey.objects.values())
    with pytest.raises(CommandError, match="no channel"):
        call_command("create_channel_key", "nobody")


def test_admin_is_made_once_and_gets_a_new_password_when_it_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for password in ("first-password-1", "first-password-1", "second-password-2"):
        monkeypatch.setenv("PANTAU_ADMIN_PASSWORD", password)
        call_command("ensure_admin")
        user = User.objects.get(username="admin")
        assert user.check_password(password)
        assert user.is_superuser
    said = capsys.readouterr().out.splitlines()
    assert said == ["admin: created", "admin: nothing to do", "admin: password changed"]
