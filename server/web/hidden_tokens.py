"""Keeps the tokens of field links and subscriptions out of the log: Django names the address of whatever it answers with a 4xx or a 5xx."""

import logging
import re

_TOKEN = re.compile(r"(/field/|/api/subscriptions/(?:confirm|end)/)[^/\s]+")


class HideTokens(logging.Filter):
    """Of a handler: every line that passes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if (hidden := _TOKEN.sub(r"\1…", said)) != said:
            record.msg, record.args = hidden, ()
        return True
