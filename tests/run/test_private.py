"""What a killed run leaves behind."""

import os
import subprocess
from pathlib import Path

from server.run import owned
from server.run.home import Home
from server.run.private import _clear_dead_runs


def dead(folder: Path) -> Home:
    """A run's folder whose process is gone."""
    folder.mkdir(parents=True)
    home = Home(folder)
    gone = subprocess.Popen(["true"])
    gone.wait()
    home.write("owner.json", {"pid": gone.pid, "started": 1})
    return home


def test_what_a_killed_run_had_started_in_its_own_home_ends_with_it(tmp_path: Path) -> None:
    outer = dead(tmp_path / "run-1").folder
    inner = dead(outer / "test" / "web-1").folder
    left = subprocess.Popen(["sleep", "600"], env={**os.environ, owned.MARK: f"run:{inner}"}, start_new_session=True)
    try:
        _clear_dead_runs(tmp_path)
        assert left.wait(20) != 0
        assert list(tmp_path.iterdir()) == []
    finally:
        left.kill()
        left.wait()
