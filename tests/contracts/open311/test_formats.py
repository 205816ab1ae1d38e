"""What every answer keeps to: the format of its suffix, UTF-8, errors as arrays, and never a page."""

from typing import Any
from xml.etree import ElementTree

import pytest

from geo.models import Report
from tests.contracts.open311.asking import DECLARATION, MEDIA_TYPES, Open311
from tests.contracts.open311.schemas import check
from tests.contracts.open311.town import make_reports, make_town
from tests.factories import make_category, make_report

pytestmark = pytest.mark.django_db
RESOURCES = ("discovery", "services", "services/genangan", "requests")
NASTY = "tab\there, bell\x07, vertical\x0btab, <i>&amp;</i> ]]> 你好 \U0001f6b0 \ufffe"


@pytest.fixture(scope="module")
def town(committed: None) -> None:
    make_town()
    make_reports()
    report = make_report(category=make_category("sampah"), external_id="nasty")
    Report.objects.filter(pk=report.pk).update(public_description=NASTY)


@pytest.fixture
def nasty(town: None) -> str:
    return Report.objects.get(external_id="nasty").public_id


@pytest.mark.parametrize("resource", RESOURCES)
def test_content_type_is_that_of_the_suffix_with_utf8(open311: Open311, resource: str) -> None:
    reply = open311.get(resource)
    assert (reply.status, reply.headers["Content-Type"]) == (200, MEDIA_TYPES[open311.form])
    assert reply.content.decode("utf-8")


@pytest.mark.parametrize("resource", [*RESOURCES, "nothing"])
@pytest.mark.parametrize("form", ["xml"])
def test_xml_has_its_declaration_and_no_namespace(open311: Open311, resource: str) -> None:
    reply = open311.get(resource)
    assert reply.content.startswith(DECLARATION)
    assert all("}" not in element.tag and not element.attrib for element in reply.xml.iter())


@pytest.mark.parametrize("resource", ["services", "requests", "nothing"])
@pytest.mark.parametrize("form", ["json"])
def test_json_is_a_bare_array(open311: Open311, resource: str) -> None:
    assert isinstance(open311.get(resource).json, list)


def test_suffix_decides_whatever_accept_asks_for(open311: Open311) -> None:
    for wish in ("text/html", "application/json", "text/xml", "image/png"):
        assert open311.get("services", headers={"Accept": wish}).headers["Content-Type"] == MEDIA_TYPES[open311.form]


def test_characters_that_xml_cannot_hold_are_left_out_of_it_alone(open311: Open311, nasty: str) -> None:
    told = open311.get(f"requests/{nasty}").text("service_requests/request/description")
    assert (
        told
        == {
            "json": "tab\there, bell\x07, vertical\x0btab, &amp; ]]> 你好 \U0001f6b0 \ufffe",
            "xml": "tab\there, bell, verticaltab, &amp; ]]> 你好 \U0001f6b0 ",
        }[open311.form]
    )


@pytest.mark.parametrize("form", ["json"])
def test_ids_are_strings(open311: Open311) -> None:
    for request in open311.get("requests", {"start_date": "2021-03-01T00:00:00Z"}).json:
        assert isinstance(request["service_request_id"], str)
        assert isinstance(request["service_code"], str)
        assert request["address_id"] is None or isinstance(request["address_id"], str)
    for value in open311.get("services/genangan").json["attributes"][-1]["values"]:
        assert isinstance(value["key"], str)


@pytest.mark.parametrize(
    "address",
    ["", "nothing.{}", "requests/unknown.{}", "services/unknown.{}", "tokens/unknown.{}", "requests/a/b.{}", "a%0Ab.{}",
     "services/%00.{}", "discovery.{}/", "requests.{}.{}", "%F0%28%8C.{}"],
)  # fmt: skip
def test_an_unknown_address_is_a_404_with_an_array_of_errors(open311: Open311, address: str) -> None:
    reply = open311.send("GET", address.format(open311.form, open311.form), headers={"Accept": "text/html"})
    assert reply.status == 404
    if address.endswith("{}"):
        ((code, description),) = reply.errors
        assert code == "404"
        assert description
    else:  # no suffix that is known
        check("errors", reply.json)


@pytest.mark.parametrize(
    "address", ["requests.html", "requests", "services/genangan", "requests.JSON", "discovery.json5"]
)
@pytest.mark.parametrize("form", ["json"])
def test_an_unknown_suffix_is_refused_in_json(open311: Open311, address: str) -> None:
    for method in ("GET", "POST"):
        reply = open311.send(method, address, headers={"Accept": "text/html"})
        assert reply.status == 404
        check("errors", reply.json)


def test_a_method_that_an_address_does_not_take_is_a_400_that_says_which_it_takes(open311: Open311) -> None:
    for method, resource, allowed in (
        ("DELETE", "requests", "GET, HEAD, OPTIONS, POST"),
        ("POST", "services", "GET, HEAD, OPTIONS"),
        ("PUT", "requests/x", "GET, HEAD, OPTIONS"),
    ):
        reply = open311.send(method, f"{resource}.{open311.form}", headers={"Accept": "text/html"})
        assert (reply.status, reply.headers["Allow"]) == (400, allowed)
        assert [code for code, _description in reply.errors] == ["400"]


@pytest.mark.parametrize(
    "params",
    [{"statsu": "open"}, {"status": "done"}, {"page": "0"}, {"page_size": "1001"}, {"page_size": "x"}, {"bbox": "1,2,3"},
     {"start_date": "yesterday"}, {"updated_after": "2021-03-01"}, {"page": ["1", "2"]}, {"status": "a\0b"}],
)  # fmt: skip
def test_a_bad_parameter_is_a_400_that_names_it(open311: Open311, params: dict[str, Any]) -> None:
    reply = open311.get("requests", params, headers={"Accept": "text/html"})
    assert reply.status == 400
    ((code, description),) = reply.errors
    assert code == "400"
    assert next(iter(params)) in description


@pytest.mark.parametrize("form", ["json"])
def test_errors_keep_the_published_rules(open311: Open311) -> None:
    check("errors", open311.get("requests", {"status": "done"}).json)
    check("errors", open311.post().json)


def test_head_has_the_headers_of_get_and_no_body(open311: Open311) -> None:
    told, asked = open311.get("services"), open311.send("HEAD", f"services.{open311.form}")
    assert (asked.status, asked.content) == (200, b"")
    for name in ("Content-Type", "Cache-Control", "ETag", "Vary"):
        assert asked.headers[name] == told.headers[name]


def test_reads_may_be_kept_for_a_short_time_and_refusals_not_at_all(open311: Open311) -> None:
    assert open311.get("services").headers["Cache-Control"] == "public, max-age=60"
    reply = open311.get("requests")
    assert reply.headers["Cache-Control"] == "public, max-age=5"
    assert {"Accept-Language", "Cookie"} <= set(reply.headers["Vary"].split(", "))
    assert open311.get("requests/unknown").headers["Cache-Control"] == "private, no-store"
    assert open311.post().headers["Cache-Control"] == "private, no-store"


def test_pages_of_others_may_read_and_post(open311: Open311) -> None:
    assert open311.get("services").headers["Access-Control-Allow-Origin"] == "*"
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    reply = open311.send("OPTIONS", f"requests.{open311.form}", headers=headers)
    assert reply.status == 204
    assert {"X-Api-Key", "Idempotency-Key"} <= set(reply.headers["Access-Control-Allow-Headers"].split(", "))
    assert open311.send("OPTIONS", f"requests.{open311.form}").headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_failure_of_the_service_is_told_in_the_asked_format_and_without_its_cause(
    open311: Open311, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr("geo.open311.views.group_names", broken)
    reply = open311.get("services", headers={"Accept": "text/html"})
    assert reply.status == 500
    assert [code for code, _description in reply.errors] == ["500"]
    assert b"secret" not in reply.content
    assert "the secret cause" in caplog.text


def test_every_refusal_in_xml_is_a_document_of_errors(server: str, session: Any) -> None:
    reply = Open311(server, "xml", session).get("nothing")
    root = ElementTree.fromstring(reply.content)
    assert root.tag == "errors"
    assert [child.tag for child in root] == ["error"]
    assert [child.tag for child in root[0]] == ["code", "description"]
