"""The service's settings, and the probe's app."""

from server.settings import *  # noqa: F403
from server.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.probe_app.ProbeConfig"]
