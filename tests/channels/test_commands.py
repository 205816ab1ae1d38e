"""A channel is connected, read and looked after from the command line."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from geo.channels.models import ChannelConnection, DeadLetter
from geo.channels.signing import signing_key
from geo.channels.status_table import status_table
from geo.models import Channel, OutboxMessage, Report
from tests.channels.remote import Remote, post, posts
from tests.factories import make_channel

NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
DOCUMENT = Path(__file__).parents[2] / "docs/channels.md"


def run(command: str, *args: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    quiet = ("-v", "0") if command in ("pull_channels", "replay_dead_letters") else ()
    call_command(command, *args, *quiet, stdout=out, stderr=err)
    return out.getvalue().strip(), err.getvalue()


# connect_channel
@pytest.mark.django_db
def test_one_command_connects_a_channel_and_says_what_is_set(city: Any, settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    make_channel("qlue")
    _out, err = run(
        *("connect_channel", "qlue", "--adapter", "qlue", "--feed-url", "https://q.example/feed"),
        *("--map", "Tumpukan sampah=sampah,Kotor = sampah", "--default-category", "sampah", "--every", "60"),
    )
    connection = ChannelConnection.objects.get()
    assert (connection.adapter, connection.feed_url, connection.pull_every_s) == ("qlue", "https://q.example/feed", 60)
    assert connection.category_map == {"tumpukan sampah": "sampah", "kotor": "sampah"}
    assert connection.default_category is not None
    assert connection.default_category.slug == "sampah"
    assert "https://q.example/feed" in err
    assert "There is no status address" in err
    assert "There is no feed" not in err


@pytest.mark.django_db
def test_the_same_command_again_changes_nothing_and_another_only_what_it_names(city: Any) -> None:
    make_channel("qlue")
    first = (
        "connect_channel",
        "qlue",
        "--adapter",
        "qlue",
        "--feed-url",
        "https://q.example/feed",
        "--map",
        "a=sampah",
    )
    run(*first)
    before = ChannelConnection.objects.values().get()
    run(*first)
    assert ChannelConnection.objects.values().get() == before
    run("connect_channel", "qlue", "--status-url", "https://q.example/status", "--map", "b=sampah,a=")
    after = ChannelConnection.objects.values().get()
    assert after == before | {"status_url": "https://q.example/status", "category_map": {"b": "sampah"}}


@pytest.mark.django_db
def test_another_feed_is_read_from_its_start_and_the_same_is_not(qlue: ChannelConnection, remote: Remote) -> None:
    ChannelConnection.objects.update(cursor={"post_id": 9})
    run("connect_channel", "qlue", "--feed-url", remote.feed_url)
    assert ChannelConnection.objects.get().cursor == {"post_id": 9}
    run("connect_channel", "qlue", "--feed-url", f"{remote.url}/other")
    assert ChannelConnection.objects.get().cursor == {}


@pytest.mark.django_db
def test_a_channel_is_made_where_it_is_given_a_name(city: Any) -> None:
    with pytest.raises(CommandError, match="there is no channel 'sorot'"):
        run("connect_channel", "sorot", "--adapter", "open311")
    run("connect_channel", "sorot", "--name", "SOROT", "--adapter", "open311")
    assert Channel.objects.get(slug="sorot").name == "SOROT"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "adapter"),
        (["--adapter", "qlue", "--map", "sampah"], "WORD=SLUG"),
        (["--adapter", "qlue", "--map", "x=nothing"], "There is no category 'nothing'"),
        (["--adapter", "qlue", "--default-category", "nothing"], "There is no category 'nothing'"),
        (["--adapter", "qlue", "--every", "3"], "At least 10 seconds"),
        (["--adapter", "qlue", "--feed-url", "ftp://q.example/feed"], "feed_url"),
        (["--adapter", "qlue", "--feed-url", "https://me:pw@q.example/feed"], "feed_url"),
        (["--adapter", "qlue", "--status-url", "q.example"], "status_url"),
    ],
)
def test_what_cannot_be_set_is_named_and_nothing_is_written(
    city: Any, settings: Any, args: list[str], says: str
) -> None:
    settings.LANGUAGE_CODE = "en"
    make_channel("qlue")
    with pytest.raises(CommandError, match=says):
        run("connect_channel", "qlue", *args)
    assert not ChannelConnection.objects.exists()


@pytest.mark.django_db
def test_the_key_is_shown_on_request_and_another_after_it_was_rotated(pot: ChannelConnection) -> None:
    assert run("connect_channel", "pot")[0] == ""
    shown, _err = run("connect_channel", "pot", "--show-key")
    assert shown == signing_key(pot)
    assert len(shown) == 64
    rotated, _err = run("connect_channel", "pot", "--rotate-key")
    assert rotated not in ("", shown)
    assert run("connect_channel", "pot", "--show-key")[0] == rotated


@pytest.mark.django_db
def test_a_connection_is_switched_off_and_on(pot: ChannelConnection) -> None:
    run("connect_channel", "pot", "--off")
    assert not ChannelConnection.objects.get().is_active
    run("connect_channel", "pot")
    assert not ChannelConnection.objects.get().is_active
    run("connect_channel", "pot", "--on")
    assert ChannelConnection.objects.get().is_active


# pull_channels
@pytest.mark.django_db
def test_pulling_prints_a_line_for_each_channel(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [*posts(2, 4), post(1, post_title="Entah")]
    out, err = run("pull_channels")
    assert out == "qlue: read 4: stored 3, repeated 0, rejected 1"
    assert "replay_dead_letters" in err


@pytest.mark.django_db
def test_pulling_from_the_start_reads_what_is_known_again(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 2, posts(1, 6)
    run("pull_channels", "qlue")
    assert run("pull_channels", "qlue")[0] == "qlue: read 2: stored 0, repeated 2, rejected 0"
    out, _err = run("pull_channels", "qlue", "--from-start")
    assert out == "qlue: read 6: stored 0, repeated 6, rejected 0"


@pytest.mark.django_db
def test_a_channel_that_is_down_is_an_error_and_the_others_are_read(
    qlue: ChannelConnection, remote: Remote, city: Any
) -> None:
    ChannelConnection.objects.create(
        channel=make_channel("a-qlue", city=city), adapter="qlue", feed_url="http://127.0.0.1:1/"
    )
    remote.posts = posts(1, 2)
    with pytest.raises(CommandError, match="could not be read to the end: a-qlue"):
        run("pull_channels")
    assert Report.objects.count() == 2


@pytest.mark.django_db
def test_a_channel_without_a_feed_is_named(qlue: ChannelConnection, pot: ChannelConnection) -> None:
    with pytest.raises(CommandError, match="no feed to read for pot; there are qlue"):
        run("pull_channels", "qlue", "pot")


# channel_status
@pytest.mark.django_db
def test_the_state_of_each_channel_is_a_line_and_a_json_object(qlue: ChannelConnection, pot: ChannelConnection) -> None:
    ChannelConnection.objects.filter(pk=qlue.pk).update(
        succeeded_at=NOW, pulled_at=NOW, failures=2, last_error="page 1: not JSON"
    )
    for number in ("1", "2"):
        DeadLetter.objects.create(channel=qlue.channel, external_id=number, payload={}, reason="x", received_at=NOW)
    DeadLetter.objects.filter(external_id="2").update(replayed_at=NOW)
    for state in ("pending", "pending", "dead", "delivered"):
        OutboxMessage.objects.create(
            transport="channel",
            destination="channel:pot",
            topic="report.status",
            state=state,
            created_at=NOW,
            next_attempt_at=NOW,
        )
    pot_state, qlue_state = json.loads(run("channel_status", "--json")[0])
    assert (pot_state["channel"], pot_state["unsent"], pot_state["given_up"], pot_state["dead_letters"]) == (
        "pot",
        2,
        1,
        0,
    )
    assert qlue_state == {
        "channel": "qlue",
        "adapter": "qlue",
        "is_active": True,
        "pulled_at": "2026-03-01T05:00:00+00:00",
        "succeeded_at": "2026-03-01T05:00:00+00:00",
        "failures": 2,
        "last_error": "page 1: not JSON",
        "dead_letters": 1,
        "unsent": 0,
        "given_up": 0,
    }
    _header, pot_line, qlue_line = run("channel_status")[0].split("\n")
    assert pot_line.split() == ["pot", "open311", "-", "0", "0", "2", "1", "-"]
    assert qlue_line.split() == [
        "qlue",
        "qlue",
        "2026-03-01T05:00:00+00:00",
        "2",
        "1",
        "0",
        "0",
        "page",
        "1:",
        "not",
        "JSON",
    ]


@pytest.mark.django_db
def test_no_connection_is_no_table(db: Any) -> None:
    assert run("channel_status") == ("", "no channel is connected; see connect_channel\n")
    assert json.loads(run("channel_status", "--json")[0]) == []


# status_table
def test_the_table_of_statuses_has_a_line_for_each() -> None:
    lines = status_table().split("\n")
    assert lines[0] == "| status | Indonesian | English | Open311 | Qlue |"
    assert lines[3] == "| `coordination` | Koordinasi | Coordination between agencies | open | proses |"
    assert len(lines) == 2 + 9


def test_the_documentation_holds_the_table_that_the_code_gives() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    start, end = "<!-- status table: manage status_table -->\n", "\n<!-- end of the status table -->"
    assert text[text.index(start) + len(start) : text.index(end)].strip() == run("status_table")[0]
