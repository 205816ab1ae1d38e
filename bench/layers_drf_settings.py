"""The service's settings with the routes of bench.layers_drf instead of its own."""

from server.settings import *  # noqa: F403

ROOT_URLCONF = "bench.layers_drf"
