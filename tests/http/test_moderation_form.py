"""The form by which staff change what the public sees of a report: one that lay open brings back nothing that has gone."""

import re
from typing import Any

import pytest
from django.utils import timezone

from geo.models import Report
from geo.reports.access.principals import Principal
from geo.reports.insertion import Contact
from geo.reports.revision import withdraw_report
from tests.factories import make_city, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _city() -> None:
    make_city()


_NO_INLINES = {
    f"{name}-{part}_FORMS": "0" for name in ("contact", "photos", "history") for part in ("TOTAL", "INITIAL")
}


def opened(client: Any, report: Report) -> dict[str, str]:
    """What a browser sends back of the form that it has open."""
    page = client.get(f"/admin/geo/report/{report.pk}/change/").content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(initial-[a-z_]+)" value="([^"]*)"', page))
    shown = {"public_description": report.public_description} | ({"is_public": "on"} if report.is_public else {})
    return {**_NO_INLINES, **hidden, **shown}


def test_a_form_that_lay_open_shows_no_report_again_that_was_taken_back_meanwhile(admin_client: Any) -> None:
    report = make_report()
    form = opened(admin_client, report)
    withdraw_report(report=report, by=Principal(channel=report.channel), now=timezone.now())
    answer = admin_client.post(f"/admin/geo/report/{report.pk}/change/", {**form, "public_description": "Baru"})
    found = Report.objects.get(pk=report.pk)
    assert (answer.status_code, found.is_public, found.public_description) == (302, False, "Baru")


def test_a_form_that_lay_open_brings_back_no_text_that_was_erased_meanwhile(admin_client: Any) -> None:
    report = make_report(description="Sampah di rumah Siti", contact=Contact(name="Ani"))
    form = opened(admin_client, report)
    Report.objects.filter(pk=report.pk).update(public_description="Sampah")
    url = f"/admin/geo/report/{report.pk}/change/"
    assert admin_client.post(url, form).status_code == 302
    assert Report.objects.get(pk=report.pk).public_description == "Sampah"
    edited = admin_client.post(f"{url}?lang=en", {**form, "public_description": "Sampah di rumah Siti, lagi"})
    assert (edited.status_code, "changed since" in edited.content.decode()) == (200, True)
    assert Report.objects.get(pk=report.pk).public_description == "Sampah"


def test_what_the_public_sees_is_changed_by_the_form_as_it_was_opened(admin_client: Any) -> None:
    report = make_report(description="Satu\nDua")
    form = opened(admin_client, report)
    form["public_description"] = "Satu\r\nTiga"
    form.pop("is_public")
    assert admin_client.post(f"/admin/geo/report/{report.pk}/change/", form).status_code == 302
    found = Report.objects.get(pk=report.pk)
    assert (found.is_public, found.public_description) == (False, "Satu\r\nTiga")
    line = report.history.order_by("id").last()
    assert line is not None
    assert line.new == {"is_public": False, "changed": ["is_public", "public_description"]}
