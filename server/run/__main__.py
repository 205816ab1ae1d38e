"""The commands behind ./pantau, once Python and its packages are there."""

import argparse
import signal
import subprocess
import sys

from server.run import tools
from server.run.environment import known_installation
from server.run.home import CHECKOUT, find_home
from server.run.logs import logs
from server.run.said import Failed, say
from server.run.status import status
from server.run.up import down, up


def main(arguments: list[str]) -> int:
    """Run one command; its exit status. A failure that has a sentence is told without a traceback."""
    try:
        return _dispatch(arguments)
    except Failed as failure:
        say(f"pantau: {failure}")
        return 1
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    command, rest = arguments[0], arguments[1:]
    if command == "test":
        return tools.test(rest)
    if command == "bench":
        return tools.bench(rest)
    if command == "manage":
        return manage(rest)
    if command in ("listen", "drill"):
        return manage(arguments)
    if command == "check":
        return tools.check()
    given = _parse(arguments)
    if command == "up":
        return up(find_home(), detach=given.detach, demo=not given.no_demo)
    if command == "down":
        return down(find_home())
    if command == "status":
        return status(find_home(), form="json" if given.json else "shell" if given.shell else "table")
    return logs(find_home(), name=given.name, follow=given.follow)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./pantau")
    commands = parser.add_subparsers(dest="command", required=True)
    up_parser = commands.add_parser("up", help="start everything and wait until it is ready")
    up_parser.add_argument(
        "--detach", "-d", action="store_true", help="return when it is ready; ./pantau down stops it"
    )
    up_parser.add_argument("--no-demo", action="store_true", help="no demo data and no simulated sensors")
    commands.add_parser("down", help="stop everything")
    status_parser = commands.add_parser("status", help="what runs, and where")
    forms = status_parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="for programs")
    forms.add_argument("--shell", action="store_true", help="for eval in a shell: PANTAU_URL, MQTT_HOST …")
    logs_parser = commands.add_parser("logs", help="the ends of the logs")
    logs_parser.add_argument("name", nargs="?", help="one process")
    logs_parser.add_argument("-f", "--follow", action="store_true", help="go on as they grow")
    return parser.parse_args(arguments)


def manage(arguments: list[str]) -> int:
    """manage.py in the environment of what runs here."""
    here = known_installation(find_home())
    if here is None:
        raise Failed("There is no database yet: ./pantau up makes one.")
    # Ctrl-C reaches both, and is the command's to answer.
    signal.signal(signal.SIGINT, lambda *_: None)
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=CHECKOUT, env=here.variables(), check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
