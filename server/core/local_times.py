"""Moments as people read them."""

from datetime import datetime, tzinfo

from django.utils.formats import date_format


def moment_in_words(moment: datetime, zone: tzinfo) -> str:
    """Day, time and zone, in the language of who reads: `28 November 2026 12:38 WIB`."""
    local = moment.astimezone(zone)
    return f"{date_format(local, 'j F Y H:i')} {local.tzname()}"
