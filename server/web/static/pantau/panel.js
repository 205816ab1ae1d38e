// The panel of what was clicked: an area with its figures, a thing with its readings, a report.

import { getJson, getLayer } from "./api.js";
import { h, show } from "./dom.js";
import { CHANCE } from "./legend.js";
import { seriesFigure } from "./series.js";
import { ageOf, HOURS, lagWords } from "./tables.js";
import { ago, measured, moment, nameOf, number, percent, say, within, zoneName } from "./words.js";

const DAY_MS = 86_400_000;
const RECENT = 300;
const HOUR_MS = 3_600_000;

export class Panel {
  constructor(element, model, { onOpen, onClose }) {
    Object.assign(this, { element, model, onOpen, onClose, stream: null, asked: null });
    element.addEventListener("keydown", (event) => event.key === "Escape" && onClose());
  }

  /** Draws `kind:key`; called again after each refresh, it draws the new figures in place. */
  async draw(open, { isFresh = false } = {}) {
    const [kind, key] = split(open);
    this.element.hidden = !kind;
    if (!kind) {
      this.asked = null;
      return;
    }
    if (isFresh) this.stream = null;
    const content = { area: () => this.area(key), thing: () => this.thing(key), report: () => this.report(key) }[kind];
    this.asked = open;
    const parts = content ? await content() : null;
    if (this.asked !== open) return;
    show(this.element, ...(parts ?? this.frame(say("not_found"), say("not_found_here"), [])));
    if (isFresh) this.element.querySelector("h2")?.focus({ preventScroll: false });
  }

  frame(title, subtitle, badges) {
    return [
      h("header", {},
        h("div", {}, h("h2", { tabindex: "-1" }, title), subtitle ? h("p.sub", {}, subtitle) : null),
        h("button.close", { type: "button", "aria-label": say("close"), "data-key": "close", onclick: this.onClose }, "×")),
      badges.length ? h("p.badges", {}, badges.map((text) => h("span.badge", {}, text))) : null,
    ];
  }

  async area(code) {
    const { density, correlation } = this.model.area(code);
    if (!density) return null;
    const p = density.properties;
    const [summary, latest, things] = await Promise.all([
      this.summary(code),
      quiet(getLayer("reports", { ...this.model.filters(), area: code, limit: RECENT }, { pages: 1 })),
      quiet(getLayer("sensors", { city: this.model.city, area: code })),
    ]);
    return [
      ...this.frame(p.name, say("area_sub", { level: say(`level_${p.level}`), code: p.code }), p.is_schematic ? [say("schematic")] : []),
      h("dl.figures", {},
        figure(number(p.reports), say("reports_in_period")), figure(number(p.reports_per_km2), say("measure_reports_per_km2")),
        figure(p.reports_per_10000 === null ? "–" : number(p.reports_per_10000), say("measure_reports_per_10000"))),
      h("p.hint", {}, p.population === null ? say("population_unknown_long") : say("population_known", { n: p.population, year: String(p.population_year), source: p.population_source })),
      ...(correlation && this.model.state.get("colour") === "correlation" ? this.correlation(correlation.properties) : []),
      ...summary,
      ...this.latest(latest?.features ?? []),
      ...this.readingsOf(things?.features ?? []),
    ];
  }

  correlation(p) {
    const property = this.model.property(this.model.state.get("property"));
    const category = this.model.category(this.model.state.get("category"));
    const words = { area: p.name, category: category ? nameOf(category) : say("all_categories"), property: within(property ? nameOf(property) : "") };
    const heading = h("h3", {}, say("correlation_title", words));
    if (p.rho === null) return [heading, h("p", {}, p.reason ? say(`reason_${p.reason}`) : say("too_few")), this.origin(p)];
    const figures = { ...words, rho: number(p.rho, 2), p: number(p.p_value, 3), n: p.intervals, lag: lagWords(p.lag, HOURS[this.model.interval()]) };
    const sentence = p.p_value === null || p.p_value >= CHANCE ? "correlation_none" : p.rho > 0 ? "correlation_rise" : "correlation_fall";
    return [
      heading, h("p", {}, say(sentence, figures)),
      h("dl.figures", {}, figure(figures.rho, "Spearman ρ"), figure(figures.p, "p"), figure(number(p.intervals), say("n_intervals"))),
      this.origin(p), h("p.hint", {}, say("not_a_cause")),
    ];
  }

  origin(p) {
    const names = (p.things ?? []).map((slug) => this.model.things.get(slug)?.name ?? slug).join(", ");
    const key = `source_${p.value_source}`;
    return h("p.hint", {}, say(key, { things: names, km: number((p.distance_m ?? 0) / 1000, 1) }));
  }

  async summary(code) {
    const query = new URLSearchParams(Object.entries({ ...this.model.filters(), area: code }).filter(([, value]) => value));
    const answer = await quiet(getJson(`/api/reports/summary/?${query}`));
    const rows = (answer?.body.categories ?? []).slice(0, 5);
    if (!rows.length) return [];
    return [h("h3", {}, say("top_categories")), h("ul.bars", {}, rows.map((row) => {
      const bar = h("span.bar", { "aria-hidden": "true" });
      bar.style.setProperty("--share", row.count / rows[0].count);
      const name = nameOf(this.model.category(row.category) ?? row);
      return h("li", {}, h("span", {}, name), h("span.n", {}, `${number(row.count)} · ${percent(row.share / 100)}`), bar);
    }))];
  }

  latest(received) {
    // The layer is in the order of receipt; what was imported late may have happened long ago.
    const features = [...received].sort((a, b) => Date.parse(b.properties.reported_at) - Date.parse(a.properties.reported_at)).slice(0, 5);
    if (!features.length) return [h("h3", {}, say("latest_reports")), h("p.empty", {}, say("no_reports_here"))];
    return [h("h3", {}, say("latest_reports")), h("ul.list", {}, features.map(({ properties: p }) => h("li", {},
      h("button.row", { type: "button", "data-key": p.id, onclick: () => this.onOpen(`report:${p.id}`) },
        h("span", {}, nameOf(p, "category_name"), h("small", {}, p.description || say(`status_${p.status}`))), h("span.when", {}, ago(p.reported_at))))))];
  }

  readingsOf(features) {
    if (!features.length) return [h("h3", {}, say("sensors_here")), h("p.empty", {}, say("no_sensors_here"))];
    return [h("h3", {}, say("sensors_here")), h("ul.list", {}, features.map(({ properties: p }) => h("li", {},
      h("button.row", { type: "button", "data-key": String(p.id), onclick: () => this.onOpen(`thing:${p.thing}`) },
        h("span", {}, nameOf(p, "property_name"), h("small", {}, p.thing_name)), h("span.when", {}, measured(p.result, p.unit_ucum))))))];
  }

  async thing(slug) {
    const thing = this.model.things.get(slug);
    if (!thing) return null;
    const stream = thing.streams.find((each) => each.id === this.stream) ?? thing.headline ?? thing.streams[0];
    const pick = (each) => {
      this.stream = each.id;
      this.draw(`thing:${slug}`);
    };
    return [
      ...this.frame(thing.name, thing.area ? say("in_area", { area: thing.area }) : say("outside"), thing.isSimulated ? [say("simulated")] : []),
      h("ul.list", {}, thing.streams.map((each) => h("li", {},
        h("button.row", { type: "button", "data-key": String(each.id), "aria-pressed": String(each.id === stream.id), onclick: () => pick(each) },
          h("span", {}, nameOf(each, "property_name"), h("small", {}, ageOf(each), each.quality === "implausible" ? ` · ${say("implausible")}` : null)),
          h("span.value", {}, measured(each.result, each.unit_ucum)))))),
      h("h3", {}, say("last_24h", { property: nameOf(stream, "property_name") })),
      await this.series(stream),
    ];
  }

  /** The 24 hours that end with the present hour, or with the last reading where that is older. */
  async series(stream) {
    if (!stream.phenomenon_time) return h("p.empty", {}, say("no_reading"));
    const end = Math.min(Math.ceil(Date.now() / HOUR_MS), Math.floor(Date.parse(stream.phenomenon_time) / HOUR_MS) + 1) * HOUR_MS;
    const start = end - DAY_MS;
    const iso = (time) => new Date(time).toISOString().replace(".000Z", "Z");
    const query = new URLSearchParams({ start: iso(start), end: iso(end), resolution: "hour" });
    try {
      const { body } = await getJson(`/api/datastreams/${stream.id}/observations/?${query}`);
      const aggregate = this.model.property(stream.observed_property)?.aggregate ?? "mean";
      return seriesFigure(pointsOf(body, aggregate), { start, end, aggregate, unit: stream.unit_ucum, title: nameOf(stream, "property_name") });
    } catch {
      return h("p.empty", {}, say("series_failed"));
    }
  }

  async report(id) {
    const known = this.model.reports?.features.find((feature) => feature.properties.id === id)?.properties;
    const detail = (await quiet(getJson(`/api/reports/${encodeURIComponent(id)}/`)))?.body;
    const p = { ...detail, ...known };
    if (!p.id) return null;
    const lines = [
      [say("status"), say(`status_${p.status}`)], [say("reported"), `${moment(p.reported_at)} (${ago(p.reported_at)})`],
      [say("closed"), p.closed_at && moment(p.closed_at)], [say("area"), p.area_name ?? say("outside")],
      [say("agency"), p.agency?.toUpperCase()], [say("channel"), p.channel],
      [say("supporters"), p.support_count ? number(p.support_count) : null], [say("report_id"), p.id],
    ];
    const photos = (detail?.photos ?? []).map((url) => h("img.photo", { src: new URL(url, window.location.href).pathname, alt: say("photo"), loading: "lazy" }));
    const steps = (detail?.history ?? []).map((step) => h("li", {}, h("b", {}, say(`status_${step.status}`)), h("time", { datetime: step.at }, moment(step.at)), step.note ? h("p", {}, step.note) : null));
    return [
      ...this.frame(nameOf(p, "category_name"), say(`kind_${p.kind}`), p.is_simulated ? [say("simulated")] : []),
      h("p.quote", {}, p.description || say("no_description")),
      ...photos,
      h("dl.lines", {}, lines.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      ...(steps.length ? [h("h3", {}, say("history")), h("ol.steps", {}, steps)] : []),
      h("p.hint", {}, say("times_in", { zone: zoneName() })),
    ];
  }
}

export function split(open) {
  const at = open.indexOf(":");
  return at < 0 ? [null, null] : [open.slice(0, at), open.slice(at + 1)];
}

function figure(value, name) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

/** The answer, or null where there is none: a part of the panel that fails leaves the rest standing. */
async function quiet(promise) {
  return promise.catch(() => null);
}

/** The hours of a series by the property's own aggregate: a rainfall is a total, a level its peak. */
function pointsOf(body, aggregate) {
  return body.results.map((row) => {
    const spread = aggregate === "mean" ? { low: row.min, high: row.max } : {};
    return { time: Date.parse(row.start), value: row[aggregate] ?? row.mean, ...spread };
  });
}
