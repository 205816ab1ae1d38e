"""`/api/subscriptions/`: subscribing, confirming and ending, with an account and without."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from geo.api.operations import subscriptions
from geo.areas.models import City
from geo.models import CityRole, Report, Subscription
from geo.operations.notifications import links
from geo.operations.outbox.delivery import deliver_due
from server.run.ports import unused_port
from tests.factories import NOW, make_category, make_report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

PATH = "/api/subscriptions/"
EMAIL = {"kind": "email", "email": "siti@example.org"}
AREA = {**EMAIL, "area": "kota-uji.1"}


def post(client: Client, path: str = PATH, **body: Any) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def sign_in(client: Client, city: City, name: str = "perencana") -> User:
    user = User.objects.create(username=name, is_staff=True, email=f"{name}@example.org")
    CityRole.objects.create(user=user, city=city, role="planner")
    client.force_login(user)
    return user


@pytest.fixture
def loopback(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]


def webhook(port: int = 9) -> dict[str, str]:
    return {"kind": "webhook", "url": f"http://127.0.0.1:{port}/terima"}


def link_in(text: str, kind: str) -> str:
    found = re.search(rf"https?://[^/\s]+(/api/subscriptions/{kind}/\S+)", text)
    assert found is not None
    return found[1]


@pytest.fixture
def letter(client: Client) -> Callable[[], str]:
    """Subscribes without an account, and gives the text of the letter that comes of it."""

    def ask(**body: Any) -> str:
        assert post(client, **{**AREA, **body}).status_code == 202
        deliver_due()
        return str(mail.outbox[-1].body)

    return ask


def test_an_address_is_subscribed_once_its_reader_says_so_by_a_button(client: Client, letter: Any) -> None:
    path = link_in(letter(), "confirm")
    assert Subscription.objects.get().confirmed_at is None
    assert client.get(path).status_code == 200  # as a mail program does that looks at links
    assert Subscription.objects.get().confirmed_at is None
    assert client.post(path).status_code == 200
    confirmed_at = Subscription.objects.get().confirmed_at
    assert confirmed_at is not None
    assert client.post(path).status_code == 200
    assert Subscription.objects.get().confirmed_at == confirmed_at


def test_whoever_subscribes_an_address_is_not_told_what_it_has_already(client: Client, letter: Any) -> None:
    first = post(client, **AREA)
    again = post(client, **AREA)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (202, first.content)
    assert "example.org" not in first.content.decode()
    assert Subscription.objects.count() == 1


def test_a_link_older_than_seven_days_confirms_nothing(client: Client, letter: Any, monkeypatch: Any) -> None:
    path = link_in(letter(), "confirm")
    monkeypatch.setattr(links, "CONFIRMED_WITHIN", timedelta(seconds=-1))
    assert client.post(path).status_code == 404
    assert Subscription.objects.get().confirmed_at is None


@pytest.mark.parametrize("kind", ["confirm", "end"])
def test_a_link_that_is_not_ours_is_refused(client: Client, letter: Any, kind: str) -> None:
    confirm = link_in(letter(), "confirm").split("/")[-2]
    for token in ("x", confirm[:-1] + ("a" if confirm[-1] != "a" else "b")):
        assert client.post(f"/api/subscriptions/{kind}/{token}/").status_code == 404
    assert client.post(f"/api/subscriptions/end/{confirm}/").status_code == 404  # the other link's token
    assert Subscription.objects.get().confirmed_at is None


def end_path() -> str:
    return link_in(links.end_link(Subscription.objects.get()), "end")


def test_one_click_of_a_mail_program_ends_it_and_opening_the_link_does_not(client: Client, letter: Any) -> None:
    letter()
    path = end_path()
    assert client.get(path).status_code == 200
    assert Subscription.objects.count() == 1
    one_click = {"List-Unsubscribe": "One-Click"}
    assert client.post(path, one_click).status_code == 200
    assert not Subscription.objects.exists()
    assert client.post(path, one_click).status_code == 200  # sent twice, as some do
    assert client.get(path).status_code == 200


def test_a_browser_gets_a_page_with_a_button_and_a_program_json(client: Client, letter: Any) -> None:
    letter()
    page = client.get(end_path(), headers={"Accept": "text/html,*/*;q=0.8"})
    assert page["Content-Type"].startswith("text/html")
    assert '<form method="post"><button type="submit">' in page.content.decode()
    assert page["Cache-Control"] == "private, no-store"
    alone = client.post(end_path(), headers={"Accept": "text/html"})
    assert (alone.status_code, alone["Content-Type"][:9]) == (200, "text/html")
    assert "<form" not in alone.content.decode()


def test_a_signed_in_browser_needs_no_csrf_token_for_a_link(city: City, letter: Any) -> None:
    letter()
    browser = Client(enforce_csrf_checks=True)
    sign_in(browser, city)
    assert browser.post(end_path()).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"kind": "email", "area": "kota-uji"}, "email"),
        ({**AREA, "email": "no address"}, "email"),
        ({**AREA, "email": "a@example.org\nBcc: b@example.org"}, "email"),
        ({**AREA, "url": "https://example.org/"}, "url"),
        ({**AREA, "area": "nowhere"}, "area"),
        ({**AREA, "area": "kota-uji\0"}, "area"),
        ({**EMAIL, "category": "nothing"}, "category"),
        ({**EMAIL, "report": "nothing"}, "report"),
        ({**AREA, "events": []}, "events"),
        ({**AREA, "events": ["weather"]}, "events"),
        ({**AREA, "city": "nowhere"}, "city"),
        ({**AREA, "language": "xx"}, "language"),
        ({**EMAIL, "polygon": {"type": "Point", "coordinates": [1, 2]}}, "polygon"),
        (
            {**EMAIL, "polygon": {"type": "Polygon", "coordinates": [[[106.9, -6.3], [107, -6.3], [107, -6.2]]]}},
            "polygon",
        ),
        ({**EMAIL, "polygon": {"type": "Polygon", "coordinates": [[[1, 2, 3]] * 4]}}, "polygon"),
        ({**EMAIL, "polygon": {"type": "Polygon", "coordinates": [[[True, 2]] * 4]}}, "polygon"),
        ({**EMAIL, "polygon": {"type": "Polygon", "coordinates": [[[0, 0]] * 202]}}, "polygon"),
        ({**EMAIL, "filter": "status = 'resolved'"}, "filter"),  # for those with an account
        (EMAIL, "area"),  # the whole city, too
    ],
)
def test_what_cannot_be_is_named(client: Client, body: dict[str, Any], field: str) -> None:
    answer = post(client, **body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert not Subscription.objects.exists()


def test_a_report_that_is_not_public_cannot_be_followed(client: Client) -> None:
    report = make_report(is_public=False)
    answer = post(client, **EMAIL, report=report.public_id)
    assert list(answer.json()["errors"]) == ["report"]


def test_anybody_may_draw_a_polygon(client: Client) -> None:
    ring = [[106.91, -6.29], [106.93, -6.29], [106.93, -6.27], [106.91, -6.29]]
    assert post(client, **EMAIL, polygon={"type": "Polygon", "coordinates": [ring]}).status_code == 202
    assert Subscription.objects.get().polygon.coords[0][1] == (106.93, -6.29)


def test_one_who_asks_without_end_is_told_to_wait_and_may_still_report(
    client: Client, monkeypatch: Any, settings: Any
) -> None:
    monkeypatch.setattr(subscriptions, "utc_now", lambda: NOW)
    settings.INTAKE_LIMIT_DEVICE = 1
    make_category("sampah")
    answers = [post(client, **AREA) for _i in range(21)]
    assert [each.status_code for each in answers] == [202] * 20 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert post(client, "/api/reports/", category="sampah", lon=106.93, lat=-6.25).status_code == 201


def test_a_webhook_needs_an_account(client: Client, loopback: None) -> None:
    assert post(client, **webhook()).status_code == 403
    assert client.get(PATH).status_code == 403


def test_the_key_of_a_webhook_is_shown_when_it_is_made_and_never_again(
    client: Client, city: City, loopback: None
) -> None:
    sign_in(client, city)
    made = post(client, **webhook())
    assert made.status_code == 201
    key, where = made.json()["signing_key"], made["Location"].removeprefix("http://testserver")
    assert re.fullmatch("[0-9a-f]{64}", key)
    for shown in (client.get(where), client.get(PATH)):
        assert shown["Cache-Control"] == "private, no-store"
        assert key not in shown.content.decode()
    rotated = post(client, f"{where}rotate/")
    assert rotated.status_code == 200
    assert re.fullmatch("[0-9a-f]{64}", rotated.json()["signing_key"])
    assert rotated.json()["signing_key"] != key


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:80/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/",
        "http://0/",
        "https://user:secret@example.org/",
        "ftp://example.org/",
        "https://exa mple.org/",
        "https://example.org:99999/",
        "https:///nothing",
        "http://testserver/api/reports/",  # this service itself
        "http://no-such-host.invalid/",
    ],
)
def test_a_webhook_to_a_private_network_to_this_service_or_to_nowhere_is_refused(
    client: Client, city: City, url: str
) -> None:
    sign_in(client, city)
    answer = post(client, kind="webhook", url=url)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["url"]
    assert not Subscription.objects.exists()


def test_each_has_a_list_of_their_own(client: Client, city: City, loopback: None) -> None:
    sign_in(client, city, "satu")
    one = post(client, **webhook()).json()["id"]
    other = Client()
    sign_in(other, city, "dua")
    two = post(other, **webhook()).json()["id"]
    assert [row["id"] for row in client.get(PATH).json()["results"]] == [one]
    for send in (client.get, client.delete):
        assert send(f"{PATH}{two}/").status_code == 404
    assert post(client, f"{PATH}{two}/rotate/").status_code == 404
    assert client.delete(f"{PATH}{one}/").status_code == 204
    assert [str(each.key) for each in Subscription.objects.all()] == [two]


def test_an_address_is_shown_in_part(client: Client, city: City) -> None:
    sign_in(client, city)
    own = {**AREA, "email": "perencana@example.org"}
    assert post(client, **own).json()["reader"] == "p…@example.org"
    assert "perencana@" not in client.get(PATH).content.decode()


def test_staff_are_not_told_what_the_address_of_another_has_either(client: Client, city: City) -> None:
    sign_in(client, city)
    first, again = (post(client, **AREA) for _i in range(2))
    assert (again.status_code, again.content) == (first.status_code, first.content) == (202, first.content)
    assert client.get(PATH).json()["results"] == []
    assert Subscription.objects.count() == 1


def test_the_list_is_paged_and_takes_as_many_statements_however_long_it_is(
    client: Client, city: City, django_assert_max_num_queries: Any
) -> None:
    user = sign_in(client, city)
    report = make_report(category=make_category())
    for number in range(5):
        Subscription.objects.create(
            kind="webhook", url=f"https://example.org/{number}", owner=user, city=city, events=["status"], scope="report",
            report=report, area=report.area, category=report.category, created_at=timezone.now(),
        )  # fmt: skip
    with django_assert_max_num_queries(4):  # session, account, roles, list
        first = client.get(f"{PATH}?limit=3").json()
    second = client.get(first["next"].removeprefix("http://testserver")).json()
    assert [row["url"][-1] for page in (first, second) for row in page["results"]] == ["4", "3", "2", "1", "0"]
    assert second["next"] is None


def test_a_report_goes_on_its_way_though_its_followers_are_many(client: Client, city: City) -> None:
    """The public way in: what is written for those who follow is written with the report."""
    assert post(client, **AREA).status_code == 202
    Subscription.objects.update(confirmed_at=timezone.now())
    make_category("sampah")
    body = {"category": "sampah", "lon": 106.93, "lat": -6.25}
    assert post(client, "/api/reports/", **body).status_code == 201
    deliver_due()
    assert Report.objects.get().public_id in mail.outbox[-1].body


def test_a_port_that_nobody_listens_at_is_no_reason_to_refuse(client: Client, city: City, loopback: None) -> None:
    sign_in(client, city)
    assert post(client, **webhook(unused_port())).status_code == 201


def test_the_admin_shows_an_address_in_part_and_ends_what_is_deleted_there(admin_client: Client, letter: Any) -> None:
    letter()
    subscription = Subscription.objects.get()
    path = f"/admin/geo/subscription/{subscription.pk}/"
    for page in (admin_client.get("/admin/geo/subscription/"), admin_client.get(f"{path}change/")):
        assert page.status_code == 200
        assert "s…@example.org" in page.content.decode()
        assert "siti@" not in page.content.decode()
    assert admin_client.post(f"{path}delete/", {"post": "yes"}).status_code == 302
    assert not Subscription.objects.exists()
