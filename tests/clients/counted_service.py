"""The service as a WSGI application that writes down each request, before the first byte of its answer leaves.

Gunicorn's access log has a line only after the answer went out: a client that has read it could count too few.
"""

import os
from typing import Any

from server.wsgi import application as service
from tests.clients.requests_seen import LOG_VARIABLE

# One write of a short line to a file opened for appending is never mixed with another process's.
_LOG = os.open(os.environ[LOG_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def application(environ: dict[str, Any], start_response: Any) -> Any:
    def noting(status: str, *rest: Any) -> Any:
        line = f"{status.partition(' ')[0]} {environ['REQUEST_METHOD']} {environ['RAW_URI']}\n"
        os.write(_LOG, line.encode())
        return start_response(status, *rest)

    return service(environ, noting)
