// The map page: the common view, with choices at its side, a panel of what was clicked, a table, a time slider, and dialogs.

import { byId } from "../shared/dom.js";
import { datesOf, periodParams, periodWords, QLUE_LAUNCH } from "../shared/period.js";
import { ago, nameOf, number, say } from "../shared/words.js";
import { Controls } from "./controls.js";
import { foldLegend } from "./legend.js";
import { CHANGES_REPORTS, MapView } from "./view.js";

const PANEL_EVERY_MS = 10_000;

class Page extends MapView {
  constructor() {
    super();
    this.controls = new Controls(this.state, this.model, { onUse: (id) => this.openUse(id) });
    this.panel = null; // made for what is opened first
    this.seen = null; // ids of the newest reports that were already there
    this.bindPage();
  }

  async start() {
    await super.start();
    await this.drawOpen();
    const { Slider } = await import("./slider.js");
    this.slider = new Slider(byId("slider"), this.model, { map: () => this.map, onCounts: () => this.drawTables() });
    this.slider.load();
    // One more choice of period.
    this.model.hasReports(periodParams(QLUE_LAUNCH)).then((has) => this.controls.offerQlue(has)).catch(() => null);
  }

  async openCity() {
    const isOpen = await super.openCity();
    if (!isOpen) return false;
    this.controls.draw();
    return true;
  }

  withoutMap() {
    super.withoutMap();
    byId("tables").open = true;
  }

  bindPage() {
    foldLegend(byId("legend-fold"), byId("tables"));
    byId("tables").addEventListener("toggle", () => this.drawTables());
    for (const link of document.querySelectorAll("[data-lang-link]")) {
      // The language changes, the view stays.
      link.addEventListener("click", () => (link.href = `${link.href.split("#")[0]}#${this.state.query()}`));
    }
    byId("open-choices").addEventListener("click", async () => {
      const { Sheet } = await import("./sheet.js");
      this.sheet ??= new Sheet(byId("choices"), byId("open-choices"));
      this.sheet.toggle();
    });
    byId("share").addEventListener("click", async () => (await import("./share.js")).openShare(this.state, this.model));
  }

  async openUse(id) {
    (await import("./use.js")).openUse(this.model, id);
  }

  changed(names) {
    if (CHANGES_REPORTS.some((name) => names.has(name))) this.seen = null;
    this.controls.draw();
    super.changed(names);
    if (names.has("tab")) this.drawTables();
    if (names.has("open")) this.drawOpen({ isFresh: true });
    this.slider?.changed(names);
  }

  drawAll() {
    super.drawAll();
    if (!this.model.density) return;
    this.drawTables();
    this.mark();
    if (this.panelAt && Date.now() - this.panelAt > PANEL_EVERY_MS) this.drawPanel();
  }

  /** The table is asked for by those who open it. */
  async drawTables() {
    if (!byId("tables").open || !this.model.density) return;
    const { drawTables } = await import("./tables.js");
    drawTables(byId("table"), this.model, (open) => this.open(open));
  }

  drawCounts() {
    super.drawCounts();
    if (!this.model.density) return;
    const reports = this.model.reports?.features ?? [];
    const newest = reports.reduce((best, { properties: p }) => (p.reported_at > best ? p.reported_at : best), "");
    const reading = (this.model.readings?.features ?? []).reduce((best, { properties: p }) => ((p.phenomenon_time ?? "") > best ? p.phenomenon_time : best), "");
    const outside = this.model.density.reports_outside_areas;
    byId("reports-count").textContent = say("reports_count", { n: this.model.total });
    byId("reports-age").textContent = newest ? say("newest_report", { ago: ago(newest) }) : say("no_reports_period");
    byId("sensors-count").textContent = say("things_count", { n: [...this.model.things.values()].filter((thing) => thing.headline).length });
    byId("sensors-age").textContent = reading ? say("newest_reading", { ago: ago(reading) }) : say("empty_sensors");
    byId("outside").textContent = outside && !this.state.get("area") ? say("outside_areas", { n: outside }) : "";
    byId("period-words").textContent = datesOf(this.state.get("period")) ? periodWords(this.state.get("period")) : say("other_dates");
    this.controls.drawSummary();
    if (this.isReportsNew) this.slider?.load();
  }

  hear(datastreams) {
    super.hear(datastreams);
    this.panel?.hear(datastreams);
  }

  /** Says what came in since the last round. */
  announce() {
    const features = this.model.reports?.features ?? [];
    // What was received last stands first: those before the first known one are new. The list has an end, and may move up from below.
    const known = this.seen ? features.findIndex(({ properties: p }) => this.seen.has(p.id)) : 0;
    const fresh = features.slice(0, known < 0 ? features.length : known);
    this.seen = new Set(features.map(({ properties: p }) => p.id));
    if (!fresh.length) return;
    const { properties: p } = fresh[0];
    this.status.say(fresh.length === 1 ? say("new_report", { category: nameOf(p, "category_name"), area: p.area_name ?? say("outside") }) : say("new_reports", { n: number(fresh.length) }));
  }

  pick(kind, key) {
    this.open(kind ? `${kind}:${key}` : "");
  }

  get isPanelOpen() {
    return Boolean(this.state.get("open"));
  }

  open(open) {
    this.state.set({ open });
  }

  async mark() {
    if (!this.map) return;
    const open = this.state.get("open");
    const [kind, key] = this.state.opened;
    const place = kind === "report" ? await this.model.placeOf(key).catch(() => null) : kind === "thing" ? this.model.things.get(key)?.geometry : null;
    if (open === this.state.get("open")) this.map.choose({ code: kind === "area" ? key : "", place: place ?? null });
  }

  async drawOpen(how) {
    this.mark();
    await this.drawPanel(how);
    this.map?.makeRoom({ isPanelOpen: this.isPanelOpen, features: this.state.get("map") ? null : this.model.extent });
  }

  async drawPanel(how) {
    if (!this.panel && !this.state.get("open")) return;
    this.panelAt = Date.now();
    const { Panel } = await import("./panel.js");
    this.panel ??= new Panel(byId("panel"), this.model, { onOpen: (open) => this.open(open), onClose: () => this.open("") });
    await this.panel.draw(this.state.get("open"), how);
  }
}

new Page().start();
