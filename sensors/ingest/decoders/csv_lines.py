"""Lines of text as data loggers write them, with a first line that names the columns.

    time,water_level,rain          or          property;result;time
    2026-02-01T00:00:00Z,312,0.2               water_level;312,5;2026-02-01T07:00:00+07:00

Columns are parted by commas, semicolons or tabs. Where they are not parted by commas, a comma in a number is its decimal sign.
"""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime

from sensors.ingest.decoders.measurements import Faulty, Levels, Measurement, Payload, name_of
from sensors.ingest.decoders.said import MAX_PAYLOAD_BYTES, MAX_READINGS, Unreadable
from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.ingest.reasons import Reason

TIME, PROPERTY, RESULT, UNIT = "time", "property", "result", "unit"
_SEPARATORS = ";\t,"
Row = list[str]


def decode_csv_lines(payload: bytes, levels: Levels) -> Payload:
    """A measurement for each value; an empty field is none. A line that cannot be read is rejected alone, with its header."""
    text = _text(payload)
    header_line, _, _rest = text.partition("\n")
    separator = next((each for each in _SEPARATORS if each in header_line), ",")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise Unreadable(Reason.BAD_PAYLOAD, f"no CSV: {error}") from None
    header = [name_of(name.strip()) for name in rows[0]] if rows else []
    if len(rows) < 2 or len(set(header)) != len(header) or "" in header:
        raise Unreadable(Reason.BAD_PAYLOAD, "the first line names the columns, each once, and others follow")
    read = _long_row if {PROPERTY, RESULT} <= set(header) else _wide_row
    return _read_rows(header, rows[1:], separator, read)


def _text(payload: bytes) -> str:
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(Reason.BAD_PAYLOAD, "not UTF-8") from None
    if "\0" in text:
        raise Unreadable(Reason.BAD_PAYLOAD, "a NUL in a text")
    return text.replace("\r\n", "\n").strip()


def _read_rows(
    header: Row, rows: Sequence[Row], separator: str, read: Callable[[dict[str, str], bool], list[Measurement]]
) -> Payload:
    said: Payload = []
    rejected_bytes = 0
    for row in rows:
        if not any(field.strip() for field in row):
            continue
        try:
            if len(row) != len(header):
                raise Unreadable(Reason.BAD_PAYLOAD, f"{len(row)} fields under {len(header)} columns")
            fields = {name: field.strip() for name, field in zip(header, row, strict=True)}
            said += read(fields, separator != ",")
        except Unreadable as why:
            alone = _lines(header, row, separator)
            said.append(Faulty(alone, why.reason, why.detail))
            # Each holds the header again: a long one would make gigabytes of one message. It is kept whole then.
            rejected_bytes += len(alone)
            if rejected_bytes > MAX_PAYLOAD_BYTES:
                raise Unreadable(
                    why.reason, f"too many bad lines under a long header; the last: {why.detail}"
                ) from None
        if len(said) > MAX_READINGS:
            raise Unreadable(Reason.TOO_LARGE, f"more than {MAX_READINGS} values")
    return said


def _long_row(fields: dict[str, str], has_decimal_comma: bool) -> list[Measurement]:
    if not fields[PROPERTY]:
        raise Unreadable(Reason.BAD_PAYLOAD, "a line without a property")
    result = _result(fields[RESULT], has_decimal_comma)
    return [Measurement(fields[PROPERTY], result, _time(fields.get(TIME, "")), fields.get(UNIT, ""))]


def _wide_row(fields: dict[str, str], has_decimal_comma: bool) -> list[Measurement]:
    time = _time(fields.get(TIME, ""))
    named = [(name, field) for name, field in fields.items() if name != TIME and field]
    return [Measurement(name, _result(field, has_decimal_comma), time) for name, field in named]


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse_time(float(text) if text.lstrip("+-").replace(".", "", 1).isdecimal() else text)
    except (BadTime, ValueError) as why:
        raise Unreadable(Reason.BAD_TIME, str(why)) from None


def _result(text: str, has_decimal_comma: bool) -> float:
    # float() takes "1_000", "nan" and digits of any script; a logger that writes such a thing is broken.
    plain = text.replace(",", ".", 1) if has_decimal_comma else text
    if not plain.isascii() or "_" in plain or not any(letter.isdigit() for letter in plain):
        raise Unreadable(Reason.NOT_A_NUMBER, f"{text[:40]!r} is no number")
    try:
        return float(plain)
    except ValueError:
        raise Unreadable(Reason.NOT_A_NUMBER, f"{text[:40]!r} is no number") from None


def _lines(header: Row, row: Row, separator: str) -> bytes:
    lines = io.StringIO(newline="")
    csv.writer(lines, delimiter=separator, lineterminator="\n").writerows([header, row])
    return lines.getvalue().encode()
