"""What the ingest workers have done, how far behind everything is, and what should be looked at."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sensors.ingest.figures import IngestFigures, ingest_figures
from sensors.ingest.hints import age, hints
from sensors.ingest.models import IngestStatus

CLEAR = "\x1b[2J\x1b[H"
READINGS = ("received", "stored", "repeated", "quarantined", "ignored")
MESSAGES = ("acknowledged", "returned", "dropped", "waiting")


class Command(BaseCommand):
    help = "Shows the ingest workers' counts, what waits for whom, the quarantine by reason, and what to do where something is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument("--watch", type=float, metavar="S", help="again every so many seconds, until Ctrl-C")

    def handle(self, *args: Any, **options: Any) -> None:
        pause_s = options["watch"]
        if pause_s is None:
            self._show(options["json"])
            return
        if not 0 < pause_s <= 3_600:
            raise CommandError("--watch takes seconds, up to an hour: --watch 5")
        try:
            while True:
                if not options["json"] and self.stdout.isatty():
                    self.stdout.write(CLEAR, ending="")
                self._show(options["json"])
                time.sleep(pause_s)
        except KeyboardInterrupt:
            return

    def _show(self, as_json: bool) -> None:
        figures = ingest_figures()
        lines = [json.dumps(_as_json(figures), default=_plain, indent=2)] if as_json else _lines(figures)
        self.stdout.write("\n".join(lines))


def _as_json(figures: IngestFigures) -> dict[str, Any]:
    return {
        "at": figures.at,
        "slots": [_row(slot) for slot in figures.slots],
        "quarantined": [_row(each) for each in figures.quarantined],
        "quarantine": [asdict(each) for each in figures.open_rejects],
        "followers": [asdict(each) for each in figures.followers],
        **asdict(figures.kept),
        "broker": figures.broker,
        "sources": figures.trouble,
        "flooding": figures.flooding,
        "datastreams": figures.datastreams,
        "archive_files": figures.archive_files,
        "pending_things": figures.pending_things,
        "hints": hints(figures),
    }


def _row(of: Any) -> dict[str, Any]:
    return {field.name: getattr(of, field.name) for field in of._meta.concrete_fields}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else dict(value)


def _lines(figures: IngestFigures) -> Iterator[str]:
    at = figures.at
    if not figures.slots:
        yield "Nothing has come in yet."
    else:
        yield from _table(
            ("", *READINGS, "last commit", "newest reading"),
            [
                (_name(slot), *_numbers(slot, READINGS), age(slot.last_commit_at, at), age(slot.newest_at, at))
                for slot in figures.slots
            ],
        )
        yield ""
        yield from _table(
            ("", *MESSAGES, "lag", "batches", "mean batch", "mean time", "heard"),
            [(_name(slot), *_numbers(slot, MESSAGES), *_pace(slot), age(slot.noted_at, at)) for slot in figures.slots],
        )
    if said := figures.broker:
        queued = said.get("messages_held", 0) - said.get("messages_retained", 0)
        yield ""
        yield f"broker: {queued:.0f} messages held for workers, {said.get('messages_dropped', 0):.0f} let fall since it began"
    yield ""
    yield from _table(
        ("follower", "entries unread", "oldest of them", "moved"),
        [(each.follower, str(each.entries), age(each.since, at) if each.since else "-", age(each.moved_at, at))
         for each in figures.followers],
    ) if figures.followers else ["no follower has read yet"]  # fmt: skip
    yield f"rollups: {figures.kept.dirty_marks} dirty marks wait for refresh_rollups"
    for reject in figures.open_rejects:
        yield f"quarantine: {reject.messages} {reject.reason}, the latest {age(reject.latest, at)}"
    for count in figures.quarantined:
        if count.counted_only:
            yield f"quarantine: {count.counted_only} {count.reason} were counted only (slot {count.slot})"
    yield f"datastreams: {', '.join(f'{n} {state}' for state, n in figures.datastreams.items())}"
    yield from (
        ("", "To look at:", *(f"- {hint}" for hint in found)) if (found := hints(figures)) else ("", "All is well.")
    )


def _name(slot: IngestStatus) -> str:
    return slot.source or f"slot {slot.slot}"


def _numbers(slot: IngestStatus, names: Sequence[str]) -> list[str]:
    return [str(getattr(slot, name)) for name in names]


def _pace(slot: IngestStatus) -> tuple[str, str, str, str]:
    lag = f"{slot.lag_seconds:.3f} s" if slot.lag_seconds is not None else "-"
    if not slot.batches:
        return lag, "0", "-", "-"
    size, time_ms = slot.batch_messages / slot.batches, 1_000 * slot.batch_seconds / slot.batches
    return lag, str(slot.batches), f"{size:.1f}", f"{time_ms:.1f} ms"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        first, *others = (cell.ljust(width) if i == 0 else cell.rjust(width)
                          for i, (cell, width) in enumerate(zip(row, widths, strict=True)))  # fmt: skip
        yield "  ".join((first, *others)).rstrip()
