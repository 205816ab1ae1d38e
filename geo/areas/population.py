"""Population figures: how many people, in which year, by whose count. What is not known is not made up."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from geo.areas.ancestry import QUERIES
from geo.areas.models import Area
from server.core.errors import PantauError

_MOST = 2_147_483_647


class BadPopulationFile(PantauError):
    """A file of figures that cannot be taken in, with where and why."""


@dataclass(frozen=True)
class PopulationSummary:
    added: int
    changed: int
    unchanged: int
    unknown: int  # rows without a figure


@transaction.atomic
def import_population(
    path: Path, *, year: int, source: str, code_field: str = "code", value_field: str = "population"
) -> PopulationSummary:
    """Keeps the figures of a CSV file for a year; the same year of the same area again is replaced.

    Errors: BadPopulationFile, naming the row (from 2; row 1 is the header).
    """
    if not 1800 <= year <= 2200:
        raise BadPopulationFile(f"{year} is not a year of a census or an estimate.")
    if not source.strip():
        raise BadPopulationFile("Every figure names its source: give --source.")
    figures, unknown = _read(path, code_field, value_field)
    known = set(Area.objects.filter(code__in=figures).values_list("code", flat=True))
    for code, (row, _value) in figures.items():
        if code not in known:
            raise BadPopulationFile(f"{path}, row {row}: there is no area with the code {code!r}.")
    values: dict[str, Any] = {
        "year": year,
        "source": source.strip(),
        "code": list(figures),
        "population": [value for _row, value in figures.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.put_population, values)
        is_new = [row[0] for row in cursor.fetchall()]
    return PopulationSummary(is_new.count(True), is_new.count(False), len(figures) - len(is_new), unknown)


def _read(path: Path, code_field: str, value_field: str) -> tuple[dict[str, tuple[int, int]], int]:
    """The figures by code, each with its row, and how many rows have none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            for name in (code_field, value_field):
                if name not in (reader.fieldnames or []):
                    listed = ", ".join(reader.fieldnames or []) or "none"
                    raise BadPopulationFile(f"{path} has no column {name!r}. Its columns: {listed}.")
            return _figures(path, reader, code_field, value_field)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadPopulationFile(f"{path} cannot be read as CSV in UTF-8: {error}") from None


def _figures(
    path: Path, reader: "csv.DictReader[str]", code_field: str, value_field: str
) -> tuple[dict[str, tuple[int, int]], int]:
    figures: dict[str, tuple[int, int]] = {}
    unknown = 0
    for row, record in enumerate(reader, start=2):
        code, text = (record[code_field] or "").strip(), (record[value_field] or "").strip()
        if not code:
            raise BadPopulationFile(f"{path}, row {row}: the column {code_field!r} is empty.")
        if code in figures:
            raise BadPopulationFile(f"{path}, row {row}: the code {code!r} was already in row {figures[code][0]}.")
        if not text:
            unknown += 1
            continue
        # 257.030 is 257,030 to one writer and 257.03 to another, so only plain digits are a number here.
        if not (text.isascii() and text.isdigit()) or int(text) > _MOST:
            raise BadPopulationFile(f"{path}, row {row} ({code}): {text!r} is not a count of people in plain digits.")
        figures[code] = row, int(text)
    return figures, unknown
