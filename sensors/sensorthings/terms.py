"""Values in a filter, as SQL: what each is, and what it may be taken for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from sensors.sensorthings.entities import EntityType, Kind
from sensors.sensorthings.ids import parse_id
from server.core.errors import BadParameter

_WORDS = {
    Kind.ID: "an id",
    Kind.TEXT: "text",
    Kind.NUMBER: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.TIME: "a time",
    Kind.INTERVAL: "a time",
    Kind.DATE: "a date",
    Kind.CLOCK: "a time of day",
    Kind.DURATION: "a duration",
    Kind.GEOMETRY: "a geometry",
    Kind.JSON: "JSON",
    Kind.COMPLEX: "an object",
    Kind.NULL: "null",
}


class Parameters:
    """The values of a statement, by the placeholders that stand for them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def bind(self, value: Any) -> str:
        """The placeholder of a value; psycopg2 writes it as a literal of its type."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


@dataclass(frozen=True, slots=True)
class Term:
    """A value. `end` is where an interval ends; `columns` and `entity` are of an id; `text` is a literal as it was written."""

    kind: Kind
    sql: str
    end: str = ""
    columns: tuple[str, ...] = ()
    entity: EntityType | None = None
    text: str | None = None
    is_nullable: bool = True

    @property
    def is_instant(self) -> bool:
        return self.kind is Kind.TIME

    @property
    def until(self) -> str:
        """An instant is an interval that ends where it starts."""
        return self.end or self.sql


@dataclass(slots=True)
class Reader:
    """Takes terms for what they are needed as; `option` is named in errors."""

    option: str
    parameters: Parameters = field(default_factory=Parameters)

    def wrong(self, detail: str) -> BadParameter:
        return BadParameter(self.option, f"{self.option}: {detail}")

    def mismatch(self, term: Term, wanted: Kind, where: str) -> BadParameter:
        given = repr(term.text) if term.text is not None else _WORDS[term.kind]
        return self.wrong(f"{where} takes {_WORDS[wanted]}, not {given}")

    def need(self, term: Term, kind: Kind, where: str) -> str:
        """The SQL of a term as a value of this kind. Errors: BadParameter where it cannot be one."""
        taken = self.take(term, kind)
        if taken is None:
            raise self.mismatch(term, kind, where)
        return taken

    def take(self, term: Term, kind: Kind) -> str | None:
        """As `need`; None where the term cannot be of this kind."""
        if term.kind is kind:
            return term.sql
        if term.kind is Kind.NULL:
            return "NULL"
        if term.kind is Kind.JSON:
            return _from_json(term.sql, kind)
        if kind is Kind.TEXT and term.kind is Kind.ID:
            return f"({term.sql})"
        if kind is Kind.NUMBER and term.kind is Kind.ID and len(term.columns) == 1:
            return f"{term.columns[0]}::float8"
        return None

    def times(self, term: Term, where: str) -> Term:
        """A term as a time or an interval; a date is its first moment (UTC), and a text is read as a time."""
        if term.kind in (Kind.TIME, Kind.INTERVAL):
            return term
        if term.kind is Kind.TEXT and term.text is not None:
            return self.time(term.text, where)
        if term.kind is Kind.DATE:
            return Term(Kind.TIME, f"({term.sql}::timestamp AT TIME ZONE 'UTC')")
        if term.kind is Kind.NULL:
            return Term(Kind.TIME, "NULL::timestamptz")
        raise self.mismatch(term, Kind.TIME, where)

    def time(self, text: str, where: str) -> Term:
        """A literal time; without an offset it is UTC."""
        try:
            moment = parse_datetime(text)
            if moment is not None:
                aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                return Term(Kind.TIME, f"{self.parameters.bind(aware.astimezone(UTC))}::timestamptz", text=text)
        except (ValueError, OverflowError):
            pass
        raise self.wrong(f"{where}: {text!r} is not a time, such as 2026-03-01T07:00:00Z")

    def day(self, text: str) -> Term:
        try:
            return Term(Kind.DATE, f"{self.parameters.bind(date.fromisoformat(text))}::date", text=text)
        except ValueError:
            raise self.wrong(f"{text!r} is not a date, such as 2026-03-01") from None

    def id_columns(self, id_term: Term, other: Term) -> Sequence[str]:
        """The values of a literal id, for each column of the id that it is compared with."""
        assert id_term.entity is not None
        values = parse_id(id_term.entity, other.text) if other.text is not None else None
        if values is None:
            given = repr(other.text) if other.text is not None else _WORDS[other.kind]
            raise self.wrong(f"{given} is no id of {id_term.entity.plural}")
        return [
            f"{self.parameters.bind(value)}::{'timestamptz' if isinstance(value, datetime) else 'bigint'}"
            for value in values
        ]


def _from_json(sql: str, kind: Kind) -> str | None:
    """A JSON value as another kind; null where it is something else."""
    if kind is Kind.TEXT:
        return f"({sql} #>> '{{}}')"
    if kind is Kind.NUMBER:
        return f"(CASE jsonb_typeof({sql}) WHEN 'number' THEN ({sql} #>> '{{}}')::float8 END)"
    if kind is Kind.BOOLEAN:
        return f"(CASE jsonb_typeof({sql}) WHEN 'boolean' THEN ({sql} #>> '{{}}')::boolean END)"
    return None
