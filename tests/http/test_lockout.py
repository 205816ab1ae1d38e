"""Who fails too often is locked out: the admin's door, Basic, tokens; by name and address together."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from geo.areas.models import City
from geo.models import CityRole
from geo.reports.access.tokens import create_token

pytestmark = pytest.mark.django_db
PASSWORD = "kuda-lumping-77"
DOOR = "/admin/login/?next=/admin/&lang=en"
LIST = "/api/reports/?lang=en"


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """A hash that is slow by design is slow in tests, too."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def user(_quick_passwords: None, city: City) -> User:
    found = User.objects.create_user("dewi", password=PASSWORD, is_staff=True)
    CityRole.objects.create(user=found, city=city, role="dispatcher")
    return found


def sign_in(client: Client, password: str, name: str = "dewi", **more: Any) -> Any:
    return client.post(DOOR, {"username": name, "password": password}, **more)


def by_basic(client: Client, password: str, name: str = "dewi", **more: Any) -> Any:
    words = base64.b64encode(f"{name}:{password}".encode()).decode()
    return client.get(LIST, headers={"Authorization": f"Basic {words}"}, secure=True, **more)


def fail(client: Client, times: int, way: Any = sign_in, **more: Any) -> list[int]:
    return [way(client, f"salah-salah-{n}", **more).status_code for n in range(times)]


def test_the_fifth_failure_closes_the_admins_door_with_a_sentence(client: Client) -> None:
    assert fail(client, 5) == [200, 200, 200, 200, 429]
    answer = sign_in(client, PASSWORD)
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert "after 15 minutes" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_it_opens_again_after_a_while(client: Client) -> None:
    fail(client, 5)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=50))
    assert sign_in(client, PASSWORD).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert sign_in(client, PASSWORD).status_code == 302


def test_whoever_runs_the_service_opens_it_at_once(client: Client) -> None:
    fail(client, 5)
    call_command("axes_reset")
    assert sign_in(client, PASSWORD).status_code == 302


def test_the_same_name_from_elsewhere_is_not_locked_out(client: Client) -> None:
    fail(client, 5)
    assert sign_in(client, PASSWORD, REMOTE_ADDR="203.0.113.7").status_code == 302


def test_another_name_from_there_is_not_locked_out(client: Client) -> None:
    User.objects.create_user("budi", password=PASSWORD, is_staff=True)
    fail(client, 5)
    assert sign_in(client, PASSWORD, "budi").status_code == 302


def test_behind_a_trusted_proxy_each_client_counts_for_itself(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    here, there = {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}, {"HTTP_X_FORWARDED_FOR": "203.0.113.8"}
    fail(client, 5, **here)
    assert sign_in(client, PASSWORD, **here).status_code == 429
    assert sign_in(client, PASSWORD, **there).status_code == 302
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"203.0.113.7"}


def test_nobody_escapes_by_an_address_that_they_made_up(client: Client) -> None:
    for n in range(5):
        sign_in(client, "salah-salah-1", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")
    assert sign_in(client, PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.99").status_code == 429


def test_addresses_of_one_ipv6_network_count_together(client: Client) -> None:
    for n in range(5):
        sign_in(client, "salah-salah-1", REMOTE_ADDR=f"2001:db8:1:2::{n}")
    assert sign_in(client, PASSWORD, REMOTE_ADDR="2001:db8:1:2:ffff::1").status_code == 429
    assert sign_in(client, PASSWORD, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302


def test_basic_is_locked_out_and_says_so(client: Client) -> None:
    assert fail(client, 5, by_basic) == [401, 401, 401, 401, 429]
    answer = by_basic(client, PASSWORD)
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert answer["Content-Type"] == "application/problem+json"
    assert "after 15 minutes" in answer.json()["detail"]


def test_failures_by_basic_and_at_the_door_count_together(client: Client) -> None:
    fail(client, 3, by_basic)
    fail(client, 2)
    assert by_basic(client, PASSWORD).status_code == sign_in(client, PASSWORD).status_code == 429


def test_a_remembered_password_does_not_open_what_is_locked(client: Client) -> None:
    assert by_basic(client, PASSWORD).status_code == 200
    fail(client, 5, by_basic)
    assert by_basic(client, PASSWORD).status_code == 429


def test_a_token_that_fails_too_often_is_locked_out_and_right_ones_go_on(client: Client, user: User) -> None:
    def ask(text: str) -> int:
        return client.get(LIST, headers={"Authorization": f"Bearer {text}"}).status_code

    _token, text = create_token(user=user, name="uji", scopes=["read"], now=timezone.now())
    prefix = text.partition(".")[0]
    assert [ask(f"{prefix}.salah{n}") for n in range(6)] == [401, 401, 401, 401, 429, 429]
    assert ask(text) == 200


def test_what_was_sent_with_a_wrong_token_is_not_kept_with_the_failure(client: Client, categories: None) -> None:
    form = {"category": "sampah", "lon": "106.93", "lat": "-6.25", "description": "Saya Siti", "phone": "081234567890"}
    assert client.post(LIST + "&q=rahasia", form, headers={"Authorization": "Bearer a.b"}).status_code == 401
    kept = AccessAttempt.objects.values().get()
    assert (kept["post_data"], kept["get_data"]) == ("", "")


def test_a_password_is_kept_with_no_failure(client: Client) -> None:
    fail(client, 1)
    fail(client, 1, by_basic)
    for kept in AccessAttempt.objects.values():
        assert "salah" not in str(kept)


def test_a_log_in_leaves_no_record_of_the_address(client: Client) -> None:
    from axes.models import AccessLog

    assert sign_in(client, PASSWORD).status_code == 302
    assert not AccessLog.objects.exists()


def spray(client: Client, times: int, way: Any = sign_in, **more: Any) -> list[int]:
    """One password, tried for so many names."""
    return [way(client, "Rahasia-2026", f"nama-{n}", **more).status_code for n in range(times)]


def by_wrong_token(client: Client, _password: str, name: str, **more: Any) -> Any:
    return client.get(LIST, headers={"Authorization": f"Bearer {name.replace('-', '')}.salah"}, **more)


@pytest.mark.parametrize("way", [sign_in, by_basic, by_wrong_token])
def test_an_address_that_tries_one_password_for_many_names_is_closed_to_every_password(
    client: Client, settings: Any, way: Any
) -> None:
    settings.LOCKOUT_ADDRESS_FAILURES = 8
    assert 429 not in spray(client, 8, way)
    for ask in (sign_in, by_basic):
        answer = ask(client, PASSWORD)
        assert (answer.status_code, answer["Retry-After"]) == (429, "900")
        assert "from this address; it opens again after 15 minutes" in answer.content.decode()
    assert "_auth_user_id" not in client.session
    assert sign_in(client, PASSWORD, REMOTE_ADDR="203.0.113.7").status_code == 302


def test_failures_of_every_way_count_together_against_an_address(client: Client, settings: Any) -> None:
    settings.LOCKOUT_ADDRESS_FAILURES = 9
    for way in (sign_in, by_basic, by_wrong_token):
        assert 429 not in spray(client, 3, way)
    assert sign_in(client, PASSWORD).status_code == by_basic(client, PASSWORD).status_code == 429


def test_tokens_and_sessions_go_on_at_an_address_that_is_closed(client: Client, user: User, settings: Any) -> None:
    settings.LOCKOUT_ADDRESS_FAILURES = 8
    _token, text = create_token(user=user, name="uji", scopes=["read"], now=timezone.now())
    signed_in = Client()
    assert sign_in(signed_in, PASSWORD).status_code == 302
    spray(client, 8)
    assert signed_in.get("/admin/").status_code == 200
    assert client.get(LIST, headers={"Authorization": f"Bearer {text}"}).status_code == 200
    assert by_basic(client, text).status_code == 200
    assert client.get(LIST).status_code == 200


def test_a_hundred_failures_close_an_address_where_nothing_else_is_said(client: Client) -> None:
    AccessAttempt.objects.bulk_create(_failures(99))
    assert sign_in(client, PASSWORD).status_code == 302
    AccessAttempt.objects.bulk_create([AccessAttempt(username="satu-lagi", **_FAILED)])
    assert sign_in(Client(), PASSWORD).status_code == 429


def test_an_address_opens_again_after_a_while(client: Client, settings: Any) -> None:
    settings.LOCKOUT_ADDRESS_FAILURES = 8
    spray(client, 8)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=50))
    assert sign_in(client, PASSWORD).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert sign_in(client, PASSWORD).status_code == 302


def test_who_tries_many_names_undoes_no_failure_by_getting_in_once(client: Client, settings: Any) -> None:
    settings.LOCKOUT_ADDRESS_FAILURES = 8
    spray(client, 7)
    assert sign_in(client, PASSWORD).status_code == 302
    assert by_basic(Client(), "salah-salah-1").status_code == 401
    assert by_basic(Client(), PASSWORD).status_code == 429


_FAILED: dict[str, Any] = {
    "ip_address": "127.0.0.1", "user_agent": "x", "http_accept": "", "path_info": "/", "get_data": "", "post_data": "",
    "failures_since_start": 1,
}  # fmt: skip


def _failures(times: int) -> list[AccessAttempt]:
    return [AccessAttempt(username=f"nama-{n}", **_FAILED) for n in range(times)]
