"""`./pantau status`: what runs and where it is, for people and for programs."""

import http.client
import json
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from server.core import broker_credentials
from server.run.environment import Installation, admin_password, known_installation
from server.run.home import Home
from server.run.said import say
from server.run.supervision import RUNNING, Supervisor

ADMIN = "admin"
# The devices, one with PM2.5 first, each with a property and a moderate value: a 25th of what is plausible.
EXAMPLE = """\
SELECT t.slug, p.code, round(((coalesce(d.plausible_min, 0) * 24 + coalesce(d.plausible_max, 100)) / 25)::numeric, 1)
FROM sensors_datastream d
JOIN sensors_thing t ON t.id = d.thing_id
JOIN sensors_observedproperty p ON p.id = d.observed_property_id
ORDER BY p.code <> 'pm25', t.slug, p.code"""


def status(home: Home, *, form: Literal["table", "json", "shell"]) -> int:
    """0 only if every process that should run does, and the page says that it is ready."""
    here = known_installation(home) if (home.folder / "secrets.json").exists() else None
    if here is None:
        say("Nothing has been started here yet: ./pantau up")
        if form == "json":
            print(json.dumps({"ready": False, "processes": []}))
        return 1
    found = describe(here)
    if form == "json":
        print(json.dumps(found, indent=2))
    elif form == "shell":
        print("\n".join(f"{name}={shlex.quote(str(value))}" for name, value in _shell_variables(found).items()))
    else:
        _print_table(here, found)
    return 0 if found["ready"] else 1


def describe(here: Installation) -> dict[str, Any]:
    """The same for programs. `ready`: all is green. A server that is not ours shows its address only."""
    rows = _processes(here)
    web, stream = readiness(here), stream_readiness(here)
    return {
        "ready": web == stream == "200" and bool(rows) and all(row["state"] == RUNNING for row in rows),
        "url": here.url,
        "layers": f"{here.url}/layers/",
        "api_docs": f"{here.url}/api/docs/",
        "health": web,
        "stream": stream,
        "admin": {"url": f"{here.url}/admin/", "user": ADMIN, "password": admin_password(here.home)},
        "mqtt": _mqtt(here),
        "database": here.dsn,
        "gis": _gis(here),
        "home": str(here.home.folder),
        "processes": rows,
    }


def _shell_variables(found: dict[str, Any]) -> dict[str, Any]:
    mqtt = {f"MQTT_{name.upper()}": mqtt for name, mqtt in found["mqtt"].items() if name != "example"}
    gis = {"GIS_URL": found["gis"]["url"]} if found["gis"] else {}
    return {"PANTAU": found["url"], **mqtt, **gis}


def readiness(here: Installation) -> str:
    """'200', or what stands in the way: `taken_by_another(here.web_port)` where somebody else's server answers."""
    return _health(here, f"{here.url}/health/ready", here.web_port)


def stream_readiness(here: Installation) -> str:
    """The same of the live stream."""
    return _health(here, f"{here.stream_url}/health/live", here.stream_port)


def _health(here: Installation, url: str, port: int) -> str:
    try:
        # Straight to this machine: a proxy in the environment knows nothing of it.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=10) as answer:
            return str(answer.status) if _mark(answer.read(2000)) == here.mark else taken_by_another(port)
    except urllib.error.HTTPError as error:
        body = error.read(2000)
        # Ours may refuse to say more (a host that is not allowed), but it has this page and names itself on it.
        if error.code == 404 or _mark(body) not in {None, here.mark}:
            return taken_by_another(port)
        return f"{error.code} {body.decode(errors='replace')}"
    except http.client.HTTPException:
        return taken_by_another(port)
    except OSError as error:
        return str(error)


def taken_by_another(port: int) -> str:
    return f"port {port} is taken by somebody else's server"


def _mark(body: bytes) -> str | None:
    """The installation that an answer of a health page names."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said.get("installation") if isinstance(said, dict) else None


def print_summary(here: Installation) -> None:
    """What `up` prints when it is ready."""
    found = describe(here)
    mqtt = found["mqtt"]
    lines = [
        "",
        "Pantau is ready.",
        f"  Map       {found['url']}/",
        f"  Layers    {found['layers']}",
        f"  API       {found['api_docs']}",
        f"  Admin     {found['admin']['url']}  user {ADMIN}  password {found['admin']['password']}",
    ]
    if mqtt:
        lines.append(f"  MQTT      mqtt://{mqtt['host']}:{mqtt['port']}")
        if here.broker and here.broker.tls and not here.broker.has_other_settings():
            lines.append(f"            with TLS on port {here.broker.tls.port} of {here.broker.tls.bind}")
        if "example" in mqtt:
            lines.append(f"            {mqtt['example']}")
    lines.append("  ./pantau status | logs | down")
    print("\n".join(lines), flush=True)


def _mqtt(here: Installation) -> dict[str, Any]:
    if not here.broker:
        parts = urlsplit(here.variables().get("MQTT_URL", ""))
        return {"host": parts.hostname or "", "port": parts.port or (8883 if parts.scheme == "mqtts" else 1883)}
    out: dict[str, Any] = {"host": here.broker.host, "port": here.broker.port}
    device = _example_device(here)
    if device:
        slug, prop, value, password = device
        topic = f"sensors/{slug}/{prop}"
        address = ["-h", here.broker.host, "-p", str(here.broker.port)]
        words = ["mosquitto_pub", *address, "-u", slug, "-P", password, "-q", "1", "-t", topic, "-m", value]
        out |= {"username": slug, "password": password, "thing": slug, "topic": topic, "payload": value}
        out["example"] = shlex.join(words)
    return out


def _example_device(here: Installation) -> tuple[str, str, str, str] | None:
    """(slug, observed property, value, password) of a device that may publish; None while there is none."""
    assert here.broker is not None
    try:
        passwords = broker_credentials.devices(here.broker.credentials)
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-c", EXAMPLE],
            env={**here.variables(), **_psql_variables(here.dsn)},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in done.stdout.splitlines():
        slug, prop, value = line.split("\t")
        if slug in passwords:
            return slug, prop, value, passwords[slug]
    return None


def _gis(here: Installation) -> dict[str, Any] | None:
    """The connection that GIS programs use. In a database that is not ours its administrator gives the role a password."""
    if not here.cluster:
        return None
    parts = urlsplit(here.cluster.gis_dsn)
    return {
        "url": here.cluster.gis_dsn,
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path[1:],
        "user": parts.username,
        "password": parts.password,
        "schema": "layers",
    }


def _psql_variables(dsn: str) -> dict[str, str]:
    """The DSN as psql's variables: as an argument its password would show in the list of processes."""
    parts = urlsplit(dsn)
    return {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path[1:]),
        "PGCONNECT_TIMEOUT": "5",
    }


def _processes(here: Installation) -> list[dict[str, Any]]:
    supervisor = Supervisor(here.home, here.home.secrets()["instance"])
    try:
        # It is gone after `down`.
        states = supervisor.states() if supervisor.socket.exists() else {}
    except OSError:
        states = {}
    rows = []
    for name in here.home.read("state.json").get("expected", []):
        info = states.get(name)
        state = info["statename"] if info else "STOPPED"
        up = info["now"] - info["start"] if info and state == RUNNING else 0
        rows.append({"name": name, "state": state, "pid": (info["pid"] or None) if info else None, "uptime_s": up})
    return rows


def _print_table(here: Installation, found: dict[str, Any]) -> None:
    green, red, plain = ("\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
    for row in found["processes"]:
        good = row["state"] == RUNNING
        since = _since(row) if good else ""
        print(f"{row['name']:<10} {green if good else red}{row['state']:<9}{plain} {since}".rstrip())
    print(f"{'page':<10} {'ready' if found['health'] == '200' else found['health']:<9} {found['url']}/")
    if found["stream"] != "200":
        print(f"{'stream':<10} {found['stream']}")
    print(f"{'home':<10} {found['home']}")
    if not found["ready"]:
        say("Not everything is running: ./pantau up starts it, ./pantau logs tells why it stopped.")


def _since(row: dict[str, Any]) -> str:
    days, seconds = divmod(row["uptime_s"], 86400)
    return f"pid {row['pid']:<8} {f'{days} d ' if days else ''}{time.strftime('%H:%M:%S', time.gmtime(seconds))}"
