// The one period of the page: a preset that moves with the day, or two dates. Days are the city's days.

import { cityDay, day, say } from "./words.js";

export const QLUE_LAUNCH = "2015-11-11..2016-03-03";
export const PRESETS = ["7d", "30d", "90d", "365d"];

/** The API's start and end of a period. Dates mean the city's days, the last one included. */
export function periodParams(period) {
  const days = /^(\d{1,4})d$/.exec(period);
  if (days) return { start: cityDay(Number(days[1]) - 1) };
  const dates = datesOf(period);
  return dates ? { start: dates[0], end: dates[1] } : {};
}

export function datesOf(period) {
  const found = /^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$/.exec(period);
  return found && found[1] <= found[2] ? [found[1], found[2]] : null;
}

export function isPeriod(period) {
  return /^\d{1,4}d$/.test(period) || datesOf(period) !== null;
}

export function periodDays(period) {
  const dates = datesOf(period);
  return dates ? (Date.parse(dates[1]) - Date.parse(dates[0])) / 86_400_000 + 1 : Number(period.replace("d", ""));
}

export function periodWords(period) {
  const dates = datesOf(period);
  // Noon in UTC is the same day in every zone of the archipelago.
  return dates ? `${day(`${dates[0]}T05:00Z`)} – ${day(`${dates[1]}T05:00Z`)}` : say("last_days", { n: periodDays(period) });
}

/** An interval that gives a correlation enough to stand on, and the server no more than it takes. */
export function intervalFor(period) {
  const days = periodDays(period);
  return days <= 100 ? "hour" : days <= 1500 ? "day" : "week";
}
