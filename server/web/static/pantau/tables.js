// The same figures as a table: for those who read rather than look, and for browsers without WebGL.

import { h, show } from "./dom.js";
import { ago, measured, moment, nameOf, number, say, span } from "./words.js";

const LATEST = 100;
export const HOURS = { hour: 1, day: 24, week: 168 };

export function drawTable(element, model, tab, onOpen) {
  const draw = { areas: areaTable, sensors: sensorTable, reports: reportTable }[tab] ?? areaTable;
  show(element, draw(model, onOpen));
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
  const isCorrelation = model.state.get("colour") === "correlation" && model.correlation;
  return isCorrelation ? correlationTable(model, onOpen) : densityTable(model, onOpen);
}

function densityTable(model, onOpen) {
  const features = [...(model.density?.features ?? [])].sort((a, b) => b.properties.reports - a.properties.reports);
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

export function lagWords(lag, hours) {
  return lag === 0 ? say("at_once") : say("later", { span: span(lag * hours) });
}

function sensorTable(model, onOpen) {
  const rows = [];
  for (const thing of [...model.things.values()].sort((a, b) => a.name.localeCompare(b.name))) {
    for (const stream of thing.streams) {
      rows.push(h("tr", {}, opener(thing.name, `thing:${thing.slug}`, onOpen), h("td", {}, nameOf(stream, "property_name")),
        figure(measured(stream.result, stream.unit_ucum)), h("td", {}, ageOf(stream)), h("td", {}, thing.area ?? say("outside"))));
    }
  }
  const heads = [[say("thing")], [say("property")], [say("last_value"), "n"], [say("age")], [say("area")]];
  return table(say("table_sensors"), heads, rows, say("empty_sensors"));
}

export function ageOf(stream) {
  if (!stream.phenomenon_time) return say("no_reading");
  return h(stream.isLate ? "span.late" : "span", { title: moment(stream.phenomenon_time) }, ago(stream.phenomenon_time), stream.isLate ? ` · ${say("late")}` : null);
}

function reportTable(model, onOpen) {
  const features = model.reports?.features ?? [];
  const newest = [...features].sort((a, b) => Date.parse(b.properties.reported_at) - Date.parse(a.properties.reported_at)).slice(0, LATEST);
  const rows = newest.map(({ properties: p }) => h("tr", {},
    opener(moment(p.reported_at), `report:${p.id}`, onOpen), h("td", {}, nameOf(p, "category_name")),
    h("td", {}, say(`status_${p.status}`)), h("td", {}, p.area_name ?? say("outside")), h("td.text", {}, p.description || "–")));
  const heads = [[say("reported")], [say("category")], [say("status")], [say("area")], [say("description")]];
  const caption = features.length > LATEST ? say("table_reports_cut", { n: LATEST, all: features.length }) : say("table_reports");
  return table(caption, heads, rows, say("no_reports_period"));
}
