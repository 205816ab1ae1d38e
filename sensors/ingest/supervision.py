"""Several workers as child processes: started, started again when one dies, and stopped together."""

import logging
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sensors.ingest.slots import Stopping

logger = logging.getLogger(__name__)

LOOK_S = 0.2
PAUSE_FIRST_S, PAUSE_MOST_S = 1.0, 30.0
# Who lived so long did not die of what it died of before.
STEADY_S = 60.0
# Less than what the processes' own supervisor waits for (server.run.processes), more than a worker takes to give up.
STOPS_WITHIN_S = 25.0


@dataclass(slots=True)
class _Child:
    slot: int
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    failures: int = 0
    starts_at: float = 0.0


def supervise(slots: Iterable[int], command: Callable[[int], Sequence[str]], stopping: Stopping) -> None:
    """Runs the command of each slot until an end is asked for; then each gets SIGTERM, and all are waited for.

    A child's standard input is a pipe that ends with this process, however that ends: `command` heeds it (--until-eof).
    """
    children = [_Child(slot) for slot in slots]
    try:
        while not stopping.is_asked:
            for child in children:
                _look_after(child, command)
            time.sleep(LOOK_S)
    finally:
        _end(children)


def _look_after(child: _Child, command: Callable[[int], Sequence[str]]) -> None:
    now = time.monotonic()
    if child.process is not None:
        status = child.process.poll()
        if status is None:
            return
        child.failures = child.failures + 1 if now - child.started_at < STEADY_S else 1
        pause_s = min(PAUSE_FIRST_S * 2 ** (child.failures - 1), PAUSE_MOST_S)
        logger.error("the worker of slot %d ended with %d; another one in %.0f s", child.slot, status, pause_s)
        _let_go(child.process)
        child.process, child.starts_at = None, now + pause_s
    if now >= child.starts_at:
        child.process = subprocess.Popen(command(child.slot), stdin=subprocess.PIPE)
        child.started_at = now


def _end(children: Sequence[_Child]) -> None:
    living = [child for child in children if child.process is not None]
    for child in living:
        assert child.process is not None
        child.process.send_signal(signal.SIGTERM)
    gives_up_at = time.monotonic() + STOPS_WITHIN_S
    for child in living:
        assert child.process is not None
        try:
            child.process.wait(max(0.0, gives_up_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.error(
                "the worker of slot %d does not end and is killed; what it held the broker still has", child.slot
            )
            child.process.kill()
            child.process.wait()
        _let_go(child.process)


def _let_go(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.close()
