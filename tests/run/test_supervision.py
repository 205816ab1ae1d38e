"""The calls that are made to supervisord, where none answers."""

import gc
import socket
import warnings
from pathlib import Path

from server.run.home import Home
from server.run.supervision import Supervisor


def test_a_socket_that_nobody_listens_at_is_closed_again(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make_folders()
    supervisor = Supervisor(home, "word")
    # As a supervisord that was killed leaves it behind.
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(supervisor.socket))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert not supervisor.is_running()
        gc.collect()
    assert [str(warning.message) for warning in warned] == []
