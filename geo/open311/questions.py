"""Answers to a category's questions: `attribute[code]`, and `attribute[code][]` for several. Pure."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from geo.reports.models import CategoryAttribute

Datatype = CategoryAttribute.Datatype
# attribute[code], attribute[code][], and attribute[code][0] as PHP's clients write it.
FIELD: Final = re.compile(r"attribute\[([^\[\]]{1,64})\](?:\[\d{0,4}\])?")
MAX_ANSWER: Final = 4000
NUMBER: Final = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?")


class BadAnswer(ValueError):
    """Why an answer cannot be taken, in a sentence."""


def check_answers(
    questions: Iterable[CategoryAttribute], given: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The answers as they are kept, by code, and the faults, by the field that has them.

    `given` are texts that are not empty. A number is kept as a number, a time as ISO 8601, a list's answer as its key
    (several: a list of keys).
    """
    asked = {question.code: question for question in questions}
    answers: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    for code, texts in given.items():
        if code not in asked:
            faults[_field(code)] = [_("This service has no such attribute.")]
            continue
        try:
            answers[code] = _answer(asked[code], texts)
        except BadAnswer as error:
            faults[_field(code)] = [str(error)]
    for code, question in asked.items():
        if question.required and question.variable and not given.get(code):
            faults[_field(code)] = [_("Needed for this service.")]
    return answers, faults


def _field(code: str) -> str:
    return f"attribute[{code}]"


def _answer(question: CategoryAttribute, texts: Sequence[str]) -> Any:
    if not question.variable:
        raise BadAnswer(_("This only tells something, and takes no answer."))
    if question.datatype == Datatype.MULTI:
        return [_key(question, text) for text in dict.fromkeys(texts)]
    if len(texts) > 1:
        raise BadAnswer(_("Takes one value only."))
    if question.datatype == Datatype.SINGLE:
        return _key(question, texts[0])
    return _READ[Datatype(question.datatype)](texts[0])


def _key(question: CategoryAttribute, text: str) -> str:
    keys = [str(value["key"]) for value in question.values]
    if text not in keys:
        raise BadAnswer(_("Not one of the keys: %(keys)s.") % {"keys": ", ".join(keys)})
    return text


def _line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise BadAnswer(_("Takes a single line."))
    return _text(text)


def _text(text: str) -> str:
    if len(text) > MAX_ANSWER:
        raise BadAnswer(_("At most %(n)d characters.") % {"n": MAX_ANSWER})
    return text


def _number(text: str) -> int | float:
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise BadAnswer(_("Takes a number."))
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _time(text: str) -> str:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadAnswer(_("Takes a date, or a time such as 2026-03-01T07:00:00+07:00.")) from None
    if moment.tzinfo is None:
        raise BadAnswer(_("The time needs its offset, such as +07:00 or Z."))
    return moment.isoformat()


_READ: Final = {Datatype.STRING: _line, Datatype.TEXT: _text, Datatype.NUMBER: _number, Datatype.DATETIME: _time}
