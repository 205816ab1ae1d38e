"""The private PostgreSQL cluster with PostGIS: where its programs are, how it is made, configured and asked.

The superuser `postgres` can be had only through the unix socket, whose folder (mode 0700) only its owner enters; it has
no password, so never over TCP. The application's role `pantau` logs in over TCP with a generated password, may create
databases (the tests do) and is no superuser: what it needs of extensions lies in template1. The role `gis_reader`, with a
password of its own, reads the views of schema `layers`.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.run import owned
from server.run.home import CHECKOUT, Home
from server.run.said import Failed, wait_until

EXTENSIONS = ("postgis", "unaccent", "pg_trgm", "btree_gist")
ROLE = "pantau"
DATABASE = "pantau"
GIS_ROLE = "gis_reader"
GIS_ROLE_FILE = CHECKOUT / "server" / "core" / "gis_role.sql"
LOCALE = "C.UTF-8"

HBA = """\
# Written by ./pantau. Local: the socket's folder is its guard. TCP: the password is.
local all postgres trust
host  all all 127.0.0.1/32 scram-sha-256
"""

# For one machine that runs everything: modest memory, plans for an SSD, no compilation of short queries.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A statement carries what a citizen wrote, and an error's detail the row: neither belongs in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_min_duration_statement": "-1",
    "log_lock_waits": "on",
}
# A test run's cluster is thrown away, so nothing has to survive a power cut.
THROWAWAY: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def programs() -> Path:
    """The folder of the newest installed PostgreSQL that has PostGIS. Errors: Failed where there is none."""
    found = []
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        version = folder.parent.name
        control = Path("/usr/share/postgresql") / version / "extension" / "postgis.control"
        if version.isdigit() and (folder / "initdb").exists() and control.exists():
            found.append((int(version), folder))
    if not found:
        raise Failed("No PostgreSQL with PostGIS is installed (Debian: postgresql-15-postgis-3).")
    return max(found)[1]


@dataclass(frozen=True)
class Cluster:
    """A cluster in home.cluster, listening on 127.0.0.1:port and on a socket in home.sockets."""

    home: Home
    port: int
    password: str
    gis_password: str
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.home.cluster / "data"

    @property
    def dsn(self) -> str:
        return f"postgres://{ROLE}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def gis_dsn(self) -> str:
        # "postgresql", since GDAL knows it by that name only.
        return f"postgresql://{GIS_ROLE}:{self.gis_password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def command(self) -> list[str]:
        return [str(self._bin / "postgres"), "-D", str(self.data)]

    def prepare(self) -> None:
        """Make the cluster if there is none, write its configuration, and clear what a crash left behind."""
        if not (self.data / "PG_VERSION").exists():
            self._init()
        settings = {
            **SETTINGS,
            **({} if self.durable else THROWAWAY),
            "port": str(self.port),
            "unix_socket_directories": str(self.home.sockets),
        }
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
        self._write("pantau.conf", "# Written by ./pantau at each start.\n" + "\n".join(lines) + "\n")
        self._write("pg_hba.conf", HBA)
        self._drop_stale_pid_file()

    def is_ready(self) -> bool:
        """Whether it takes connections on our socket, which no other cluster can answer."""
        done = subprocess.run(
            [str(self._bin / "pg_isready"), "-q", "-h", str(self.home.sockets), "-p", str(self.port)],
            check=False,
            env=_clean_environment(),
        )
        return done.returncode == 0

    def wait_ready(self, seconds: float = 60) -> bool:
        return wait_until(self.is_ready, seconds=seconds)

    def set_up(self) -> None:
        """The roles, the application's database, and the extensions in template1, from which databases inherit them."""
        self.sql("template1", *(f"CREATE EXTENSION IF NOT EXISTS {name}" for name in EXTENSIONS))
        self.sql(
            "postgres",
            f"DO $$ BEGIN CREATE ROLE {ROLE}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"ALTER ROLE {ROLE} LOGIN CREATEDB NOSUPERUSER PASSWORD {_quoted(self.password)}",
        )
        if DATABASE not in self.sql("postgres", "SELECT datname FROM pg_database").split():
            self.sql("postgres", f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
        gis_role = GIS_ROLE_FILE.read_text().rstrip().rstrip(";")
        self.sql("template1", gis_role)
        self.sql(
            DATABASE,
            gis_role,
            f"ALTER ROLE {GIS_ROLE} LOGIN PASSWORD {_quoted(self.gis_password)}",
            # Whoever may connect could otherwise fill the disk with temporary tables. The owner still may.
            f"REVOKE TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC",
        )

    def sql(self, database: str, *statements: str) -> str:
        """Run statements as the superuser, through the socket; the last one's rows, unaligned. Errors: Failed."""
        done = subprocess.run(
            [
                str(self._bin / "psql"),
                *("-h", str(self.home.sockets), "-p", str(self.port), "-U", "postgres", "-d", database),
                *("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
            ],
            input=";\n".join(statements) + ";\n",  # not as arguments: those are visible to every user of the machine
            capture_output=True,
            text=True,
            check=False,
            env={**_clean_environment(), "PGOPTIONS": "-c client_min_messages=warning"},
        )
        if done.returncode != 0:
            raise Failed(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.strip()

    @property
    def _bin(self) -> Path:
        newest = programs()
        try:
            version = (self.data / "PG_VERSION").read_text().strip()
        except OSError:
            return newest
        own = newest.parent.parent / version / "bin"
        if not own.exists():
            raise Failed(
                f"{self.data} was made by PostgreSQL {version}, which is no longer installed (there is {newest.parent.name}). "
                f"Install postgresql-{version}-postgis-3, or dump and move the folder away."
            )
        return own

    def _init(self) -> None:
        # Made beside its place and then moved: a set-up that is cut off leaves nothing that looks like a cluster.
        draft = self.home.cluster / "data.new"
        if draft.exists():
            subprocess.run(["rm", "-rf", str(draft)], check=True)
        command = [str(programs() / "initdb"), "-D", str(draft), "-U", "postgres", "-E", "UTF8", f"--locale={LOCALE}"]
        command += ["--auth=trust", "--data-checksums"] + ([] if self.durable else ["--no-sync"])
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={**_clean_environment(), "LC_ALL": LOCALE},
            **self.home.as_server_user(),
        )
        if done.returncode != 0:
            raise Failed(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        with (draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude 'pantau.conf'\n")
        draft.rename(self.data)

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        owner = self.data.stat()
        path.write_text(text)
        path.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)

    def _drop_stale_pid_file(self) -> None:
        """After a reboot the number in postmaster.pid may be a stranger's, and PostgreSQL would then refuse to start."""
        path = self.data / "postmaster.pid"
        try:
            pid = int(path.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        if not owned.is_postgres_of(pid, self.home.cluster):
            path.unlink()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _clean_environment() -> dict[str, str]:
    """Without PGHOST and its like, which would point the client programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not re.match(r"PG[A-Z]", name)}
