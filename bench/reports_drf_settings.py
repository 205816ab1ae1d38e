"""The service's settings with the routes of bench.reports_drf instead of its own."""

from server.settings import *  # noqa: F403

ROOT_URLCONF = "bench.reports_drf"
