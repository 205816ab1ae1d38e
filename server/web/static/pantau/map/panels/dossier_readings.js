// A dossier's readings against their limits: each limit a line across the bar, and the authority that set it named.

import { bars } from "../../shared/chart.js";
import { h } from "../../shared/dom.js";
import { day, measured, nameOf, number, say } from "../../shared/words.js";
import { empty } from "./sections.js";

const AIR = ["baik", "sedang", "tidak_sehat", "sangat_tidak_sehat", "berbahaya"];
const RAIN = ["cloudy", "light", "moderate", "heavy", "very_heavy", "extreme"];

/** `thresholds` are the watched levels of the city's datastreams: what the dossier itself has no table for is held against these. */
export function readingsSection({ readings }, { thresholds, onOpen, thingName }) {
  const heading = h("h3", {}, say("readings_limits"));
  if (!readings.by_property.length) return [heading, empty(say("nothing_measured", { km: number(readings.max_distance_m / 1000) }))];
  // What ISPU says of the air is told by day, in the air's own line.
  const measuredHere = readings.by_property.filter(({ property }) => !property.startsWith("ispu"));
  const rows = measuredHere.flatMap((property) => property.things.map((thing) => row(property, thing, thresholds, onOpen)));
  const judged = rows.filter((each) => each.limits.length);
  const others = rows.filter((each) => !each.limits.length && each.value !== null);
  return [
    heading,
    airWords(readings, { onOpen, thingName }),
    judged.length ? h("ul.gauges", {}, judged.map(gauge)) : h("p.hint", {}, say("no_limits_here")),
    rainWords(readings),
    others.length ? h("details.fold", { "data-key": "others" }, h("summary", {}, say("other_readings", { n: others.length })), h("ul.plain", {}, others.map((each) => h("li", {}, h("span", {}, each.name), h("span.n", {}, each.text))))) : null,
    readings.not_measured.length ? h("p.hint", {}, say("not_measured", { n: readings.not_measured.length })) : null,
  ];
}

function row(property, thing, thresholds, onOpen) {
  const watched = thresholds.filter((each) => each.thing === thing.thing && each.observed_property === property.property && each.unit === thing.unit && each.levels.length);
  const own = thing.limits.filter((limit) => limit.kind === "alert_levels" && limit.levels).map((limit) => ({ authority: limit.authority, direction: "above", levels: limit.levels }));
  const noise = thing.limits.find((limit) => limit.kind === "noise" && limit.limit !== null);
  const limits = own.length ? own : noise ? [{ authority: noise.source, direction: "above", levels: [{ name: say("noise_limit"), from: noise.limit }] }] : watched;
  const value = noise?.energy_mean.value ?? thing.max?.value ?? null;
  const where = property.value_source === "inside" ? thing.name : say("thing_at", { name: thing.name, km: number(thing.distance_m / 1000, 1) });
  return { name: `${nameOf(property)}, ${where}`, property: nameOf(property), where, value, unit: thing.unit, limits, thing: thing.thing, text: say(noise ? "mean_of" : "highest_of", { value: measured(value, noise ? thing.unit : thing.max?.unit) }), onOpen };
}

/** The greatest value of the period as a bar, with a line at each level; in words which level it reached, and whose it is. */
function gauge({ property, where, value, unit, limits, thing, text, onOpen }) {
  const [table] = limits;
  const levels = [...table.levels].sort((a, b) => a.from - b.from);
  const reached = value === null ? null : table.direction === "below" ? levels.find((level) => value <= level.from) : levels.findLast((level) => value >= level.from);
  const most = Math.max(value ?? 0, ...levels.map((level) => level.from)) * 1.08;
  const verdict = value === null ? say("no_readings_period") : reached ? say("reached_level", { level: reached.name, from: measured(reached.from, unit) }) : say("below_levels", { level: levels[0].name, from: measured(levels[0].from, unit) });
  const bar = bars([{ name: property, note: where, value: value ?? 0, text, limits: levels.map((level) => level.from), isOver: Boolean(reached), onclick: () => onOpen(`thing:${thing}`), key: `gauge-${thing}-${property}` }], { max: most });
  return h("li", {}, bar, h(reached ? "p.hint.over" : "p.hint", {}, verdict, " ", say("limit_by", { authority: table.authority })));
}

function airWords({ air_quality: air }, { onOpen, thingName }) {
  const stations = air.stations.filter((station) => station.days.value);
  if (!stations.length) return null;
  return h("ul.air", {}, stations.map((station) => {
    const counted = AIR.map((category) => [category, station.days_by_category[category]]).filter(([, n]) => n);
    const strip = h("span.strip", { "aria-hidden": "true" }, counted.map(([category, n]) => {
      const part = h("i", { "data-air": category });
      part.style.setProperty("flex-grow", n);
      return part;
    }));
    const words = counted.map(([category, n]) => say("air_days", { n, category: say(`air_${category}`) })).join(", ");
    return h("li", {},
      h("button.link", { type: "button", "data-key": `air-${station.thing}`, onclick: () => onOpen(`thing:${station.thing}`) }, say("air_at", { thing: thingName(station.thing) })), strip,
      h("p.hint", {}, words, ". ", station.worst ? say("air_worst", { day: day(station.worst.day), index: number(station.worst.index, 0), category: say(`air_${station.worst.category}`) }) : "", " ", say("limit_by", { authority: `ISPU, ${air.source}` })));
  }));
}

function rainWords({ by_property: properties }) {
  const things = properties.flatMap((property) => property.things).filter((thing) => thing.limits.some((limit) => limit.kind === "rain_classes" && limit.days?.value));
  if (!things.length) return null;
  const [thing] = things;
  const limit = thing.limits.find((each) => each.kind === "rain_classes");
  const said = RAIN.filter((name) => limit.days_by_class[name]).map((name) => say("rain_days", { n: limit.days_by_class[name], category: say(`rain_${name}`) })).join(", ");
  return h("p.hint", {}, say("rain_at", { thing: thing.name, days: said, authority: limit.source }));
}
