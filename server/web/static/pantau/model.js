// What the page knows of the city: asked of the public API by the view's choices, and put into the shape the views read.

import { getJson, getLayer, getList } from "./api.js";
import { intervalFor, periodParams } from "./period.js";
import { nameOf } from "./words.js";

// Which reading stands for a thing where the visitor has chosen none.
const HEADLINES = ["pm25", "river_level", "water_level", "rainfall", "rain", "traffic_speed", "noise"];
const LATE_AFTER = 3; // expected intervals

export class Model {
  constructor(state) {
    this.state = state;
    this.categories = [];
    this.properties = [];
    this.cities = [];
    this.styles = {};
    this.density = null;
    this.correlation = null;
    this.reports = null;
    this.things = new Map();
    this.readings = null;
  }

  get city() {
    return this.state.get("city");
  }

  /** What changes seldom: the city's outline and name, categories, properties, the layers' declared styles. */
  async open() {
    this.cities = await getList("/api/cities/");
    // The layers ask for a name only where there are several.
    if (this.cities.length > 1 && !this.city) this.state.set({ city: this.cities[0].slug }, { isStep: false });
    const [outlines, categories, properties, layers] = await Promise.all([
      getLayer("cities", { city: this.city }),
      getList(`/api/categories/${this.city ? `?city=${this.city}` : ""}`),
      getList("/api/observed-properties/"),
      getJson("/layers/?f=json"),
    ]);
    const root = this.cities.find((each) => each.slug === this.city) ?? this.cities[0];
    this.outlines = outlines.features.filter(({ properties: p }) => !root || p.city === root.slug);
    this.categories = flat(categories);
    this.properties = properties;
    this.styles = Object.fromEntries(layers.body.layers.map((layer) => [layer.id, layer.style]));
  }

  filters() {
    return { city: this.city, category: this.state.get("category"), ...periodParams(this.state.get("period")) };
  }

  interval() {
    return this.state.get("interval") || intervalFor(this.state.get("period"));
  }

  async loadDensity(signal) {
    this.density = await getLayer("density", { ...this.filters(), level: this.state.get("level") }, { signal });
    return this.density.isNew;
  }

  async loadCorrelation(signal) {
    const property = this.state.get("property");
    if (!property) {
      this.correlation = null;
      return true;
    }
    const asked = { ...this.filters(), level: this.state.get("level"), property, interval: this.interval() };
    this.correlation = await getLayer("correlation", asked, { signal });
    return this.correlation.isNew;
  }

  async loadReports(signal) {
    this.reports = await getLayer("reports", this.filters(), { signal });
    return this.reports.isNew;
  }

  async loadReadings(signal) {
    this.readings = await getLayer("sensors", { city: this.city }, { signal });
    this.things = thingsOf(this.readings.features, this.state.get("reading"));
    return this.readings.isNew;
  }

  /** Whether there is any public report of a period. */
  async hasReports(params) {
    const found = await getLayer("reports", { city: this.city, ...params, limit: 1 }, { pages: 1 });
    return found.features.length > 0;
  }

  /** The newest of all public reports that have a place, or null. */
  async newestReport() {
    const found = await getLayer("reports", { city: this.city, limit: 1 }, { pages: 1 });
    return found.features[0]?.properties ?? null;
  }

  area(code) {
    const of = (layer) => layer?.features.find((feature) => feature.properties.code === code);
    return { density: of(this.density), correlation: of(this.correlation) };
  }

  category(slug) {
    return this.categories.find((each) => each.slug === slug) ?? null;
  }

  property(code) {
    return this.properties.find((each) => each.code === code) ?? null;
  }
}

/** The tree of categories as a list, each with its parent's slug and its depth. */
function flat(categories, parent = "", depth = 0) {
  const sorted = [...categories].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  return sorted.flatMap((each) => [{ ...each, parent, depth }, ...flat(each.children ?? [], each.slug, depth + 1)]);
}

/** Things by slug from the datastreams' features: their place, their streams, and the one that speaks for them. */
export function thingsOf(features, reading, now = Date.now()) {
  const things = new Map();
  for (const { geometry, properties: p } of features) {
    if (!things.has(p.thing)) {
      things.set(p.thing, {
        slug: p.thing, name: p.thing_name || p.thing, geometry, area: p.area_name, isSimulated: p.is_simulated, streams: [],
      });
    }
    const age = p.phenomenon_time ? (now - Date.parse(p.phenomenon_time)) / 1000 : Infinity;
    const isLate = age > LATE_AFTER * (p.expected_interval_s || 3600);
    things.get(p.thing).streams.push({ ...p, isLate });
  }
  for (const thing of things.values()) thing.headline = headlineOf(thing.streams, reading);
  return things;
}

function headlineOf(streams, reading) {
  if (reading) return streams.find((stream) => stream.observed_property === reading) ?? null;
  const rank = (stream) => {
    const place = HEADLINES.indexOf(stream.observed_property);
    return place < 0 ? HEADLINES.length : place;
  };
  return [...streams].sort((a, b) => rank(a) - rank(b))[0];
}
