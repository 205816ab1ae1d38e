"""How much an anonymous citizen may send."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geo.models import IntakeCounter, Report
from geo.reports.access.channel_keys import create_key
from geo.reports.intake_limits import admit, client_address, issue_token, scoped_external_id, sender_of
from server.core.errors import InvalidFields, TooMany
from tests.factories import make_category, make_channel, make_city

NOW = datetime(2026, 3, 1, 5, 4, 0, tzinfo=UTC)


def send(client: Any, **headers: str) -> Any:
    body = {"category": "sampah", "lon": 106.93, "lat": -6.25}
    return client.post("/api/reports/", json.dumps(body), content_type="application/json", headers=headers)


@pytest.mark.django_db
def test_five_hundred_people_behind_one_address_pass_and_one_flooder_does_not(
    settings: Any, django_assert_num_queries: Any
) -> None:
    settings.INTAKE_LIMIT_DEVICE, settings.INTAKE_LIMIT_ADDRESS = 20, 3000
    flooder = sender_of(issue_token(), "10.0.0.1")
    for _i in range(20):
        admit(flooder, now=NOW)
    with pytest.raises(TooMany) as caught:
        admit(flooder, now=NOW)
    assert caught.value.retry_after_s == 361  # the window ends at 05:10
    people = [sender_of(issue_token(), "10.0.0.1") for _i in range(500)]
    with django_assert_num_queries(500):  # one statement each
        for person in people:
            admit(person, now=NOW + timedelta(minutes=5))
    with pytest.raises(TooMany):
        admit(flooder, now=NOW + timedelta(minutes=5, seconds=59))
    admit(flooder, now=NOW + timedelta(minutes=6))


@pytest.mark.django_db
def test_flooder_does_not_use_up_what_the_others_behind_its_address_may_send(settings: Any) -> None:
    settings.INTAKE_LIMIT_DEVICE, settings.INTAKE_LIMIT_ADDRESS = 2, 5
    flooder = sender_of(issue_token(), "10.0.0.1")
    for number in range(50):
        if number < 2:
            admit(flooder, now=NOW)
        else:
            with pytest.raises(TooMany):
                admit(flooder, now=NOW)
    for _i in range(3):
        admit(sender_of(issue_token(), "10.0.0.1"), now=NOW)
    with pytest.raises(TooMany):  # the address has sent five
        admit(sender_of(issue_token(), "10.0.0.1"), now=NOW)
    admit(sender_of(issue_token(), "10.0.0.2"), now=NOW)


@pytest.mark.django_db
def test_only_keyed_hashes_are_kept_and_old_windows_are_forgotten() -> None:
    admit(sender_of(None, "10.0.0.1"), now=NOW)
    assert all(len(key) == 64 for key in IntakeCounter.objects.values_list("key_hash", flat=True))
    admit(sender_of(None, "10.0.0.1"), now=NOW + timedelta(hours=2))
    assert set(IntakeCounter.objects.values_list("window", flat=True)) == {datetime(2026, 3, 1, 7, 0, tzinfo=UTC)}


@pytest.mark.django_db
def test_flooder_is_told_when_to_come_back_and_a_channel_is_not_limited(client: Any, settings: Any) -> None:
    settings.INTAKE_LIMIT_DEVICE = 2
    make_city()
    make_category("sampah")
    key = create_key(channel=make_channel("qlue"))[1]
    assert [send(client).status_code for _i in range(3)] == [201, 201, 429]
    refused = send(client)
    assert 1 <= int(refused["Retry-After"]) <= 601
    assert refused["Content-Type"] == "application/problem+json"
    assert [send(client, X_Api_Key=key).status_code for _i in range(4)] == [201] * 4
    token = client.post("/api/device-tokens/").json()["token"]
    assert send(client, X_Device_Token=token).status_code == 201
    assert Report.objects.count() == 7


@pytest.mark.django_db
def test_made_up_device_token_is_a_400(client: Any) -> None:
    for token in ("x", issue_token()[:-2] + "zz"):
        answer = send(client, X_Device_Token=token)
        assert answer.status_code == 400
        assert "X-Device-Token" in answer.json()["errors"]
    with pytest.raises(InvalidFields):
        sender_of("a.b.c", "10.0.0.1")


@pytest.mark.django_db
def test_device_tokens_are_not_given_out_without_end(client: Any, settings: Any) -> None:
    settings.INTAKE_LIMIT_ADDRESS = 3
    assert [client.post("/api/device-tokens/").status_code for _i in range(4)] == [201, 201, 201, 429]


@pytest.mark.parametrize(
    ("remote", "forwarded", "trusted", "client"),
    [
        ("10.0.0.9", "", [], "10.0.0.9"),
        ("10.0.0.9", "1.2.3.4", [], "10.0.0.9"),  # nobody vouches for the header
        ("10.0.0.9", "1.2.3.4", ["10.0.0.9"], "1.2.3.4"),
        ("10.0.0.9", "6.6.6.6, 1.2.3.4", ["10.0.0.9"], "1.2.3.4"),  # what stands to the left is claimed
        ("10.0.0.9", "1.2.3.4, 10.0.0.8", ["10.0.0.0/24"], "1.2.3.4"),
        ("10.0.0.9", "10.0.0.7, 10.0.0.8", ["10.0.0.0/24"], "10.0.0.7"),
        ("10.0.0.9", "rubbish, 10.0.0.8", ["10.0.0.0/24"], "10.0.0.8"),
        ("10.0.0.9", "", ["10.0.0.9"], "10.0.0.9"),
        ("2001:db8:1:2:3:4:5:6", "", [], "2001:db8:1:2::/64"),
        ("::ffff:1.2.3.4", "", [], "1.2.3.4"),
        ("", "1.2.3.4", [""], "1.2.3.4"),
    ],
)
def test_client_address_is_what_a_trusted_proxy_saw(
    remote: str, forwarded: str, trusted: list[str], client: str
) -> None:
    assert client_address(remote, forwarded, trusted) == client


def test_external_id_of_one_device_says_nothing_about_that_of_another() -> None:
    one, two = (sender_of(issue_token(), "10.0.0.1") for _i in range(2))
    assert scoped_external_id(one, "1") != scoped_external_id(two, "1")
    assert scoped_external_id(one, "1") == scoped_external_id(one, "1")
    assert "10.0.0.1" not in scoped_external_id(sender_of(None, "10.0.0.1"), "1")
