"""The words of a dossier's codes, for its page."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = Mapping[str, str | Promise]

REASONS: Words = {
    "population_unknown": _("population not known"),
    "no_surface": _("surface area not known"),
    "the_area_is_the_city": _("the area is the city itself"),
    "area_exceeds_city": _("the figures of area and city do not agree"),
    "no_reports_in_city": _("no reports in the city"),
    "no_reports_before": _("no reports in the period before"),
    "period_not_begun": _("the period has not begun"),
    "period_too_short": _("the period is too short"),
    "too_few_intervals": _("too few whole intervals for a trend"),
    "constant_reports": _("the same number in every interval"),
    "no_closed_reports": _("no reports were closed"),
    "no_due_dates": _("no dates due are set"),
    "no_level_below": _("no areas below this one"),
    "too_few_areas": _("too few areas for hotspots"),
    "constant_values": _("the same number in every area"),
    "all_neighbours": _("every area is a neighbour of every other"),
    "island": _("no neighbours"),
    "no_neighbours": _("no neighbours"),
    "nothing_to_correlate": _("nothing to correlate"),
    "too_little_in_common": _("too few intervals with both reports and readings"),
    "thing_has_moved_or_is_silent": _("nothing from here"),
    "no_readings": _("no readings"),
    "unit_not_indexed": _("not in µg/m³, so not indexed"),
    "no_complete_day": _("no day with 18 hours of readings"),
    "no_alert_levels_configured": _("no alert levels are configured"),
    "alert_levels_unreadable": _("the configured alert levels cannot be read"),
    "unit_differs": _("the limit is in another unit"),
    "no_land_use_configured": _("no use of the land is configured"),
    "land_use_unknown": _("the configured use of the land is not in the table"),
}
UNITS: Words = {
    "{report}": "",
    "{report}/km2": "/km²",
    "{report}/(10*4.{person})": _("/10,000 people"),
    "{report}/wk": _("a week"),
    "{report}/d": _("a day"),
    "{person}": "",
    "km2": "km²",
    "1": "",
    "ug/m3": "µg/m³",
    "m3/s": "m³/s",
    "Cel": "°C",
    "dB[SPL]": "dB",
    "{IDR}/kg": "Rp/kg",
    "{case}": _("cases"),
    "{case}/d": _("cases a day"),
    "{vehicle}": _("vehicles"),
    "{vehicle}/d": _("vehicles a day"),
    "{visit}": _("visits"),
    "{visit}/d": _("visits a day"),
    "{visitor}": _("visitors"),
    "{visitor}/d": _("visitors a day"),
}
HOTSPOTS: Words = {
    "hot_99": _("hot, 99 %"),
    "hot_95": _("hot, 95 %"),
    "hot_90": _("hot, 90 %"),
    "cold_99": _("cold, 99 %"),
    "cold_95": _("cold, 95 %"),
    "cold_90": _("cold, 90 %"),
    "none": _("not significant"),
}
AIR: Words = {
    "baik": _("good"),
    "sedang": _("moderate"),
    "tidak_sehat": _("unhealthy"),
    "sangat_tidak_sehat": _("very unhealthy"),
    "berbahaya": _("hazardous"),
}
RAIN: Words = {
    "cloudy": _("cloudy"),
    "light": _("light rain"),
    "moderate": _("moderate rain"),
    "heavy": _("heavy rain"),
    "very_heavy": _("very heavy rain"),
    "extreme": _("extreme rain"),
}
