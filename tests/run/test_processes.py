"""The table of processes, supervisor's configuration from it, and docker-compose.yml beside it."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.run.home import CHECKOUT, Home
from server.run.processes import PROCESSES
from server.run.supervision import Supervisor, configuration

COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
APPLICATION = [process for process in PROCESSES if process.python and process.service]


def test_compose_has_each_process_and_the_migration_and_no_other() -> None:
    assert set(SERVICES) == {process.service for process in PROCESSES if process.service} | {"migrate"}


@pytest.mark.parametrize("process", APPLICATION, ids=lambda process: process.name)
def test_compose_runs_the_same_command(process: Any) -> None:
    command = SERVICES[process.service]["command"]
    assert command[: len(process.python) + 1] == ["python", *process.python]


@pytest.mark.parametrize("process", [p for p in PROCESSES if p.service], ids=lambda process: process.name)
def test_compose_stops_each_service_as_supervisor_does(process: Any) -> None:
    service = SERVICES[process.service]
    assert service.get("stop_signal", "SIGTERM") == f"SIG{process.stop_signal}"
    assert service["stop_grace_period"] == f"{process.stop_seconds}s"
    assert service["restart"] == "unless-stopped"
    assert service["init"] is True


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"migrate"}))
def test_each_service_of_compose_has_a_health_check(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"]


@pytest.mark.parametrize(
    "process", [p for p in APPLICATION if p.name not in {"web", "live"}], ids=lambda process: process.name
)
def test_process_without_a_port_touches_the_file_that_its_health_check_looks_at(process: Any) -> None:
    service = SERVICES[process.service]
    assert f"find {service['environment']['PANTAU_HEARTBEAT']} " in service["healthcheck"]["test"][1]


def test_compose_names_images_by_version_and_keeps_no_secret() -> None:
    text = (CHECKOUT / "docker-compose.yml").read_text()
    images = {service["image"] for service in SERVICES.values()}
    assert all(re.search(r":\d", image) for image in images)
    # A bucket is a choice; its keys are asked for at the start where one is named.
    secrets = re.findall(r"\$\{(PANTAU_(?!S3_)\w*(?:PASSWORD|KEY))(?!\w)(.*?)\}", text)
    assert secrets
    assert all(rest.startswith(":?set ") for _name, rest in secrets)


def test_example_file_names_every_variable_of_compose() -> None:
    example = (CHECKOUT / ".env.example").read_text()
    named = set(re.findall(r"^#?([A-Z0-9_]+)=", example, re.MULTILINE))
    assert set(re.findall(r"\$\{([A-Z0-9_]+)", (CHECKOUT / "docker-compose.yml").read_text())) <= named


def test_compose_passes_on_whatever_the_settings_read() -> None:
    text = (CHECKOUT / "server/settings.py").read_text()
    read = {name for _quote, name in re.findall(r"""env\.\w+\(\s*(["'])([A-Z0-9_]+)\1""", text)}
    assert "PANTAU_PORT" in read
    for process in APPLICATION:
        # The page and the stream have a port to ask instead.
        has_port = process.name in {"web", "live"}
        passed = set(SERVICES[process.service]["environment"])
        assert read - passed == ({"PANTAU_HEARTBEAT"} if has_port else set())


def test_supervisor_keeps_each_process_running_and_stops_the_servers_last(tmp_path: Path) -> None:
    supervisor = Supervisor(Home(tmp_path), "word")
    commands = {process.name: ["/bin/true", process.name] for process in PROCESSES}
    parser = configparser.RawConfigParser()
    parser.read_string(configuration(supervisor, commands))
    assert parser["program:postgres"]["stopsignal"] == "INT"
    assert parser["program:ingest"]["autorestart"] == "true"
    priorities = {process.name: int(parser[f"program:{process.name}"]["priority"]) for process in PROCESSES}
    assert sorted(priorities, key=lambda name: priorities[name])[:2] == ["postgres", "mosquitto"]


def test_path_with_a_percent_sign_or_a_space_reaches_supervisor_unharmed(tmp_path: Path) -> None:
    home = Home(tmp_path / "50%of my")
    parser = configparser.RawConfigParser()
    parser.read_string(configuration(Supervisor(home, "word"), {"web": ["/a b/python", "x%y"]}))
    assert parser["program:web"]["command"] == "'/a b/python' x%%y"
    assert "50%%of my" in parser["program:web"]["stdout_logfile"]


def test_locks_name_no_registry() -> None:
    assert "://" not in (CHECKOUT / "requirements.lock").read_text()
    assert '"resolved"' not in (CHECKOUT / "package-lock.json").read_text()
