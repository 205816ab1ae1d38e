// What a map has besides its things: back to the whole city, where north is, whose base map it is (controls as MapLibre wants them),
// and meridians and parallels, so that one without a base map still says where on earth it is.

import { h, svg } from "../shared/dom.js";
import { language } from "../shared/words.js";

class Control {
  onAdd() {
    this.container = h("div.maplibregl-ctrl.maplibregl-ctrl-group", {}, this.content());
    return this.container;
  }

  onRemove() {
    this.container.remove();
  }
}

export class HomeControl extends Control {
  constructor(title, onHome) {
    super();
    Object.assign(this, { title, onHome });
  }

  content() {
    const corners = svg("path", { d: "M3 8V3h5M12 3h5v5M17 12v5h-5M8 17H3v-5" });
    return h("button.home", { type: "button", title: this.title, "aria-label": this.title, onclick: this.onHome }, svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, corners));
  }
}

/** The map is never turned, so that the arrow always points up. */
export class NorthControl extends Control {
  constructor(letter, title) {
    super();
    Object.assign(this, { letter, title });
  }

  content() {
    const arrow = svg("svg", { viewBox: "0 0 20 14", "aria-hidden": "true" }, svg("path", { d: "M10 1 15 13 10 10 5 13Z" }));
    return h("div.north", { role: "img", "aria-label": this.title, title: this.title }, arrow, h("span", { "aria-hidden": "true" }, this.letter));
  }
}

/** Whose base map it is, always to be seen; as text, since it may come from elsewhere. */
export class AttributionControl extends Control {
  constructor(words) {
    super();
    this.words = words;
  }

  onAdd() {
    this.container = h("p.maplibregl-ctrl.attribution", {}, this.words);
    return this.container;
  }
}

// Degrees between lines: whole ones, then parts that are minutes without a remainder.
const STEPS = [10, 5, 2, 1, 1 / 2, 1 / 6, 1 / 12, 1 / 30, 1 / 60];
const APART_PX = 96;
const SCALE_PX = 40; // the scale bar, below on the right
const UNTIL_ZOOM = 13;
const SIDES = { en: { east: "E", west: "W", north: "N", south: "S" }, id: { east: "BT", west: "BB", north: "LU", south: "LS" } };

/**
 * Lines and the points where their degrees stand, of a view [west, south, east, north] that is so many pixels large; nothing from
 * near. Degrees keep clear of the upper right corner, where the controls are: `clear` is its width and height in pixels.
 */
export function graticule([west, south, east, north], zoom, { width, height, clear = [0, 0] }) {
  if (zoom >= UNTIL_ZOOM) return [];
  const step = STEPS.findLast((each) => (width * each) / (east - west) >= APART_PX) ?? STEPS[0];
  const lines = [];
  const add = (at, to, anchor, words) => {
    lines.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: [at, to] } });
    if (words) lines.push({ type: "Feature", properties: { words, anchor }, geometry: { type: "Point", coordinates: at } });
  };
  for (const lon of between(west, east, step)) {
    add([lon, north], [lon, south], "top-left", (width * (east - lon)) / (east - west) > clear[0] && degrees(lon, "east", "west"));
  }
  for (const lat of between(south, north, step)) {
    const down = (height * (north - lat)) / (north - south);
    add([east, lat], [west, lat], "bottom-right", down > clear[1] && down < height - SCALE_PX && degrees(lat, "north", "south"));
  }
  return lines;
}

function between(from, to, step) {
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, i) => (first + i) * step);
}

function degrees(value, above, below) {
  const minutes = Math.round(Math.abs(value) * 60);
  const part = minutes % 60;
  return `${Math.floor(minutes / 60)}°${part ? `${String(part).padStart(2, "0")}′` : ""} ${SIDES[language][value < 0 ? below : above]}`;
}
