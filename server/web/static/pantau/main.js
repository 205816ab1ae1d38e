// The map page: reads the choices from the URL, asks the API, draws map, legend, panel and table, and keeps them current.

import { ApiError } from "./api.js";
import { Controls } from "./controls.js";
import { byId, h, show } from "./dom.js";
import { drawKeys, drawLegend, foldLegend, paintCorrelation, paintDensity } from "./legend.js";
import { Live } from "./live.js";
import { CityMap, hasWebGl } from "./map.js";
import { Model } from "./model.js";
import { Panel, split } from "./panel.js";
import { isPeriod, periodParams, periodWords, QLUE_LAUNCH } from "./period.js";
import { ViewState } from "./state.js";
import { Status } from "./status.js";
import { drawTable } from "./tables.js";
import { ago, cityDay, day, measured, nameOf, number, say, useZone } from "./words.js";

const EVERY_MS = 5_000;
const PANEL_EVERY_MS = 10_000;
const CORRELATION_EVERY_MS = 60_000;
const NONE = [];
const NEEDS_AREAS = ["period", "category", "colour", "measure", "level", "property", "interval"];

class Page {
  constructor() {
    this.state = new ViewState(window.location, window.history);
    this.model = new Model(this.state);
    this.controls = new Controls(this.state, this.model);
    this.status = new Status(byId("status"), byId("toast"));
    this.panel = new Panel(byId("panel"), this.model, { onOpen: (open) => this.open(open), onClose: () => this.open("") });
    this.live = new Live(() => this.refresh(), EVERY_MS);
    this.map = null;
    this.seen = null; // ids of the reports that were already there
    this.correlatedAt = 0;
    this.asking = new AbortController();
  }

  async start() {
    this.bindPage();
    while (!(await this.openCity())) await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    this.state.addEventListener("change", (event) => this.changed(event.detail));
    this.controls.draw();
    const map = this.openMap();
    await this.live.now();
    await map;
    this.drawAll();
    await this.drawOpen();
    document.documentElement.dataset.ready = "yes";
  }

  /** The city, and a period that has data. False where nobody answers, to be asked again. */
  async openCity() {
    try {
      await this.model.open();
      const city = this.model.cities.find((each) => each.slug === this.state.get("city")) ?? this.model.cities[0];
      useZone(city?.timezone);
      byId("city-name").textContent = city?.name ?? "";
      this.controls.hasQlue = await this.model.hasReports(periodParams(QLUE_LAUNCH));
      if (!isPeriod(this.state.get("period"))) this.state.set({ period: await this.periodWithData() }, { isStep: false });
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  async periodWithData() {
    if (await this.model.hasReports(periodParams("30d"))) return "30d";
    const newest = await this.model.newestReport();
    if (!newest) return "30d";
    if (this.controls.hasQlue && newest.channel === "qlue") return QLUE_LAUNCH;
    const last = Date.parse(newest.reported_at);
    return `${cityDay(29, new Date(last))}..${cityDay(0, new Date(last))}`;
  }

  async openMap() {
    if (!hasWebGl()) return this.withoutMap();
    const [zoom, lat, lon] = this.state.get("map").split("/").map(Number);
    const centre = Number.isFinite(zoom) && Number.isFinite(lat) && Number.isFinite(lon) ? { zoom, lat, lon } : null;
    try {
      this.map = await CityMap.open(byId("map"), {
        centre,
        words: { "NavigationControl.ZoomIn": say("zoom_in"), "NavigationControl.ZoomOut": say("zoom_out"), "CooperativeGesturesHandler.MobileHelpText": say("two_fingers"), "CooperativeGesturesHandler.WindowsHelpText": say("ctrl_scroll"), "CooperativeGesturesHandler.MacHelpText": say("ctrl_scroll"), "Map.Title": say("map") },
        onPick: (kind, key) => this.open(kind ? `${kind}:${key}` : ""),
        onMove: ({ zoom: z, lat: y, lon: x }) => this.state.set({ map: `${z.toFixed(2)}/${y.toFixed(4)}/${x.toFixed(4)}` }, { isStep: false }),
        describe: (layer, properties) => this.card(layer, properties),
      });
    } catch {
      this.withoutMap();
    }
  }

  withoutMap() {
    document.documentElement.dataset.map = "none";
    show(byId("map"), h("p.no-map", {}, say("no_webgl")));
    byId("tables").open = true;
  }

  bindPage() {
    foldLegend(byId("legend-fold"), byId("tables"));
    for (const tab of document.querySelectorAll("[role=tab]")) {
      tab.addEventListener("click", () => this.state.set({ tab: tab.dataset.tab }, { isStep: false }));
      tab.addEventListener("keydown", (event) => stepTabs(event, tab));
    }
    for (const link of document.querySelectorAll("[data-lang-link]")) {
      // The language changes, the view stays.
      link.addEventListener("click", () => (link.href = `${link.href.split("#")[0]}${this.state.fragment()}`));
    }
    byId("home").addEventListener("click", () => {
      this.map?.fit(this.model.outlines, 300);
      this.state.set({ map: "" }, { isStep: false });
    });
  }

  changed(names) {
    const has = (...wanted) => wanted.some((name) => names.has(name));
    if (has("city")) return window.location.reload();
    if (has("period", "category")) this.seen = null;
    if (has("reading")) this.model.readings = null;
    if (has(...NEEDS_AREAS)) this.correlatedAt = 0;
    this.controls.draw();
    if (has(...NEEDS_AREAS, "reading")) {
      this.asking.abort();
      this.asking = new AbortController();
      document.documentElement.dataset.busy = "yes";
      this.live.now();
    } else if (has("show", "tab")) this.drawAll();
    if (has("open")) this.drawOpen({ isFresh: true });
    return undefined;
  }

  /** Asks for everything once. True when every answer was good; parts that answered are drawn in any case. */
  async refresh() {
    const { signal } = this.asking;
    const isCorrelation = this.state.get("colour") === "correlation";
    const isDue = isCorrelation && Date.now() - this.correlatedAt > CORRELATION_EVERY_MS;
    const asked = [this.model.loadDensity(signal), this.model.loadReports(signal), this.model.loadReadings(signal)];
    const slow = isDue ? this.loadCorrelation(signal) : null;
    const answers = await Promise.allSettled(asked);
    if (signal.aborted) return true;
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed) this.fail(failed.reason);
    else this.status.touch();
    if (answers.some((answer) => answer.value) || !this.isDrawn) this.drawAll();
    else this.drawCounts();
    this.announce();
    delete document.documentElement.dataset.busy;
    if (slow) slow.then(() => signal.aborted || this.drawAll());
    return !failed;
  }

  async loadCorrelation(signal) {
    this.correlatedAt = Date.now();
    this.model.correlation = this.model.correlation ?? null;
    byId("legend").dataset.busy = "yes";
    try {
      await this.model.loadCorrelation(signal);
      byId("legend-error").textContent = "";
    } catch (error) {
      if (signal.aborted) return;
      this.model.correlation = null;
      const isComing = error instanceof ApiError && error.status === 503;
      byId("legend-error").textContent = isComing ? say("computing") : say("refused", { detail: error.message });
      // Asked again soon: the server goes on computing after it has sent us away.
      this.correlatedAt = Date.now() - CORRELATION_EVERY_MS + (isComing ? (error.retryAfterS ?? 5) * 1000 : 0);
    } finally {
      delete byId("legend").dataset.busy;
    }
  }

  fail(error) {
    if (error instanceof ApiError && !error.isLostTouch) this.status.refuse(error.message);
    else this.status.lose();
  }

  drawAll() {
    if (!this.model.density) return;
    this.isDrawn = Boolean(this.map);
    const isCorrelation = this.state.get("colour") === "correlation";
    const painted = isCorrelation && this.model.correlation ? paintCorrelation(this.model) : paintDensity(this.model, this.state.get("measure"));
    drawLegend(byId("legend-title"), byId("legend-body"), this.model, painted);
    drawKeys(byId("keys"), this.model);
    this.drawCounts();
    drawTable(byId("table"), this.model, this.state.get("tab"), (open) => this.open(open));
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const isChosen = tab.dataset.tab === this.state.get("tab");
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen) byId("table").setAttribute("aria-labelledby", tab.id);
    }
    this.drawMap(painted);
    if (this.panelAt && Date.now() - this.panelAt > PANEL_EVERY_MS) this.drawPanel();
  }

  drawMap(painted) {
    if (!this.map) return;
    this.map.setCity(this.model.outlines);
    this.map.setAreas(painted.features);
    this.map.setReports(this.state.shows("reports") ? (this.model.reports?.features ?? NONE) : NONE);
    this.map.setThings(this.state.shows("sensors") ? thingFeatures(this.model) : NONE, { isLabelled: Boolean(this.state.get("reading")) });
    this.map.choose(this.chosen());
  }

  chosen() {
    const [kind, key] = split(this.state.get("open"));
    if (kind === "area") return { code: key };
    const report = kind === "report" && this.model.reports?.features.find((feature) => feature.properties.id === key);
    return { place: (report || this.model.things.get(kind === "thing" ? key : ""))?.geometry };
  }

  drawCounts() {
    if (!this.model.density) return;
    const reports = this.model.reports?.features ?? [];
    const things = [...this.model.things.values()];
    const newest = reports.reduce((best, { properties: p }) => (p.reported_at > best ? p.reported_at : best), "");
    const reading = (this.model.readings?.features ?? []).reduce((best, { properties: p }) => ((p.phenomenon_time ?? "") > best ? p.phenomenon_time : best), "");
    const outside = this.model.density.reports_outside_areas;
    byId("reports-count").textContent = say(this.model.reports?.isCut ? "reports_count_cut" : "reports_count", { n: reports.length });
    byId("reports-age").textContent = newest ? say("newest_report", { ago: ago(newest) }) : say("no_reports_period");
    byId("sensors-count").textContent = say("things_count", { n: things.length });
    byId("sensors-age").textContent = reading ? say("newest_reading", { ago: ago(reading) }) : say("empty_sensors");
    byId("outside").textContent = outside ? say("outside_areas", { n: outside }) : "";
    byId("period-words").textContent = periodWords(this.state.get("period"));
    const isSimulated = reports.some(({ properties: p }) => p.is_simulated) || things.some((thing) => thing.isSimulated);
    byId("note-simulated").hidden = !isSimulated;
    byId("note-schematic").hidden = !this.model.density.features.some(({ properties: p }) => p.is_schematic);
    byId("empty").hidden = this.model.density.features.length > 0;
  }

  /** Says what came in since the last round. */
  announce() {
    const features = this.model.reports?.features ?? [];
    const fresh = this.seen ? features.filter(({ properties: p }) => !this.seen.has(p.id)) : [];
    this.seen = new Set(features.map(({ properties: p }) => p.id));
    if (!fresh.length) return;
    const { properties: p } = fresh[0];
    this.status.say(fresh.length === 1 ? say("new_report", { category: nameOf(p, "category_name"), area: p.area_name ?? say("outside") }) : say("new_reports", { n: fresh.length }));
  }

  open(open) {
    this.state.set({ open });
  }

  async drawOpen(how) {
    const [kind] = split(this.state.get("open"));
    this.map?.choose(this.chosen());
    await this.drawPanel(how);
    // As long as nobody has moved the map, the whole city stays in view.
    this.map?.makeRoom({ isPanelOpen: Boolean(kind), features: this.state.get("map") ? null : this.model.outlines });
  }

  async drawPanel(how) {
    this.panelAt = Date.now();
    await this.panel.draw(this.state.get("open"), how);
  }

  /** What stands beside the pointer. */
  card(layer, p) {
    if (layer === "clusters") return h("p", {}, say("cluster_card", { n: p.point_count }));
    if (layer === "reports") return h("div", {}, h("strong", {}, nameOf(p, "category_name")), h("p", {}, `${say(`status_${p.status}`)} · ${day(p.reported_at)}`));
    if (layer === "things") return h("div", {}, h("strong", {}, p.name), h("p", {}, p.reading), h("p.hint", {}, p.when ? ago(p.when) : say("no_reading")));
    const found = this.model.area(p.code).density?.properties;
    if (!found) return null;
    return h("div", {}, h("strong", {}, p.name), h("p", {}, say("area_card", { n: found.reports, density: number(found.reports_per_km2) })));
  }
}

function thingFeatures(model) {
  const colours = model.styles.sensors;
  return [...model.things.values()].filter((thing) => thing.headline).map((thing) => {
    const stream = thing.headline;
    const value = measured(stream.result, stream.unit_ucum);
    const colour = colours.colours[colours.classes.indexOf(stream.domain)] ?? colours.colours[0];
    const properties = { thing: thing.slug, name: thing.name, colour, isLate: stream.isLate, label: stream.result === null ? "" : value, reading: `${nameOf(stream, "property_name")}: ${value}`, when: stream.phenomenon_time };
    return { type: "Feature", geometry: thing.geometry, properties };
  });
}

function stepTabs(event, tab) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  next.click();
  next.focus();
}

new Page().start();
