"""Filters that wait for reports: CQL2 over the public columns of the layer of reports, held against one of them."""

import logging
import re
from collections.abc import Collection, Mapping
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

_PARAMETER = re.compile(r"%\((\w+)\)s")


def connect() -> None:
    """Called once, when the app is ready."""
    register_filters(Filters(check_filter, matching_filters))


def check_filter(text: str, city: City) -> None:
    """BadParameter("filter") for CQL2 text that no report of the city can be held against."""
    _compiled(text, city)


def matching_filters(report_id: int, city: City, texts: Collection[str]) -> set[str]:
    """Which of these filters the report meets, in the caller's transaction and in one statement, however many they are.

    One without a public place meets none. A filter that fails, today or since the layer was changed, is left out and logged: a
    report does not wait for it.
    """
    conditions: dict[str, Condition] = {}
    for text in sorted(texts):
        try:
            conditions[text] = _compiled(text, city)
        except BadParameter as error:
            _leave_out(error)
    try:
        return _met(report_id, city, conditions)
    except DataError:
        # Which one it is, is found by asking each alone.
        return {text for text, condition in conditions.items() if _meets(report_id, city, text, condition)}


def _compiled(text: str, city: City) -> Condition:
    return compile_filter(text, lang="cql2-text", layer=REPORTS, zone=city.zone, srid=4326, flip=False)


def _met(report_id: int, city: City, conditions: Mapping[str, Condition]) -> set[str]:
    if not conditions:
        return set()
    report = Condition("s.key = %(of_report)s", {"of_report": report_id})
    query = Query(city=city, values={}, now=datetime.now(UTC), condition=report)
    rows, params = selected_sql(Selection(REPORTS, query, REPORTS.rows(query)))
    columns = []
    for n, condition in enumerate(conditions.values()):
        # Each filter numbers its parameters from the beginning.
        own = _PARAMETER.sub(rf"%(\1_of_{n})s", condition.sql)
        columns.append(f"({own}) IS TRUE")
        params |= {f"{name}_of_{n}": value for name, value in condition.params.items()}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT ARRAY[{', '.join(columns)}] {rows}", params)
        found = cursor.fetchone()
    return {text for text, is_met in zip(conditions, found[0], strict=True) if is_met} if found is not None else set()


def _meets(report_id: int, city: City, text: str, condition: Condition) -> bool:
    try:
        return bool(_met(report_id, city, {text: condition}))
    except DataError as error:
        _leave_out(error)
        return False


def _leave_out(error: Exception) -> None:
    log.warning("a subscription's filter is left out: %s", type(error).__name__)
