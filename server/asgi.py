"""ASGI entry point."""

import os

from django.core.asgi import get_asgi_application

from server.core.time_limits import limit_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
application = get_asgi_application()
limit_connections()
