"""The page of a reporter's link in a real browser, against a real server."""

import gzip
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from geo.models import Agency, Closing, HistoryEntry, HistoryNote, Report
from geo.reports.access.links import make_link
from tests.clients.browser import PATIENCE_MS, READY, Watched, open_page
from tests.factories import make_agency, make_category, make_city, make_report
from tests.pictures import plain
from tests.workflow_paths import bring_to

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)
CHEAP_PHONE = {"width": 320, "height": 568}


@dataclass(frozen=True)
class Sent:
    """A report, the link to it, and the service."""

    report: Report
    token: str
    origin: str

    @property
    def url(self) -> str:
        return f"{self.origin}/report/mine/#{self.token}"

    def write(self, what: str, **body: Any) -> int:
        """An answer from elsewhere; its status."""
        headers = {"X-Report-Link": self.token, "Content-Type": "application/json"}
        asked = urllib.request.Request(
            f"{self.origin}/api/report-link/{what}/", json.dumps(body).encode(), headers, method="POST"
        )
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code


@pytest.fixture
def resolved(live_server: Any) -> Sent:
    """A report of flooding, which the agency has resolved today with a public note."""
    now = datetime.now(UTC)
    city, category = make_city(), make_category("banjir", name_id="Banjir", name_en="Flood")
    make_agency(city, "dsda", category)
    Agency.objects.update(name_id="Dinas Sumber Daya Air", name_en="Water Agency")
    report = make_report(
        category=category, description="Air setinggi lutut", reported_at=now, now=now, photos=[plain()]
    )
    bring_to(report, "resolved", now=now, note="Saluran sudah dikeruk.", note_is_public=True)
    return Sent(report, make_link(report, now=now), live_server.url)


def opened(browser: Browser, url: str, *, watched: Watched | None = None, **context: Any) -> Page:
    return open_page(browser, url, watched or Watched(), **{"locale": "en-GB", "viewport": CHEAP_PHONE, **context})


def posts_of(page: Page) -> list[str]:
    """What the page will have sent, as it grows."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def test_reporter_disputes_a_resolved_report_and_opens_it_again(resolved: Sent, browser: Browser) -> None:
    watched = Watched()
    page = opened(browser, resolved.url, watched=watched)
    expect(page.locator("#status")).to_have_text("Resolved")
    page.locator("#comment").fill("Airnya masih setinggi lutut")
    page.locator("#no").click()
    expect(page.locator("#notice")).to_contain_text("Your answer is noted: it is not done.")
    expect(page.locator("#notice")).to_be_focused()
    expect(page.locator("#answered")).to_contain_text("it is not done")
    expect(page.locator("#comment")).to_have_value("")
    # What was written is at hand as the reason, and need not be typed again.
    expect(page.locator("#reason")).to_have_value("Airnya masih setinggi lutut")
    page.locator("#reopen").click()
    expect(page.locator("#status")).to_have_text("Reopened")
    expect(page.locator("#notice")).to_contain_text("The report is open again.")
    expect(page.locator("#history li").last).to_contain_text("Reopened")
    expect(page.locator("#questions")).to_be_empty()
    # The link stays in the address bar, to be kept as a bookmark.
    assert page.url == resolved.url
    assert page.context.cookies() == []
    assert (watched.errors, watched.strangers) == ([], [])
    resolved.report.refresh_from_db()
    assert (resolved.report.status, resolved.report.reopened_count) == ("reopened", 1)
    assert list(Closing.objects.values_list("is_done", flat=True)) == [False]
    notes = HistoryNote.objects.filter(text="Airnya masih setinggi lutut")
    assert list(notes.values_list("is_public", flat=True)) == [False, False]


def test_page_shows_the_report_as_the_public_reads_it(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, resolved.url)
    report = page.locator("main")
    for text in ("Those who dealt with it say that it is done.", "Flood", "Water Agency", "Air setinggi lutut"):
        expect(report).to_contain_text(text)
    expect(report.locator("dd").first).to_have_text(resolved.report.public_id)
    history = page.locator("#history li")
    expect(history.first).to_contain_text("Submitted")
    expect(history.last).to_contain_text("Resolved · Water Agency")
    expect(history.last).to_contain_text("Saluran sudah dikeruk.")
    photo = report.get_by_role("img", name="Photo 1 of the report")
    expect(photo).to_have_js_property("complete", True)
    assert photo.evaluate("image => image.naturalWidth") > 0
    # Nothing is wider than a cheap phone.
    assert page.evaluate("document.documentElement.scrollWidth") <= CHEAP_PHONE["width"]


def test_photo_that_the_public_does_not_get_is_said_to_be_none(resolved: Sent, browser: Browser) -> None:
    Report.objects.update(is_public=False)
    page = opened(browser, resolved.url)
    expect(page.locator(".photos")).to_have_text(
        "Photo 1 cannot be shown here: it is not public, or there is no connection."
    )
    expect(page.locator("#status")).to_have_text("Resolved")


def test_page_is_indonesian_and_changes_its_language_without_losing_the_link(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, resolved.url, locale="id-ID")
    expect(page.locator("html")).to_have_attribute("lang", "id")
    expect(page.locator("#status")).to_have_text("Selesai")
    expect(page.locator("#report")).to_contain_text("Dinas Sumber Daya Air")
    page.get_by_role("link", name="EN").click()
    expect(page.locator("#status")).to_have_text("Resolved")
    assert page.url == f"{resolved.origin}/report/mine/?lang=en#{resolved.token}"


def test_second_click_sends_nothing(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, resolved.url)
    sent = posts_of(page)
    page.evaluate("for (let i = 0; i < 2; i += 1) document.getElementById('yes').click()")
    expect(page.locator("#notice")).to_have_text("Thank you. Your answer is noted: it is done.")
    assert sent == [f"{resolved.origin}/api/report-link/confirm/"]
    assert HistoryEntry.objects.filter(action="answered").count() == 1


def test_report_is_not_opened_again_without_a_reason(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, resolved.url)
    sent = posts_of(page)
    page.locator("#reason").fill("   ")
    page.locator("#reopen").click()
    expect(page.locator("#reason")).to_be_focused()
    assert page.locator("#reason").evaluate("box => box.validationMessage") == "Please write what is still wrong."
    assert sent == []
    page.locator("#reason").fill("Belum")
    page.locator("#reopen").click()
    expect(page.locator("#status")).to_have_text("Reopened")


def test_links_that_are_wrong_or_too_old_are_answered_in_words(resolved: Sent, browser: Browser) -> None:
    old = make_link(resolved.report, now=datetime.now(UTC) - timedelta(days=366))
    for token in (old, resolved.token[:-4], "nonsense"):
        page = opened(browser, f"{resolved.origin}/report/mine/#{token}")
        expect(page.locator("#notice")).to_contain_text("This link does not work.")
        expect(page.locator("#notice")).to_contain_text("A link ends after 365 days")
        expect(page.locator("#report")).to_be_empty()
        expect(page.locator("#again")).to_be_hidden()


def test_without_a_link_the_page_says_where_links_come_from_and_asks_nothing(resolved: Sent, browser: Browser) -> None:
    page = browser.new_context(locale="en-GB").new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    page.goto(f"{resolved.origin}/report/mine/")
    expect(page.locator("#notice")).to_contain_text("The link to it comes with the answer to the report")
    assert asked == []


def test_link_that_a_mail_program_has_changed_opens_the_report(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, f"{resolved.origin}/report/mine/#{quote(resolved.token, safe='')}.")
    expect(page.locator("#status")).to_have_text("Resolved")


def test_other_link_in_the_address_bar_opens_the_other_report(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, f"{resolved.origin}/report/mine/#nonsense")
    expect(page.locator("#notice")).to_contain_text("This link does not work.")
    page.goto(resolved.url)
    expect(page.locator("#status")).to_have_text("Resolved")


def test_what_was_written_outlives_a_lost_connection(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, resolved.url)
    page.locator("#reason").fill("Belum selesai")
    page.context.set_offline(True)
    page.locator("#reopen").click()
    expect(page.locator("#notice")).to_contain_text("your answer may not have arrived")
    expect(page.locator("#reason")).to_have_value("Belum selesai")
    page.context.set_offline(False)
    page.locator("#reopen").click()
    expect(page.locator("#status")).to_have_text("Reopened")


def test_report_that_could_not_be_loaded_is_asked_for_again(resolved: Sent, browser: Browser) -> None:
    page = browser.new_context(locale="en-GB").new_page()
    page.route("**/api/report-link/", lambda route: route.abort())
    page.goto(resolved.url)
    expect(page.locator("#notice")).to_have_text("No connection to the service. Check your connection, and try again.")
    page.unroute("**/api/report-link/")
    page.locator("#again").click()
    expect(page.locator("#status")).to_have_text("Resolved")
    expect(page.locator("#again")).to_be_hidden()


def test_too_many_answers_are_refused_in_words(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, resolved.url)
    assert [resolved.write("confirm", is_done=True) for _time in range(10)] == [200] * 10
    page.locator("#comment").fill("Sudah")
    page.locator("#yes").click()
    expect(page.locator("#notice")).to_contain_text("Too many answers in a short time.")
    expect(page.locator("#comment")).to_have_value("Sudah")


def test_report_that_was_opened_elsewhere_meanwhile_is_shown_as_it_is(resolved: Sent, browser: Browser) -> None:
    page = opened(browser, resolved.url)
    assert resolved.write("reopen", reason="Belum") == 200
    page.locator("#yes").click()
    expect(page.locator("#notice")).to_have_text("The report is not resolved: there is nothing to confirm.")
    expect(page.locator("#status")).to_have_text("Reopened")
    expect(page.locator("#yes")).to_have_count(0)


def test_link_of_an_older_letter_opens_the_report_where_it_is_now(resolved: Sent, browser: Browser) -> None:
    watched = Watched()
    page = opened(browser, f"{resolved.origin}/report/?lang=en#{resolved.token}", watched=watched)
    expect(page.locator("#status")).to_have_text("Resolved")
    assert page.url == f"{resolved.origin}/report/mine/?lang=en#{resolved.token}"
    assert (watched.errors, watched.strangers) == ([], [])


def test_page_weighs_less_than_20_kb_compressed(resolved: Sent, browser: Browser) -> None:
    answers: list[Response] = []
    page = browser.new_context(locale="id-ID").new_page()
    page.on("response", lambda answer: answers.append(answer))
    page.goto(resolved.url)
    page.wait_for_selector(READY)
    asked = {urlsplit(answer.url).path: answer for answer in answers if "/api/" not in answer.url}
    sizes = {path: len(gzip.compress(answer.body())) for path, answer in asked.items()}
    assert {
        "/report/mine/",
        "/static/pantau/report/reporter.js",
        "/static/pantau/report/report_link.js",
    } <= sizes.keys()
    assert sum(sizes.values()) < 20_000, sizes
