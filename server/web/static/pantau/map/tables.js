// The same figures as a table: for those who read rather than look, and for browsers without WebGL.

import { h, show } from "../shared/dom.js";
import { frameWords } from "../shared/period.js";
import { measured, moment, nameOf, number, say } from "../shared/words.js";
import { ageOf, HOURS, lagWords } from "./words.js";

export { ageOf, HOURS, lagWords };

const TABLES = { areas: areaTable, reports: reportTable, sensors: sensorTable, time: timeTable };
// Of an analysis, beside the class: the figures that say how far to trust it, where the layer has them.
const TRUST = ["value", "reports", "reading", "z", "p_value", "q_value", "trend_z", "trend_p"];
let areTabsBound = false;

export function drawTables(element, model, onOpen) {
  const chosen = model.state.get("tab") in TABLES ? model.state.get("tab") : "areas";
  const tabs = [...document.querySelectorAll("[role=tab]")];
  if (!areTabsBound) for (const tab of tabs) bindTab(tab, tabs, model.state);
  areTabsBound = true;
  for (const tab of tabs) {
    const isChosen = tab.dataset.tab === chosen;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    if (isChosen) element.setAttribute("aria-labelledby", tab.id);
  }
  show(element, TABLES[chosen](model, onOpen));
}

function bindTab(tab, tabs, state) {
  tab.addEventListener("click", () => state.set({ tab: tab.dataset.tab }, { isStep: false }));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.click();
    next.focus();
  });
}

function table(caption, heads, rows, empty) {
  if (!rows.length) return h("p.empty", {}, empty);
  return h("table", {}, h("caption", {}, caption),
    h("thead", {}, h("tr", {}, heads.map(([text, kind]) => h("th", { scope: "col", class: kind }, text)))),
    h("tbody", {}, rows));
}

function opener(text, key, onOpen) {
  return h("th", { scope: "row" }, h("button.link", { type: "button", "data-key": key, onclick: () => onOpen(key) }, text));
}

const figure = (text) => h("td.n", {}, text);

function areaTable(model, onOpen) {
  if (model.state.get("colour") === "correlation" && model.correlation) return correlationTable(model, onOpen);
  return model.analysis && model.analysis.id === model.state.get("colour") ? analysisTable(model, onOpen) : densityTable(model, onOpen);
}

function densityTable(model, onOpen) {
  const features = [...model.areasShown()].sort((a, b) => b.properties.reports - a.properties.reports);
  const rows = features.map(({ properties: p }) => h("tr", {},
    opener(p.name, `area:${p.code}`, onOpen), figure(number(p.reports)), figure(number(p.reports_per_km2)),
    figure(p.reports_per_10000 === null ? say("population_unknown") : number(p.reports_per_10000)), figure(number(p.area_km2))));
  const heads = [[say("area")], [say("reports"), "n"], [say("measure_reports_per_km2"), "n"], [say("measure_reports_per_10000"), "n"], ["km²", "n"]];
  return table(say("table_areas"), heads, rows, say("empty_city"));
}

function correlationTable(model, onOpen) {
  const hours = HOURS[model.interval()];
  const features = [...model.correlation.features].sort((a, b) => (b.properties.rho ?? -2) - (a.properties.rho ?? -2));
  const rows = features.map(({ properties: p }) => h("tr", {},
    opener(p.name, `area:${p.code}`, onOpen), figure(number(p.reports)),
    figure(p.rho === null ? (p.reason ? say(`reason_${p.reason}`) : "–") : number(p.rho, 2)),
    figure(p.lag === null || p.rho === null ? "–" : lagWords(p.lag, hours)),
    figure(number(p.p_value, 3)), figure(number(p.intervals))));
  const heads = [[say("area")], [say("reports"), "n"], ["ρ", "n"], [say("lag"), "n"], ["p", "n"], ["n", "n"]];
  return table(say("table_correlation"), heads, rows, say("empty_city"));
}

/** Any other layer of areas, by what its declaration names: the class in words, then the figures behind it. */
function analysisTable(model, onOpen) {
  const layer = model.layers.get(model.analysis.id);
  const { property, classes, colours } = layer.style;
  const shown = TRUST.map((name) => layer.properties.find((each) => each.name === name)).filter(Boolean);
  const words = (value) => model.analysis.words.get(colours[classes.indexOf(value)]) ?? value ?? say("no_figure");
  const order = (feature) => (classes.indexOf(feature.properties[property]) + classes.length + 1) % (classes.length + 1);
  const rows = [...model.analysis.features].sort((a, b) => order(a) - order(b)).map(({ properties: p }) => h("tr", {},
    p.code ? opener(p.name, `area:${p.code}`, onOpen) : null, h("td", {}, words(p[property])), shown.map((each) => figure(number(p[each.name], 3)))));
  const isNamed = model.analysis.features.some(({ properties: p }) => p.code);
  const heads = [...(isNamed ? [[say("area")]] : []), [layer.properties.find((each) => each.name === property)?.title ?? property], ...shown.map((each) => [each.title, "n"])];
  return table(layer.title, heads, rows, say("no_reports_period"));
}

function sensorTable(model, onOpen) {
  const rows = [];
  const property = model.state.get("property");
  for (const thing of [...model.things.values()].sort((a, b) => a.name.localeCompare(b.name))) {
    for (const stream of thing.streams) {
      if (property && stream.observed_property !== property) continue;
      rows.push(h("tr", {}, opener(thing.name, `thing:${thing.slug}`, onOpen), h("td", {}, nameOf(stream, "property_name")),
        figure(measured(stream.result, stream.unit_ucum)), h("td", {}, ageOf(stream)), h("td", {}, thing.area ?? say("outside"))));
    }
  }
  const heads = [[say("thing")], [say("property")], [say("last_value"), "n"], [say("age")], [say("area")]];
  return table(say("table_sensors"), heads, rows, say("empty_sensors"));
}

/** The newest, and of how many: the map shows them all. */
function reportTable(model, onOpen) {
  const features = model.reports?.features ?? [];
  const newest = [...features].sort((a, b) => Date.parse(b.properties.reported_at) - Date.parse(a.properties.reported_at));
  const rows = newest.map(({ properties: p }) => h("tr", {},
    opener(moment(p.reported_at), `report:${p.id}`, onOpen), h("td", {}, nameOf(p, "category_name")),
    h("td", {}, say(`status_${p.status}`)), h("td", {}, p.area_name ?? say("outside")), h("td.text", {}, p.description || "–")));
  const heads = [[say("reported")], [say("category")], [say("status")], [say("area")], [say("description")]];
  const caption = model.total > features.length ? say("table_reports_cut", { n: features.length, all: model.total }) : say("table_reports");
  return table(caption, heads, rows, say("no_reports_period"));
}

function timeTable(model) {
  const rows = model.counts.filter(({ n }) => n).reverse().map(({ frame, n }) => h("tr", {},
    h("th", { scope: "row" }, h("button.link", { type: "button", "data-key": frame, onclick: () => model.state.set({ frame }, { isStep: false }) }, frameWords(frame, model.step))), figure(number(n))));
  return table(say("table_time"), [[say(`frame_${model.step}`)], [say("reports"), "n"]], rows, say("no_reports_period"));
}
