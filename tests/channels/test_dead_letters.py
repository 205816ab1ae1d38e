"""What could not be stored is kept as it came, can be read, and goes in once its cause is mended."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from geo.channels.dead_letters import replay_letters, storable
from geo.channels.models import ChannelConnection, DeadLetter
from geo.channels.pulling import pull_channel
from geo.models import Report
from tests.channels.remote import Remote, post, posts
from tests.factories import make_category, make_channel

pytestmark = pytest.mark.django_db

NOW = datetime(2016, 3, 2, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def pull(connection: ChannelConnection, now: datetime = NOW) -> Any:
    ChannelConnection.objects.update(cursor={})
    return pull_channel(connection, clock=lambda: now)


def replay(*args: str) -> str:
    out = StringIO()
    call_command("replay_dead_letters", *args, "-v", "0", stdout=out)
    return out.getvalue().strip()


def test_what_is_refused_is_kept_as_it_came_and_the_rest_goes_in(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(3, loc_lat=106.93, loc_lng=-6.25), post(2, post_date="kemarin"), post(1)]
    pulled = pull(qlue)
    assert (pulled.read, pulled.stored, pulled.rejected) == (3, 1, 2)
    letters = {letter.external_id: letter for letter in DeadLetter.objects.all()}
    assert letters["3"].payload == remote.posts[0]
    assert "-6.25" in letters["3"].reason
    assert "is not a date" in letters["2"].reason
    assert (letters["2"].received_at, letters["2"].replayed_at) == (NOW, None)


def test_the_same_refused_post_again_is_one_letter_with_its_latest_state(
    qlue: ChannelConnection, remote: Remote
) -> None:
    remote.posts = [post(1, post_title="Satu"), {"post_title": "no id"}, 7]
    pull(qlue)
    assert DeadLetter.objects.count() == 3
    remote.posts[0] = post(1, post_title="Dua")
    pull(qlue, LATER)
    assert DeadLetter.objects.count() == 3
    letter = DeadLetter.objects.get(external_id="1")
    assert letter.payload["post_title"] == "Dua"
    assert "'Dua'" in letter.reason
    assert letter.received_at == NOW


def test_one_external_id_twice_on_a_page_is_one_letter(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(1, post_title="Satu"), post(1, post_title="Dua")]
    assert pull(qlue).rejected == 2
    assert DeadLetter.objects.get().payload["post_title"] == "Dua"


def test_what_postgresql_has_no_room_for_is_kept_all_the_same(qlue: ChannelConnection, remote: Remote) -> None:
    remote.broken[1] = (200, b'[{"post_id": 1, "post_title": "a\\u0000b \\ud800", "more": [NaN, 1e999], "\\u0000": 1}]')
    pull(qlue)
    assert DeadLetter.objects.get().payload == {
        "post_id": 1,
        "post_title": "a\ufffdb ?",
        "more": ["nan", "inf"],
        "\ufffd": 1,
    }


def test_an_id_that_is_too_long_is_a_letter_too(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(1, post_id="9" * 300)]
    pull(qlue)
    pull(qlue)
    assert DeadLetter.objects.get().reason == "external_id: longer than 200 characters"


@pytest.mark.parametrize("broken", ["7\0", "7\ud800"])
def test_an_id_that_cannot_be_stored_does_not_block_the_feed(
    broken: str, qlue: ChannelConnection, remote: Remote
) -> None:
    remote.posts = [post(2), post(1, post_id=broken)]
    assert (pull(qlue).stored, pull(qlue).rejected) == (1, 1)
    letter = DeadLetter.objects.get()
    assert letter.external_id.startswith("payload:")
    assert letter.payload["post_id"] in ("7\ufffd", "7?")
    qlue.refresh_from_db()
    assert qlue.cursor["post_id"] == 2
    assert replay("qlue") == "read 1: stored 1, known already 0, still refused 0"


def test_a_letter_is_called_by_its_number_and_not_by_what_it_quotes(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(1, post_title="Siti")]
    pull(qlue)
    letter = DeadLetter.objects.get()
    assert "Siti" in letter.reason
    assert str(letter) == f"Qlue #{letter.pk}"


def test_a_mended_cause_and_a_replay_store_what_was_refused(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(2, post_title="Got mampet"), post(1, post_title="Entah")]
    pull(qlue)
    make_category("drainase")
    ChannelConnection.objects.update(category_map={"got mampet": "drainase"})
    assert replay("qlue") == "read 2: stored 1, known already 0, still refused 1"
    report = Report.objects.get()
    assert (report.external_id, report.category.slug, report.description) == (
        "2",
        "drainase",
        "Got mampet\nTumpukan nomor 2",
    )
    assert DeadLetter.objects.get(external_id="2").replayed_at is not None
    assert DeadLetter.objects.get(external_id="1").replayed_at is None
    # Once more: the one that is stored is not read again.
    assert replay() == "read 1: stored 0, known already 0, still refused 1"
    assert Report.objects.count() == 1


def test_one_letter_alone_may_be_replayed(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(2, post_title="x"), post(1, post_title="x")]
    pull(qlue)
    make_category("x")
    assert (
        replay("--id", str(DeadLetter.objects.get(external_id="1").pk))
        == "read 1: stored 1, known already 0, still refused 0"
    )
    assert Report.objects.get().external_id == "1"


def test_a_post_that_is_mended_on_the_other_side_closes_its_letter(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(1, loc_lat="utara")]
    pull(qlue)
    remote.posts = [post(1)]
    pull(qlue, LATER)
    assert DeadLetter.objects.get().replayed_at == LATER
    assert Report.objects.count() == 1


def test_letters_of_more_than_one_batch_are_all_replayed(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 2000, [post(n, post_title="Got") for n in range(1100, 0, -1)]
    pull(qlue)
    assert DeadLetter.objects.count() == 1100
    make_category("got")
    replayed = replay_letters(DeadLetter.objects.all())
    assert (replayed.read, replayed.stored, replayed.refused) == (1100, 1100, 0)
    assert Report.objects.count() == 1100


def test_a_letter_of_a_channel_that_is_not_connected_any_more_says_so(
    qlue: ChannelConnection, remote: Remote, settings: Any
) -> None:
    settings.LANGUAGE_CODE = "en"
    remote.posts = [post(1, post_title="x")]
    pull(qlue)
    qlue.delete()
    with pytest.raises(CommandError, match="The channel qlue is not connected"):
        replay()


def test_a_letter_or_a_channel_that_is_not_there_is_named(qlue: ChannelConnection) -> None:
    with pytest.raises(CommandError, match="there is no channel 'clue'"):
        replay("clue")
    with pytest.raises(CommandError, match="there is no open letter 99"):
        replay("--id", "99")


def test_what_can_be_stored_is_left_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, "é"], "b": {"c": ""}}
    assert storable(value) == value


# In the admin.
def test_a_letter_can_be_read_in_the_admin_with_nothing_of_it_as_markup(
    qlue: ChannelConnection, remote: Remote, admin_client: Client
) -> None:
    remote.posts = [post(1, post_title="<img src=x onerror=alert(1)>Entah")]
    pull(qlue)
    letter = DeadLetter.objects.get()
    listed = admin_client.get(reverse("admin:geo_deadletter_changelist")).content.decode()
    assert "Entah" in listed
    page = admin_client.get(reverse("admin:geo_deadletter_change", args=[letter.pk])).content.decode()
    assert "Siti Aminah" in page
    assert "<img src=x" not in page


def test_a_letter_is_fed_in_again_by_an_action(qlue: ChannelConnection, remote: Remote, admin_client: Client) -> None:
    remote.posts = [post(1, post_title="Got")]
    pull(qlue)
    make_category("got")
    data = {"action": "replay", "_selected_action": [DeadLetter.objects.get().pk]}
    admin_client.post(reverse("admin:geo_deadletter_changelist"), data)
    assert Report.objects.get().external_id == "1"


def test_letters_and_connections_are_for_superusers_alone(
    qlue: ChannelConnection, client: Client, django_user_model: Any
) -> None:
    from django.contrib.auth.models import Permission

    user = django_user_model.objects.create_user("officer", password="x" * 12, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="geo"))
    client.force_login(user)
    for name in ("deadletter", "channelconnection"):
        assert client.get(reverse(f"admin:geo_{name}_changelist")).status_code == 403


def test_a_connection_is_edited_in_the_admin_and_keeps_what_a_reading_wrote_meanwhile(
    qlue: ChannelConnection, remote: Remote, admin_client: Client
) -> None:
    remote.posts = posts(1, 3)
    pull(qlue)
    url = reverse("admin:geo_channelconnection_change", args=[qlue.pk])
    page = admin_client.get(url)
    assert page.status_code == 200
    data = {
        "adapter": "qlue",
        "is_active": "on",
        "feed_url": remote.feed_url,
        "status_url": remote.status_url,
        "category_map": json.dumps({"got": "sampah"}),
        "default_category": "",
        "pull_every_s": "60",
    }
    assert admin_client.post(url, data).status_code == 302
    qlue.refresh_from_db()
    assert (qlue.pull_every_s, qlue.category_map, qlue.cursor["post_id"]) == (60, {"got": "sampah"}, 3)
    # Another feed is read from its start.
    assert admin_client.post(url, {**data, "feed_url": f"{remote.url}/other"}).status_code == 302
    qlue.refresh_from_db()
    assert qlue.cursor == {}


def test_a_connection_is_made_in_the_admin_and_a_list_of_words_that_is_none_is_refused(
    city: Any, admin_client: Client
) -> None:
    data = {
        "channel": make_channel("qlue").pk,
        "adapter": "qlue",
        "is_active": "on",
        "feed_url": "q.example/feed",
        "status_url": "",
        "category_map": '["sampah"]',
        "default_category": "",
        "pull_every_s": "60",
    }
    url = reverse("admin:geo_channelconnection_add")
    for bad in ('["sampah"]', '{"x": "nothing"}', '{"x": 7}'):
        assert admin_client.post(url, {**data, "category_map": bad}).status_code == 200
        assert not ChannelConnection.objects.exists()
    assert admin_client.post(url, {**data, "category_map": '{"Got  Mampet": "sampah"}'}).status_code == 302
    connection = ChannelConnection.objects.get()
    assert (connection.feed_url, connection.category_map) == ("https://q.example/feed", {"got mampet": "sampah"})


def test_a_stored_post_whose_word_lost_its_meaning_is_no_dead_letter(qlue: ChannelConnection, remote: Remote) -> None:
    category = make_category("x")
    remote.posts = [post(1, post_title="x")]
    pull(qlue)
    Report.objects.update(category=make_category("lain"))
    category.delete()
    pulled = pull(qlue, LATER)
    assert (pulled.stored, pulled.repeated, pulled.rejected) == (0, 1, 0)
    assert not DeadLetter.objects.exists()
    assert Report.objects.count() == 1
