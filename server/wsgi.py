"""WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

from server.core.time_limits import limit_connections
from server.web.whole_body import WholeBody

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
application = WholeBody(get_wsgi_application())
limit_connections()
