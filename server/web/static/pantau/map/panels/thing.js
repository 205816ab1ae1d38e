// A thing: what it measures now, how it is heard, and the course of one of its datastreams against its limits.

import { h, show } from "../../shared/dom.js";
import { lasting, measured, nameOf, number, say, shortMoment, unitOf, zoneName } from "../../shared/words.js";
import { limitsOf, limitWords, loadThresholds } from "./limits.js";
import { empty, foldedTable, header, quiet, since } from "./sections.js";
import { asCsv, loadSeries, RANGES, rangeFor } from "./series.js";

const MOST_ABOVE = 3;

export class ThingPanel {
  constructor(slug, { element, model, onClose }) {
    Object.assign(this, { slug, element, model, onClose, chosen: null, range: null, thresholds: null, series: null, isFailed: false, plot: null, asked: 0 });
  }

  get thing() {
    return this.model.things.get(this.slug);
  }

  get stream() {
    const { thing } = this;
    return thing?.streams.find((each) => each.id === this.chosen) ?? thing?.headline ?? thing?.streams[0];
  }

  async load(paint) {
    this.paint = paint;
    if (!this.stream) return;
    // Asked for once: levels are set by people, and seldom.
    this.thresholds ??= await quiet(loadThresholds({ thing: this.slug }));
    await this.loadSeries();
  }

  async loadSeries() {
    const { stream } = this;
    const asked = (this.asked += 1);
    if (stream?.phenomenon_time) {
      const aggregate = this.model.property(stream.observed_property)?.aggregate ?? "mean";
      const series = await quiet(loadSeries(stream, this.range ?? rangeFor(stream), aggregate));
      if (asked !== this.asked) return;
      this.isFailed = !series;
      this.series = series ?? this.series;
      if (series) this.plot?.setPoints(series.points, series.flagged);
    }
    this.paint();
  }

  /** New readings: the values at once, and the line of the one that is drawn. */
  hear(datastreams, paint) {
    paint();
    if (this.stream && datastreams.has(this.stream.id)) this.loadSeries();
  }

  close() {
    this.plot?.close();
  }

  pickStream(id) {
    this.pick({ chosen: id, range: null });
    this.element.scrollTop = 0;
  }

  pick(choice) {
    Object.assign(this, choice, { series: null });
    this.paint();
    this.loadSeries();
  }

  sections() {
    const { thing, stream } = this;
    if (!thing || !stream) return null;
    const range = this.range ?? rangeFor(stream);
    const drawn = [stream.id, range];
    const seriesOf = this.series ? [...drawn, this.series.points.length, this.series.points.at(-1), this.series.flagged.length] : [...drawn, this.isFailed];
    const list = { key: "streams", of: [stream.id, thing.streams], draw: () => streams(thing, stream, (id) => this.pickStream(id)) };
    // A long list would push the chart out of sight: there it stands below.
    const isLong = thing.streams.length > MOST_ABOVE;
    return [
      { key: "header", of: [thing.name, thing.area], draw: () => header(thing.name, thing.area ? say("in_area", { area: thing.area }) : say("outside"), thing.isSimulated ? [say("simulated")] : [], this.onClose) },
      isLong ? { key: "now", of: stream, draw: () => now(stream) } : list,
      { key: "range", of: [drawn, isLong], draw: () => [isLong ? null : h("h3", {}, nameOf(stream, "property_name")), ranges(range, (chosen) => this.pick({ range: chosen }))] },
      { key: "chart", of: [drawn, Boolean(this.thresholds), this.series ? "drawn" : this.isFailed], draw: () => this.chart(stream) },
      this.series && { key: "values", of: seriesOf, draw: () => this.values(stream) },
      { key: "limits", of: [stream.id, this.thresholds], draw: () => this.limits(stream) },
      isLong && { ...list, draw: () => [h("h3", {}, say("all_readings")), list.draw()] },
    ];
  }

  chart(stream) {
    this.plot?.close();
    this.plot = null;
    if (!stream.phenomenon_time) return empty(say("no_reading"));
    if (!this.series) return empty(this.isFailed ? say("series_failed") : say("loading"));
    if (!this.series.points.length && !this.series.flagged.length) return empty(say("no_readings_range"));
    const place = h("div.plot");
    this.caption = h("figcaption");
    this.drawPlot(place, stream).catch((error) => {
      console.error(error);
      show(place, empty(say("chart_failed")));
    });
    return h("figure.chart", {}, place, this.caption);
  }

  async drawPlot(place, stream) {
    const { openPlot } = await import("../../shared/plot.js");
    if (!place.isConnected) return;
    const { series } = this;
    const limits = limitsOf(stream, this.thresholds ?? []).flatMap((table) => table.levels).sort((a, b) => a.from - b.from);
    const rest = say(`series_${series.isRaw ? "raw" : this.aggregateOf(stream)}`, { unit: unitOf(stream.unit_ucum) || "–" });
    this.caption.textContent = rest;
    this.plot = openPlot(place, {
      ...series, limits, label: say("series_keys", { title: nameOf(stream, "property_name") }),
      onRead: (time) => (this.caption.textContent = time === null ? rest : this.reading(time, stream)),
      say: (time) => this.reading(time, stream),
    });
  }

  aggregateOf(stream) {
    return this.model.property(stream.observed_property)?.aggregate ?? "mean";
  }

  /** What was measured at a time of the chart, in words. */
  reading(time, stream) {
    const point = this.series.points.find((each) => each.time === time && each.value !== null);
    const flagged = this.series.flagged.find((each) => each.time === time);
    const [value, words] = point ? [point.value, ""] : flagged ? [flagged.value, ` · ${qualityWords(flagged.quality)}`] : [null, ` · ${say("gap")}`];
    const band = point?.low !== undefined ? ` (${number(point.low)} – ${number(point.high)})` : "";
    return `${shortMoment(time)}: ${measured(value, stream.unit_ucum)}${band}${words}`;
  }

  values(stream) {
    const { series } = this;
    const known = [...series.points.filter((point) => point.value !== null), ...series.flagged].sort((a, b) => b.time - a.time);
    const has = { range: known.some((point) => point.low !== undefined), remark: series.flagged.length > 0 };
    const rows = known.map((point) => [
      shortMoment(point.time), number(point.value),
      ...(has.range ? [point.low === undefined ? "" : `${number(point.low)} – ${number(point.high)}`] : []),
      ...(has.remark ? [point.quality && point.quality !== "good" ? qualityWords(point.quality) : ""] : []),
    ]);
    const heads = [say("time_in", { zone: zoneName() }), unitOf(stream.unit_ucum) || say("value"), ...(has.range ? [say("least_most")] : []), ...(has.remark ? [say("quality")] : [])];
    const save = h("button.link", { type: "button", "data-key": "csv", onclick: () => saveFile(`${this.slug}-${stream.observed_property}.csv`, asCsv(series, stream.unit_ucum)) }, say("save_csv"));
    const gaps = series.points.filter((point) => point.value === null).length;
    const seldom = series.seldom && { usual: lasting(series.seldom.usual), expected: lasting(series.seldom.expected) };
    return [
      h("p.hint", {}, [seldom ? say("seldom", seldom) : "", gaps ? say("gaps", { n: gaps }) : "", series.flagged.length ? say("flagged", { n: series.flagged.length }) : "", series.isCut ? say("series_cut") : ""].filter(Boolean).join(" ")),
      foldedTable("values", say("values_table", { n: known.length }), heads, rows),
      h("p.actions", {}, save, h("a", { href: `/api/datastreams/${stream.id}/observations/` }, "JSON")),
    ];
  }

  limits(stream) {
    const tables = limitsOf(stream, this.thresholds ?? []);
    if (!this.thresholds) return null;
    if (!tables.length) return h("p.hint", {}, say("no_limits"));
    return [h("h3", {}, say("limits")), h("ul.limits", {}, tables.map((table) => h("li", {}, limitWords(table, stream.unit_ucum), table.source ? h("small", {}, table.source) : null)))];
  }
}

function now(stream) {
  return [h("h3", {}, nameOf(stream, "property_name")), h("p.now", {}, h("b", {}, measured(stream.result, stream.unit_ucum)), h("small", {}, stateWords(stream)))];
}

function streams(thing, chosen, pick) {
  return h("ul.list", {}, thing.streams.map((each) => h("li", {},
    h("button.row", { type: "button", "data-key": String(each.id), "aria-pressed": String(each.id === chosen.id), onclick: () => pick(each.id) },
      h("span", {}, nameOf(each, "property_name"), h("small", {}, stateWords(each))),
      h("span.value", { "data-stream": each.id }, measured(each.result, each.unit_ucum))))));
}

/** How a datastream is heard, with its time: "heard 2 minutes ago", "silent for 3 hours". */
export function stateWords(stream) {
  const { state } = stream;
  const doubt = stream.quality && stream.quality !== "good" ? [" · ", h("span.doubt", {}, qualityWords(stream.quality))] : [];
  if (!stream.phenomenon_time) return [h("span.late", {}, say("no_reading"))];
  const told = [since(stream.phenomenon_time), ...doubt];
  if (!state || state === "heard") return told;
  return [h("span.late", {}, say(`state_${state}`, { time: stream.state_since ? shortMoment(stream.state_since) : "–" })), " · ", ...told];
}

function qualityWords(quality) {
  return quality.split(",").map((flag) => say(`flag_${flag}`)).join(", ");
}

function ranges(chosen, pick) {
  return h("div.ranges", { role: "group", "aria-label": say("range") }, Object.keys(RANGES).map((range) =>
    h("button", { type: "button", "data-key": `range-${range}`, "aria-pressed": String(range === chosen), onclick: () => pick(range) }, say(`range_${range}`))));
}

function saveFile(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
