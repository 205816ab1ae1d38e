// What the map page and the embedded map have in common: city, map, legend, and the rounds that keep them current.

import { ApiError } from "../shared/api.js";
import { byId, h, hasWebGl, show } from "../shared/dom.js";
import { Live, ReadingStream, Status } from "../shared/live.js";
import { isPeriod, periodParams, QLUE_LAUNCH } from "../shared/period.js";
import { ViewState } from "../shared/state.js";
import { ago, cityDay, day, nameOf, number, say, useZone } from "../shared/words.js";
import { drawKeys, drawLegend } from "./legend.js";
import { CityMap } from "./map.js";
import { Model } from "./model.js";
import { paintAreas, paintIncidents, thingFeatures } from "./paint.js";

const EVERY_MS = 3_000;
const USUAL_PERIOD = "30d";
const ANALYSIS_EVERY_MS = 60_000;
const NONE = [];
const CHANGES_REPORTS = ["period", "category", "channel", "status", "area", "frame", "step"];
const CHANGES_DATA = [...CHANGES_REPORTS, "colour", "measure", "level", "property", "interval", "show"];

export class MapView {
  constructor() {
    this.state = new ViewState(window.location, window.history);
    this.model = new Model(this.state);
    this.status = new Status(byId("status"), byId("toast"));
    this.live = new Live(() => this.refresh(), EVERY_MS);
    this.map = null;
    this.hasQlue = false;
    this.analysedAt = 0;
    this.asking = new AbortController();
    this.scale = null; // how many reports the largest dot stands for
    this.isReportsNew = false;
  }

  async start() {
    while (!(await this.openCity())) await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    this.state.addEventListener("change", (event) => this.changed(event.detail));
    const map = this.openMap();
    await this.live.now();
    await map;
    if (this.isPeriodProposed && this.model.reports?.features.length === 0) this.state.set({ period: await this.periodWithData() }, { isStep: false });
    this.drawAll();
    document.documentElement.dataset.ready = "yes";
    performance.mark("first-map");
    this.stream = new ReadingStream((heard) => this.takeReadings(heard));
    this.model.isHearing = () => this.stream.isOpen;
    this.model.loadOutlines().then(() => this.drawAll()).catch((error) => this.fail(error));
  }

  async takeReadings(heard) {
    const { takeReadings } = await import("./live_readings.js");
    this.hear(takeReadings(this.model, heard));
  }

  /** Readings came in that these datastreams have now. */
  hear(datastreams) {
    if (datastreams.size) this.drawAll();
  }

  /** The city, and the usual period where none is chosen. False where nobody answers, to be asked again. */
  async openCity() {
    try {
      await this.model.open();
      const city = this.model.cities.find((each) => each.slug === this.state.get("city")) ?? this.model.cities[0];
      useZone(city?.timezone);
      byId("city-name").textContent = city?.name ?? "";
      this.isPeriodProposed = !isPeriod(this.state.get("period"));
      if (this.isPeriodProposed) this.state.set({ period: USUAL_PERIOD }, { isStep: false });
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Of a city whose last reports are older than the usual period: the month that ends with them. */
  async periodWithData() {
    const newest = await this.model.newestReport().catch(() => null);
    if (!newest) return USUAL_PERIOD;
    if (newest.channel === "qlue" && (await this.model.hasReports(periodParams(QLUE_LAUNCH)))) return QLUE_LAUNCH;
    const last = Date.parse(newest.reported_at);
    return `${cityDay(29, new Date(last))}..${cityDay(0, new Date(last))}`;
  }

  async openMap(options = {}) {
    if (!hasWebGl()) return this.withoutMap();
    const [zoom, lat, lon] = this.state.get("map").split("/").map(Number);
    const isPlace = this.state.get("map") && Number.isFinite(zoom) && Number.isFinite(lat) && Number.isFinite(lon);
    try {
      this.map = await CityMap.open(byId("map"), {
        centre: isPlace ? { zoom, lat, lon } : null,
        words: mapWords(),
        styles: this.model.styles,
        reportTiles: this.model.reportTiles(),
        baseMap: JSON.parse(byId("basemap")?.textContent ?? "null"),
        onPick: (kind, key) => this.pick(kind, key),
        onMove: ({ zoom: z, lat: y, lon: x }) => this.state.set({ map: `${z.toFixed(2)}/${y.toFixed(4)}/${x.toFixed(4)}` }, { isStep: false }),
        onHome: () => this.goHome(),
        onResize: () => this.fitAgain(),
        onScale: (scale) => this.rescale(scale),
        describe: (layer, properties) => this.card(layer, properties),
        ...options,
      });
    } catch (error) {
      console.info(`The map cannot be drawn: ${error.message}`);
      this.withoutMap();
    }
  }

  withoutMap() {
    document.documentElement.dataset.map = "none";
    show(byId("map"), h("p.no-map", {}, say("no_webgl")));
  }

  goHome() {
    this.map.fit(this.model.extent, 300);
    this.state.set({ map: "" }, { isStep: false });
  }

  /** As long as nobody has moved the map, the whole city stays in view. */
  fitAgain() {
    if (this.isDrawn && !this.state.get("map")) this.map.makeRoom({ isPanelOpen: this.isPanelOpen, features: this.model.extent, duration: 0 });
  }

  get isPanelOpen() {
    return false;
  }

  rescale(scale) {
    if (this.scale?.scale === scale?.scale) return;
    this.scale = scale;
    this.drawKeys();
  }

  /** True where the page is about to be loaded anew. */
  changed(names) {
    const has = (...wanted) => wanted.some((name) => names.has(name));
    if (has("city")) {
      window.location.reload();
      return;
    }
    if (!has(...CHANGES_DATA)) return;
    if (has("period", "category", "channel", "status", "area", "colour", "level", "property", "interval")) this.analysedAt = 0;
    this.asking.abort();
    this.asking = new AbortController();
    document.documentElement.dataset.busy = "yes";
    // Drawn anew even where the answers are known already.
    this.isOutdated = true;
    this.live.now();
  }

  /** Asks for everything once. True when every answer was good; parts that answered are drawn in any case. */
  async refresh() {
    const { signal } = this.asking;
    const asked = [this.model.loadDensity(signal), this.model.loadReports(signal), this.model.loadReadings(signal)];
    const slow = this.isAnalysisDue() ? this.loadAnalysis(signal) : null;
    const incidents = this.loadIncidents(signal);
    const answers = await Promise.allSettled(asked);
    if (signal.aborted) return true;
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed) this.fail(failed.reason);
    else this.status.touch();
    this.isReportsNew ||= answers[1].value === true;
    if (answers.some((answer) => answer.value) || !this.isDrawn || this.isOutdated) this.drawAll();
    else this.drawCounts();
    this.announce();
    delete document.documentElement.dataset.busy;
    slow?.then(() => signal.aborted || this.drawAll());
    incidents.then((isNew) => isNew && !signal.aborted && this.drawAll());
    return !failed;
  }

  isAnalysisDue() {
    const colour = this.state.get("colour");
    return colour !== "density" && colour !== "none" && Date.now() - this.analysedAt > ANALYSIS_EVERY_MS;
  }

  async loadAnalysis(signal) {
    this.analysedAt = Date.now();
    byId("legend").dataset.busy = "yes";
    try {
      await this.model.loadAnalysis(signal);
      byId("legend-error").textContent = "";
    } catch (error) {
      if (signal.aborted) return;
      this.model.analysis = null;
      const isComing = error instanceof ApiError && error.status === 503;
      byId("legend-error").textContent = isComing ? say("computing") : say("refused", { detail: error.message });
      // Asked again soon: the server goes on computing after it has sent us away.
      this.analysedAt = Date.now() - ANALYSIS_EVERY_MS + (isComing ? (error.retryAfterS ?? 5) * 1000 : 0);
    } finally {
      delete byId("legend").dataset.busy;
    }
  }

  async loadIncidents(signal) {
    const note = byId("incidents-note");
    try {
      const isNew = await this.model.loadIncidents(signal);
      if (note) note.textContent = this.model.incidents ? say("incidents_count", { n: this.model.incidents.features.length }) : "";
      return isNew || this.wasIncidents !== Boolean(this.model.incidents);
    } catch (error) {
      if (signal.aborted) return false;
      this.model.incidents = null;
      if (note) note.textContent = error instanceof ApiError && !error.isLostTouch ? say("refused", { detail: error.message }) : "";
      return true;
    } finally {
      this.wasIncidents = Boolean(this.model.incidents);
    }
  }

  fail(error) {
    if (error instanceof ApiError && !error.isLostTouch) this.status.refuse(error.message);
    else this.status.lose();
  }

  drawAll() {
    if (!this.model.density) return;
    this.isDrawn = Boolean(this.map);
    this.isOutdated = false;
    const colour = this.state.get("colour");
    if (colour === "density" || colour === "none") byId("legend-error").textContent = "";
    const painted = paintAreas(this.model);
    drawLegend(byId("legend-title"), byId("legend-body"), this.model, painted);
    if (painted.kind === "waiting" && !this.model.isReady(colour)) show(byId("legend-body"), h("p.hint", {}, say("choose_property")));
    this.incidents = this.state.shows("incidents") ? paintIncidents(this.model) : null;
    this.drawKeys();
    this.drawCounts();
    this.drawMap(painted);
  }

  drawKeys() {
    if (this.model.density) drawKeys(byId("keys"), this.model, { scale: this.scale, incidents: this.incidents });
  }

  drawMap(painted) {
    if (!this.map) return;
    this.map.setCity(this.model.outlines);
    this.map.setAreas(painted.features, this.model.density.features);
    this.map.setReports(this.model.reportTiles(), { isShown: this.state.shows("reports"), isNew: this.isReportsNew });
    this.isReportsNew = false;
    this.map.setThings(this.state.shows("sensors") ? thingFeatures(this.model) : NONE, { isLabelled: Boolean(this.state.get("property")) });
    this.map.set("incidents", this.incidents?.features ?? NONE);
  }

  drawCounts() {
    if (!this.model.density) return;
    const things = [...this.model.things.values()];
    const isSimulated = (this.model.reports?.features ?? []).some(({ properties: p }) => p.is_simulated) || things.some((thing) => thing.isSimulated);
    byId("note-simulated").hidden = !isSimulated;
    byId("note-schematic").hidden = !this.model.density.features.some(({ properties: p }) => p.is_schematic);
    byId("empty").hidden = this.model.density.features.length > 0;
  }

  announce() {}

  /** What stands beside the pointer. */
  card(layer, p) {
    if (p.point_count) return h("p", {}, say("cluster_card", { n: p.point_count }));
    if (layer === "reports" || layer === "clusters") return h("div", {}, h("strong", {}, nameOf(p, "category_name")), h("p", {}, `${say(`status_${p.status}`)} · ${day(p.reported_at)}`));
    if (layer === "incidents") return h("div", {}, h("strong", {}, nameOf(p, "category_name")), h("p", {}, say("incident_card", { n: p.reports, open: p.open_reports })), h("p.hint", {}, p.area_name ?? ""));
    if (layer === "things") return h("div", {}, h("strong", {}, p.name), h("p", {}, p.reading), h("p.hint", {}, p.when ? ago(p.when) : say("no_reading")));
    const found = this.model.area(p.code).density?.properties;
    if (!found) return null;
    const words = this.model.analysis?.words && this.analysisWords(p.code);
    return h("div", {}, h("strong", {}, p.name), words ? h("p", {}, words) : null, h("p", {}, say("area_card", { n: found.reports, density: number(found.reports_per_km2) })));
  }

  analysisWords(code) {
    const { analysis, styles } = this.model;
    const { property, classes, colours } = styles[analysis.id];
    const value = analysis.features.find((feature) => feature.properties.code === code)?.properties[property];
    return analysis.words.get(colours[classes.indexOf(value)]);
  }
}

function mapWords() {
  return {
    "NavigationControl.ZoomIn": say("zoom_in"), "NavigationControl.ZoomOut": say("zoom_out"),
    "CooperativeGesturesHandler.MobileHelpText": say("two_fingers"), "CooperativeGesturesHandler.WindowsHelpText": say("ctrl_scroll"),
    "CooperativeGesturesHandler.MacHelpText": say("ctrl_scroll"), "Map.Title": say("map"), "Home.Title": say("whole_city"),
    "North.Title": say("north_up"), "North.Letter": say("north_letter"),
  };
}

export { CHANGES_REPORTS };
