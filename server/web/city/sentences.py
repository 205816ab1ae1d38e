"""The city at a glance in sentences, in the reader's language; each leads to the map that shows what it says."""

from collections.abc import Sequence

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geo.operations.glance.figures import CategoryCounts, DistrictCounts, Glance, Property, Verdict, verdict_of
from geo.operations.mayor.brief import Name
from server.web.city.limits import air_lines, held_lines
from server.web.city.links import AREA, Line, opened, to_map
from server.web.city.numbers import change_of, duration, measured, name_of, number, within

# Of what is measured, not counted: a tenth more or less than last week.
MARKED_SHARE = 0.1


def verdict_words(verdict: Verdict) -> str:
    return {
        Verdict.RISE: _("clearly more"),
        Verdict.FALL: _("clearly fewer"),
        Verdict.CHANCE: _("the difference may be chance"),
        Verdict.FEW: _("too few to tell"),
    }[verdict]


def total_line(glance: Glance) -> Line:
    total = glance.reports.total
    if not glance.has_previous:
        text = _("This is the first week with reports: there is none before it to compare with.")
    elif not total.new.this and not total.new.last:
        text = _("No report came this week, and none by this hour of last week.")
    else:
        text = _("%(n)s reports came, %(last)s by this hour of last week: %(verdict)s.") % {
            "n": number(total.new.this or 0),
            "last": number(total.new.last or 0),
            "verdict": verdict_words(glance.reports.verdict),
        }
    return Line(text, to_map(glance))


def risen_lines(glance: Glance) -> list[Line]:
    if not glance.has_previous:
        return []
    risen = glance.reports.risen
    return [_risen(glance, one) for one in risen] or [Line(_("No category has more reports than last week."))]


def _risen(glance: Glance, one: CategoryCounts) -> Line:
    text = _("%(category)s: %(n)s, last week %(last)s; %(verdict)s.") % {
        "category": name_of(one.category),
        "n": number(one.counts.new.this or 0),
        "last": number(one.counts.new.last or 0),
        "verdict": verdict_words(one.verdict),
    }
    tone = "warn" if one.verdict is Verdict.RISE else ""
    return Line(text, to_map(glance, category=one.category.id or ""), tone)


def district_lines(glance: Glance) -> list[Line]:
    """The district with the most reports for its people and the one with the fewest; the latest and the most punctual."""
    reports = glance.reports
    if not reports.districts:
        return [Line(_("No districts are known here, so nothing is told by district."))]
    return [*_by_rate(glance, reports.by_rate), *_by_lateness(glance, reports.by_lateness)]


def _by_rate(glance: Glance, ranked: Sequence[DistrictCounts]) -> list[Line]:
    if not ranked:
        return [Line(_("Nobody has said how many people live in the districts, so there is no rate."))]
    if not any(one.counts.new.this for one in ranked):
        return []
    most = _("Most for its people: %(district)s, %(rate)s per 10,000 (%(n)s reports, %(people)s people).")
    fewest = _("Fewest: %(district)s, %(rate)s per 10,000 (%(n)s reports, %(people)s people).")
    pairs = [(most, ranked[0])] + ([(fewest, ranked[-1])] if len(ranked) > 1 else [])
    return [
        Line(
            text
            % {
                "district": one.district.name_id,
                "rate": number(one.per_10000 or 0.0, 2),
                "n": number(one.counts.new.this or 0),
                "people": number(one.population or 0),
            },
            opened(glance, AREA, one.district.id),
        )
        for text, one in pairs
    ]


def _by_lateness(glance: Glance, ranked: Sequence[DistrictCounts]) -> list[Line]:
    if not ranked:
        return [Line(_("In no district are ten reports with a date due open: too few to say which is late."))]
    if not ranked[0].counts.late_share:
        says = _("Nothing is late: of %(n)s open reports with a date due none is past it.")
        return [Line(says % {"n": number(glance.reports.total.with_due)})]
    worst = _("Latest: %(district)s, %(late)s of %(n)s open reports are past their date due (%(share)s %%).")
    best = _("Most punctual: %(district)s, %(late)s of %(n)s (%(share)s %%).")
    pairs = [(worst, ranked[0])] + ([(best, ranked[-1])] if len(ranked) > 1 else [])
    return [
        Line(
            text
            % {
                "district": one.district.name_id,
                "late": number(one.counts.late.this or 0),
                "n": number(one.counts.with_due),
                "share": number(100 * (one.counts.late_share or 0.0), 0),
            },
            opened(glance, AREA, one.district.id),
        )
        for text, one in pairs
    ]


def together_lines(glance: Glance) -> list[Line]:
    """What goes together, and where reports lie together: of the city's dossier, if somebody has had it computed."""
    found = glance.computed
    if found is None:
        dossier = f"/api/analysis/districts/{glance.root}/?city={glance.city}&f=html&lang={get_language()}"
        says = _("What goes together with what has not been computed lately: the dossier of the city does it.")
        return [Line(says, dossier)] if glance.root else []
    lines = []
    span = f"{found.start.astimezone(glance.zone).date()}..{found.end.astimezone(glance.zone).date()}"
    period = {
        "start": date_format(found.start.astimezone(glance.zone), "j F"),
        "end": date_format(found.end.astimezone(glance.zone), "j F"),
    }
    if pair := found.association:
        hours = pair.lag * (24 if pair.lag_unit == "d" else 1)
        lag = _("%(span)s after it") % {"span": duration(hours)} if hours else _("at once")
        says = _("%(category)s: more reports when %(property)s is high, %(lag)s. An association, not a cause.")
        if pair.coefficient < 0:
            says = _("%(category)s: more reports when %(property)s is low, %(lag)s. An association, not a cause.")
        words = {"category": name_of(pair.category), "property": within(name_of(pair.observed)), "lag": lag}
        proof = _(
            "The surest of %(tests)s pairs from %(start)s to %(end)s; false alarms among such finds: %(q)s in 100."
        ) % {
            "tests": number(pair.tests),
            "q": _under_one(100 * pair.q),
            **period,
        }
        lines.append(
            Line(
                f"{says % words} {proof}",
                to_map(glance, period=span, category=pair.category.id or "", property=pair.observed.id or ""),
            )
        )
    if found.hot:
        names = _listed([one.name_id for one in found.hot[:3]])
        text = _("Hotspot from %(start)s to %(end)s: %(names)s.") % {"names": names, **period}
        lines.append(Line(text, to_map(glance, period=span, colour="hotspots", open=f"{AREA}:{found.hot[0].id}")))
    return lines


def _under_one(share: float) -> str:
    return _("fewer than 1") if share < 1 else number(share, 0)


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return _("%(most)s and %(last)s") % {"most": ", ".join(names[:-1]), "last": names[-1]}


def outstanding(glance: Glance) -> list[Line]:
    """What stands out, the worst first, three lines at the most: one of each kind before a second of any."""
    held = held_lines(glance, glance.held)
    now, before = ([line for line in held if line.tone == tone] for tone in ("bad", "warn"))
    air = [line for line in air_lines(glance) if line.tone]
    risen = [
        _risen(glance, one) for one in glance.reports.categories if one.verdict is Verdict.RISE and glance.has_previous
    ]
    ranked = [*now[:1], *air[:1], *before[:1], *risen[:1], *now[1:], *risen[1:], *before[1:]]
    return ranked[:3] or [Line(_("No reading was past a limit this week, and no category of reports clearly rose."))]


def moved_line(glance: Glance, one: Property) -> Line:
    """How a property stands beside last week; of what is counted, whether chance alone would do it."""
    per_day = one.kind == "per_day"
    words = {
        "name": name_of(one.observed),
        "this": measured(one.value.this, one.unit, per_day=per_day),
        "change": change_of(one).lstrip("▲▼ "),
    }
    if one.value.this is None:
        text = _("%(name)s: not measured this week.") % words
    elif one.change is None:
        text = _("%(name)s: %(this)s; not measured last week.") % words
    elif (verdict := _verdict(one)) is not None:
        text = _("%(name)s: %(this)s, %(last)s by this hour of last week; %(verdict)s.") % {
            **words,
            "this": number(one.value.this),
            "last": number(one.value.last or 0.0),
            "verdict": verdict_words(verdict),
        }
    elif words["change"] == "=":
        text = _("%(name)s: %(this)s, as last week up to the same hour.") % words
    else:
        says = _("%(name)s: %(this)s, %(change)s lower than last week up to the same hour.")
        if one.change > 0:
            says = _("%(name)s: %(this)s, %(change)s higher than last week up to the same hour.")
        text = says % words
    return Line(text, to_map(glance, show="sensors", property=one.observed.id or ""))


def is_marked(one: Property) -> bool:
    """Whether a property has moved so far that a sentence beside the first one's is worth it."""
    if one.kind == "total":
        return _verdict(one) in (Verdict.RISE, Verdict.FALL)
    return one.change_share is not None and abs(one.change_share) >= MARKED_SHARE


def _verdict(one: Property) -> Verdict | None:
    """Of what is counted, at the same places in both weeks."""
    if one.kind != "total" or one.value.this is None or one.value.last is None or one.places_in_both < one.places:
        return None
    return verdict_of(round(one.value.this), round(one.value.last), looks=1)


def missing_words(names: Sequence[Name]) -> str:
    return _("Known, but not measured in these two weeks: %(names)s.") % {"names": ", ".join(map(name_of, names))}
