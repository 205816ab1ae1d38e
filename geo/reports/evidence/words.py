"""What was found out about a photo, in words of the reader's language."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.reports.evidence.checks import Code

_WORDS = {
    Code.NO_PLACE: gettext_lazy("the photo does not say where it was taken"),
    Code.OLDER_THAN_REPORT: gettext_lazy("taken before the report"),
    Code.OLDER_THAN_REOPENING: gettext_lazy("taken before the report was reopened"),
    Code.AHEAD_OF_TIME: gettext_lazy("taken in the future, by its own clock"),
    Code.NO_TIME: gettext_lazy("the photo does not say when it was taken"),
}


def findings_in_words(findings: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(map(finding_in_words, findings)) or _("nothing to remark")


def finding_in_words(finding: Mapping[str, Any]) -> str:
    """One finding as geo.reports.evidence.checks writes it; of an unknown code, the code."""
    if finding["code"] == Code.FAR:
        return _("taken %(n)d m from the place of the report") % {"n": finding["distance_m"]}
    if finding["code"] == Code.SEEN_BEFORE:
        return _("the same picture as in report %(id)s") % {"id": finding["report"]}
    return code_in_words(finding["code"])


def code_in_words(code: str) -> str:
    """What a code says where no more is known than that, as in a line of history."""
    if code == Code.FAR:
        return _("taken far from the place of the report")
    if code == Code.SEEN_BEFORE:
        return _("the same picture as in another report")
    return str(_WORDS[Code(code)]) if code in list(_WORDS) else code
