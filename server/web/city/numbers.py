"""Numbers, units and changes of the city at a glance, in the reader's language."""

import re

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from geo.api.analysis.dossier_words import UNITS
from geo.operations.glance.figures import Property
from geo.operations.mayor.brief import Name
from geo.reports.models.directory import in_language

NOTHING = "–"
# Of these a change is told in the unit itself: half of 30 °C is no measure of anything, and per cent of per cent is a riddle.
BY_ITSELF = {"Cel", "%", "1", "dB[SPL]", "cm"}
# Money stands before its number.
PRICE = re.compile(r"\{IDR\}(/\w+)?")


def number(value: float, decimals: int | None = None) -> str:
    """As many decimals as its size needs."""
    if decimals is None:
        size = abs(value)
        decimals = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2
    said = number_format(round(value, decimals), decimal_pos=decimals, force_grouping=True)
    return said.rstrip("0").rstrip(",.") if decimals and re.search(r"[,.]\d*0$", said) else said


def parts(value: float | None, unit: str, *, per_day: bool = False) -> tuple[str, str]:
    """A value, and its unit as people write it."""
    if value is None:
        return NOTHING, ""
    if price := PRICE.fullmatch(unit):
        return f"Rp {number(value, 0)}", price[1] or ""
    if per_day and f"{unit}/d" in UNITS:
        return number(value), str(UNITS[f"{unit}/d"])
    word = str(UNITS.get(unit, unit.strip("{}")))
    return number(value), _("%(unit)s a day") % {"unit": word} if per_day else word


def measured(value: float | None, unit: str, *, per_day: bool = False) -> str:
    said, word = parts(value, unit, per_day=per_day)
    return f"{said}{'' if word.startswith('/') or not word else ' '}{word}"


def change_of(one: Property) -> str:
    """`▲ 12 %`, `▼ 3 cm`, `=`; empty where last week was not measured."""
    if one.change is None:
        return ""
    if one.unit in BY_ITSELF or one.change_share is None:
        size = number(abs(one.change), 0 if abs(one.change) >= 10 else 1)
        said = _("%(n)s points") % {"n": size} if one.unit in ("1", "%") else f"{size} {parts(0, one.unit)[1]}"
        is_same = abs(one.change) < 0.05
    else:
        share = abs(100 * one.change_share)
        said, is_same = f"{number(share, 0 if share >= 1 else 1)} %", share < 0.05
    if is_same:
        return "="
    return f"{'▲' if one.change > 0 else '▼'} {said}"


def duration(hours: float) -> str:
    """Minutes up to an hour, hours up to two days, then days."""
    if hours < 1:
        said = number(hours * 60, 0)
        return ngettext("%(n)s minute", "%(n)s minutes", _plural(said)) % {"n": said}
    if hours < 48:
        said = number(hours, 0 if hours >= 10 else 1)
        return ngettext("%(n)s hour", "%(n)s hours", _plural(said)) % {"n": said}
    said = number(hours / 24, 1)
    return ngettext("%(n)s day", "%(n)s days", _plural(said)) % {"n": said}


def _plural(said: str) -> int:
    """What grammar goes by is the number as it is written."""
    return 1 if said == "1" else 2


def name_of(one: Name) -> str:
    return in_language(one.name_id, one.name_en)


def within(name: str) -> str:
    """A name inside a sentence: "River level" loses its capital, "PM2.5" keeps it."""
    return name[0].lower() + name[1:] if re.match(r"[A-Z][a-z]", name) else name
