"""Filters that wait for reports: CQL2 over the public columns of the layer of reports, held against one of them."""

import logging
from collections.abc import Collection
from datetime import UTC, datetime

from django.db import DataError, connection, transaction

from geo.areas.models import City
from geo.layers.cql2 import compile_filter
from geo.layers.layer import Condition, Query
from geo.layers.report_layers import REPORTS
from geo.layers.select import Selection, selected_sql
from geo.operations.notifications.matching import Filters, register_filters
from server.core.errors import BadParameter

log = logging.getLogger(__name__)


def connect() -> None:
    """Called once, when the app is ready."""
    register_filters(Filters(check_filter, matching_filters))


def check_filter(text: str, city: City) -> None:
    """BadParameter("filter") for CQL2 text that no report of the city can be held against."""
    _compiled(text, city)


def matching_filters(report_id: int, city: City, texts: Collection[str]) -> set[str]:
    """Which of these filters the report meets, in the caller's transaction. One without a public place meets none.

    A filter that fails, today or since the layer was changed, is left out and logged: a report does not wait for it.
    """
    return {text for text in texts if _meets(report_id, city, text)}


def _compiled(text: str, city: City) -> Condition:
    return compile_filter(text, lang="cql2-text", layer=REPORTS, zone=city.zone, srid=4326, flip=False)


def _meets(report_id: int, city: City, text: str) -> bool:
    try:
        condition = Condition("s.key = %(of_report)s", {"of_report": report_id}) & _compiled(text, city)
        query = Query(city=city, values={}, now=datetime.now(UTC), condition=condition)
        sql, params = selected_sql(Selection(REPORTS, query, REPORTS.rows(query)))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 {sql}", params)
            return cursor.fetchone() is not None
    except (BadParameter, DataError) as error:
        log.warning("a subscription's filter is left out: %s", type(error).__name__)
        return False
