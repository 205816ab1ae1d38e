// Readings from the stream, put where the layer's answer would have put them: the page shows them before it asks again.

import { thingsOf } from "./model.js";

/** Takes heard readings over into the model; the datastreams whose latest value is another now. */
export function takeReadings(model, heard) {
  if (!model.readings) return new Set();
  const latest = new Map(model.readings.features.map(({ properties }) => [properties.id, properties]));
  const changed = new Set();
  for (const reading of heard) {
    const known = latest.get(reading.datastream);
    if (!known) continue;
    // What was corrected or deleted may be the latest value or not: the next answer of the layer tells.
    changed.add(reading.datastream);
    const isLatest = !known.phenomenon_time || Date.parse(reading.phenomenon_time) >= Date.parse(known.phenomenon_time);
    if (reading.kind !== "observation" || !isLatest) continue;
    const { result, phenomenon_time, quality, recorded_at } = reading;
    Object.assign(known, { result, phenomenon_time, quality, heard_at: recorded_at });
    if (["late", "silent", "never"].includes(known.state)) Object.assign(known, { state: "heard", state_since: recorded_at });
  }
  if (changed.size) model.things = thingsOf(model.readings.features, model.state.get("property"));
  return changed;
}
