"""Items of a channel become reports: their words are put into ours, and the importer stores them, thousands at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from geo.channels.adapter import Item
from geo.channels.category_words import CategoryWords, load_category_words
from geo.channels.models import ChannelConnection
from geo.operations.outbox.remote_photos import enqueue_photos
from geo.reports.importing.importer import BrokenRow, ImportSummary, Rejection, Row, import_rows
from geo.reports.models import Report


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the items: the counts, and for each item why it was refused (None: it is stored, now or before)."""

    summary: ImportSummary
    reasons: tuple[str | None, ...]


def take_in(connection: ChannelConnection, items: Sequence[Item], *, now: datetime) -> Taken:
    """Stores items as reports of the connection's channel, and has their photos fetched; a repeat changes nothing."""
    words = load_category_words(connection)
    reasons: list[str | None] = [None] * len(items)
    photo_urls = {item.external_id: item.photo_urls for item in reversed(items) if item.photo_urls}

    def refuse(rejection: Rejection) -> None:
        reasons[rejection.number - 1] = rejection.reason

    def fetch_photos(stored: list[tuple[int, Row]]) -> None:
        wanted = [(pk, url) for pk, row in stored for url in photo_urls.get(row["external_id"], ())]
        if wanted:
            enqueue_photos(report_urls=wanted, now=now)

    rows = (_row(item, words) for item in items)
    summary = import_rows(
        rows,
        channel=connection.channel,
        now=now,
        on_reject=refuse,
        on_stored=fetch_photos,
        origin=connection.adapter,
    )
    _accept_known(connection, items, reasons, summary)
    return Taken(summary, tuple(reasons))


def _accept_known(
    connection: ChannelConnection, items: Sequence[Item], reasons: list[str | None], summary: ImportSummary
) -> None:
    """A report that is there is no refused one, whatever its words would mean by now: its items are repeats."""
    refused = {item.external_id for item, reason in zip(items, reasons, strict=True) if reason is not None}
    if not refused:
        return
    # An id with a NUL or half a character is no stored report's, and cannot even be asked for.
    asked = [each for each in refused if "\0" not in each and each == each.encode(errors="ignore").decode()]
    known = Report.objects.filter(channel=connection.channel_id, external_id__in=asked)
    known_ids = set(known.values_list("external_id", flat=True))
    for place, item in enumerate(items):
        if reasons[place] is not None and item.external_id in known_ids:
            reasons[place] = None
            summary.rejected -= 1
            summary.repeated += 1


def _row(item: Item, words: CategoryWords) -> Row:
    if isinstance(item.row, BrokenRow):
        return item.row
    word: Any = item.row.get("category") or ""
    # A word that means nothing here stays, so that the importer's reason names it.
    return {**item.row, "category": words.slug(word) or word}
