"""A drill: one scenario played through the real broker and the real way in of reports, at many times the speed of the clock.

Its things, reports, alerts and incidents are told apart by `is_exercise` from the row on: see docs/operations.md.

Times are those of the scenario, not compressed: it began so long ago that it ends now, and readings carry the time at which they
would have been taken. So what looks at phenomenon times (hold times of alerts, rates of change, rollups) sees a flood of hours,
and nothing lies in the future. What looks at the wall clock (received_at, deadlines, who waits since when) sees minutes.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from threading import Event as Stop
from typing import Any, cast

from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from PIL import Image, ImageDraw

from geo.areas.models import City
from geo.demo.backfill import PATIENCE_S, BackfillError, gateway
from geo.demo.drill_scenario import HOUR_S, Said, Scenario, Sounding, timeline
from geo.demo.noise import key_of
from geo.reports.access.principals import Origin, Principal
from geo.reports.models import Category, Channel, Report
from geo.reports.photos.cleaning import Upload
from geo.reports.services import submit_report
from sensors import published

CHANNEL = "drill"
Progress = Callable[[int], object]


class DrillError(RuntimeError):
    """A sentence on why a drill cannot begin or go on."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill that is set up. `starts_at` is the scenario's second 0; `played_s` up to where its readings are stored."""

    scenario: Scenario
    city: City
    channel: Channel
    seed: int
    hours: float
    starts_at: datetime
    has_photos: bool
    datastream_ids: tuple[int, ...]
    played_s: int

    @property
    def end_s(self) -> int:
        return int(self.hours * HOUR_S)

    @property
    def is_over(self) -> bool:
        return self.played_s > self.end_s - self.scenario.step_s

    def at(self, second: int) -> datetime:
        return self.starts_at + timedelta(seconds=second)


def set_up(
    scenario: Scenario,
    city: City,
    *,
    now: datetime,
    speed: float,
    seed: int | None = None,
    hours: float | None = None,
    has_photos: bool = False,
) -> Drill:
    """Makes the things and the channel of a drill; where one of this scenario is there, it goes on as it was begun.

    Errors: DrillError where the city lacks what is played, and where another drill is there, or this one by another seed or
    of other hours.
    """
    with transaction.atomic():
        said = published.exercise_said()
        if said is None:
            said = _begun(
                scenario, city, now, speed, seed=1 if seed is None else seed, hours=hours, has_photos=has_photos
            )
        else:
            _refuse_other(said, scenario, seed, hours)
        _refuse_missing_categories(scenario)
        try:
            ids = published.make_stand_ins(scenario.measured, mark=scenario.mark, said=said)
        except published.RegistryError as error:
            raise DrillError(
                f"{error}: is this the city of the scenario ({scenario.city}), and are its things imported?"
            ) from None
        channel = _channel(scenario, city)
    all_ids = tuple(pk for some in ids.values() for pk in some)
    starts_at = datetime.fromisoformat(said["starts_at"])
    return Drill(
        scenario=scenario,
        city=city,
        channel=channel,
        seed=said["seed"],
        hours=said["hours"],
        starts_at=starts_at,
        has_photos=said["photos"],
        datastream_ids=all_ids,
        played_s=_played_s(all_ids, starts_at),
    )


def _begun(
    scenario: Scenario, city: City, now: datetime, speed: float, *, seed: int, hours: float | None, has_photos: bool
) -> dict[str, Any]:
    played = min(hours or scenario.hours, scenario.hours)
    # What takes hours / speed from now on to be played ends when that is over.
    starts_at = now - timedelta(hours=played - played / speed)
    return {
        "scenario": scenario.name,
        "city": city.slug,
        "seed": seed,
        "hours": played,
        "photos": has_photos,
        "starts_at": starts_at.astimezone(UTC).replace(second=0, microsecond=0).isoformat(),
    }


def _refuse_other(said: Mapping[str, Any], scenario: Scenario, seed: int | None, hours: float | None) -> None:
    there = (said["scenario"], said["seed"], said["hours"])
    asked = (
        scenario.name,
        said["seed"] if seed is None else seed,
        said["hours"] if hours is None else min(hours, scenario.hours),
    )
    if asked != there:
        raise DrillError(
            f"a drill is there already ({there[0]}, seed {there[1]}, {there[2]:g} h): go on with that one, or remove it first"
        )


def _refuse_missing_categories(scenario: Scenario) -> None:
    wanted = {burst.category for burst in scenario.bursts}
    there = set(Category.objects.filter(slug__in=wanted, is_active=True).values_list("slug", flat=True))
    if missing := sorted(wanted - there):
        raise DrillError(f"there is no category {', '.join(missing)}, of which reports are played")


def _channel(scenario: Scenario, city: City) -> Channel:
    channel, _is_new = Channel.objects.get_or_create(
        slug=CHANNEL,
        defaults={"name": f"{scenario.mark} {scenario.name}", "city": city, "is_simulated": True, "is_exercise": True},
    )
    if not channel.is_exercise:
        raise DrillError(f"a real channel is called {CHANNEL!r}: a drill cannot use its name")
    return channel


def _played_s(datastream_ids: tuple[int, ...], starts_at: datetime) -> int:
    """Up to which second every datastream has what is played; -1 before the first."""
    spans = published.observed_spans(datastream_ids)
    if len(spans) < len(datastream_ids):
        return -1
    return int((min(last for _first, last in spans.values()) - starts_at).total_seconds())


def play(drill: Drill, *, speed: float, stop: Stop, on_progress: Progress = lambda seconds: None) -> bool:
    """Plays what is left, `speed` seconds of the scenario in one; False where it was told to stop before the end.

    `on_progress` hears of the seconds of the scenario that have passed. What was played before, by a run that broke off, is not
    waited for: readings that are stored are left out, and a report that is known is the same report.
    Errors: DrillError where the broker is not reached, or the ingest worker does not store what it was sent.
    """
    already, told, sent = max(drill.played_s, 0), 0, 0
    categories = {one.slug: one for one in Category.objects.filter(is_active=True)}
    began = time.monotonic()
    try:
        with gateway() as publisher:
            for event in timeline(drill.scenario, seed=drill.seed, hours=drill.hours):
                due_in_s = began + (event.at_s - already) / speed - time.monotonic()
                if stop.wait(due_in_s) if due_in_s > 0 else stop.is_set():
                    return False
                if isinstance(event, Said):
                    _file(drill, event, categories[event.category])
                elif event.at_s > drill.played_s:
                    publisher.publish(*_message(drill, event))
                    sent += len(event.results)
                on_progress(event.at_s - told)
                told = event.at_s
            publisher.finish()
        _wait_until_stored(drill, stop)
    except (BackfillError, published.NotPublished) as error:
        raise DrillError(str(error)) from None
    return not stop.is_set()


def _message(drill: Drill, sounding: Sounding) -> tuple[str, bytes]:
    told = {
        "phenomenon_time": drill.at(sounding.at_s).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "results": dict(sounding.results),
    }
    topic = f"sensors/{published.stand_in_slug(sounding.thing)}"
    return topic, json.dumps(told, separators=(",", ":")).encode()


def _file(drill: Drill, said: Said, category: Category) -> Report:
    report, _is_new = submit_report(
        channel=drill.channel,
        category=category,
        now=datetime.now(UTC),
        description=said.text,
        location=Point(said.lon, said.lat, srid=4326),
        city=drill.city,
        reported_at=drill.at(said.at_s),
        external_id=said.number,
        photos=[_photo(said)] if drill.has_photos else (),
        by=Principal(origin=Origin.COMMAND),
    )
    return report


def _photo(said: Said) -> Upload:
    """A picture that nobody takes for a photo of the place: water of a colour of its own, and what it is."""
    shade = key_of(said.number) % 80
    image = Image.new("RGB", (480, 360), (110 + shade, 95 + shade // 2, 70))
    ImageDraw.Draw(image).text((20, 160), said.text, fill="white")
    encoded = BytesIO()
    image.save(encoded, "JPEG")
    upload: Any = SimpleUploadedFile("drill.jpg", encoded.getvalue(), "image/jpeg")
    return cast(Upload, upload)


def _wait_until_stored(drill: Drill, stop: Stop) -> None:
    """Until the last reading of each datastream is stored. DrillError when none comes for a while."""
    seen, moved_at = -1, time.monotonic()
    while (played_s := _played_s(drill.datastream_ids, drill.starts_at)) <= drill.end_s - drill.scenario.step_s:
        if played_s > seen:
            seen, moved_at = played_s, time.monotonic()
        if time.monotonic() - moved_at > PATIENCE_S:
            raise DrillError("not all readings are stored: is ingest_mqtt running? Run it again to go on from there")
        if stop.wait(0.1):
            return
