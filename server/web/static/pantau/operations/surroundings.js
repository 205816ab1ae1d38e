// What the map shows besides the work: the city's districts, and where the things of alerts stand.

import { getJson, getLayer } from "../shared/api.js";
import { middleOf } from "../shared/classes.js";
import { say } from "../shared/words.js";
import { BoardMap } from "./board_map.js";
import { me } from "./me.js";
import { urgency } from "./due.js";

const EVERY_MS = 300_000;

/** The map in `container`; null where it cannot be drawn, and then says so in its place. `scale` 1.35: to be read from afar. */
export async function openMap(container, on = {}, scale = 1) {
  const words = { "NavigationControl.ZoomIn": say("zoom_in"), "NavigationControl.ZoomOut": say("zoom_out"), "Map.Title": say("map") };
  try {
    const map = await BoardMap.open(container, { words, on, scale });
    const { features } = await getLayer("districts", { city: me.city });
    const middles = features.map(({ properties, geometry }) => ({ type: "Feature", properties: { name: properties.name }, geometry: { type: "Point", coordinates: middleOf(geometry) } }));
    map.setAreas(features, middles);
    return map;
  } catch (error) {
    console.info(error);
    container.textContent = say("no_map");
    container.classList.add("no-map");
    return null;
  }
}

/** Rows of the queue as features. */
export function pointsOf(rows, selected = new Set()) {
  return rows.filter((row) => row.location).map((row) => ({ type: "Feature", geometry: row.location, properties: { id: row.id, tone: urgency(row).tone, isSelected: selected.has(row.id) } }));
}

/** Where things stand, by their slugs; asked for anew when a thing is not known, at most every few minutes. */
export class Places {
  constructor() {
    Object.assign(this, { known: new Map(), askedAt: 0 });
  }

  get(thing) {
    return this.known.get(thing) ?? null;
  }

  async look(things) {
    if (things.every((thing) => this.known.has(thing)) || Date.now() - this.askedAt < EVERY_MS) return;
    this.askedAt = Date.now();
    const { body } = await getJson(`/layers/sensors.geojson?city=${encodeURIComponent(me.city)}&limit=1000`);
    this.known = new Map(body.features.filter((each) => each.geometry).map((each) => [each.properties.thing, each.geometry]));
  }

  /** Alerts as features; those of things that have no known place are in the list alone. */
  points(alerts) {
    return alerts.filter((alert) => this.known.has(alert.thing)).map((alert) => ({ type: "Feature", geometry: this.get(alert.thing), properties: { id: alert.id, isWaiting: !alert.is_acknowledged, label: alert.level_name } }));
  }
}
