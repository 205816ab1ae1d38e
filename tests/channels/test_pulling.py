"""A channel's feed, read over real HTTP: nothing twice, nothing lost, whatever the remote side does meanwhile."""

import json
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database

from geo.areas.models import City
from geo.channels.connecting import Settings, connect_channel
from geo.channels.locks import advisory_lock
from geo.channels.models import ChannelConnection, DeadLetter
from geo.channels.pulling import Outcome, Pulled, is_due, pull_channel, pulled_connections
from geo.models import OutboxMessage, Report, ReportContact
from tests.channels.remote import Remote, post, posts
from tests.factories import make_category, make_channel

pytestmark = pytest.mark.django_db

NOW = datetime(2016, 3, 2, 3, 0, tzinfo=UTC)


def pull(connection: ChannelConnection, now: datetime = NOW) -> Pulled:
    connection.refresh_from_db()
    pulled = pull_channel(connection, clock=lambda: now)
    connection.refresh_from_db()
    return pulled


def stored() -> set[str]:
    return set(Report.objects.values_list("external_id", flat=True))


def test_a_post_becomes_a_report_of_its_channel_with_its_contact_apart(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(7, post_desc="Bau, hubungi 0812-3456-7890 &amp; cepat")]
    pulled = pull(qlue)
    assert (pulled.outcome, pulled.read, pulled.stored, pulled.rejected) == (Outcome.DONE, 1, 1, 0)
    report = Report.objects.get()
    assert (report.channel.slug, report.external_id, report.category.slug) == ("qlue", "7", "sampah")
    assert report.reported_at == datetime(2016, 3, 1, 3, 0, tzinfo=UTC)
    assert report.description == "Sampah\nBau, hubungi 0812-3456-7890 & cepat"
    assert report.public_description == "Sampah\nBau, hubungi [telepon] & cepat"
    assert (report.location.x, report.location.y) == (106.93, -6.25)
    assert report.area is not None
    assert report.area.code == "kota-uji.1.1"
    assert ReportContact.objects.get().name == "Siti Aminah"
    assert (qlue.succeeded_at, qlue.failures, qlue.last_error) == (NOW, 0, "")


def test_a_post_without_a_place_is_a_report_without_one(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(7, loc_lat=0, loc_lng=0)]
    pull(qlue)
    assert (Report.objects.get().location, Report.objects.get().location_flag) == (None, "none")


def test_photos_of_new_posts_are_to_be_fetched_and_those_of_known_ones_are_not_fetched_again(
    qlue: ChannelConnection, remote: Remote
) -> None:
    remote.posts = [post(7, post_images="https://img.example/1.jpg,https://img.example/2.jpg"), post(6)]
    pull(qlue)
    qlue.cursor = {}
    qlue.save()
    pull(qlue)
    wanted = OutboxMessage.objects.filter(transport="photo").order_by("id").values_list("payload", flat=True)
    report = Report.objects.get(external_id="7").public_id
    assert list(wanted) == [
        {"report": report, "url": "https://img.example/1.jpg"},
        {"report": report, "url": "https://img.example/2.jpg"},
    ]


@pytest.mark.parametrize("wrap", ["data", "result"])
def test_the_feed_may_wrap_its_posts(qlue: ChannelConnection, remote: Remote, wrap: str) -> None:
    remote.wrap, remote.posts = wrap, posts(1, 3)
    assert pull(qlue).stored == 3


def test_every_page_is_read_until_an_empty_one(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10, posts(1, 25)
    assert pull(qlue).stored == 25
    assert remote.asked == [1, 2, 3, 4]
    assert qlue.cursor["post_id"] == 25


def test_the_same_page_pulled_twice_leaves_each_report_once(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = posts(1, 5)
    pull(qlue)
    pulled = pull(qlue)
    assert (pulled.read, pulled.stored, pulled.repeated) == (5, 0, 5)
    assert Report.objects.count() == ReportContact.objects.count() == 5


def test_only_what_is_new_is_read_the_next_time(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10, posts(1, 100)
    pull(qlue)
    remote.asked.clear()
    remote.posts = posts(1, 103)
    pulled = pull(qlue, NOW + timedelta(minutes=5))
    assert pulled.stored == 3
    # Page 2 is the first on which nothing is new.
    assert remote.asked == [1, 2]
    assert len(stored()) == 103


def test_a_lost_cursor_reads_everything_again_and_doubles_nothing(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10, posts(1, 30)
    pull(qlue)
    ChannelConnection.objects.update(cursor={})
    pulled = pull(qlue)
    assert (pulled.read, pulled.stored, pulled.repeated) == (30, 0, 30)
    assert Report.objects.count() == 30
    assert qlue.cursor["post_id"] == 30


def test_a_feed_that_gives_the_oldest_first_loses_nothing(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10, posts(1, 20)[::-1]
    pull(qlue)
    remote.posts = posts(1, 25)[::-1]
    assert pull(qlue).stored == 5


def test_a_feed_that_knows_no_pages_is_read_and_left(qlue: ChannelConnection, remote: Remote) -> None:
    remote.ignores_pages, remote.posts = True, posts(1, 5)
    assert pull(qlue).stored == 5
    assert len(remote.asked) == 3


def test_a_post_that_comes_in_while_the_feed_is_read_hides_no_older_one(
    qlue: ChannelConnection, remote: Remote
) -> None:
    remote.page_size, remote.posts = 1, posts(1, 4)

    def one_more(_n: int) -> None:
        if len(remote.posts) == 4:
            remote.posts = posts(1, 5)

    pull_channel(qlue, clock=lambda: NOW, on_progress=one_more)
    assert {"1", "2", "3", "4"} <= stored()
    pull(qlue)
    assert stored() == {"1", "2", "3", "4", "5"}


def test_a_post_that_appears_late_below_the_cursor_is_found_within_a_day(
    qlue: ChannelConnection, remote: Remote
) -> None:
    remote.page_size = 2
    remote.posts = [one for one in posts(1, 10) if one["post_id"] != 4]
    pull(qlue)
    remote.posts = posts(1, 10)
    pull(qlue, NOW + timedelta(hours=1))
    assert "4" not in stored()
    pull(qlue, NOW + timedelta(hours=25))
    assert "4" in stored()
    # And then it is quick again.
    remote.asked.clear()
    pull(qlue, NOW + timedelta(hours=26))
    assert remote.asked == [1]


def test_a_post_of_the_future_is_a_dead_letter_and_does_not_hide_those_that_follow(
    qlue: ChannelConnection, remote: Remote
) -> None:
    remote.posts = [post(999_999, post_date="2099-01-01 00:00:00"), *posts(1, 3)]
    pull(qlue)
    remote.posts = [post(999_999, post_date="2099-01-01 00:00:00"), *posts(1, 5)]
    pull(qlue)
    assert stored() == {"1", "2", "3", "4", "5"}
    assert DeadLetter.objects.get().external_id == "999999"


# What a remote side may do, and what is then said of it.
def test_a_remote_side_that_is_down_for_a_while_loses_nothing(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10, posts(1, 20)
    pull(qlue)
    cursor = qlue.cursor
    remote.down, remote.posts = True, posts(1, 45)
    for failures in (1, 2, 3):
        assert pull(qlue).outcome is Outcome.FAILED
        assert (qlue.failures, qlue.cursor) == (failures, cursor)
    assert qlue.last_error == "page 1: answered with HTTP status 503"
    assert qlue.succeeded_at == NOW
    remote.down = False
    assert pull(qlue).stored == 25
    assert (qlue.failures, qlue.last_error, len(stored())) == (0, "", 45)


def test_a_remote_side_that_breaks_in_the_middle_is_read_again_from_the_top(
    qlue: ChannelConnection, remote: Remote
) -> None:
    remote.page_size, remote.posts = 10, posts(1, 40)
    remote.broken[3] = (500, b"")
    pulled = pull(qlue)
    assert (pulled.outcome, pulled.stored, qlue.cursor) == (Outcome.FAILED, 20, {})
    remote.broken.clear()
    # Two more on top meanwhile: the older half must come all the same.
    remote.posts = posts(1, 42)
    pulled = pull(qlue)
    assert (pulled.stored, pulled.repeated) == (22, 20)
    assert len(stored()) == 42


def test_a_page_of_broken_json_is_named_and_the_cursor_stays(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10, posts(1, 20)
    pull(qlue)
    cursor = qlue.cursor
    remote.posts = posts(1, 40)
    remote.broken[2] = (200, json.dumps(posts(21, 30)).encode()[:-20])
    pulled = pull(qlue)
    assert (pulled.outcome, pulled.fault) == (Outcome.FAILED, "page 2: not JSON")
    assert (qlue.cursor, qlue.last_error) == (cursor, "page 2: not JSON")
    # What the first page brought is kept.
    assert len(stored()) == 30


def test_a_closed_port_is_a_failure_that_tells_no_path(qlue: ChannelConnection, remote: Remote) -> None:
    ChannelConnection.objects.update(feed_url="http://127.0.0.1:1/secret-path?token=s3cret")
    assert pull(qlue).outcome is Outcome.FAILED
    assert "127.0.0.1:1" in qlue.last_error
    assert "s3cret" not in qlue.last_error
    assert "secret-path" not in qlue.last_error


def test_an_address_inside_a_private_network_is_not_called(
    qlue: ChannelConnection, remote: Remote, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = []
    assert pull(qlue).outcome is Outcome.FAILED
    assert remote.asked == []


def test_no_city_yet_is_a_failure_in_words(remote: Remote) -> None:
    connection = ChannelConnection.objects.create(
        channel=make_channel("qlue"), adapter="qlue", feed_url=remote.feed_url, default_category=make_category()
    )
    remote.posts = posts(1, 1)
    assert pull(connection).outcome is Outcome.FAILED
    assert connection.last_error


@pytest.mark.parametrize(
    ("every_s", "failures", "pause_s"),
    [(300, 0, 300), (300, 1, 600), (300, 3, 2400), (300, 4, 3600), (300, 500, 3600), (7200, 3, 7200)],
)
def test_a_failing_feed_is_asked_ever_more_slowly_but_hourly_or_at_its_own_pace(
    every_s: int, failures: int, pause_s: int
) -> None:
    connection = ChannelConnection(pull_every_s=every_s, failures=failures, pulled_at=NOW)
    assert not is_due(connection, NOW + timedelta(seconds=pause_s - 1))
    assert is_due(connection, NOW + timedelta(seconds=pause_s))


def test_a_feed_that_was_never_read_is_due(qlue: ChannelConnection) -> None:
    assert is_due(qlue, NOW)


def test_only_connections_in_use_with_a_feed_are_read(
    qlue: ChannelConnection, pot: ChannelConnection, remote: Remote
) -> None:
    assert pulled_connections() == [qlue]
    qlue.is_active = False
    qlue.save()
    assert pulled_connections() == []
    qlue.is_active, qlue.channel.is_active = True, False
    qlue.save()
    qlue.channel.save()
    assert pulled_connections() == []


# Words.
def test_their_word_is_our_category_whatever_its_case(qlue: ChannelConnection, remote: Remote) -> None:
    make_category("jalan-berlubang")
    qlue.category_map = {"Jalan Rusak": "jalan-berlubang"}
    qlue.save()
    remote.posts = [post(1, post_category="JALAN  rusak"), post(2, post_title="jalan rusak"), post(3)]
    pull(qlue)
    assert dict(Report.objects.values_list("external_id", "category__slug")) == {
        "1": "jalan-berlubang",
        "2": "jalan-berlubang",
        "3": "sampah",
    }


def test_an_unknown_word_is_the_default_category_or_else_a_dead_letter(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = [post(1, post_title="Entah apa")]
    assert pull(qlue).rejected == 1
    letter = DeadLetter.objects.get()
    assert letter.reason == "category: there is no category 'Entah apa'"
    assert letter.payload == remote.posts[0]
    qlue.default_category = make_category("lainnya")
    qlue.save()
    remote.posts = [post(2, post_title="Entah apa")]
    pull(qlue)
    assert Report.objects.get().category.slug == "lainnya"


def test_a_word_that_means_a_category_which_is_gone_makes_dead_letters_and_no_error(
    qlue: ChannelConnection, remote: Remote
) -> None:
    qlue.category_map = {"Sampah": "dihapus"}
    qlue.save()
    remote.posts = posts(1, 1)
    pulled = pull(qlue)
    assert (pulled.outcome, pulled.rejected) == (Outcome.DONE, 1)
    assert "dihapus" in DeadLetter.objects.get().reason


# Many, and at once.
def test_ten_thousand_posts_in_one_page_are_ten_thousand_reports(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10_000, posts(1, 10_000)
    pulled = pull(qlue)
    assert (pulled.read, pulled.stored, pulled.rejected) == (10_000, 10_000, 0)
    assert Report.objects.count() == ReportContact.objects.count() == 10_000
    assert pull(qlue).stored == 0


def test_a_long_feed_is_held_a_page_at_a_time(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10, [post(number, more="x" * 50_000) for number in range(400, 0, -1)]
    tracemalloc.start()
    try:
        pulled = pull(qlue)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (pulled.pages, pulled.stored) == (40, 400)
    # All the posts together are 20 MB, a page of them is 0.5 MB.
    assert peak < 5_000_000


def test_a_reading_that_is_asked_to_stop_ends_after_its_page(qlue: ChannelConnection, remote: Remote) -> None:
    remote.page_size, remote.posts = 10, posts(1, 30)
    pulled = pull_channel(qlue, clock=lambda: NOW, should_stop=lambda: True)
    assert (pulled.outcome, pulled.stored) == (Outcome.STOPPED, 10)
    qlue.refresh_from_db()
    assert (qlue.cursor, qlue.pulled_at) == ({}, None)
    assert pull(qlue).stored == 20


def test_a_channel_that_is_given_another_feed_while_it_is_read_is_read_from_that_ones_start(
    qlue: ChannelConnection, remote: Remote
) -> None:
    remote.posts = posts(1, 5)

    def connect_anew(_n: int) -> None:
        connect_channel(channel=qlue.channel, settings=Settings(feed_url=f"{remote.url}/other"))

    pull_channel(qlue, clock=lambda: NOW, on_progress=connect_anew)
    qlue.refresh_from_db()
    assert (qlue.feed_url, qlue.cursor) == (f"{remote.url}/other", {})


@pytest.mark.django_db(transaction=True)
def test_two_readings_of_one_channel_never_run_at_once(qlue: ChannelConnection, remote: Remote) -> None:
    remote.posts = posts(1, 5)
    remote.gate = threading.Event()
    results: list[Pulled] = []

    def first() -> None:
        results.append(pull_channel(qlue))
        database.close()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert remote.waiting.wait(30)
        # The first one waits for its answer, and holds the channel.
        assert pull_channel(qlue).outcome is Outcome.BUSY
    finally:
        remote.gate.set()
        thread.join()
    assert (results[0].outcome, results[0].stored) == (Outcome.DONE, 5)
    assert Report.objects.count() == 5
    assert pull_channel(qlue).outcome is Outcome.DONE


@pytest.mark.django_db(transaction=True)
def test_two_channels_are_read_beside_each_other(qlue: ChannelConnection, remote: Remote, city: City) -> None:
    remote.posts = posts(1, 5)
    with advisory_lock("geo.channels.pull", str(qlue.pk)):
        other = ChannelConnection.objects.create(
            channel=make_channel("qlue-2", city=city), adapter="qlue", feed_url=remote.feed_url
        )
        assert pull_channel(other).stored == 5


def test_a_mistake_of_ours_is_noted_so_that_it_is_not_repeated_without_a_pause(
    qlue: ChannelConnection, remote: Remote
) -> None:
    def break_down(_n: int) -> None:
        raise ZeroDivisionError

    remote.posts = posts(1, 1)
    with pytest.raises(ZeroDivisionError):
        pull_channel(qlue, clock=lambda: NOW, on_progress=break_down)
    qlue.refresh_from_db()
    assert (qlue.failures, qlue.last_error, qlue.pulled_at) == (1, "ZeroDivisionError", NOW)
