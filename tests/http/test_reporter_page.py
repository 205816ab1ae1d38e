"""The frame of the reporter's page: its headers, its language, and that a link leads to it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from geo.reports.access.links import link_path
from geo.reports.workflow import Status
from server.web.report.strings import report_strings

PAGE = "/report/mine/"


def test_link_leads_to_the_page() -> None:
    path, _hash, token = link_path("eyJy:abc").partition("#")
    assert (resolve(path).url_name, token) == ("reporter-page", "eyJy:abc")


def test_page_is_not_kept_and_tells_no_other_site_where_it_was(client: Client) -> None:
    answer = client.get(PAGE)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("private, no-store", "no-referrer")
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "ETag" not in answer
    assert not answer.cookies
    assert '<meta name="robots" content="noindex">' in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "", "id"),
        ("", "fr", "id"),
        ("", "en-GB,en;q=0.9", "en"),
        ("?lang=id", "en", "id"),
        ("?lang=en", "id", "en"),
        ("?lang=xx", "", "id"),
    ],
)
def test_page_is_indonesian_unless_english_is_asked_for(
    client: Client, query: str, accepted: str, language: str
) -> None:
    answer = client.get(PAGE + query, headers={"accept-language": accepted} if accepted else {})
    assert answer["Content-Language"] == language
    page = answer.content.decode()
    assert f'<html lang="{language}">' in page
    assert ('"status_resolved": "Resolved"' in page, '"status_resolved": "Selesai"' in page) == (
        language == "en",
        language == "id",
    )


def test_page_names_how_long_links_are_good(client: Client, settings: Any) -> None:
    settings.REPORT_LINK_DAYS = 30
    assert 'data-link-days="30"' in client.get(PAGE).content.decode()


def test_browser_without_scripts_is_told_so(client: Client) -> None:
    page = client.get(f"{PAGE}?lang=en").content.decode()
    assert "<noscript><p>This page needs JavaScript: the link must not be sent in the page's address." in page


def test_page_takes_nothing_in(client: Client) -> None:
    answer = client.post(PAGE, {"reason": "Belum"})
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_every_state_has_a_name_and_says_what_it_means() -> None:
    strings = report_strings()
    for status in Status.values:
        assert strings[f"status_{status}"]
        assert strings[f"means_{status}"]
