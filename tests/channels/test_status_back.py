"""A report in, its status back: through the outbox and the delivery worker, over real HTTP, in the channel's own words."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from geo.channels.connecting import rotate_key
from geo.channels.models import ChannelConnection
from geo.channels.pulling import pull_channel
from geo.channels.signing import signing_key
from geo.models import DeliveryAttempt, OutboxMessage, Report
from geo.operations.outbox.delivery import Delivered, deliver_due
from geo.reports.workflow import Status
from tests.channels.remote import Remote, posts
from tests.factories import make_report
from tests.workflow_paths import take_step

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).parents[2] / "docs/channels.md"
NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


def move(report: Report, status: Status, now: datetime = NOW, *, note: str = "", note_is_public: bool = True) -> None:
    """One step. A reason that it needs and that is not given stays inside."""
    take_step(report, status, now=now, note=note, note_is_public=note_is_public and bool(note))


def deliver(after: timedelta = timedelta(0)) -> Delivered:
    return deliver_due(now=lambda: NOW + after)


@pytest.fixture
def qlue_report(qlue: ChannelConnection, remote: Remote) -> Report:
    remote.posts = posts(7, 7)
    pull_channel(qlue)
    return Report.objects.get(external_id="7")


@pytest.fixture
def pot_report(pot: ChannelConnection) -> Report:
    return make_report(channel=pot.channel, external_id="POT-1")


def test_a_pulled_report_answers_its_post_in_qlues_words(qlue_report: Report, remote: Remote) -> None:
    move(qlue_report, Status.COORDINATION, note="Diteruskan ke dinas, hub 0812-3456-7890")
    assert deliver() == Delivered(sent=1)
    assert [taken.says for taken in remote.taken] == [
        {
            "post_id": "7",
            "status": "proses",
            "note": "Diteruskan ke dinas, hub [telepon]",
            "updated_at": "2026-03-01T12:00:00+07:00",
        }
    ]


def test_qlue_is_not_told_of_a_step_that_it_would_not_see(qlue_report: Report, remote: Remote) -> None:
    move(qlue_report, Status.COORDINATION)
    move(qlue_report, Status.ASSIGNED)
    move(qlue_report, Status.IN_PROGRESS, note="rahasia", note_is_public=False)
    move(qlue_report, Status.RESOLVED)
    deliver()
    assert [taken.says["status"] for taken in remote.taken] == ["proses", "selesai"]
    assert all(taken.says["note"] == "" for taken in remote.taken)


def test_a_peer_is_told_of_every_step_by_webhook(pot_report: Report, remote: Remote) -> None:
    move(pot_report, Status.ASSIGNED)
    move(pot_report, Status.RESOLVED, NOW + timedelta(hours=1), note="Selesai ditangani")
    assert deliver(timedelta(hours=1)) == Delivered(sent=2)
    assert [taken.says for taken in remote.taken] == [
        {
            "event": "service_request.updated",
            "service_request_id": pot_report.public_id,
            "external_id": "POT-1",
            "status": "open",
            "status_code": "assigned",
            "status_notes": "",
            "updated_datetime": "2026-03-01T05:00:00+00:00",
        },
        {
            "event": "service_request.updated",
            "service_request_id": pot_report.public_id,
            "external_id": "POT-1",
            "status": "closed",
            "status_code": "resolved",
            "status_notes": "Selesai ditangani",
            "updated_datetime": "2026-03-01T06:00:00+00:00",
        },
    ]


def test_a_message_carries_a_signature_that_the_channel_can_check(
    pot: ChannelConnection, pot_report: Report, remote: Remote
) -> None:
    move(pot_report, Status.ASSIGNED)
    deliver()
    (taken,) = remote.taken
    key = signing_key(pot)
    signed = hmac.new(key.encode(), taken.headers["X-Pantau-Timestamp"].encode() + b"." + taken.body, hashlib.sha256)
    assert taken.headers["X-Pantau-Signature"] == f"sha256={signed.hexdigest()}"
    assert taken.headers["X-Pantau-Delivery"] == str(OutboxMessage.objects.get().key)
    assert taken.headers["Content-Type"] == "application/json; charset=utf-8"


def test_the_check_in_the_documentation_takes_our_messages_and_no_others(
    pot: ChannelConnection, pot_report: Report, remote: Remote
) -> None:
    move(pot_report, Status.ASSIGNED)
    deliver()
    (taken,) = remote.taken
    text = DOCUMENT.read_text(encoding="utf-8")
    start = text.index("import hmac, time\n")
    names: dict[str, Any] = {}
    exec(text[start : text.index("```", start)], names)
    is_pantaus, key = names["is_pantaus"], signing_key(pot)
    assert is_pantaus(key, taken.headers, taken.body)
    assert not is_pantaus(key, taken.headers, taken.body + b" ")
    assert not is_pantaus("0" * 64, taken.headers, taken.body)
    # An old message that somebody has kept and sends again.
    sent_at = int(taken.headers["X-Pantau-Timestamp"]) - 3600
    signed = hmac.new(key.encode(), f"{sent_at}.".encode() + taken.body, hashlib.sha256).hexdigest()
    kept = {"X-Pantau-Timestamp": str(sent_at), "X-Pantau-Signature": f"sha256={signed}"}
    assert not is_pantaus(key, kept, taken.body)


def test_a_rotated_key_is_another_one_and_signs_from_then_on(
    pot: ChannelConnection, pot_report: Report, remote: Remote
) -> None:
    old = signing_key(pot)
    move(pot_report, Status.ASSIGNED)
    rotate_key(pot)
    new = signing_key(ChannelConnection.objects.select_related("channel").get(pk=pot.pk))
    assert old != new
    deliver()
    (taken,) = remote.taken
    signed = hmac.new(new.encode(), taken.headers["X-Pantau-Timestamp"].encode() + b"." + taken.body, hashlib.sha256)
    assert taken.headers["X-Pantau-Signature"] == f"sha256={signed.hexdigest()}"


def test_two_channels_have_two_keys(pot: ChannelConnection, qlue: ChannelConnection) -> None:
    assert signing_key(pot) != signing_key(qlue)


def test_a_channel_that_is_down_for_a_while_hears_everything_once_and_in_order(
    pot_report: Report, remote: Remote
) -> None:
    remote.down = True
    move(pot_report, Status.COORDINATION)
    move(pot_report, Status.ASSIGNED)
    assert deliver() == Delivered(failed=1)
    assert deliver(timedelta(minutes=1)) == Delivered(failed=1)
    move(pot_report, Status.IN_PROGRESS)
    remote.down = False
    assert deliver(timedelta(hours=1)) == Delivered(sent=3)
    assert deliver(timedelta(hours=2)) == Delivered()
    assert [taken.says["status_code"] for taken in remote.taken] == ["coordination", "assigned", "in_progress"]
    assert DeliveryAttempt.objects.filter(is_success=False).count() == 2


def test_nothing_is_written_down_for_a_change_that_is_rolled_back(pot_report: Report) -> None:
    with transaction.atomic():
        move(pot_report, Status.ASSIGNED)
        assert OutboxMessage.objects.exists()
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.exists()


def test_a_channel_without_a_connection_is_told_nothing(pot: ChannelConnection, remote: Remote) -> None:
    move(make_report(), Status.ASSIGNED)
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("lack", [{"is_active": False}, {"status_url": ""}])
def test_a_connection_that_is_off_or_has_no_address_is_told_nothing(
    pot: ChannelConnection, pot_report: Report, lack: dict[str, Any]
) -> None:
    ChannelConnection.objects.update(**lack)
    move(pot_report, Status.ASSIGNED)
    assert not OutboxMessage.objects.exists()


def test_a_message_for_a_channel_that_is_not_connected_any_more_is_given_up_with_the_reason(
    pot: ChannelConnection, pot_report: Report, remote: Remote
) -> None:
    move(pot_report, Status.ASSIGNED)
    pot.delete()
    assert deliver() == Delivered(dead=1)
    assert OutboxMessage.objects.get().last_error == "the channel pot is not connected any more"
    assert remote.taken == []


def test_a_message_holds_no_personal_data(qlue_report: Report) -> None:
    move(qlue_report, Status.ASSIGNED, note="Hubungi siti@example.org")
    assert OutboxMessage.objects.get(transport="channel").payload == {
        "channel": "qlue",
        "report": qlue_report.public_id,
        "external_id": "7",
        "status": "assigned",
        "note": "Hubungi [e-mail]",
        "at": "2026-03-01T05:00:00+00:00",
    }


def test_a_report_that_was_merged_tells_its_own_channel_when_its_parent_is_resolved(
    pot_report: Report, qlue_report: Report, remote: Remote
) -> None:
    move(pot_report, Status.ASSIGNED)
    deliver()
    remote.taken.clear()
    Report.objects.filter(pk=qlue_report.pk).update(duplicate_of=pot_report)
    move(pot_report, Status.RESOLVED)
    deliver()
    assert {taken.says.get("post_id") or taken.says["external_id"] for taken in remote.taken} == {"7", "POT-1"}
