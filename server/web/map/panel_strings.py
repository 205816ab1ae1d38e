"""The words of the panel beside the map: dossier, readings, report."""

from django.utils.translation import gettext_lazy as _

from sensors import published

AREA = {
    "by_week": _("Reports by week"),
    "by_day": _("Reports by day"),
    "week_of": _("Week from"),
    "day_of": _("Day"),
    "course_label": _("Columns from {from} to {to}; at most {most} reports in one."),
    "no_whole_interval": _("No whole day or week of the period is over yet."),
    "before_per_week": _("before: {n} a week"),
    "before_per_day": _("before: {n} a day"),
    "figures_table": _("The figures as a table"),
    "change_none_before": _("{now} reports; none in the {days} days before."),
    "change_unclear": _(
        "{now} reports, {before} in the {days} days before. That is no clear change: chance alone makes such "
        "differences."
    ),
    "change_clear": _(
        "{now} reports against {before} in the {days} days before: {change}. The true change lies, with 95% "
        "confidence, between {low} and {high}."
    ),
    "change_in_city": _("In the whole city: {change}."),
    "more_by": _("{share} more"),
    "fewer_by": _("{share} fewer"),
    "as_many": _("as many"),
    "times_as_many": _("{n} times as many"),
    "trend_none": _("Within the period they neither clearly rise nor fall."),
    "trend_rise": _("Within the period they rise by about {n} each {interval}."),
    "trend_fall": _("Within the period they fall by about {n} each {interval}."),
    "share_here_city": _("{n} · {here} (city {city})"),
    "mark_is_city": _("The mark on each bar is the category's share in the whole city."),
    "answers": _("How reports were answered"),
    "figure": _("Figure"),
    "here": _("Here"),
    "in_city": _("City"),
    "closed_reports": _("Closed"),
    "median_time": _("Half are closed within"),
    "p90_time": _("Nine of ten within"),
    "in_time": _("Closed in time"),
    "open_now": _("Open now"),
    "open_over_30": _("Open for over 30 days"),
    "by_agency": _("By agency"),
    "dossier_computing": _("Putting the dossier together…"),
    "dossier_failed": _("The dossier cannot be shown: {detail}"),
    "print_dossier": _("Dossier to print"),
}

READINGS = {
    "readings_limits": _("Readings against their limits"),
    "nothing_measured": _("No sensor stands here or within {km} km."),
    "no_limits_here": _("No authority has set limits for what is measured here."),
    "other_readings": _("{n} readings without a limit"),
    "other_readings_one": _("1 reading without a limit"),
    "not_measured": _("{n} other properties are measured nowhere near."),
    "not_measured_one": _("1 other property is measured nowhere near."),
    "noise_limit": _("limit"),
    "mean_of": _("mean {value}"),
    "highest_of": _("highest {value}"),
    "thing_at": _("{name}, {km} km away"),
    "no_readings_period": _("No readings in the period."),
    "reached_level": _("Reached {level} (from {from})."),
    "below_levels": _("Never reached {level} (from {from})."),
    "limit_by": _("Limit by {authority}."),
    "air_at": _("Air at {thing}"),
    "air_days": _("{n} days {category}"),
    "air_days_one": _("1 day {category}"),
    "air_worst": _("Worst on {day}: index {index}, {category}."),
    "air_baik": _("good"),
    "air_sedang": _("moderate"),
    "air_tidak_sehat": _("unhealthy"),
    "air_sangat_tidak_sehat": _("very unhealthy"),
    "air_berbahaya": _("hazardous"),
    "rain_at": _("Rain at {thing}: {days} ({authority})."),
    "rain_days": _("{n} days {category}"),
    "rain_days_one": _("1 day {category}"),
    "rain_cloudy": _("dry"),
    "rain_light": _("light rain"),
    "rain_moderate": _("moderate rain"),
    "rain_heavy": _("heavy rain"),
    "rain_very_heavy": _("very heavy rain"),
    "rain_extreme": _("extreme rain"),
}

FINDINGS = {
    "goes_with": _("What goes with what"),
    "pair_rise": _("{category}: more reports when {property} is high {at}, {lag}."),
    "pair_fall": _("{category}: more reports when {property} is low {at}, {lag}."),
    "at_things": _("at {things}"),
    "at_nearest": _("at {things}, up to {km} km away"),
    "same_time": _("at the same time"),
    "after_span": _("{span} later"),
    "before_span": _("{span} earlier"),
    "pair_sure": _(
        "Chance alone would give this in {chance} such comparisons, and it stands out among the {tests} pairs "
        "that were tried."
    ),
    "pair_short": _("r = {r} ({low} to {high})."),
    "pair_spread": _("Strength r = {r} (95%: {low} to {high}), from {n} {unit}."),
    "pair_none": _(
        "No clear relation. The strongest of {tests} pairs, {category} with {property}, may well be chance: a "
        "single comparison gives it in {chance}, and {tests} were tried."
    ),
    "chance_of": _("1 of {k}"),
    "chance_least": _("fewer than 1 of 1,000"),
    "unit_hours": _("hours"),
    "unit_days": _("days"),
    "pairs_table": _("The {n} strongest of {tests} pairs"),
    "pair": _("Pair"),
    "after_events": _("After the limit was reached"),
    "events_found": _(
        "More {category} reports followed in {followed} of {n} events in which {thing} reached {level} ({from}). "
        "Within {hours} hours and {km} km there were {change} as many as on ordinary days (95%: {low} to {high}); "
        "chance alone would give this in {chance}."
    ),
    "events_unclear": _(
        "More {category} reports followed in {followed} of {n} events in which {thing} reached {level} ({from}): "
        "within {hours} hours and {km} km {change} as many as on ordinary days. Chance alone would give this in "
        "{chance}, so nothing is certain."
    ),
    "events_too_few_events": _(
        "{thing} reached {level} ({from}) only {n} times in the period: too few to compare with ordinary days."
    ),
    "events_too_few_events_one": _(
        "{thing} reached {level} ({from}) only once in the period: too little to compare with ordinary days."
    ),
    "events_too_many_events": _("{thing} crosses {level} ({from}) so often that it marks no event."),
    "events_too_few_free_days": _(
        "{thing} reached {level} ({from}) {n} times, but too few ordinary days are left to compare with."
    ),
    "events_no_reports": _("There are no {category} reports within {km} km of {thing} in the period."),
    "events_no_readings": _("{thing} has no readings in the period."),
    "events_no_location": _("It is not known where {thing} stood in the period."),
    "times": _("{n} times"),
    "hotspots": _("Hotspots inside"),
    "hotspots_none": _("None of the {n} areas inside stands out from the city more than chance would have it."),
    "hotspots_mean": _(
        "Hot: this area and its neighbours together have more reports than chance would have it, cold: fewer. Per "
        "cent: how sure that is."
    ),
    "hot_at": _("hot, {level}"),
    "cold_at": _("cold, {level}"),
    "mostly": _("mostly {names}"),
    "subareas_table": _("All {n} areas inside"),
    "per_km2": "per km²",
}

# Why there is nothing to say, by the reason that the API gives.
REASONS = {
    "reason_no_reports_before": _("There were no reports in the period before."),
    "reason_period_not_begun": _("The period has not begun."),
    "reason_no_closed_reports": _("No reports were closed in the period."),
    "reason_nothing_to_correlate": _("There are no reports or no readings to compare here."),
    "reason_too_little_in_common": _("Too few hours have both reports and readings: nothing can be said yet."),
    "reason_no_level_below": _("This is the smallest kind of area: it has none inside."),
    "reason_too_few_areas": _("The city has too few areas to tell hotspots from chance."),
    "reason_constant_values": _("Every area has the same number of reports, so none stands out."),
    "reason_all_neighbours": _("Every area borders on every other, so none stands out."),
}

SERIES = {
    "all_readings": _("All readings here"),
    "range": _("Range of time"),
    "range_24h": _("24 hours"),
    "range_7d": _("7 days"),
    "range_30d": _("30 days"),
    "series_raw": _("Each reading in {unit}. Point at the line, or use the arrow keys."),
    "series_keys": _("{title} over time: arrow keys step through the readings"),
    "no_readings_range": _("No readings in this range."),
    "chart_failed": _("The chart cannot be loaded just now; the table below has the same values."),
    "seldom": _("It sends every {usual}; every {expected} is expected."),
    "least_most": _("Least – most"),
    "gap": _("no readings"),
    "gaps": _("{n} gaps without readings."),
    "gaps_one": _("1 gap without readings."),
    "flagged": _("{n} doubtful values, marked with a ring and not part of the line."),
    "flagged_one": _("1 doubtful value, marked with a ring and not part of the line."),
    "series_cut": _("There are more readings than are shown."),
    "values_table": _("The {n} values as a table"),
    "values_table_one": _("The value as a table"),
    "time_in": _("Time ({zone})"),
    "value": _("Value"),
    "quality": _("Remark"),
    "save_csv": _("Save as CSV"),
    "limits": _("Limits"),
    "no_limits": _("No authority has set limits for this reading."),
    "level_from": _("{name} from {from}"),
    "level_below": _("{name} at {from} and below"),
    "ispu_24h": _("The bounds are of 24-hour means."),
    "state_late": _("late since {time}"),
    "state_silent": _("silent since {time}"),
    "state_flapping": _("comes and goes since {time}"),
    "state_never": _("never heard"),
    "flag_implausible": _("outside the plausible range"),
    "flag_rate": _("changes too fast"),
    "flag_stuck": _("stuck"),
    "flag_spike": _("spike"),
    "flag_doubted": _("doubted by a person"),
}

REPORT = {
    "exercise": _("exercise"),
    "no_agency": _("not assigned yet"),
    "merged_reports": _("Merged reports"),
    "merged_into": _("Merged into another report: open it"),
    "photo_of": _("Photo {i} of {all}"),
    "public_page": _("Public page"),
    "copy_link": _("Copy link"),
    "copied": _("The link is copied."),
    "copy_failed": _("This browser does not let us copy: {url}"),
}

# From which 24-hour mean on the air is of the next ISPU category: the bounds of the table, for lines on a chart.
ISPU = {
    f"ispu_{code}": " ".join(f"{bound:g}" for bound in bounds[:-1])
    for code, bounds in published.ispu.CONCENTRATIONS.items()
}

PANEL_STRINGS = {**AREA, **READINGS, **FINDINGS, **REASONS, **SERIES, **REPORT, **ISPU}
