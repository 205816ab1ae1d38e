"""Outgoing messages and destinations in the admin: read, and sent again, by those who may."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from geo.models import DeliveryAttempt, Destination, OutboxMessage
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def message() -> OutboxMessage:
    Destination.objects.create(name="pot", failures=4, retry_at=NOW, last_error="The destination answered 503.")
    made = OutboxMessage.objects.create(
        transport="channel",
        destination="pot",
        topic="status",
        payload={"status": "selesai"},
        state="dead",
        attempts=3,
        created_at=NOW,
        next_attempt_at=NOW,
        finished_at=NOW,
        last_error="The destination answered 404.",
    )
    DeliveryAttempt.objects.create(
        message=made, at=NOW, is_success=False, status_code=404, error="The destination answered 404.", duration_ms=12
    )
    return made


def run_action(client: Any, path: str, action: str, pk: Any) -> Any:
    return client.post(f"/admin/geo/{path}/", {"action": action, "_selected_action": [pk]}, follow=True)


def test_messages_their_tries_and_destinations_are_shown(admin_client: Any, message: OutboxMessage) -> None:
    listed = admin_client.get("/admin/geo/outboxmessage/").content.decode()
    assert str(message.key) in listed
    assert "The destination answered 404." in listed
    shown = admin_client.get(f"/admin/geo/outboxmessage/{message.pk}/change/").content.decode()
    assert "selesai" in shown
    assert "12" in shown
    for path in ("destination/", "destination/pot/change/"):
        assert "The destination answered 503." in admin_client.get(f"/admin/geo/{path}").content.decode()


def test_a_message_is_found_by_its_destination(admin_client: Any, message: OutboxMessage) -> None:
    assert str(message.key) in admin_client.get("/admin/geo/outboxmessage/?q=pot").content.decode()
    assert str(message.key) in admin_client.get(f"/admin/geo/outboxmessage/?q={message.key}").content.decode()
    assert str(message.key) not in admin_client.get("/admin/geo/outboxmessage/?q=sorot").content.decode()


def test_nothing_is_added_or_deleted_by_hand(admin_client: Any, message: OutboxMessage) -> None:
    for path in ("outboxmessage", "destination"):
        assert admin_client.get(f"/admin/geo/{path}/add/").status_code == 403
    assert admin_client.post(f"/admin/geo/outboxmessage/{message.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin_client.get("/admin/geo/outboxmessage/").content.decode()
    admin_client.post(f"/admin/geo/outboxmessage/{message.pk}/change/", {"state": "delivered", "destination": "x"})
    message.refresh_from_db()
    assert (message.state, message.destination) == ("dead", "pot")


def test_a_message_that_was_given_up_is_sent_again(admin_client: Any, message: OutboxMessage) -> None:
    run_action(admin_client, "outboxmessage", "send_again", message.pk)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.finished_at) == ("pending", 0, None)
    assert message.next_attempt_at > NOW


def test_a_message_that_has_arrived_is_not_sent_again(admin_client: Any, message: OutboxMessage) -> None:
    OutboxMessage.objects.update(state="delivered")
    run_action(admin_client, "outboxmessage", "send_again", message.pk)
    message.refresh_from_db()
    assert message.state == "delivered"


def test_an_old_message_is_left_out_and_that_is_said(admin_client: Any, message: OutboxMessage) -> None:
    OutboxMessage.objects.update(ordering_key="report:1")
    OutboxMessage.objects.create(
        transport="channel", destination="pot", ordering_key="report:1", topic="status", state="delivered",
        created_at=NOW, next_attempt_at=NOW, finished_at=NOW,
    )  # fmt: skip
    answer = run_action(admin_client, "outboxmessage", "send_again", message.pk)
    message.refresh_from_db()
    assert message.state == "dead"
    assert [said.level_tag for said in answer.context["messages"]] == ["success", "warning"]


def test_a_destination_is_tried_now(admin_client: Any, message: OutboxMessage) -> None:
    Destination.objects.update(retry_at=timezone.now().replace(year=2100))
    run_action(admin_client, "destination", "try_now", "pot")
    destination = Destination.objects.get()
    assert (destination.retry_at, destination.failures) == (None, 4)


def test_who_may_only_look_may_not_send(client: Any, message: OutboxMessage) -> None:
    user = User.objects.create(username="petugas", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_outboxmessage", "view_destination"]))
    client.force_login(user)
    assert str(message.key) in client.get("/admin/geo/outboxmessage/").content.decode()
    run_action(client, "outboxmessage", "send_again", message.pk)
    message.refresh_from_db()
    assert message.state == "dead"
