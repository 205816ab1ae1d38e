"""Qlue's posts as they are read: no database, no network."""

from datetime import UTC, datetime
from typing import Any

import pytest

from geo.channels.adapter import StatusUpdate
from geo.channels.qlue import Cursor, Qlue, image_urls, is_known, page_url, plain_text, posts_of, read_post
from geo.reports.importing.importer import BrokenRow
from geo.reports.workflow import Status
from tests.channels.remote import post, posts


def test_a_post_becomes_a_row_in_the_importers_words() -> None:
    item = read_post(post(7, post_images=["https://img.example/a.jpg"])).item
    assert item.row == {
        "external_id": "7",
        "category": "Sampah",
        "description": "Sampah\nTumpukan nomor 7",
        "lon": "106.93",
        "lat": "-6.25",
        # 10:00 in Jakarta.
        "reported_at": datetime(2016, 3, 1, 3, 0, tzinfo=UTC),
        "name": "Siti Aminah",
    }
    assert item.photo_urls == ("https://img.example/a.jpg",)
    assert item.external_id == "7"


@pytest.mark.parametrize("nothing", [0, 0.0, "0", "0.000000", "", " ", None])
def test_zero_or_nothing_as_a_coordinate_is_no_place(nothing: Any) -> None:
    row = read_post(post(1, loc_lat=nothing, loc_lng=nothing)).item.row
    assert (row["lon"], row["lat"]) == ("", "")
    row = read_post(post(1, loc_lng=nothing)).item.row
    assert (row["lon"], row["lat"]) == ("", "")


def test_coordinates_may_be_text() -> None:
    row = read_post(post(1, loc_lat="-6.25", loc_lng=" 106.93 ")).item.row
    assert (row["lon"], row["lat"]) == ("106.93", "-6.25")


def test_a_time_that_brings_its_offset_keeps_it() -> None:
    assert read_post(post(1, post_date="2016-03-01T10:00:00Z")).posted_at == datetime(2016, 3, 1, 10, 0, tzinfo=UTC)


def test_a_time_that_is_none_is_left_to_the_importer_to_refuse() -> None:
    read = read_post(post(1, post_date="0000-00-00 00:00:00"))
    assert read.posted_at is None
    assert read.item.row["reported_at"] == "0000-00-00 00:00:00"


def test_a_category_of_its_own_goes_before_the_title() -> None:
    assert read_post(post(1, post_category="Banjir")).item.row["category"] == "Banjir"
    assert read_post(post(1, category="Macet")).item.row["category"] == "Macet"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [("text", "not an object"), (None, "not an object"), ({"post_title": "x"}, "post_id: missing")],
)
def test_what_is_no_post_is_a_broken_row_that_says_so(payload: Any, reason: str) -> None:
    item = read_post(payload).item
    assert isinstance(item.row, BrokenRow)
    assert item.row.reason == reason
    assert item.payload == payload


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a &amp; b &#39;c&#39;", "a & b 'c'"),
        ("<p>satu</p><p>dua<br/>tiga</p>", "satu\ndua\ntiga"),
        ('<a href="https://x.example/?a=1">di sini</a>', "di sini"),
        ("<script>alert(1)</script>", "alert(1)"),
        # What a person typed, and Qlue escaped, is text and no tag.
        ("&lt;b&gt;", "<b>"),
        ("harga < 5000 > 3000 <3", "harga < 5000 > 3000 <3"),
        ("a\x00b\ud800c\r\nd", "ab\ufffdc\nd"),
        (None, ""),
        (True, ""),
        (["x"], ""),
        (12, "12"),
    ],
)
def test_text_is_what_a_person_would_read(written: Any, read: str) -> None:
    assert plain_text(written) == read


@pytest.mark.parametrize(
    ("given", "urls"),
    [
        (
            ["https://a.example/1.jpg", "https://a.example/2.jpg"],
            ("https://a.example/1.jpg", "https://a.example/2.jpg"),
        ),
        (
            "https://a.example/1.jpg, https://a.example/2,5.jpg",
            ("https://a.example/1.jpg", "https://a.example/2,5.jpg"),
        ),
        ("https://a.example/1.jpg", ("https://a.example/1.jpg",)),
        (
            ["https://a.example/1.jpg", "https://a.example/1.jpg", 7, None, "ftp://a.example/x"],
            ("https://a.example/1.jpg",),
        ),
        ("", ()),
        (None, ()),
        ({"url": "https://a.example/1.jpg"}, ()),
    ],
)
def test_photos_come_as_a_list_or_as_a_text_with_commas(given: Any, urls: tuple[str, ...]) -> None:
    assert image_urls(given) == urls


@pytest.mark.parametrize("body", [b"[{}]", b'{"data": [{}]}', b'{"result": [{}], "status": "ok"}'])
def test_the_array_may_stand_alone_or_in_an_object(body: bytes) -> None:
    assert posts_of(body) == [{}]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"error": "busy"}', "holds no list of posts"),
        (b'{"data": null}', "holds no list of posts"),
        (b"7", "holds no list of posts"),
    ],
)
def test_an_answer_without_posts_is_an_error_that_says_what_it_is(body: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        posts_of(body)


def test_the_page_is_added_to_the_feeds_own_query() -> None:
    assert page_url("https://q.example/feed?token=a%20b&page=9", 2) == "https://q.example/feed?token=a+b&page=2"


KNOWN = Cursor(100, datetime(2016, 3, 1, 3, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("numbers", "known"),
    [
        ([100, 99, 98], True),
        ([101, 100, 99], False),
        # Oldest first: what is new comes behind.
        ([98, 99, 100], False),
        # One alone has no order.
        ([100], False),
        # A pinned post on top.
        ([3, 100, 99], False),
    ],
)
def test_a_page_ends_the_reading_only_if_nothing_new_can_come_after_it(numbers: list[int], known: bool) -> None:
    page = [read_post(post(number)) for number in numbers]
    assert is_known(page, KNOWN, None) is known
    assert not is_known(page, Cursor(), None)


def test_a_post_without_a_readable_number_leaves_the_page_open() -> None:
    assert not is_known([read_post(post(100)), read_post(post(99, post_id="x9")), read_post(post(98))], KNOWN, None)


def test_a_reading_that_looks_back_goes_on_until_posts_are_old_enough() -> None:
    page = [read_post(one) for one in posts(98, 100)]
    assert not is_known(page, KNOWN, datetime(2016, 2, 27, 3, 0, tzinfo=UTC))
    assert is_known(page, KNOWN, datetime(2016, 3, 1, 3, 0, 1, tzinfo=UTC))


def update(status: Status, note: str = "", external_id: str = "7") -> StatusUpdate:
    return StatusUpdate("abcdefghjkmn", external_id, status, note, datetime(2016, 3, 1, 3, 0, tzinfo=UTC))


def test_qlue_is_told_in_its_three_words_and_on_its_clock() -> None:
    assert Qlue().status_body(update(Status.COORDINATION, "Dinas sudah dihubungi")) == {
        "post_id": "7",
        "status": "proses",
        "note": "Dinas sudah dihubungi",
        "updated_at": "2016-03-01T10:00:00+07:00",
    }
    assert Qlue().status_body(update(Status.SUBMITTED))["status"] == "menunggu"
    assert Qlue().status_body(update(Status.REJECTED))["status"] == "selesai"


def test_a_step_that_qlue_has_no_word_for_is_news_only_with_a_note() -> None:
    assert not Qlue().is_news(Status.COORDINATION, update(Status.ASSIGNED))
    assert Qlue().is_news(Status.COORDINATION, update(Status.ASSIGNED, "Petugas berangkat"))
    assert Qlue().is_news(Status.SUBMITTED, update(Status.COORDINATION))
    assert not Qlue().is_news(Status.SUBMITTED, update(Status.COORDINATION, external_id=""))
