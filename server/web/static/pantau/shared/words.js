// Words, numbers and times in the page's language. The strings come from the server's gettext, in a JSON block of the page.

const strings = JSON.parse(document.getElementById("strings").textContent);
export const language = document.documentElement.lang.startsWith("en") ? "en" : "id";
const locale = language === "en" ? "en-GB" : "id-ID";
let zone = "Asia/Jakarta";

export function useZone(name) {
  if (name) zone = name;
}

/** The city's time zone by its IANA name. */
export function cityZone() {
  return zone;
}

/** The string of a key, its {placeholders} filled in. A key may have a form for one: `reports_one` beside `reports`. */
export function say(key, values = {}) {
  const form = values.n === 1 && strings[`${key}_one`] !== undefined ? `${key}_one` : key;
  const text = strings[form] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? shown(values[name]) : whole));
}

function shown(value) {
  return typeof value === "number" ? number(value) : String(value ?? "");
}

export function nameOf(thing, prefix = "name") {
  return thing[`${prefix}_${language}`] || thing[prefix] || thing[`${prefix}_id`] || "";
}

/** A name within a sentence: "River level" loses its capital, "PM2.5" and "NO2" keep theirs. */
export function within(name) {
  return /^\p{Lu}\p{Ll}/u.test(name) ? name[0].toLowerCase() + name.slice(1) : name;
}

/** With at most as many decimals as its size or `digits` says, and at least `least`. */
export function number(value, digits, least = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits ?? digitsOf([value]), minimumFractionDigits: least }).format(value);
}

/** How many decimals these figures have beside one another: as many as the largest of them deserves. */
export function digitsOf(values) {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return values.every(Number.isInteger) || largest >= 100 ? 0 : largest >= 10 ? 1 : 2;
}

export function percent(share) {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(share);
}

const UNITS = { "ug/m3": "µg/m³", Cel: "°C", "dB[SPL]": "dB", "dB(A)": "dB(A)", "1/km2": "/km²", "m3/s": "m³/s", km2: "km²" };

/** A UCUM unit as people write it; annotations such as {vehicle} become words, and 1 no unit. */
export function unitOf(ucum) {
  if (!ucum || ucum === "1") return "";
  return UNITS[ucum] ?? ucum.replace(/\{([^}]*)\}/g, (_, word) => strings[`unit_${word}`] ?? word.replaceAll("_", " "));
}

export function measured(value, ucum) {
  return value === null || value === undefined ? "–" : `${number(value)} ${unitOf(ucum)}`.trim();
}

export function moment(time) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(new Date(time));
}

export function hourOf(time) {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(new Date(time));
}

export function day(time) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: zone }).format(new Date(time));
}

/** A day without its year, for axes and lists: 27 Nov. */
export function shortDay(time) {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: zone }).format(new Date(time));
}

/** A day without its year and a time: for what lies some days back at most. */
export function shortMoment(time) {
  return `${shortDay(time)}, ${hourOf(time)}`;
}

/** The city's zone as people call it: Indonesia's have names (WIB) in Indonesian alone. */
export function zoneName() {
  const parts = new Intl.DateTimeFormat("id", { timeZone: zone, timeZoneName: "short" }).formatToParts(new Date());
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** The city's calendar day, as 2026-03-01, `back` days ago. */
export function cityDay(back = 0, now = new Date()) {
  const today = new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(now);
  return new Date(Date.parse(`${today}T00:00:00Z`) - back * 86_400_000).toISOString().slice(0, 10);
}

const STEPS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** How long ago, in words: "3 menit yang lalu". */
export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, (now - new Date(time).getTime()) / 1000);
  // Short Indonesian has "1 h lalu" for a day, which reads as an hour.
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: language === "id" ? "long" : "short" });
  for (const [unit, length] of STEPS) {
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit).replace("yang lalu", "lalu");
  }
  return say("just_now");
}

/** Names with commas and the language's "and": "P2C, Bendung Bekasi dan Kali Baru". */
export function listed(names) {
  return new Intl.ListFormat(locale).format(names);
}

/** A length of time as people say it, to the unit that fits: 40 minutes, 5 hours, 3 days. */
export function lasting(hours) {
  const [value, unit] = hours < 1 ? [hours * 60, "minute"] : hours < 48 ? [hours, "hour"] : [hours / 24, "day"];
  const digits = value < 10 && unit !== "minute" ? 1 : 0;
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: digits }).format(value);
}

export function span(hours) {
  return hours % 168 === 0 ? say("weeks", { n: hours / 168 }) : hours % 24 === 0 ? say("days", { n: hours / 24 }) : say("hours", { n: hours });
}
