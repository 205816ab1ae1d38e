"""The servers that Pantau is compared with, pygeoapi and tipg, on the same database, as their documentation runs them.

They live in an environment of their own, since their requirements are none of Pantau's; bench/peers.txt pins it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bench.servers import Serving, serving
from server.run.home import find_home
from server.run.ports import unused_port
from server.run.processes import GUNICORN

PINNED = Path(__file__).with_name("peers.txt")
WORKERS = GUNICORN[GUNICORN.index("--workers") + 1]
THREADS = GUNICORN[GUNICORN.index("--threads") + 1]
MAX_ITEMS = 10_000
# Served by its `key`, newest first.
SCHEMA, VIEW, KEY = "bench", "reports", "key"


class NotInstalled(Exception):
    """The environment cannot be made; the text says why."""


def environment_folder() -> Path:
    """Where the environment stays. A benchmark's own PANTAU_HOME is a folder of the real one that goes with the run."""
    folder = find_home().folder
    return (folder.parent.parent if folder.parent.name == "test" else folder) / "bench-peers"


def install() -> Path:
    """The programs of the environment, made where missing or changed. Errors: NotInstalled."""
    folder = environment_folder()
    stamp = folder / "pinned"
    wanted = hashlib.sha256(PINNED.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return folder / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    count = sum(line[:1].isalnum() for line in PINNED.read_text().splitlines())
    print(f"  installing pygeoapi and tipg with what they need: {count} packages, once", flush=True)
    venv = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
    if venv.returncode != 0:
        raise NotInstalled(venv.stdout[-500:] + venv.stderr[-500:])
    _pip_install(folder / "bin" / "python", count)
    stamp.write_text(wanted)
    return folder / "bin"


def _pip_install(python: Path, count: int) -> None:
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", str(PINNED)]
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert pip.stdout
    seen, shown, last = 0, 0, ""
    for line in pip.stdout:
        last = line if line.startswith("ERROR") else last
        seen += line.startswith(("Collecting", "Requirement already"))
        if seen * 4 // count > shown:
            shown = seen * 4 // count
            print(f"    {25 * shown} % found", flush=True)
    if pip.wait() != 0:
        raise NotInstalled(last.strip() or "pip failed")


@contextmanager
def pygeoapi(programs: Path) -> Iterator[Serving]:
    """pygeoapi under gunicorn, with as many processes and threads as the service."""
    port = unused_port()
    folder = environment_folder() / "run"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)  # the configuration holds the database's password
    config, openapi = folder / "pygeoapi.json", folder / "openapi.json"
    config.write_text(json.dumps(_pygeoapi_config(port)))  # YAML is a superset of JSON
    environment = {**_clean_environment(), "PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    generate = [str(programs / "pygeoapi"), "openapi", "generate", str(config), "--format", "json"]
    made = subprocess.run(
        [*generate, "--output-file", str(openapi)], env=environment, capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise NotInstalled(f"pygeoapi does not take its configuration: {made.stderr[-500:]}")
    command = [str(programs / "gunicorn"), "pygeoapi.flask_app:APP", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--workers", WORKERS, "--threads", THREADS, "--timeout", "120"]
    ready = f"/collections/{VIEW}?f=json"
    with serving("pygeoapi", [*command, "--no-control-socket"], port, ready=ready, environment=environment) as server:
        yield server


@contextmanager
def tipg(programs: Path) -> Iterator[Serving]:
    """tipg under uvicorn with its fast loop and parser, with as many processes as the service."""
    port = unused_port()
    environment = _clean_environment() | {
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("postgres://", "postgresql://", 1),
        "TIPG_DB_SCHEMAS": json.dumps([SCHEMA]),
        "TIPG_TABLE_CONFIG": json.dumps({f"{SCHEMA}_{VIEW}": {"pk": KEY}}),
        "TIPG_MAX_FEATURES_PER_QUERY": str(MAX_ITEMS),
        "TIPG_CATALOG_TTL": "0",  # its catalogue is not read anew in the middle of a measurement
    }
    command = [str(programs / "uvicorn"), "tipg.main:app", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", WORKERS, "--log-level", "error"]
    ready = f"/collections/{SCHEMA}.{VIEW}?f=json"
    with serving("tipg", command, port, ready=ready, environment=environment) as server:
        yield server


def pygeoapi_items(server: Serving, limit: int) -> str:
    return f"{server.url}/collections/{VIEW}/items?f=json&sortby=-{KEY}&limit={limit}"


def tipg_items(server: Serving, limit: int) -> str:
    return f"{server.url}/collections/{SCHEMA}.{VIEW}/items?f=geojson&sortby=-{KEY}&limit={limit}"


def _clean_environment() -> dict[str, str]:
    """Without Pantau's variables and interpreter settings, which tipg and pygeoapi would read for their own."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _pygeoapi_config(port: int) -> Mapping[str, Any]:
    database = urlsplit(os.environ["DATABASE_URL"])
    extent = {"bbox": [-180, -90, 180, 90], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    name = {"name": "Bench", "url": "http://127.0.0.1/"}
    words = {"title": "Bench", "description": "Bench", "keywords": ["bench"]}
    provider = {
        "type": "feature",
        "name": "PostgreSQL",
        "data": {
            "host": database.hostname,
            "port": database.port,
            "dbname": database.path[1:],
            "user": unquote(database.username or ""),
            "password": unquote(database.password or ""),
            "search_path": [SCHEMA],
        },
        "id_field": KEY,
        "table": VIEW,
        "geom_field": "geom",
    }
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "language": "en-US",
            "pretty_print": False,
            "limits": {"default_items": 10, "max_items": MAX_ITEMS},
            "map": {"url": "http://127.0.0.1/{z}/{x}/{y}.png", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {**words, "keywords_type": "theme", "terms_of_service": "none", "url": name["url"]},
            "license": name,
            "provider": name,
            "contact": {"name": "Bench"},
        },
        "resources": {
            VIEW: {"type": "collection", **words, "extents": {"spatial": extent}, "providers": [provider]},
        },
    }
