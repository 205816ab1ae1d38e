"""The board and the wall in a real browser, over the demo city: worked by keyboard, by two at once, and left alone for hours."""

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clients.browser import PATIENCE_MS, PHONE, READY, Watched
from tests.web.demo import PASSWORD, Demo

pytestmark = [pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

NOTE = "#pane textarea[name=note]"
BAD = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
REFUSED = "Failed to load resource: the server responded with a status of 403 (Forbidden)"
CONFLICT = "Failed to load resource: the server responded with a status of 409 (Conflict)"
HIDE = "Object.defineProperty(document, 'hidden', {value: true}); document.dispatchEvent(new Event('visibilitychange'))"
# Of a watch that is there: what no rule watches any more the service would end.
MAKE_ALERT = """
from django.utils import timezone
from geo.models import Alert, AlertEvent, AlertRule
from sensors.thresholds.models import Watch
now = timezone.now()
rule = AlertRule.objects.get(observed_property="river_level")
watch = Watch.objects.filter(datastream__observed_property__code="river_level", datastream__thing__slug=rule.thing).first()
one = Alert.objects.create(rule=rule, city=rule.city, datastream_id=watch.datastream_id, watch_id=watch.pk, thing=rule.thing,
    thing_name="Pos Uji", level=2, level_name="Siaga 2", level_since=now, opened_at=now, value=455.0, value_at=now, peak=460.0,
    peak_at=now, waiting_since=now)
AlertEvent.objects.create(alert=one, at=now, recorded_at=now, action="opened", old_level=0, new_level=2, value=455.0)
"""


@dataclass(frozen=True)
class Colleague:
    """Somebody else than the browser, who asks the API with a token."""

    demo: Demo
    token: str

    def call(self, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Accept-Language": "en"}
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(f"{self.demo.url}/api/{path}", data, headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    def send(self, text: str) -> str:
        """A new report of rubbish, of the Environment Agency; its id."""
        body = {"category": "sampah-menumpuk", "description": text, "lon": 106.9926, "lat": -6.2383}
        return str(self.call("reports/", body)["id"])

    def stand_of(self, report: str) -> Any:
        return self.call(f"reports/{report}/handling/")


@pytest.fixture(scope="module")
def colleague(demo: Demo) -> Colleague:
    return Colleague(demo, demo.manage("create_token", "dispatcher-2", "board", "--write").strip())


def board(browser: Browser, demo: Demo, user: str, watched: Watched, where: str = "", **context: Any) -> Page:
    """The board in English, by the login to which it sends, at a view."""
    opened = browser.new_context(
        **{"viewport": {"width": 1280, "height": 800}, "locale": "id-ID", "reduced_motion": "reduce", **context}
    )
    page = opened.new_page()
    page.set_default_timeout(PATIENCE_MS)
    watched.follow(page, demo.url)
    page.goto(f"{demo.url}/operations/?lang=en{where.partition('#')[0]}")
    page.fill("#id_username", user)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    if "#" in where:
        page.wait_for_selector(READY)
        page.goto(f"{demo.url}/operations/?lang=en{where}")
    page.wait_for_selector(READY)
    return page


def searching(word: str, **more: str) -> str:
    return f"#{urlencode({'q': word, **more})}"


def ids(page: Page) -> list[str]:
    return page.locator("#rows > li").evaluate_all("rows => rows.map((row) => row.dataset.id)")


def test_a_dispatcher_works_through_the_queue_by_keyboard(
    browser: Browser, demo: Demo, colleague: Colleague, watched: Watched
) -> None:
    sent = [colleague.send(f"Papanketik {n}") for n in (1, 2, 3)]
    page = board(browser, demo, "dispatcher-1", watched, searching("Papanketik"))
    rows = page.locator("#rows > li")
    expect(rows).to_have_count(3)
    first, second, third = ids(page)
    assert {first, second, third} == set(sent)
    # To a report and back.
    page.keyboard.press("j")
    expect(rows.nth(0).locator(".open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#pane h2")).to_have_text(re.compile(first))
    assert page.url.endswith(f"open=report:{first}")
    expect(page.locator("#pane")).to_contain_text("As it was sent")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    expect(rows.nth(0).locator(".open")).to_be_focused()
    # Two are given to another agency, the third is not.
    for key in ("x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("#bulk")).to_contain_text("2 selected")
    page.keyboard.press("a")
    page.locator("dialog select[name=agency]").select_option("dishub")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator("dialog")).to_have_count(0)
    expect(rows.filter(has_text="Transport Agency")).to_have_count(2)
    stood = [colleague.stand_of(one) for one in (first, second, third)]
    assert [(one["status"], one["agency"]) for one in stood] == [
        ("assigned", "dishub"),
        ("assigned", "dishub"),
        ("submitted", "dlh"),
    ]
    # The two become one.
    page.keyboard.press("m")
    page.locator(f"dialog input[value='{second}']").check()
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(rows).to_have_count(2)
    assert colleague.stand_of(first)["follows"] == second


def test_what_comes_in_waits_beside_the_list_until_it_is_asked_for(
    browser: Browser, demo: Demo, colleague: Colleague, watched: Watched
) -> None:
    old = colleague.send("Antreanbaru 1")
    page = board(browser, demo, "dispatcher-1", watched, searching("Antreanbaru"))
    expect(page.locator("#rows > li")).to_have_count(1)
    new = colleague.send("Antreanbaru 2")
    expect(page.locator("#news")).to_contain_text("1 new report")
    expect(page.locator("#announce")).to_have_text("1 new report")
    assert ids(page) == [old]
    colleague.call(f"reports/{old}/status/", {"status": "rejected", "note": "Sudah ditangani"})
    expect(page.locator("#news")).to_contain_text("1 has left this tab")
    assert ids(page) == [old]
    page.keyboard.press("r")
    expect(page.locator("#news")).to_be_hidden()
    assert ids(page) == [new]


def test_of_two_officers_at_once_the_second_reads_what_the_first_did_and_loses_no_word(
    browser: Browser, demo: Demo, colleague: Colleague, watched: Watched
) -> None:
    one = colleague.send("Berduaan")
    late = board(browser, demo, "dispatcher-1", watched, f"#open=report:{one}")
    late.get_by_role("radio", name="Rejected").check()
    late.locator(NOTE).fill("Bukan wilayah kota")
    late.evaluate(HIDE)  # it hears of nothing until it writes
    quick = board(browser, demo, "officer-1", watched, f"#open=report:{one}")
    quick.get_by_role("radio", name="In progress").check()
    quick.locator(NOTE).fill("Truk berangkat")
    quick.get_by_role("button", name="Save this step").click()
    expect(quick.locator("#pane .log")).to_contain_text("Submitted → In progress")
    late.get_by_role("button", name="Save this step").click()
    told = late.locator(".conflict")
    expect(told).to_contain_text("officer-1")
    expect(told).to_contain_text("Submitted → In progress")
    expect(told).to_contain_text("Truk berangkat")
    expect(late.locator(NOTE)).to_have_value("Bukan wilayah kota")
    assert colleague.stand_of(one)["status"] == "in_progress"
    watched.errors.remove(CONFLICT)
    # Having read it they may still decide.
    late.get_by_role("button", name="Save this step").click()
    expect(late.locator("#pane .badges")).to_contain_text("Rejected")
    assert colleague.stand_of(one)["status"] == "rejected"


def test_a_colleagues_step_is_shown_while_one_types(
    browser: Browser, demo: Demo, colleague: Colleague, watched: Watched
) -> None:
    one = colleague.send("Selagi mengetik")
    page = board(browser, demo, "dispatcher-1", watched, f"#open=report:{one}")
    page.locator(NOTE).fill("Belum selesai menulis")
    colleague.call(f"reports/{one}/status/", {"status": "in_progress", "note": "Sudah jalan"})
    expect(page.locator(".conflict")).to_contain_text("Sudah jalan")
    expect(page.locator(NOTE)).to_have_value("Belum selesai menulis")


def test_an_ended_session_is_said_and_what_was_typed_is_still_there(
    browser: Browser, demo: Demo, colleague: Colleague, watched: Watched
) -> None:
    one = colleague.send("Sesi habis")
    page = board(browser, demo, "dispatcher-1", watched, f"#open=report:{one}")
    page.locator(NOTE).fill("Jangan hilang")
    kept = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    expect(page.locator("#session")).to_contain_text("You are signed out")
    expect(page.get_by_role("link", name="Sign in, in a new tab")).to_be_visible()
    page.get_by_role("radio", name="In progress").check()
    page.get_by_role("button", name="Save this step").click()
    expect(page.locator("#step-error")).not_to_be_empty()
    expect(page.locator(NOTE)).to_have_value("Jangan hilang")
    page.context.add_cookies([dict(cookie) for cookie in kept if cookie["name"] == "sessionid"])  # type: ignore[misc]
    expect(page.locator("#session")).to_be_hidden(timeout=90_000)
    page.get_by_role("button", name="Save this step").click()
    expect(page.locator("#pane .badges")).to_contain_text("In progress")
    watched.errors[:] = [line for line in watched.errors if line != REFUSED]


def test_an_incident_is_made_of_reports_told_and_closed_and_an_alert_is_acknowledged(
    browser: Browser, demo: Demo, colleague: Colleague, watched: Watched
) -> None:
    sent = [colleague.send(f"Insidenuji {n}") for n in (1, 2)]
    demo.manage("shell", "-v", "0", "-c", MAKE_ALERT)
    page = board(browser, demo, "dispatcher-1", watched, searching("Insidenuji"))
    page.get_by_label("Select all that are shown").check()
    page.keyboard.press("i")
    page.locator("dialog input[name=title]").fill("Sampah di pasar")
    page.get_by_role("button", name="Open the incident").click()
    expect(page.locator("#pane h2")).to_have_text("Sampah di pasar")
    page.locator("#pane textarea[name=text]").fill("Truk sedang menuju lokasi.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#pane")).to_contain_text("2 reports have it")
    assert {colleague.call(f"reports/{one}/")["history"][-1]["note"] for one in sent} == {"Truk sedang menuju lokasi."}
    page.get_by_role("button", name="Close the incident").click()
    expect(page.locator("#pane .badges")).to_contain_text("closed")
    page.get_by_role("button", name=re.compile("^Alerts")).click()
    row = page.locator("#view-alerts li").filter(has_text="Pos Uji")
    expect(row).to_contain_text("Siaga 2")
    row.get_by_role("button", name="Acknowledge").click()
    expect(row).to_contain_text("seen by dispatcher-1")


def test_a_link_opens_what_it_names_and_asks_nothing_else(browser: Browser, demo: Demo, watched: Watched) -> None:
    page = board(browser, demo, "mayor-1", watched, "#view=figures")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for where in ("alert:../instructions", "report:x/../../statuses/#", "incident:../statuses/?a", "constructor:x"):
        page.evaluate("where => { window.location.hash = where }", urlencode({"view": "figures", "open": where}))
        page.wait_for_timeout(300)
        expect(page.locator("#pane")).to_be_hidden()
    assert not [url for url in asked if "instructions" in url or "statuses" in url]


def test_an_officer_on_a_phone_takes_a_step_with_what_it_needs(
    browser: Browser, demo: Demo, colleague: Colleague, watched: Watched
) -> None:
    one = colleague.send("Telepongenggam")
    where = searching("Telepongenggam", tab="mine")
    page = board(browser, demo, "officer-1", watched, where, viewport=PHONE)
    expect(page.locator("#rows > li")).to_have_count(1)
    page.locator("#rows .open").click()
    pane = page.locator("#pane")
    expect(pane.locator("h2")).to_have_text(re.compile(one))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("radio", name="Coordination between agencies").check()
    page.get_by_role("button", name="Save this step").click()
    expect(page.locator("#note-error")).not_to_be_empty()
    expect(page.locator(NOTE)).to_be_focused()
    page.locator(NOTE).fill("Saluran lingkungan")
    pane.locator("select[name=agency]").select_option("dbmsda")
    page.get_by_role("button", name="Save this step").click()
    # With the handover it is no longer theirs.
    expect(pane).to_contain_text("This report is not yours to deal with.")
    watched.errors[:] = [line for line in watched.errors if line not in (REFUSED, BAD)]
    stood = colleague.stand_of(one)
    assert (stood["status"], stood["agency"], stood["log"][-1]["note"]) == (
        "coordination",
        "dbmsda",
        "Saluran lingkungan",
    )


def test_the_wall_runs_for_hours_and_holds_no_more_than_at_first(
    browser: Browser, demo: Demo, colleague: Colleague, watched: Watched
) -> None:
    page = board(browser, demo, "dispatcher-1", watched, "&wall", viewport={"width": 1920, "height": 1080})
    expect(page.locator("#time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    expect(page.locator("#date")).to_contain_text("WIB")
    expect(page.locator("#figures dd").first).not_to_have_text("0")
    page.clock.install()
    page.reload()
    page.wait_for_selector(READY)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def run(rounds: int) -> None:
        done = int(page.evaluate("document.documentElement.dataset.rounds"))
        for number in range(done + 1, done + rounds + 1):
            if number % 5 == 0:
                colleague.send(f"Layar {number}")
            page.clock.run_for(11_000)
            page.wait_for_function("n => Number(document.documentElement.dataset.rounds) >= n", arg=number)

    def held() -> tuple[float, float]:
        for _twice in range(2):
            devtools.send("HeapProfiler.collectGarbage")
        found = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        return found["JSHeapUsedSize"], found["Nodes"]

    run(10)
    heap, nodes = held()
    run(20)
    later_heap, later_nodes = held()
    assert later_heap < heap * 1.08
    assert later_nodes < nodes * 1.05
    assert page.locator("#urgent > li").count() <= 14
