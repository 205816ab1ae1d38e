// The limits that a thing's readings are held against: what authorities have set, and the bounds of ISPU.

import { getJson } from "../../shared/api.js";
import { number, say, unitOf } from "../../shared/words.js";

const CATEGORIES = ["baik", "sedang", "tidak_sehat", "sangat_tidak_sehat", "berbahaya"];

/** Every datastream of a city (or of one thing) that is held against levels: [{thing, observed_property, authority, levels, …}]. */
export async function loadThresholds(query) {
  const { body } = await getJson(`/api/thresholds/?${new URLSearchParams(query)}`);
  return body.results;
}

/** Tables [{authority, source, direction, levels: [{name, from}]}] for a datastream, each with its mildest level first. */
export function limitsOf(stream, thresholds) {
  const set = thresholds.filter((each) => each.datastream === stream.id && each.levels.length).map(({ authority, source, direction, levels }) => ({ authority, source, direction, levels }));
  return [...set, ...ispuOf(stream)];
}

/** From which 24-hour mean on the air is no longer of a category: the words of the regulation, the bounds from the server's table. */
function ispuOf(stream) {
  const key = `ispu_${stream.observed_property}`;
  const bounds = say(key);
  if (bounds === key || stream.unit_ucum !== "ug/m3") return [];
  const levels = bounds.split(" ").map((bound, i) => ({ name: say(`air_${CATEGORIES[i + 1]}`), from: Number(bound) }));
  return [{ authority: "ISPU, P.14/MENLHK/2020", source: say("ispu_24h"), direction: "above", levels }];
}

/** "KP2C: Siaga 3 from 351 cm, Siaga 2 from 451 cm." Bounds stand as they were set, not rounded as readings are. */
export function limitWords({ authority, levels, direction }, unit) {
  const said = levels.map(({ name, from }) => say(direction === "below" ? "level_below" : "level_from", { name, from: `${number(from, 2)} ${unitOf(unit)}`.trim() }));
  return `${authority}: ${said.join(", ")}.`;
}
