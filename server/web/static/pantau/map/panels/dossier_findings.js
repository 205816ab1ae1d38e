// What a dossier found out, in sentences for those who decide: what goes with what, how surely, and why nothing can be said.

import { h } from "../../shared/dom.js";
import { lasting, listed, measured, nameOf, number, percent, say, within } from "../../shared/words.js";
import { foldedTable } from "./sections.js";

const FALSE_FINDINGS = 0.05;

/** "1 of 500": how seldom chance alone would give what was found. */
export function chanceWords(p) {
  if (p < 0.001) return say("chance_least");
  const times = 1 / p;
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(times)) - 1);
  return say("chance_of", { k: number(Math.round(times / digits) * digits, 0) });
}

/** How much later the reports come than the reading: the lag is in hours or days. */
export function lagWords({ value, unit }) {
  if (value === 0) return say("same_time");
  const span = lasting(Math.abs(value) * (unit === "d" ? 24 : 1));
  return say(value > 0 ? "after_span" : "before_span", { span });
}

/**
 * One pair of a category and an observed property in sentences, or in a short one after another has told how to read it. `context`
 * has `propertyName(code)` and `thingName(slug)`.
 */
export function pairWords(pair, tests, { propertyName, thingName }, { isShort = false } = {}) {
  const { coefficient, lag } = pair;
  const km = Math.max(0, ...pair.distances_m) / 1000;
  const things = listed(pair.things.map(thingName));
  const words = {
    category: nameOf(pair), property: within(propertyName(pair.property)), lag: lagWords(lag),
    at: pair.value_source === "nearest" ? say("at_nearest", { things, km: number(km, 1) }) : say("at_things", { things }),
  };
  const found = say(coefficient.value > 0 ? "pair_rise" : "pair_fall", words);
  const sure = isShort ? "" : say("pair_sure", { chance: chanceWords(pair.p), tests });
  const strength = { r: number(coefficient.value, 2), low: number(coefficient.low, 2), high: number(coefficient.high, 2), n: coefficient.n, unit: say(lag.unit === "d" ? "unit_days" : "unit_hours") };
  const spread = coefficient.low === null ? "" : say(isShort ? "pair_short" : "pair_spread", strength);
  return [found, sure, spread].filter(Boolean).join(" ");
}

export function correlationsSection({ correlations }, context) {
  const { pairs, tests, reason } = correlations;
  const heading = h("h3", {}, say("goes_with"));
  if (reason) return [heading, h("p", {}, say(`reason_${reason}`))];
  const [first] = pairs;
  const found = pairs.filter((pair) => pair.q !== null && pair.q <= FALSE_FINDINGS);
  const others = found.slice(1, 4);
  const weak = { category: nameOf(first), property: within(context.propertyName(first.property)), chance: chanceWords(first.p), tests };
  return [
    heading,
    h("p.finding", {}, found.length ? pairWords(first, tests, context) : say("pair_none", weak)),
    ...others.map((pair) => h("p", {}, pairWords(pair, tests, context, { isShort: true }))),
    h("p.hint", {}, say("not_a_cause")),
    foldedTable("pairs", say("pairs_table", { n: pairs.length, tests }), [say("pair"), say("lag"), "r", "p", "q"],
      pairs.map((pair) => [`${nameOf(pair)} – ${context.propertyName(pair.property)}`, lagWords(pair.lag), number(pair.coefficient.value, 2), number(pair.p, 3), number(pair.q, 3)])),
  ];
}

/** What people reported near a thing after its readings had reached a level: `events` is the answer of /api/analysis/events/. */
export function eventsWords(events, { level, category }) {
  const { total_after: total, events: used, reason } = events;
  const words = { thing: events.thing.name, level: level.name, from: measured(level.from, events.unit), n: used ?? 0, category, hours: events.after, km: number(events.radius_m / 1000) };
  if (reason) return say(`events_${reason}`, { ...words, n: (events.crossings ?? []).length });
  if (total.ratio === null || total.p_value === null) return say("events_no_reports", words);
  const after = events.crossings.map((each) => each.reports_after).filter(Number.isInteger);
  const figures = { ...words, followed: after.filter((reports) => reports > total.expected).length, change: ratioOf(total.ratio), low: ratioOf(total.ratio_low), high: ratioOf(total.ratio_high), chance: chanceWords(total.p_value) };
  return say(total.p_value < FALSE_FINDINGS ? "events_found" : "events_unclear", figures);
}

function ratioOf(ratio) {
  return ratio === null ? "–" : say("times", { n: number(ratio, 1) });
}

export function eventsSection(events, context) {
  return [h("h3", {}, say("after_events")), h("p.finding", {}, eventsWords(events, context)), h("p.hint", {}, say("not_a_cause"))];
}

export function hotspotsSection({ hotspots }, onOpen) {
  const heading = h("h3", {}, say("hotspots"));
  if (hotspots.reason) return [heading, h("p", {}, say(`reason_${hotspots.reason}`))];
  const marked = hotspots.areas.filter((area) => area.class && area.class !== "none").sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
  return [
    heading,
    marked.length ? null : h("p", {}, say("hotspots_none", { n: hotspots.areas.length })),
    h("ul.list", {}, marked.map((area) => h("li", {}, h("button.row", { type: "button", "data-key": `hot-${area.code}`, onclick: () => onOpen(`area:${area.code}`) },
      h("span", {}, area.name, h("small", {}, area.categories.length ? say("mostly", { names: listed(area.categories.map((each) => nameOf(each))) }) : say("no_reports_here"))),
      h("span.when", {}, hotWords(area.class)))))),
    marked.length ? h("p.hint", {}, say("hotspots_mean")) : null,
    foldedTable("subareas", say("subareas_table", { n: hotspots.areas.length }), [say("area"), say("reports"), say("per_km2"), "z", "q"],
      [...hotspots.areas].sort((a, b) => b.reports.value - a.reports.value).map((area) => [area.name, number(area.reports.value), number(area.per_km2.value, 1), number(area.z, 1), number(area.q, 3)])),
  ];
}

function hotWords(name) {
  const [kind, level] = name.split("_");
  return say(kind === "hot" ? "hot_at" : "cold_at", { level: percent(Number(level) / 100) });
}
