// An area: what the map shows of it at once, and its dossier as it comes.

import { ApiError, getLayer } from "../../shared/api.js";
import { getComputed } from "../../shared/computing.js";
import { h } from "../../shared/dom.js";
import { measured, nameOf, number, say, within, zoneName } from "../../shared/words.js";
import { CHANCE } from "../paint.js";
import { HOURS, lagWords } from "../words.js";
import { correlationsSection, eventsSection, hotspotsSection } from "./dossier_findings.js";
import { readingsSection } from "./dossier_readings.js";
import { answersSection, categoriesSection, courseSection } from "./dossier_reports.js";
import { loadThresholds } from "./limits.js";
import { empty, figure, header, quiet, since } from "./sections.js";

const LATEST = 5;
const DOSSIER_EVERY_MS = 60_000;

export class AreaPanel {
  constructor(code, { model, onOpen, onClose }) {
    Object.assign(this, { code, model, onOpen, onClose, dossier: null, progress: 0, problem: null, events: null, thresholds: [], latest: null, things: null, askedAt: 0, asking: new AbortController(), asked: "" });
  }

  async load(paint) {
    const { model, code } = this;
    const dossier = this.loadDossier(paint);
    const [latest, things] = await Promise.all([
      quiet(getLayer("reports", { ...model.reportFilters({ isWhole: true }), area: code, limit: LATEST }, { pages: 1 })),
      quiet(getLayer("sensors", { city: model.city, area: code })),
    ]);
    this.latest = latest?.features ?? this.latest;
    this.things = things?.features ?? this.things;
    paint();
    await dossier;
  }

  /** Asked for anew when the filters are others, and once a minute. */
  async loadDossier(paint) {
    const url = this.address("json");
    if (url === this.asked && Date.now() - this.askedAt < DOSSIER_EVERY_MS) return;
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const isOther = url !== this.asked;
    Object.assign(this, { asked: url, askedAt: Date.now(), problem: null, ...(isOther ? { dossier: null, events: null, progress: 0 } : {}) });
    paint();
    const onProgress = (share) => {
      this.progress = share;
      paint();
    };
    try {
      const [thresholds, { body }] = await Promise.all([quiet(loadThresholds({ city: this.city() })), getComputed(url, { onProgress, signal })]);
      Object.assign(this, { dossier: body, thresholds: thresholds ?? [] });
    } catch (error) {
      if (signal.aborted) return;
      this.askedAt = 0; // asked again with the next round
      this.problem = error instanceof ApiError && error.status ? error.message : say("series_failed");
    }
    paint();
    if (this.dossier && !this.events) await this.loadEvents(paint, signal);
  }

  /** Reports around the times that a level was reached: of the dossier's strongest finding that has such a level. */
  async loadEvents(paint, signal) {
    const watched = (pair) => this.thresholds.find((each) => pair.things.includes(each.thing) && each.observed_property === pair.property && each.direction === "above" && each.levels.length);
    const pair = this.dossier.correlations.pairs.find((each) => watched(each));
    if (!pair) return;
    const watch = watched(pair);
    const { start, end } = this.dossier.period;
    const asked = { city: this.city(), thing: watch.thing, property: pair.property, threshold: watch.levels[0].from, category: pair.category, start, end };
    const answer = await quiet(getComputed(`/api/analysis/events/?${new URLSearchParams(asked)}`, { signal }));
    if (!answer || signal.aborted) return;
    this.events = { answer: answer.body, level: watch.levels[0], category: within(nameOf(pair)) };
    paint();
  }

  city() {
    return this.model.city || this.model.cities[0]?.slug;
  }

  address(form) {
    const { category, start, end } = this.model.filters();
    const given = { category, start, end, f: form, ...(form === "html" ? { lang: document.documentElement.lang } : {}) };
    const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value));
    return `/api/analysis/districts/${encodeURIComponent(this.code)}/?${query}`;
  }

  close() {
    this.asking.abort();
  }

  sections() {
    const { density, correlation } = this.model.area(this.code);
    if (!density && !this.dossier) return this.problem || this.model.density ? this.unknown() : null;
    const p = density?.properties;
    const { dossier } = this;
    const name = p?.name ?? dossier.area.name;
    const part = (key, of, draw) => (dossier ? { key, of: [dossier.as_of, this.asked, of], draw } : null);
    const isCorrelation = correlation && this.model.state.get("colour") === "correlation";
    return [
      { key: "header", of: [name, this.code], draw: () => header(name, say("area_sub", { level: say(`level_${p?.level ?? dossier.area.level}`), code: this.code }), (p ?? dossier.area).is_schematic ? [say("schematic")] : [], this.onClose) },
      p && { key: "figures", of: p, draw: () => figures(p) },
      isCorrelation && { key: "correlation", of: correlation.properties, draw: () => this.correlation(correlation.properties) },
      dossier ? null : { key: "waiting", of: [this.progress, this.problem], draw: () => this.waiting() },
      part("course", 0, () => courseSection(dossier)),
      part("categories", 0, () => categoriesSection(dossier)),
      part("answers", 0, () => answersSection(dossier)),
      part("readings", this.thresholds, () => readingsSection(dossier, { ...this.context(), thresholds: this.thresholds })),
      part("correlations", 0, () => correlationsSection(dossier, this.context())),
      this.events && part("events", this.events, () => eventsSection(this.events.answer, this.events)),
      part("hotspots", 0, () => hotspotsSection(dossier, this.onOpen)),
      this.latest && { key: "latest", of: this.latest, draw: () => this.reports() },
      this.things && { key: "things", of: this.things.map(({ properties: t }) => [t.id, t.result]), draw: () => this.readings() },
      { key: "links", of: this.asked, draw: () => this.links() },
    ];
  }

  /** An area that the map does not show (a link to another level): its dossier tells whether it exists. */
  unknown() {
    if (this.problem) return null;
    return [{ key: "header", of: this.code, draw: () => header(this.code, "", [], this.onClose) }, { key: "waiting", of: [this.progress], draw: () => this.waiting() }];
  }

  context() {
    return {
      onOpen: this.onOpen,
      propertyName: (code) => nameOf(this.model.property(code) ?? { name: code }),
      thingName: (slug) => this.model.things.get(slug)?.name ?? slug,
    };
  }

  waiting() {
    if (this.problem) return h("p.empty", { role: "alert" }, say("dossier_failed", { detail: this.problem }));
    const bar = h("progress", { max: 1, value: this.progress || null, "aria-label": say("dossier_computing") });
    return h("div.waiting", {}, h("p.hint", { role: "status" }, say("dossier_computing")), bar);
  }

  correlation(p) {
    const { state } = this.model;
    const category = this.model.category(state.get("category"));
    const property = this.model.property(state.get("property"));
    const words = { category: category ? nameOf(category) : say("all_categories"), property: within(property ? nameOf(property) : "") };
    const heading = h("h3", {}, say("correlation_title", words));
    if (p.rho === null) return [heading, h("p", {}, p.reason ? say(`reason_${p.reason}`) : say("too_few")), this.origin(p)];
    const found = { ...words, rho: number(p.rho, 2), p: number(p.p_value, 3), n: p.intervals, lag: lagWords(p.lag, HOURS[this.model.interval()]) };
    const sentence = p.p_value === null || p.p_value >= CHANCE ? "correlation_none" : p.rho > 0 ? "correlation_rise" : "correlation_fall";
    return [heading, h("p", {}, say(sentence, found)), this.origin(p), h("p.hint", {}, say("not_a_cause"))];
  }

  origin(p) {
    const things = (p.things ?? []).map(this.context().thingName).join(", ");
    return h("p.hint", {}, say(`source_${p.value_source}`, { things, km: number((p.distance_m ?? 0) / 1000, 1) }));
  }

  reports() {
    const rows = this.latest.map(({ properties: p }) => h("li", {}, h("button.row", { type: "button", "data-key": p.id, onclick: () => this.onOpen(`report:${p.id}`) },
      h("span", {}, nameOf(p, "category_name"), h("small", {}, p.description || say(`status_${p.status}`))), since(p.reported_at, "time.when"))));
    return [h("h3", {}, say("latest_reports")), rows.length ? h("ul.list", {}, rows) : empty(say("no_reports_here"))];
  }

  readings() {
    const rows = this.things.map(({ properties: t }) => h("li", {}, h("button.row", { type: "button", "data-key": String(t.id), onclick: () => this.onOpen(`thing:${t.thing}`) },
      h("span", {}, nameOf(t, "property_name"), h("small", {}, t.thing_name)), h("span.value", {}, measured(t.result, t.unit_ucum)))));
    return [h("h3", {}, say("sensors_here")), rows.length ? h("ul.list", {}, rows) : empty(say("no_sensors_here"))];
  }

  links() {
    return [
      h("p.actions", {}, h("a.button", { href: this.address("html") }, say("print_dossier")), h("a", { href: this.address("json") }, "JSON"), h("a", { href: this.address("csv") }, "CSV")),
      h("p.hint", {}, say("times_in", { zone: zoneName() })),
    ];
  }
}

function figures(p) {
  const share = p.population === null ? say("population_unknown_long") : say("population_known", { n: p.population, year: String(p.population_year), source: p.population_source });
  return [
    h("dl.figures", {},
      figure(number(p.reports), say("reports_in_period")), figure(number(p.reports_per_km2), say("measure_reports_per_km2")),
      figure(p.reports_per_10000 === null ? "–" : number(p.reports_per_10000), say("measure_reports_per_10000"))),
    h("p.hint", {}, share),
  ];
}
