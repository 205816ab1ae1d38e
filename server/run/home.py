"""PANTAU_HOME: the folder of everything that one checkout keeps (data, secrets, logs), and who owns it.

state.json  the ports, chosen once      secrets.json  passwords, made once, 0600      stamps/  what was done once
pg/data     the PostgreSQL cluster      broker/       Mosquitto's data and credentials
logs/       one file per process        static/ media/ downloads/                     test/    servers of test runs
"""

import hashlib
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from server.run.said import Failed, say

CHECKOUT = Path(__file__).resolve().parents[2]
# sun_path holds 108 bytes with its final zero; supervisor first binds a name that is longer by its process id.
SOCKET_PATH_BYTES = 107 - len(".4194304")
LONGEST_SOCKET_NAME = "supervisor.sock"


@dataclass(frozen=True)
class Home:
    """One PANTAU_HOME. `server_user` is who PostgreSQL and Mosquitto run as when we are root (neither would run as root)."""

    folder: Path
    server_user: str | None = None

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def cluster(self) -> Path:
        return self.folder / "pg"

    @property
    def broker(self) -> Path:
        return self.folder / "broker"

    @property
    def stamps(self) -> Path:
        return self.folder / "stamps"

    @cached_property
    def sockets(self) -> Path:
        """A private folder for unix sockets: in the home, unless that path is too long for one."""
        inside = self.folder / "run"
        if len(os.fsencode(inside / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES:
            return inside
        # Not XDG_RUNTIME_DIR: it goes with the login session, and this may run longer.
        return Path("/tmp") / f"pantau-{os.geteuid()}-{_digest(self.folder)}"

    def make_folders(self) -> None:
        """Create what is missing. As root the home may be passed through, so that the servers' user reaches its part."""
        for parent in reversed(self.folder.parents):
            if not parent.exists():
                parent.mkdir()
                parent.chmod(0o755)  # whatever the umask is: the servers' user has to get through
        self.folder.mkdir(exist_ok=True)
        if not os.access(self.folder, os.W_OK):
            raise Failed(f"{self.folder} belongs to another user; run ./pantau as that user, or set PANTAU_HOME.")
        self.folder.chmod(0o711 if self.server_user else 0o700)
        for folder in (self.logs, self.stamps, self.folder / "static", self.folder / "media"):
            folder.mkdir(exist_ok=True, mode=0o700)
        for folder in (self.cluster, self.broker, self.sockets):
            folder.mkdir(exist_ok=True, mode=0o700)
            if folder.stat().st_uid not in {os.geteuid(), self._server_uid()}:
                raise Failed(f"{folder} belongs to another user; remove it, or set PANTAU_HOME.")
            if self.server_user:
                shutil.chown(folder, self.server_user, pwd.getpwnam(self.server_user).pw_gid)
            folder.chmod(0o700)

    def as_server_user(self) -> dict[str, Any]:
        """Arguments for subprocess that make a child run as the servers' user."""
        if not self.server_user:
            return {}
        entry = pwd.getpwnam(self.server_user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def read(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / name).read_text()))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise Failed(
                f"{self.folder / name} is not readable as JSON ({error}); remove it to have it made anew."
            ) from error

    def write(self, name: str, values: dict[str, Any]) -> None:
        """Replace a JSON file at once, readable by its owner only."""
        descriptor, draft = tempfile.mkstemp(dir=self.folder)  # 0600 by itself
        with os.fdopen(descriptor, "w") as file:
            json.dump(values, file, indent=1, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(self.folder / name)

    def secrets(self) -> dict[str, str]:
        """The generated secrets; made at the first call and kept."""
        known = self.read("secrets.json")
        makers = {
            "secret_key": 50,
            "database_password": 24,
            "gis_password": 24,
            "ingest_password": 24,
            "gateway_password": 24,
            "admin_password": 15,
            "instance": 18,
        }
        missing = {name: secrets.token_urlsafe(size) for name, size in makers.items() if name not in known}
        if missing:
            # A leading '-' would read as an option when the password is pasted into a command.
            known |= {name: value.replace("-", "x") for name, value in missing.items()}
            self.write("secrets.json", known)
        return {name: str(known[name]) for name in makers}

    def _server_uid(self) -> int:
        return pwd.getpwnam(self.server_user).pw_uid if self.server_user else os.geteuid()


def find_home() -> Home:
    """The home of this checkout, by PANTAU_HOME or beside the code; elsewhere where the servers' user could not reach it."""
    named = os.environ.get("PANTAU_HOME", "")
    folder = Path(named).absolute() if named else CHECKOUT / ".pantau"
    if os.geteuid() != 0:
        return Home(folder)
    user = _owner_of_cluster(folder) or "postgres"
    if _can_enter(folder, user):
        return Home(folder, user)
    if named:
        raise Failed(
            f"The user {user}, which PostgreSQL runs as, cannot enter PANTAU_HOME={folder}; choose another folder."
        )
    moved = Path("/var/lib/pantau") / _digest(CHECKOUT)
    if not moved.exists():
        say(f"The user {user} cannot enter {CHECKOUT}, so data and logs are kept in {moved} (PANTAU_HOME).")
    return Home(moved, _owner_of_cluster(moved) or "postgres")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _owner_of_cluster(folder: Path) -> str | None:
    """An ordinary user's cluster stays that user's when root runs the command later."""
    try:
        owner = (folder / "pg" / "data").stat().st_uid
        return pwd.getpwuid(owner).pw_name if owner else None
    except (OSError, KeyError):
        return None


def _can_enter(folder: Path, user: str) -> bool:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if existing == folder:
        existing = folder.parent  # the home's own mode is ours to set
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Failed(f"There is no user {user} to run PostgreSQL as; is postgresql installed?") from None
    done = subprocess.run(
        ["test", "-x", str(existing)], user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], cwd="/", check=False
    )
    return done.returncode == 0
