"""`manage.py` where the service is down."""

import os
import subprocess
import sys

from server.run.home import CHECKOUT
from server.run.ports import unused_port


def test_a_command_without_its_database_says_so_in_two_lines() -> None:
    environment = {**os.environ, "DATABASE_URL": f"postgres://pantau@127.0.0.1:{unused_port()}/pantau"}
    done = subprocess.run(
        [sys.executable, "manage.py", "create_token", "somebody", "laptop"],
        cwd=CHECKOUT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith("The database does not answer: connection to server at")
    assert second == "Is the service up? ./pantau up"
