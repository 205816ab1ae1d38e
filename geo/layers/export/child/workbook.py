"""Excel: a sheet of rows, and one that says what they are."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter  # type: ignore[import-untyped]

from geo.layers.export.child.text_rows import text_rows

# What a cell holds; Excel has no way to more.
LONGEST_TEXT = 32_767
FIRST_YEAR = 1900


def write_workbook(question: dict[str, Any], source: Iterable[bytes], path: Path) -> None:
    options = {
        # Rows leave as they come; a text that begins with = stays text.
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(path, options) as workbook:
        workbook.set_properties({"title": question["title"], "comments": question["description"]})
        bold = workbook.add_format({"bold": True})
        sheet = workbook.add_worksheet(question["layer"][:31])
        _write_rows(question, source, sheet, workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}), bold)
        _write_about(question, workbook.add_worksheet("about"), bold)


def _write_rows(question: dict[str, Any], source: Iterable[bytes], sheet: Any, time_format: Any, bold: Any) -> None:
    columns = question["columns"]
    sheet.freeze_panes(1, 0)
    for i, column in enumerate(columns):
        sheet.set_column(i, i, 20 if column["type"] in ("string", "datetime") else 12)
    for i, column in enumerate(columns):
        sheet.write_string(0, i, column["name"], bold)
    zone = ZoneInfo(question["zone"])
    writers = [_writer(sheet, column["type"], time_format, zone) for column in columns]
    row = 0
    for values in text_rows(source):
        row += 1
        for i, text in enumerate(values):
            if text is not None:
                writers[i](row, i, text)
    sheet.autofilter(0, 0, row, len(columns) - 1)


def _writer(sheet: Any, kind: str, time_format: Any, zone: ZoneInfo) -> Callable[[int, int, str], Any]:
    if kind == "integer":
        return lambda row, column, text: sheet.write_number(row, column, int(text))
    if kind == "number":
        return lambda row, column, text: sheet.write_number(row, column, float(text))
    if kind == "boolean":
        return lambda row, column, text: sheet.write_boolean(row, column, text == "1")

    def write_text(row: int, column: int, text: str) -> None:
        # Excel counts UTF-16 units: what lies beyond the first plane counts twice.
        if len(text) > LONGEST_TEXT // 2:
            text = text.encode("utf-16-le")[: LONGEST_TEXT * 2].decode("utf-16-le", "ignore")
        sheet.write_string(row, column, text)

    def write_time(row: int, column: int, text: str) -> None:
        # A date of Excel has no zone: it is that of the city's clocks, so that its days are the city's days.
        moment = datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None)
        if moment.year < FIRST_YEAR:
            sheet.write_string(row, column, moment.isoformat(sep=" "))
        else:
            sheet.write_datetime(row, column, moment, time_format)

    return write_time if kind == "datetime" else write_text


def _write_about(question: dict[str, Any], sheet: Any, bold: Any) -> None:
    zone = question["zone"]
    about = {"title": question["title"], "description": question["description"], **question["metadata"], "times": zone}
    sheet.set_column(0, 1, 30)
    sheet.set_column(2, 4, 20)
    row = 0
    for name, text in about.items():
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, str(text)[:LONGEST_TEXT])
        row += 1
    row += 1
    for i, name in enumerate(("column", "title", "description", "type", "unit")):
        sheet.write_string(row, i, name, bold)
    for column in question["columns"]:
        row += 1
        for i, key in enumerate(("name", "title", "description", "type", "unit")):
            if column.get(key):
                sheet.write_string(row, i, str(column[key]))
