"""The broker's folder of credentials: the one place that knows its format.

A folder (PANTAU_BROKER_DIR, mode 0700, owned by the user that Mosquitto runs as) holds

    passwords      Mosquitto's password file, one line per user, as `password_line` writes it
    devices.json   {thing slug: plain password}, mode 0600: what a device's owner is told, and `./pantau status` shows
    gateways.json  {gateway: topic filters that it may write}
    acl            Mosquitto's access list: server/run/mosquitto.acl, and what the gateways may write
    mosquitto.pid  the broker's process id; SIGHUP makes it read `passwords` again (absent where another container runs it,
                   which then watches the files by itself)

Its writers are `server.run` (the ingest and the gateway user) and the registry (a user per thing); both take the lock of
`lock`. No Django here: `server.run` imports this before Django is configured.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ACL = Path(__file__).resolve().parents[1] / "run" / "mosquitto.acl"
# No thing's slug has a dot.
GATEWAY_PREFIX = "gateway."
# mosquitto_passwd's own default. The passwords are random and long, so more rounds would only make 100 devices slow to add.
ITERATIONS = 101
SALT_BYTES = 12


def password_line(user: str, password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """One line of Mosquitto 2's password file, without its newline: `user:$7$iterations$salt$hash`.

    The hash is PBKDF2-HMAC-SHA512 of 64 bytes; salt and hash are base64. Errors: ValueError for a user name that the
    file or an ACL pattern could misread (`:` ends it, `+`, `#` and `/` are topic syntax).
    """
    if not user or any(character in ":+#/\n\r\0" for character in user):
        raise ValueError(f"not a user name for the broker: {user!r}")
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, dklen=64)
    return f"{user}:$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def line_matches(line: str, password: str) -> bool:
    """Whether a line that `password_line` wrote is for this password."""
    user, _, rest = line.partition(":")
    fields = rest.split("$")
    if len(fields) != 5 or fields[1] != "7":
        return False
    return password_line(user, password, salt=base64.b64decode(fields[3]), iterations=int(fields[2])) == line


def set_passwords(folder: Path, passwords: Mapping[str, str]) -> bool:
    """Give each user this password, leave all others as they are; True if the file changed (then `reload`)."""
    with lock(folder):
        lines = {line.partition(":")[0]: line for line in _read(folder / "passwords").splitlines() if line}
        changed = {
            user: password_line(user, password)
            for user, password in passwords.items()
            if user not in lines or not line_matches(lines[user], password)
        }
        if not changed:
            return False
        text = "".join(f"{line}\n" for line in (lines | changed).values())
        _replace(folder / "passwords", text)
        return True


def set_devices(folder: Path, passwords: Mapping[str, str]) -> bool:
    """As `set_passwords`, for things by their slug; their plain passwords are kept in devices.json too."""
    with lock(folder):
        known = devices(folder)
        if any(known.get(slug) != password for slug, password in passwords.items()):
            _write_devices(folder, known | dict(passwords))
    return set_passwords(folder, passwords)


def remove_passwords(folder: Path, users: Iterable[str]) -> bool:
    """Let these users in no more; True if the file changed (then `reload`, which ends their connections)."""
    gone = set(users)
    with lock(folder):
        lines = [line for line in _read(folder / "passwords").splitlines() if line]
        left = [line for line in lines if line.partition(":")[0] not in gone]
        if len(left) == len(lines):
            return False
        _replace(folder / "passwords", "".join(f"{line}\n" for line in left))
        return True


def remove_devices(folder: Path, slugs: Iterable[str]) -> list[str]:
    """As `remove_passwords`, for things: their plain passwords are forgotten too. Those that had one."""
    with lock(folder):
        known = devices(folder)
        gone = sorted(known.keys() & set(slugs))
        left = {slug: password for slug, password in known.items() if slug not in gone}
        if gone:
            _write_devices(folder, left)
    remove_passwords(folder, gone)
    return gone


def devices(folder: Path) -> dict[str, str]:
    """{thing slug: plain password} of all devices that have a credential."""
    return dict(json.loads(_read(folder / "devices.json") or "{}"))


def gateways(folder: Path) -> dict[str, list[str]]:
    """{gateway: topic filters that it may write}, by the names that were given, without the prefix of their users."""
    return dict(json.loads(_read(folder / "gateways.json") or "{}"))


def set_gateway(folder: Path, name: str, topics: Sequence[str]) -> bool:
    """What a gateway may write; nothing takes it away. True if that changed (then `reload`)."""
    with lock(folder):
        known = gateways(folder)
        left = {other: its for other, its in known.items() if other != name}
        wanted = left | {name: list(topics)} if topics else left
        if wanted == known:
            return False
        _replace(folder / "gateways.json", json.dumps(wanted, indent=0, sort_keys=True) + "\n")
        _replace(folder / "acl", _access_list(wanted))
    return True


def write_access_list(folder: Path) -> None:
    """The access list as it is to be now; the running broker reads it at its next `reload`."""
    with lock(folder):
        _replace(folder / "acl", _access_list(gateways(folder)))


def _access_list(of_gateways: Mapping[str, Sequence[str]]) -> str:
    blocks = [
        "\n".join([f"user {GATEWAY_PREFIX}{name}", *(f"topic write {topic}" for topic in topics)])
        for name, topics in sorted(of_gateways.items())
    ]
    return "\n\n".join([ACL.read_text().rstrip(), *blocks]) + "\n"


def reload(folder: Path) -> bool:
    """Tell the running broker to read its credentials again; False where there is none to tell."""
    try:
        pid = int(_read(folder / "mosquitto.pid").strip())
        if "mosquitto" not in Path(f"/proc/{pid}/cmdline").read_text():
            return False  # a stale file: after a reboot the number may be anyone's
        os.kill(pid, signal.SIGHUP)
    except (ValueError, OSError):
        return False
    return True


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """One writer at a time: a set-up and an import may run side by side."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _write_devices(folder: Path, passwords: Mapping[str, str]) -> None:
    _replace(folder / "devices.json", json.dumps(passwords, indent=0, sort_keys=True) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write at once or not at all, as the folder's owner: root may be writing what an unprivileged broker must read."""
    owner = path.parent.stat()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        if os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    draft.replace(path)
