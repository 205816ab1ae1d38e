"""The words that the page's scripts say: source strings in English, translated by gettext, handed over as JSON."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

STATUS = {
    "live": _("Live · checked {ago}"),
    "checked": _("Checked {ago}"),
    "loading": _("Loading…"),
    "lost_touch": _("Lost touch. This is how it was at {time}."),
    "no_touch": _("The service does not answer. Trying again…"),
    "lost_toast": _("Lost touch with the service. Trying again…"),
    "touch_again": _("In touch again."),
    "refused": _("Not possible: {detail}"),
    "computing": _("This is being computed for the first time. It appears here in a moment."),
    "just_now": _("just now"),
    "new_report": _("New report: {category}, {area}"),
    "new_reports": _("{n} new reports"),
}

PERIOD = {
    "last_days": _("The last {n} days"),
    "period_7d": _("7 days"),
    "period_30d": _("30 days"),
    "period_90d": _("90 days"),
    "period_365d": _("1 year"),
    "period_qlue": _("Qlue launch 2015–16"),
    "dates_backwards": _("The period ends before it starts."),
    "hours": _("{n} hours"),
    "hours_one": _("1 hour"),
    "days": _("{n} days"),
    "days_one": _("1 day"),
    "weeks": _("{n} weeks"),
    "weeks_one": _("1 week"),
    "interval_hour": _("hour"),
    "interval_day": _("day"),
    "interval_week": _("week"),
    "interval_auto": _("Automatic: {interval}"),
}

CHOICES = {
    "all_categories": _("All categories"),
    "choose": _("Choose…"),
    "choose_property": _("Choose an observed property: the map then shows where reports follow it."),
    "main_reading": _("Each station's main reading"),
}

COUNTS = {
    "reports_count": _("{n} reports"),
    "reports_count_one": _("1 report"),
    "reports_count_cut": _("the newest {n} reports"),
    "newest_report": _("newest {ago}"),
    "things_count": _("{n} stations"),
    "things_count_one": _("1 station"),
    "newest_reading": _("last reading {ago}"),
    "outside_areas": _("{n} more lie outside every area."),
    "outside_areas_one": _("1 more lies outside every area."),
    "cluster_card": _("{n} reports. Click to zoom in."),
    "area_card": _("{n} reports, {density} per km²"),
    "area_card_one": _("1 report, {density} per km²"),
}

MEASURES = {
    "legend": _("Legend"),
    "measure_reports": _("Reports"),
    "measure_reports_per_km2": _("Reports per km²"),
    "measure_reports_per_10000": _("Reports per 10,000 people"),
    "quantile": _("{n} classes by quantile: each holds about as many areas."),
    "quantile_one": _("One class: too few areas have reports for more."),
    "none_reported": _("no report"),
    "unknown": _("unknown"),
    "population_unknown": _("population unknown"),
    "population_unknown_long": _("Population unknown, so there is no rate per person."),
    "population_known": _("Population {n} ({year}, {source})."),
    "population_from": _("Population: {source}. Where it is unknown there is no rate."),
}

CORRELATION = {
    "correlation_title": _("{category} against {property}"),
    "correlation_scale": _("Spearman's ρ at the strongest lag. Pale: p ≥ 0.05, which chance alone gives often."),
    "correlation_count": _("p < 0.05 in {strong} of {all} areas; chance alone would give about {expected}."),
    "correlation_rise": _(
        "{category}: more reports when {property} is high, {lag} (ρ = {rho}, p = {p}, {n} intervals)."
    ),
    "correlation_fall": _(
        "{category}: more reports when {property} is low, {lag} (ρ = {rho}, p = {p}, {n} intervals)."
    ),
    "correlation_none": _(
        "No clear relation: the strongest, ρ = {rho} {lag}, may well be chance (p = {p}, {n} intervals)."
    ),
    "not_a_cause": _("A correlation is not a cause."),
    "too_few": _("too few intervals"),
    "reason_no_property_data": _("no readings in the period"),
    "reason_no_reports": _("no reports in the period"),
    "reason_too_few_intervals": _("too few intervals"),
    "reason_constant_reports": _("as many reports in every interval"),
    "reason_constant_property": _("the reading never changes"),
    "reason_too_few_shifts": _("the period is too short to test"),
    "source_inside": _("Readings from inside the area: {things}."),
    "source_nearest": _("No station inside; readings from the nearest, {km} km away: {things}."),
    "source_none": _("No station inside or within reach."),
    "at_once": _("at once"),
    "later": _("{span} later"),
    "lag": _("Lag"),
    "n_intervals": _("intervals"),
}

THINGS = {
    "area": _("Area"),
    "reports": _("Reports"),
    "thing": _("Station"),
    "property": _("Observed property"),
    "last_value": _("Last value"),
    "age": _("Age"),
    "reported": _("Reported"),
    "closed": _("Closed"),
    "category": _("Category"),
    "status": _("Status"),
    "description": _("Description"),
    "agency": _("Agency"),
    "channel": _("Channel"),
    "supporters": _("Supporters"),
    "report_id": _("Number"),
    "outside": _("outside every area"),
    "in_area": _("in {area}"),
    "late": _("late"),
    "implausible": _("implausible"),
    "no_reading": _("no reading yet"),
    "simulated": _("simulated"),
    "schematic": _("schematic boundary"),
    "area_sub": "{level} {code}",
    "level_kota": _("City"),
    "level_kecamatan": _("District (kecamatan)"),
    "level_kelurahan": _("Subdistrict (kelurahan)"),
    "kind_laporan": _("Report"),
    "kind_aspirasi": _("Wish"),
    "key_report_open": _("open report"),
    "key_report_closed": _("closed report"),
    "key_late": _("late reading"),
    "domain_environment": _("environment"),
    "domain_traffic": _("traffic"),
    "domain_health": _("health"),
    "domain_economy": _("economy"),
    "unit_vehicle": _("vehicles"),
    "unit_vehicles": _("vehicles"),
    "unit_case": _("cases"),
    "unit_cases": _("cases"),
    "unit_IDR": "Rp",
}

STATES = {
    "status_submitted": pgettext_lazy("report", "submitted"),
    "status_coordination": pgettext_lazy("report", "in coordination"),
    "status_assigned": pgettext_lazy("report", "assigned"),
    "status_in_progress": pgettext_lazy("report", "in progress"),
    "status_waiting": pgettext_lazy("report", "waiting"),
    "status_resolved": pgettext_lazy("report", "resolved"),
    "status_rejected": pgettext_lazy("report", "rejected"),
    "status_duplicate": pgettext_lazy("report", "duplicate"),
    "status_reopened": pgettext_lazy("report", "reopened"),
}

PANEL = {
    "close": _("Close"),
    "not_found": _("Not found"),
    "not_found_here": _("It is not in the chosen period, or is no longer there."),
    "reports_in_period": _("Reports in the period"),
    "top_categories": _("Most reported"),
    "latest_reports": _("Latest reports"),
    "no_reports_here": _("No reports here in this period."),
    "sensors_here": _("Sensors here"),
    "no_sensors_here": _("No sensor stands here."),
    "history": _("History"),
    "photo": _("Photo of the report"),
    "times_in": _("Times in {zone}."),
    "no_description": _("No description."),
    "last_24h": _("{property}, 24 hours"),
    "series_mean": _("Hourly mean in {unit}; the band runs from the least to the greatest value."),
    "series_sum": _("Hourly total in {unit}."),
    "series_max": _("Hourly maximum in {unit}."),
    "series_label": _("{title} over 24 hours, from {low} to {high}."),
    "series_failed": _("The readings cannot be fetched just now."),
    "no_readings_24h": _("No readings in these 24 hours."),
}

TABLES = {
    "table_areas": _("Reports by area in the period"),
    "table_correlation": _("Correlation by area"),
    "table_sensors": _("Sensors with their last value"),
    "table_reports": _("Reports of the period, newest first"),
    "table_reports_cut": _("The newest {n} of {all} reports of the period"),
    "no_reports_period": _("No reports in this period."),
    "empty_city": _("This city has no areas yet."),
    "empty_sensors": _("No sensor has sent anything yet."),
}

MAP = {
    "map": _("Map"),
    "zoom_in": _("Zoom in"),
    "zoom_out": _("Zoom out"),
    "two_fingers": _("Use two fingers to move the map"),
    "ctrl_scroll": _("Hold Ctrl while scrolling to zoom"),
    "no_webgl": _("This browser cannot draw the map (it has no WebGL). The table holds the same figures."),
}

STRINGS = {
    **STATUS, **PERIOD, **CHOICES, **COUNTS, **MEASURES, **CORRELATION, **THINGS, **STATES, **PANEL, **TABLES, **MAP,
}  # fmt: skip
