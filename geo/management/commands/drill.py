"""A drill: a flood played for practice, and its removal."""

import signal
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from tqdm import tqdm

from geo.channels.locks import advisory_lock
from geo.demo.drill import Drill, DrillError, play, set_up
from geo.demo.drill_removal import remove_drill
from geo.demo.drill_scenario import BadScenario, Scenario, read_scenario
from geo.management.commands.simulate_sensors import chosen_city

SPEED = 60.0
SLOWEST, FASTEST = 1.0, 100_000.0
HOW_TO_GO_ON = "./pantau drill {name} goes on from there; ./pantau drill {name} --remove takes all of it away."


class Command(BaseCommand):
    help = (
        "Plays a scenario for practice: readings through the broker (MQTT_GATEWAY_URL), reports as a channel brings them. Staff see "
        "it marked as an exercise; it counts nowhere, the public does not see it, and nobody outside is told. --remove takes it "
        "away without a trace."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scenario", help="its name: flood")
        parser.add_argument("--remove", action="store_true", help="take away every drill that there is, and end")
        parser.add_argument("--city", metavar="SLUG", help="which city, where there are several (default: the first)")
        parser.add_argument("--speed", type=float, default=SPEED, help="times as fast as the clock (default 60)")
        parser.add_argument("--hours", type=float, help="only the first hours of the scenario")
        parser.add_argument("--seed", type=int, help="another one, another drill (default 1)")
        parser.add_argument("--photos", action="store_true", help="a picture with each report")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            with _alone():
                self._remove()
            return
        if not SLOWEST <= options["speed"] <= FASTEST:
            raise CommandError(f"--speed takes a number from {SLOWEST:g} to {FASTEST:g}")
        if options["hours"] is not None and not options["hours"] > 0:
            raise CommandError("--hours takes a number above 0")
        city = chosen_city(options["city"])
        try:
            scenario = read_scenario(scenario_path(city.slug, options["scenario"]))
            with _alone():
                chosen = {name: options[name] for name in ("speed", "seed", "hours")}
                self._play(
                    set_up(scenario, city, now=timezone.now(), has_photos=options["photos"], **chosen), options["speed"]
                )
        except BadScenario as error:
            raise CommandError(str(error)) from None
        except DrillError as error:
            raise CommandError(f"{error}. {_how(options['scenario'])}") from None
        except (DatabaseError, InterfaceError) as error:
            says = str(error).strip().split("\n")[0]
            raise CommandError(f"the database is away: {says}. {_how(options['scenario'])}") from None

    def _play(self, drill: Drill, speed: float) -> None:
        name = drill.scenario.name
        if drill.is_over:
            self.stdout.write(f"This drill was played to its end. ./pantau drill {name} --remove takes it away.")
            return
        self.stdout.write(_headline(drill.scenario, drill, speed))
        with _stopped_by_signals() as stop, _bar(drill) as bar:
            is_done = play(drill, speed=speed, stop=stop, on_progress=lambda seconds: bar.update(seconds / 60))
        if not is_done:
            self.stderr.write(f"Stopped. {_how(name)}")
            sys.exit(130)
        self.stdout.write(f"Played to its end. ./pantau drill {name} --remove takes all of it away.")

    def _remove(self) -> None:
        gone = remove_drill()
        if not gone:
            self.stdout.write("There is no drill: nothing to remove.")
            return
        told = ", ".join(f"{n} {name}" for name, n in sorted(gone.items()))
        self.stdout.write(f"Removed without a trace: {told}.")


def scenario_path(city: str, name: str) -> Path:
    """CommandError for a name that is none; it becomes a part of a path."""
    folder = Path(settings.BASE_DIR) / "fixtures" / city / "drills"
    known = sorted(path.stem for path in folder.glob("*.json"))
    if name not in known:
        there = ", ".join(known) if known else "none"
        raise CommandError(f"there is no drill {name!r} for {city}; there is: {there}")
    return folder / f"{name}.json"


def _how(name: str) -> str:
    return HOW_TO_GO_ON.format(name=name)


def _headline(scenario: Scenario, drill: Drill, speed: float) -> str:
    left_s = (drill.end_s - max(drill.played_s, 0)) / speed
    begun = "Goes on" if drill.played_s >= 0 else "Begins"
    return (
        f"{begun}: {scenario.title}. {drill.hours:g} h from {drill.starts_at:%Y-%m-%d %H:%M}Z on, seed {drill.seed}, "
        f"{speed:g} times as fast: about {left_s / 60:.0f} min. Ctrl-C stops."
    )


def _bar(drill: Drill) -> "tqdm[Any]":
    """In minutes of the scenario: a bar on a terminal, and a line now and then in a log."""
    return tqdm(
        total=drill.end_s // 60,
        desc=drill.scenario.name,
        unit=" min",
        bar_format="{desc}: {percentage:3.0f} %|{bar}| {n:.0f} of {total:.0f} min, {elapsed} passed, {remaining} left",
        mininterval=0.5 if sys.stderr.isatty() else 10.0,
        file=sys.stderr,
    )


@contextmanager
def _alone() -> Iterator[None]:
    """CommandError while another drill is being played or removed. The lock goes with the process, however that ends."""
    with advisory_lock("geo.demo.drill", "") as is_ours:
        if not is_ours:
            raise CommandError("another drill is being played or removed: stop that one first")
        yield


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    stop = threading.Event()
    before = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        # Set from a thread: the handler may have interrupted the wait inside the event's own lock.
        before[number] = signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
