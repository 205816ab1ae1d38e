"""ASGI entry point, of the live stream alone: everything else is WSGI's."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
django.setup()

from server.live.app import LiveApp  # noqa: E402

application = LiveApp()
