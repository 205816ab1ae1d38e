"""A headless QGIS in this process, and the service that it is to read.

These run under Debian's Python, which has PyQGIS, and know nothing of the service's own packages:

    ./pantau test --qgis [pytest arguments]
"""

import os
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

# All three before QGIS is imported: no display, and a profile without anyone's settings or cached answers.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
_profile = tempfile.TemporaryDirectory(prefix="pantau-qgis-")
os.environ |= {"HOME": _profile.name, "XDG_RUNTIME_DIR": _profile.name, "QGIS_CUSTOM_CONFIG_PATH": _profile.name}

from qgis.core import QgsApplication, QgsProject  # noqa: E402

from tests.clients.requests_seen import LOG_VARIABLE, URL_VARIABLE, RequestLog  # noqa: E402

# Kept for the whole run: QGIS does not survive its application.
_application = QgsApplication([], False)


@pytest.fixture(scope="session", autouse=True)
def _qgis() -> Iterator[None]:
    _application.initQgis()
    yield
    QgsProject.instance().clear()
    _application.exitQgis()
    _profile.cleanup()


@pytest.fixture(scope="session")
def url() -> str:
    """Where the service is; what is in it: tests.clients.city_data."""
    return os.environ[URL_VARIABLE]


@pytest.fixture(scope="session")
def log() -> RequestLog:
    return RequestLog(Path(os.environ[LOG_VARIABLE]))


@pytest.fixture
def project() -> Iterator[QgsProject]:
    """The project that is open, empty."""
    opened = QgsProject.instance()
    opened.clear()
    yield opened
    opened.clear()


@pytest.fixture
def download(url: str, tmp_path: Path):
    """Saves an address of the service to a file, as a browser does."""

    def save(path: str) -> str:
        target = tmp_path / path.partition("?")[0].rpartition("/")[2]
        urllib.request.urlretrieve(url + path, target)
        return str(target)

    return save
