"""Qlue: its public feed, read page by page, and its three words for a status, sent back."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import unescape
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from geo.channels.adapter import Item, Page, RemoteFault, StatusUpdate
from geo.channels.models import ChannelConnection
from geo.reports.importing.importer import BrokenRow
from geo.reports.services import reported_at_fault
from geo.reports.workflow import WORDS, Status
from server.core.outbound import fetch

# Qlue's clock: Jakarta's, whatever the city.
WIB = timezone(timedelta(hours=7))
TIMEOUT_S = 20.0
MOST_BYTES = 32 * 1024 * 1024
MOST_PAGES = 10_000
# A post may appear late, below posts that were read already (it waited for a moderator): once a day the feed is read back so far.
LOOK_BACK = timedelta(days=3)
LOOK_BACK_EVERY = timedelta(days=1)

_LINE_ENDS = re.compile(r"<(?:br|/p|/div|/li)\b[^<>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<(?:/?[a-zA-Z]|!--)[^<>]*>")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The newest post that a whole reading has seen, and when the feed was last read further back than that."""

    post_id: int | None = None
    posted_at: datetime | None = None
    looked_back_at: datetime | None = None

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Cursor":
        if "post_id" not in kept:
            return cls()
        return cls(kept["post_id"], _kept_time(kept.get("post_date")), _kept_time(kept.get("looked_back_at")))

    def as_json(self) -> dict[str, Any]:
        times = {"post_date": self.posted_at, "looked_back_at": self.looked_back_at}
        return {"post_id": self.post_id} | {name: at.isoformat() for name, at in times.items() if at is not None}


def _kept_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Post:
    """A post as the reading of the feed sees it: its number and time are None where they cannot be read."""

    number: int | None
    posted_at: datetime | None
    item: Item


class Qlue:
    """The adapter: the feed is pulled, statuses are posted back in Qlue's words."""

    is_pulled = True

    def pages(self, connection: ChannelConnection, now: datetime) -> Iterator[Page]:
        """The feed from its newest page back to what is known.

        The cursor moves only at the end: a reading that breaks off has left older pages unread, and starts at the top again.
        """
        before = Cursor.read(connection.cursor)
        reach = _reach(before, now)
        newest = before
        first: set[str] = set()
        last: set[str] = set()
        repeats = 0
        for number in range(1, MOST_PAGES + 1):
            posts = [read_post(payload) for payload in self._fetch(connection.feed_url, number)]
            names = {post.item.external_id or repr(post.item.payload) for post in posts}
            # A feed without pages gives the same one for every number; others go on with their last, or begin anew. Once may
            # be chance: posts that have just come in push the older ones onto the next page.
            repeats = repeats + 1 if names <= first | last else 0
            if not posts or repeats == 2:
                break
            yield Page(tuple(post.item for post in posts), connection.cursor)
            newest = _newest(newest, posts, now)
            if is_known(posts, before, reach):
                break
            first, last = first or names, names
        else:
            raise RemoteFault(f"the feed has not ended after {MOST_PAGES} pages")
        if newest.post_id is not None:
            is_full = before.post_id is None or reach is not None
            looked_back_at = now if is_full else before.looked_back_at
            yield Page((), Cursor(newest.post_id, newest.posted_at, looked_back_at).as_json())

    def _fetch(self, feed_url: str, number: int) -> list[Any]:
        answer = fetch(page_url(feed_url, number), max_bytes=MOST_BYTES, timeout_s=TIMEOUT_S)
        if answer.status != 200:
            raise RemoteFault(f"page {number}: answered with HTTP status {answer.status}")
        try:
            return posts_of(answer.body)
        except ValueError as error:
            raise RemoteFault(f"page {number}: {error}") from None

    def item(self, payload: Any) -> Item:
        return read_post(payload).item

    def is_news(self, old: Status, update: StatusUpdate) -> bool:
        if not update.external_id:
            return False  # Qlue knows no such post
        return WORDS[old].qlue != WORDS[update.status].qlue or bool(update.note)

    def status_body(self, update: StatusUpdate) -> dict[str, Any]:
        return {
            "post_id": update.external_id,
            "status": WORDS[update.status].qlue,
            "note": update.note,
            "updated_at": update.at.astimezone(WIB).isoformat(timespec="seconds"),
        }


def page_url(feed_url: str, number: int) -> str:
    parts = urlsplit(feed_url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "page"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("page", str(number))])))


def posts_of(body: bytes) -> list[Any]:
    """The posts in an answer: an array, or an object that has it as `data` or `result`. ValueError, in words, for others."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if isinstance(answer, dict):
        answer = next((answer[name] for name in ("data", "result") if isinstance(answer.get(name), list)), answer)
    if not isinstance(answer, list):
        raise ValueError("holds no list of posts")
    return answer


def read_post(payload: Any) -> Post:
    """One post of the feed; what cannot be read is said in its row, and is refused by the importer with that reason."""
    if not isinstance(payload, dict):
        return Post(None, None, Item("", BrokenRow("not an object", {}), payload))
    post_id = _text(payload.get("post_id"))
    if not post_id:
        return Post(None, None, Item("", BrokenRow("post_id: missing", {}), payload))
    posted_at = _time(payload.get("post_date"))
    title, words = plain_text(payload.get("post_title")), plain_text(payload.get("post_desc"))
    lon, lat = _place(payload)
    row = {
        "external_id": post_id,
        "category": plain_text(payload.get("post_category") or payload.get("category")) or title,
        "description": "\n".join(text for text in (title, words) if text),
        "lon": lon,
        "lat": lat,
        "reported_at": posted_at or _text(payload.get("post_date")),
        "name": plain_text(payload.get("profile_name"))[:200],
    }
    number = int(post_id) if re.fullmatch(r"[0-9]{1,18}", post_id) else None
    return Post(number, posted_at, Item(post_id, row, payload, image_urls(payload.get("post_images"))))


def plain_text(value: Any) -> str:
    """What a person would read: no tags, no entities, no characters that cannot be stored."""
    text = _LINE_ENDS.sub("\n", _text(value).replace("\r\n", "\n"))
    text = unescape(_TAGS.sub("", text))
    return _SURROGATES.sub("\ufffd", _UNSEEN.sub("", text)).strip()


def image_urls(value: Any) -> tuple[str, ...]:
    """The addresses in a list of them, or in a string of several with commas between."""
    parts = re.split(r",\s*(?=https?://)", value) if isinstance(value, str) else value
    if not isinstance(parts, list):
        return ()
    urls = (part.strip(" ,") for part in parts if isinstance(part, str))
    return tuple(dict.fromkeys(url for url in urls if url.startswith(("http://", "https://"))))


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _time(value: Any) -> datetime | None:
    """A time as Qlue writes it, "2016-03-01 10:00:00", which is Jakarta's."""
    try:
        moment = datetime.fromisoformat(_text(value))
        return moment if moment.tzinfo else moment.replace(tzinfo=WIB)
    except ValueError:
        return None


def _place(payload: Mapping[str, Any]) -> tuple[str, str]:
    """Longitude and latitude as text for the importer; both empty where Qlue has none, which it writes as 0."""
    lon, lat = _text(payload.get("loc_lng")), _text(payload.get("loc_lat"))
    return ("", "") if _is_nothing(lon) or _is_nothing(lat) else (lon, lat)


def _is_nothing(number: str) -> bool:
    try:
        return not number or float(number) == 0
    except ValueError:
        return False


def _reach(before: Cursor, now: datetime) -> datetime | None:
    """How far back the feed is read below what is known: None, but for once a day."""
    is_recent = before.looked_back_at is not None and now - before.looked_back_at < LOOK_BACK_EVERY
    return None if before.posted_at is None or is_recent else before.posted_at - LOOK_BACK


def _newest(newest: Cursor, posts: Sequence[Post], now: datetime) -> Cursor:
    """With the highest number yet; a post whose time cannot be right is no mark, and must not hide those that follow."""
    for post in posts:
        if post.number is None or post.posted_at is None or reported_at_fault(post.posted_at, now):
            continue
        if newest.post_id is None or post.number > newest.post_id:
            newest = Cursor(post.number, post.posted_at, newest.looked_back_at)
    return newest


def is_known(posts: Sequence[Post], before: Cursor, reach: datetime | None) -> bool:
    """Whether nothing new can come after this page: all of it was read before, and it runs from newest to oldest.

    A page in any other order proves nothing of the pages behind it; then the feed is read to its end.
    """
    numbers = [post.number for post in posts if post.number is not None]
    if before.post_id is None or len(numbers) < max(2, len(posts)) or numbers[0] > before.post_id:
        return False
    if any(later >= earlier for earlier, later in pairwise(numbers)):
        return False
    times = [post.posted_at for post in posts if post.posted_at is not None]
    return reach is None or (bool(times) and min(times) < reach)
