// The one period of the page: a preset that moves with the day, or two dates. Days are the city's days.

import { cityDay, day, say, zoneName } from "./words.js";

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

// The frames of the time slider: hours, days or weeks of the city, named by their beginnings (2026-03-01T05, 2026-03-01).

const HOUR_MS = 3_600_000;
const STEP_MS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS };
const MOST_FRAMES = 400;

/** The step of a period: the one that was chosen where it gives few enough frames, else a fitting one. */
export function stepFor(period, chosen = "") {
  const hours = periodDays(period) * 24;
  const fits = (step) => (hours * HOUR_MS) / STEP_MS[step] <= MOST_FRAMES;
  if (STEP_MS[chosen] && fits(chosen)) return chosen;
  return hours <= 48 ? "hour" : fits("day") ? "day" : "week";
}

export function stepsOf(period) {
  return Object.keys(STEP_MS).filter((step) => stepFor(period, step) === step && periodDays(period) * 24 * HOUR_MS >= 2 * STEP_MS[step]);
}

/** Every frame of a period up to now, the first one first. City times are reckoned as if they were UTC: days there have 24 hours. */
export function framesOf(period, step, now = new Date()) {
  const { start, end } = periodParams(period);
  const today = cityDay(0, now);
  const last = Date.parse(`${end && end < today ? end : today}T00:00Z`) + STEP_MS.day;
  let from = Date.parse(`${start}T00:00Z`);
  // A week begins on its Monday; 1 January 1970 was a Thursday.
  if (step === "week") from -= (((from / STEP_MS.day + 3) % 7) + 7) % 7 * STEP_MS.day;
  const frames = [];
  for (let at = from; at < last; at += STEP_MS[step]) frames.push(frameKey(at, step));
  return frames;
}

function frameKey(at, step) {
  return new Date(at).toISOString().slice(0, step === "hour" ? 13 : 10);
}

export function isFrame(text) {
  return /^\d{4}-\d{2}-\d{2}(T\d{2})?$/.test(text) && !Number.isNaN(Date.parse(text.length > 10 ? `${text}:00Z` : text));
}

/** The API's start and end of a frame, in the city's own time: half-open, as the service has it. */
export function frameParams(frame, step) {
  const isHour = frame.length > 10;
  const at = Date.parse(isHour ? `${frame}:00Z` : `${frame}T00:00Z`);
  const words = (time) => new Date(time).toISOString().slice(0, 16);
  return { start: words(at), end: words(at + (isHour ? HOUR_MS : STEP_MS[step === "week" ? "week" : "day"])) };
}

export function frameWords(frame, step) {
  const { start, end } = frameParams(frame, step);
  const words = day(`${start.slice(0, 10)}T05:00Z`);
  if (frame.length > 10) return `${words}, ${start.slice(11)}–${end.slice(11)} ${zoneName()}`;
  if (step !== "week") return words;
  return `${words} – ${day(new Date(Date.parse(`${end}Z`) - STEP_MS.day / 2))}`;
}
