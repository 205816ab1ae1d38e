"""A report's page and the list of reports in the admin: evidence from a browser, history in words, columns, filters, search."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from geo.areas.models import City
from geo.models import Agency, CityRole, Report, ReportEvidence
from geo.reports.merging import merge_reports
from geo.reports.notes import add_note
from tests.factories import make_agency, make_category, make_channel, make_city, make_report
from tests.pictures import plain, shot
from tests.workflow_paths import DISPATCHER, bring_to, take_step

pytestmark = pytest.mark.django_db
LIST = "/admin/geo/report/"


@pytest.fixture(autouse=True)
def city() -> City:
    return make_city()


@pytest.fixture
def browser(client: Any, city: City) -> Any:
    """Of a dispatcher, in English."""
    user = User.objects.create(username="sari", first_name="Sari", last_name="Dewi", is_staff=True)
    CityRole.objects.create(user=user, city=city, role="dispatcher")
    client.force_login(user)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def text_of(page: Any) -> str:
    """What a reader sees of it, without marks, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


class TestEvidence:
    def needy(self) -> Report:
        return bring_to(make_report(category=make_category("jalan", needs_evidence=True)), "in_progress")

    def test_a_report_whose_category_asks_for_a_photo_is_resolved_with_one_in_the_form_of_the_step(
        self, browser: Any
    ) -> None:
        report = self.needy()
        asked = browser.get(f"{LIST}{report.pk}/step/?status=resolved").content.decode()
        assert 'enctype="multipart/form-data"' in asked
        assert "Resolving this report needs one." in asked
        form = {"apply": "1", "status": "resolved", "note": "Sudah ditambal"}
        without = browser.post(f"{LIST}{report.pk}/step/", form).content.decode()
        row = without.partition('name="photo"')[0].rpartition('class="form-row')[2]
        assert "needs a photo of what was done" in row
        done = browser.post(f"{LIST}{report.pk}/step/", {**form, "photo": shot()}, follow=True)
        assert "the status is Resolved now" in text_of(done)
        assert Report.objects.get(pk=report.pk).status == "resolved"
        assert ReportEvidence.objects.get().added_by == User.objects.get(username="sari")

    def test_a_photo_is_kept_where_the_step_cannot_be_taken(self, browser: Any) -> None:
        report = self.needy()
        form = {"apply": "1", "status": "resolved", "note": "", "photo": shot()}
        page = browser.post(f"{LIST}{report.pk}/step/", form)
        assert "Needed: the reason." in text_of(page)
        assert "1 photo is there already." in text_of(page)
        assert (ReportEvidence.objects.count(), Report.objects.get(pk=report.pk).status) == (1, "in_progress")

    def test_what_is_no_photo_is_refused_beside_its_field_and_the_step_is_not_taken(self, browser: Any) -> None:
        report = self.needy()
        bad = SimpleUploadedFile("a.jpg", b"no picture", content_type="image/jpeg")
        form = {"apply": "1", "status": "resolved", "note": "Sudah ditambal", "photo": bad}
        text = browser.post(f"{LIST}{report.pk}/step/", form).content.decode()
        assert "errorlist" in text.partition('name="photo"')[0].rpartition('class="form-row')[2]
        assert ">\nSudah ditambal</textarea>" in text
        assert Report.objects.get(pk=report.pk).status == "in_progress"

    def test_evidence_is_brought_on_the_page_of_a_report_without_a_step(self, browser: Any) -> None:
        report = self.needy()
        assert 'href="../evidence/"' in browser.get(f"{LIST}{report.pk}/change/").content.decode()
        shown = browser.post(f"{LIST}{report.pk}/evidence/", {"photo": plain()}, follow=True)
        evidence = ReportEvidence.objects.get()
        assert shown.redirect_chain == [(f"{LIST}{report.pk}/change/", 302)]
        text = shown.content.decode()
        assert f'href="/admin/geo/reportevidence/{evidence.pk}/change/"' in text
        assert f'href="/api/reports/{report.public_id}/evidence/{evidence.pk}/"' in text
        assert "the photo does not say where it was taken" in text
        assert "no_place" not in text
        findings = browser.get(f"/admin/geo/reportevidence/{evidence.pk}/change/")
        assert "the photo does not say where it was taken" in text_of(findings)
        assert "no_place" not in browser.get("/admin/geo/reportevidence/").content.decode()
        assert Report.objects.get(pk=report.pk).status == "in_progress"

    def test_evidence_without_a_photo_is_asked_for_again(self, browser: Any) -> None:
        report = self.needy()
        page = browser.post(f"{LIST}{report.pk}/evidence/", {})
        assert (page.status_code, "errorlist" in page.content.decode()) == (200, True)

    def test_who_oversees_a_report_and_does_not_deal_with_it_brings_no_evidence(self, browser: Any) -> None:
        report = self.needy()
        CityRole.objects.update(role="mayor")
        assert browser.post(f"{LIST}{report.pk}/evidence/", {"photo": shot()}).status_code == 403
        assert "../evidence/" not in browser.get(f"{LIST}{report.pk}/change/").content.decode()
        assert not ReportEvidence.objects.exists()

    def test_evidence_that_a_service_refuses_is_refused_in_its_words(self, browser: Any) -> None:
        report = bring_to(make_report(), "rejected")
        page = browser.post(f"{LIST}{report.pk}/evidence/", {"photo": shot()})
        assert "this one was closed without that" in text_of(page)


class TestHistory:
    def lines(self, browser: Any, report: Report) -> list[str]:
        page = browser.get(f"{LIST}{report.pk}/change/").content.decode()
        found = re.search(r'<ol class="history">(.*?)</ol>', page, re.DOTALL)
        assert found is not None
        return [
            " ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in re.findall(r"<li>(.*?)</li>", found[1], re.S)
        ]

    def test_each_line_says_when_who_what_and_from_where_in_words(self, browser: Any, city: City) -> None:
        # 05:00 in UTC is noon in Jakarta.
        report = make_report(channel=make_channel("web", name="Situs kota"))
        dlh = make_agency(city, "dlh")
        take_step(report, "assigned", agency=dlh, note="Mohon ditangani")
        form = {"apply": "1", "status": "waiting", "note": "Menunggu alat"}
        browser.post(f"{LIST}{report.pk}/step/", form)
        first, second, third = self.lines(browser, report)
        assert first == "1 March 2026 12:00 Situs kota: Reported"
        assert second.startswith("1 March 2026 12:00 ")
        assert second.endswith(": Status: Submitted → Assigned; Agency: – → DLH Mohon ditangani")
        assert "Sari Dewi (operation centre) : Status: Assigned → On hold Menunggu alat (not public)" in third

    def test_the_history_is_in_indonesian_without_codes(self, browser: Any, city: City) -> None:
        browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "id"
        report = make_report()
        take_step(report, "assigned", agency=make_agency(city, "dlh"))
        add_note(report=report, text="Sudah dicek", by=DISPATCHER, now=report.reported_at)
        lines = self.lines(browser, report)
        assert "Status: Menunggu → Disposisi; Dinas: – → DLH" in lines[1]
        assert lines[2].endswith(": Catatan Sudah dicek")
        assert not any(code in " ".join(lines) for code in ("{", "submitted", "assigned", "status:"))

    def test_a_merge_names_the_report_that_is_followed(self, browser: Any) -> None:
        parent, child = make_report(status="in_progress"), make_report()
        merge_reports(parent=parent, children=[child], by=DISPATCHER, now=child.reported_at)
        assert self.lines(browser, child)[-1].endswith(
            f"Merged: follows report {parent.public_id}; Status: Submitted → In progress"
        )

    def test_a_line_of_somebody_who_is_gone_is_still_told(self, browser: Any) -> None:
        report = make_report()
        take_step(report, "in_progress")
        assert self.lines(browser, report)[-1].endswith("–: Status: Submitted → In progress")

    def test_a_long_history_takes_no_more_statements_than_a_short_one(self, browser: Any) -> None:
        report = make_report()
        counts = []
        for _time in range(2):
            for status in ("in_progress", "waiting"):
                take_step(report, status)
            with CaptureQueriesContext(
                connection,
            ) as asked:
                browser.get(f"{LIST}{report.pk}/change/")
            counts.append(len(asked))
        assert counts[0] == counts[1]


class TestList:
    def rows(self, browser: Any, **query: str) -> list[list[str]]:
        page = browser.get(LIST, query).content.decode()
        body = page.partition("<tbody>")[2].partition("</tbody>")[0]
        cells = [re.findall(r"<t[dh] class=\"field-[^>]*>(.*?)</t[dh]>", row, re.S) for row in body.split("<tr")[1:]]
        return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells]

    def test_a_row_says_names_and_the_masked_text_and_when_it_is_due(self, browser: Any, city: City) -> None:
        report = make_report(
            category=make_category("jalan-rusak", name_en="Damaged road"),
            channel=make_channel("wa", name="WhatsApp Kota"),
            description="Hubungi 081234567890. " + "Lubang besar " * 10,
        )
        take_step(report, "assigned", agency=make_agency(city, "dlh"))
        Report.objects.filter(pk=report.pk).update(due_at=timezone.now() - timedelta(days=1))
        ((number, status, late, category, text, area, due, agency, reported, channel),) = self.rows(browser)
        assert (number, category, area, agency) == (report.public_id, "Damaged road", "Kota-Uji 1 1", "DLH")
        assert (status, late, channel) == ("Assigned", "late", "WhatsApp Kota")
        assert "081234567890" not in text
        assert (len(text), text[-1]) == (80, "…")
        assert (reported, bool(due)) == ("March 1, 2026, noon", True)

    def test_filters_have_names_and_find_what_is_open_and_what_is_late(self, browser: Any, city: City) -> None:
        # One choice alone is no filter.
        make_agency(city, "dlh"), make_agency(city, "bpbd"), make_category("lain"), make_channel("lain")
        category = make_category("jalan-rusak", name_en="Damaged road")
        now = timezone.now()
        late, open_one, done, done_late = (make_report(category=category) for _each in range(4))
        hour = timedelta(hours=1)
        for report, values in (
            (late, {"due_at": now - hour}),
            (open_one, {"due_at": now + hour}),
            (done, {"due_at": now, "closed_at": now - hour, "status": "resolved"}),
            (done_late, {"due_at": now - hour, "closed_at": now, "status": "resolved"}),
        ):
            Report.objects.filter(pk=report.pk).update(**values)
        page = browser.get(LIST).content.decode()
        sidebar = page.partition('id="changelist-filter"')[2]
        for name in ("Damaged road", "DLH", "Web"):
            assert re.search(rf">\s*{name}\s*<", sidebar), name
        for query, found in (
            ({"open": "yes"}, {late, open_one}),
            ({"open": "no"}, {done, done_late}),
            ({"late": "yes"}, {late, done_late}),
            ({"late": "no"}, {open_one, done}),
            ({"open": "yes", "late": "yes"}, {late}),
        ):
            assert {row[0] for row in self.rows(browser, **query)} == {report.public_id for report in found}, query

    def test_search_finds_a_report_by_its_number_or_by_its_text(self, browser: Any) -> None:
        one, two = make_report(description="Lampu jalan mati"), make_report(description="Sampah menumpuk")
        assert [row[0] for row in self.rows(browser, q=f" {one.public_id.upper()} ")] == [one.public_id]
        assert [row[0] for row in self.rows(browser, q="menumpuk")] == [two.public_id]
        assert self.rows(browser, q="tidak ada") == []

    def test_a_long_list_takes_no_more_statements_than_a_short_one(self, browser: Any, city: City) -> None:
        counts = []
        for n in (1, 6):
            for number in range(n):
                report = make_report(
                    category=make_category(f"jenis-{n}-{number}"), channel=make_channel(f"saluran-{n}-{number}")
                )
                take_step(report, "assigned", agency=make_agency(city, f"dinas-{n}-{number}"))
            with CaptureQueriesContext(connection) as asked:
                assert len(self.rows(browser)) in (1, 7)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_no_boundary_is_read_for_a_list(self, browser: Any) -> None:
        make_report()
        with CaptureQueriesContext(connection) as asked:
            browser.get(LIST)
        assert not any('"geo_area"."boundary"' in query["sql"] for query in asked)

    def test_two_agencies_of_one_name_are_told_apart_and_those_of_other_cities_are_not_offered(
        self, browser: Any, city: City
    ) -> None:
        for slug in ("dlh", "dlh-timur"):
            Agency.objects.create(city=city, slug=slug, name_id="Dinas Lingkungan", name_en="Environment")
        make_agency(make_city("kota-lain", west=108.0), "dinas-lain")
        sidebar = browser.get(LIST).content.decode().partition('id="changelist-filter"')[2]
        assert re.findall(r">\s*(Environment[^<]*?)\s*<", sidebar) == ["Environment (dlh)", "Environment (dlh-timur)"]
        assert "DINAS-LAIN" not in sidebar


class TestLabels:
    def test_what_the_admin_shows_of_a_model_has_a_label_that_is_translated(self) -> None:
        """A field without one would be called by its Python name on a page that is Indonesian."""
        bare = set()
        for model, model_admin in admin.site._registry.items():
            if model._meta.app_label != "geo":
                continue
            names = {
                *flattened(model_admin.list_display),
                *flattened(model_admin.fields or ()),
                *model_admin.readonly_fields,
            }
            for inline in model_admin.inlines:
                bare |= {f"{inline.model.__name__}.{name}" for name in without_label(inline.model, inline.fields or ())}
            bare |= {f"{model.__name__}.{name}" for name in without_label(model, names)}
        assert bare == set()

    def test_a_choice_of_agencies_has_their_names_and_slugs_only_where_two_have_one_name(
        self, admin_client: Any, city: City
    ) -> None:
        make_agency(city, "bpbd")
        for slug in ("dlh", "dlh-timur"):
            Agency.objects.create(city=city, slug=slug, name_id="Lingkungan", name_en="Lingkungan")
        category = make_category("jalan")
        page = admin_client.get(f"/admin/geo/category/{category.pk}/change/").content.decode()
        chosen = page.partition('name="responsibilities-__prefix__-agency"')[2].partition("</select>")[0]
        names = re.findall(r"<option[^>]*>([^<]+)</option>", chosen)
        assert names == ["---------", "BPBD", "Lingkungan (dlh)", "Lingkungan (dlh-timur)"]

    def test_agencies_categories_and_channels_are_called_by_their_names(self, city: City) -> None:
        with translation.override("id"):
            named = [make_agency(city, "dlh"), make_category("jalan-rusak"), make_channel("wa", name="WhatsApp Kota")]
            assert [str(each) for each in named] == ["DLH", "Jalan rusak", "WhatsApp Kota"]


def flattened(names: Any) -> list[str]:
    return [name for each in names for name in ([each] if isinstance(each, str) else each)]


def without_label(model: Any, names: Any) -> set[str]:
    """Django makes a plain str of a field's Python name where it was given none."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    return {name for name in names if name in fields and name != "id" and isinstance(fields[name].verbose_name, str)}
