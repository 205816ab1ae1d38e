// What the page knows of the city: asked of the public API by the view's choices, and put into the shape the views read.

import { getJson, getLayer, getList, layerUrl } from "../shared/api.js";
import { frameParams, framesOf, intervalFor, isFrame, periodDays, periodParams, stepFor } from "../shared/period.js";
import { language, nameOf } from "../shared/words.js";

export const NEWEST = 100; // reports that the table lists; the map has them all, as tiles
const READINGS_EVERY_MS = 30_000;
const FILTERS = ["category", "channel", "status", "area", "property"];
// Below so many days a frame of the emerging hotspots is a day, else there would be too few.
const DAILY_SLICES = 60;

export class Model {
  constructor(state) {
    this.state = state;
    this.categories = [];
    this.properties = [];
    this.cities = [];
    this.layers = new Map(); // id -> the layer as the catalogue describes it
    this.styles = {};
    this.outlines = [];
    this.density = null;
    this.analysis = null; // the layer that colours the areas, where it is not density
    this.incidents = null;
    this.reports = null;
    this.things = new Map();
    this.readings = null;
    this.asked = { area: "", at: 0 }; // for the readings
    this.isHearing = () => false; // whether the stream tells of each new one
    this.counts = []; // of the time slider
    this.places = new Map(); // public id -> the place of a report that was opened
  }

  get city() {
    return this.state.get("city");
  }

  /** The correlation, while it is what colours the areas. */
  get correlation() {
    return this.state.get("colour") === "correlation" ? this.analysis : null;
  }

  /** What changes seldom: the cities, categories, properties, the layers' declared styles. */
  async open() {
    this.cities = await getList("/api/cities/");
    // The layers ask for a name only where there are several.
    if (this.cities.length > 1 && !this.city) this.state.set({ city: this.cities[0].slug }, { isStep: false });
    const city = this.city ? `?city=${this.city}` : "";
    const [categories, properties, layers] = await Promise.all([
      getList(`/api/categories/${city}`),
      getList("/api/observed-properties/"),
      getJson(`/layers/?f=json&lang=${language}`),
    ]);
    this.categories = flat(categories);
    this.properties = properties;
    this.layers = new Map(layers.body.layers.map((layer) => [layer.id, layer]));
    this.styles = Object.fromEntries(layers.body.layers.map((layer) => [layer.id, layer.style]));
  }

  /** The city's outline. The first map does without it: the areas fill the city. */
  async loadOutlines() {
    const { features } = await getLayer("cities", { city: this.city });
    const root = this.cities.find((each) => each.slug === this.city) ?? this.cities[0];
    this.outlines = features.filter(({ properties: p }) => !root || p.city === root.slug);
  }

  /** What the whole city is, on the map. */
  get extent() {
    return this.outlines.length ? this.outlines : (this.density?.features ?? []);
  }

  /** City, category and period: what every layer and analysis of reports takes. */
  filters() {
    return { city: this.city, category: this.state.get("category"), ...periodParams(this.state.get("period")) };
  }

  /** Everything that chooses reports on this page, the frame of the time slider in the place of the period. */
  reportFilters({ isWhole = false } = {}) {
    const { channel, status, area, frame } = this.state.values;
    const time = !isWhole && isFrame(frame) ? frameParams(frame, this.step) : {};
    return { ...this.filters(), channel, status, area, ...time };
  }

  /** The choices of the page that a layer takes, by its declared parameters. */
  paramsOf(id) {
    const { level, property } = this.state.values;
    const given = { ...this.reportFilters({ isWhole: id !== "reports" }), level, property, interval: this.interval() };
    if (id === "emerging" && periodDays(this.state.get("period")) <= DAILY_SLICES) given.slice = "day";
    const taken = new Set(["city", ...(this.layers.get(id)?.parameters ?? []).map((each) => each.name)]);
    return Object.fromEntries(Object.entries(given).filter(([name, value]) => taken.has(name) && value !== "" && value !== undefined));
  }

  /** The chosen filters that a layer knows nothing of, so that its legend can say so. */
  unheeded(id) {
    const taken = new Set((this.layers.get(id)?.parameters ?? []).map((each) => each.name));
    const isOfReports = id !== "sensors";
    return FILTERS.filter((name) => this.state.get(name) && !taken.has(name) && !(name === "property" && isOfReports) && !(name === "area" && id === "density"));
  }

  interval() {
    return this.state.get("interval") || intervalFor(this.state.get("period"));
  }

  async loadDensity(signal) {
    this.density = await getLayer("density", this.paramsOf("density"), { signal });
    return this.density.isNew;
  }

  /** The layer that colours the areas, with what its classes are called. Null where it waits for a choice, or there is none. */
  async loadAnalysis(signal) {
    const id = this.state.get("colour");
    if (!this.isReady(id)) {
      this.analysis = null;
      return true;
    }
    const params = this.paramsOf(id);
    const [found, words] = await Promise.all([getLayer(id, params, { signal }), this.classWords(id, params, signal)]);
    const isNew = found.isNew || this.analysis?.id !== id;
    this.analysis = { ...found, id, words };
    return isNew;
  }

  isReady(id) {
    const layer = this.layers.get(id);
    return Boolean(layer) && id !== "density" && layer.parameters.every((each) => !each.required || this.paramsOf(id)[each.name]);
  }

  /** Colour -> what it means, from the legend of the layer's own style. */
  async classWords(id, params, signal) {
    if (typeof this.styles[id].classes[0] === "number") return new Map();
    const url = layerUrl(id, { ...params, lang: language }).replace(/^\/layers\/(.*)\.geojson/, "/tiles/$1/style.json");
    const { body } = await getJson(url, { signal });
    return new Map(body.metadata["pantau:legend"].map(({ color, label }) => [color, label]));
  }

  async loadReports(signal) {
    this.reports = await getLayer("reports", { ...this.paramsOf("reports"), limit: NEWEST }, { signal, pages: 1 });
    return this.reports.isNew;
  }

  async loadIncidents(signal) {
    if (!this.state.shows("incidents")) {
      this.incidents = null;
      return false;
    }
    this.incidents = await getLayer("incidents", this.paramsOf("incidents"), { signal, pages: 1 });
    return this.incidents.isNew;
  }

  async loadReadings(signal) {
    const { area, property } = this.state.values;
    const before = this.things;
    const isNew = this.isReadingsDue(area) && (await this.askReadings(area, signal));
    this.things = thingsOf(this.readings.features, property);
    return isNew || before.size !== this.things.size;
  }

  /** While the stream tells of every reading, the layer is asked now and then only: for states, and for things that are new. */
  isReadingsDue(area) {
    const { asked } = this;
    return !this.readings || asked.area !== area || !this.isHearing() || Date.now() - asked.at > READINGS_EVERY_MS;
  }

  async askReadings(area, signal) {
    this.readings = await getLayer("sensors", { city: this.city, area }, { signal });
    this.asked = { area, at: Date.now() };
    return this.readings.isNew;
  }

  /** How many reports the filters find; areas know it where the layer itself does not count so many. */
  get total() {
    if (!this.reports) return 0;
    if (typeof this.reports.numberMatched === "number") return this.reports.numberMatched;
    if (!this.reports.isCut || this.state.get("frame") || !this.density) return this.reports.features.length;
    const inside = this.areasShown().reduce((sum, { properties: p }) => sum + p.reports, 0);
    return inside + (this.state.get("area") ? 0 : this.density.reports_outside_areas);
  }

  /** The areas of the density that the area filter leaves: itself, and what lies under it. */
  areasShown() {
    const code = this.state.get("area");
    const features = this.density?.features ?? [];
    const found = features.filter(({ properties: p }) => p.code === code || p.parent === code || p.code.startsWith(`${code}.`));
    return code && found.length ? found : features;
  }

  get step() {
    return stepFor(this.state.get("period"), this.state.get("step"));
  }

  /** Every frame of the period with its number of reports: [{frame, n}]. */
  async loadCounts(signal) {
    const given = Object.entries({ ...this.reportFilters({ isWhole: true }), step: this.step }).filter(([, value]) => value);
    const { body } = await getJson(`/api/reports/counts/?${new URLSearchParams(given)}`, { signal });
    const length = this.step === "hour" ? 13 : 10;
    const counts = new Map(body.counts.map(({ start, count }) => [start.slice(0, length), count]));
    this.counts = framesOf(this.state.get("period"), this.step).map((frame) => ({ frame, n: counts.get(frame) ?? 0 }));
    return this.counts;
  }

  /** Where the reports are asked for as tiles, with the page's filters. */
  reportTiles() {
    const query = new URLSearchParams(this.paramsOf("reports")).toString();
    return `${window.location.origin}/tiles/reports/{z}/{x}/{y}.mvt${query ? `?${query}` : ""}`;
  }

  /** The place of a report: of the newest ones it is known, of another one it is asked for. */
  async placeOf(id) {
    const known = this.reports?.features.find((feature) => feature.properties.id === id)?.geometry ?? this.places.get(id);
    if (known) return known;
    const { features } = await getLayer("reports", { city: this.city, id, limit: 1 }, { pages: 1 });
    this.places.set(id, features[0]?.geometry ?? null);
    return this.places.get(id);
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

// Which reading stands for a thing where the visitor has chosen none.
const HEADLINES = ["pm25", "river_level", "water_level", "rainfall", "rain", "traffic_speed", "noise"];
const LATE_AFTER = 3; // expected intervals

/** Things from the datastreams' features: their place, their streams, and the one that speaks for them. */
export function thingsOf(features, property, now = Date.now()) {
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
  for (const thing of things.values()) thing.headline = headlineOf(thing.streams, property);
  return things;
}

function headlineOf(streams, property) {
  if (property) return streams.find((stream) => stream.observed_property === property) ?? null;
  const rank = (stream) => {
    const place = HEADLINES.indexOf(stream.observed_property);
    return place < 0 ? HEADLINES.length : place;
  };
  return [...streams].sort((a, b) => rank(a) - rank(b))[0];
}
