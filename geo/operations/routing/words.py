"""What verdicts and faults are called, to people."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.operations.routing.rules import Fault, Flaw, Verdict

VERDICTS: Mapping[Verdict, object] = {
    Verdict.MATCHES: gettext_lazy("matches, and decides"),
    Verdict.COMES_LATER: gettext_lazy("would match, but an earlier rule has decided"),
    Verdict.INACTIVE: gettext_lazy("is switched off"),
    Verdict.NOT_YET: gettext_lazy("is not valid yet"),
    Verdict.OVER: gettext_lazy("is valid no longer"),
    Verdict.OTHER_CITY: gettext_lazy("is for another city, or names another city's agency"),
    Verdict.OTHER_CATEGORY: gettext_lazy("is for other categories"),
    Verdict.OTHER_AREA: gettext_lazy("is for other areas"),
}
FLAWS: Mapping[Flaw, object] = {
    Flaw.OVER: gettext_lazy("its days are over"),
    Flaw.FOREIGN_AGENCY: gettext_lazy("its agency belongs to another city"),
    Flaw.NO_CATEGORY: gettext_lazy("its category takes no reports in this city, and none below it does"),
    Flaw.NO_AREA: gettext_lazy("its area is retired or another city's, and so is all below it"),
    Flaw.SHADOWED: gettext_lazy("earlier rules take all that it is for"),
}


def fault_text(fault: Fault) -> str:
    """One sentence without its full stop: which rule, and why it never matches."""
    text = _("Rule %(rule)s never matches: %(why)s") % {"rule": fault.rule, "why": FLAWS[fault.flaw]}
    return f"{text} ({'; '.join(map(str, fault.by))})" if fault.by else text
