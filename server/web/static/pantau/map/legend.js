// The legend: what the colours of the areas mean, and what the points are, in the layer's own declared classes.

import { h, show } from "../shared/dom.js";
import { frameWords, isFrame, periodWords } from "../shared/period.js";
import { digitsOf, nameOf, number, say, within } from "../shared/words.js";
import { CHANCE } from "./paint.js";

export { CHANCE };

/** The title stays to be seen where the rest is folded. */
export function drawLegend(title, body, model, painted) {
  title.textContent = titleOf(model);
  const frame = isFrame(model.state.get("frame")) && h("p.hint.warning", {}, say("frame_points", { frame: frameWords(model.state.get("frame"), model.step) }));
  const rows = { density: densityRows, number: numberRows, classes: classRows, waiting: () => [], none: () => [] }[painted.kind];
  show(body, ...rows(model, painted), unheeded(model), frame);
}

export function titleOf(model) {
  const id = model.state.get("colour");
  if (id === "none") return say("legend");
  if (id === "density") return say(`measure_${model.state.get("measure")}`);
  if (!model.isReady(id)) return model.layers.get(id)?.title ?? say("legend");
  return id === "correlation" || id === "bivariate" ? againstTitle(model) : model.layers.get(id).title;
}

function againstTitle(model) {
  const property = model.property(model.state.get("property"));
  const category = model.category(model.state.get("category"));
  return say("correlation_title", { category: category ? nameOf(category) : say("all_categories"), property: within(property ? nameOf(property) : model.state.get("property")) });
}

/** What the figures are of: category and period; a saved analysis has its own. */
function scope(model, { withCategory = true } = {}) {
  if (model.layers.get(model.state.get("colour"))?.saved) return h("p.hint", {}, say("classes_saved"));
  const category = withCategory && model.category(model.state.get("category"));
  return h("p.hint", {}, [category ? nameOf(category) : null, periodWords(model.state.get("period"))].filter(Boolean).join(" · "));
}

function densityRows(model, { classes, unknown, none }) {
  const digits = digitsOf(classes.flatMap(({ from, to }) => [from, to]));
  const figure = (value) => number(value, digits, digits);
  const rows = classes.map(({ from, to, colour }) => row(colour, from === to ? figure(from) : `${figure(from)} – ${figure(to)}`));
  return [
    scope(model),
    classes.length ? h("p.hint", {}, say("quantile", { n: classes.length })) : h("p.hint", {}, say("no_reports_period")),
    h("ul.swatches", {}, none ? row("var(--map-none)", say("none_reported")) : null, rows, unknown ? row(null, say("population_unknown")) : null),
    denominators(model),
    source(model),
  ];
}

/** Never a count without the rates at hand: each of the other two measures is a click away. */
function denominators(model) {
  const chosen = model.state.get("measure");
  const buttons = ["reports_per_km2", "reports_per_10000", "reports"].map((measure) =>
    h("button", { type: "button", "data-key": `measure-${measure}`, title: say(`measure_${measure}`), "aria-pressed": String(measure === chosen), onclick: () => model.state.set({ measure }) }, say(`short_${measure}`)));
  return h("div.measures", { role: "group", "aria-label": say("figure_shown") }, buttons);
}

/** Every rate names whose count of people it stands on. */
function source(model) {
  if (model.state.get("measure") !== "reports_per_10000") return null;
  const known = model.density.features.filter((feature) => feature.properties.population_year);
  const sources = [...new Set(known.map(({ properties: p }) => `${p.population_source} (${p.population_year})`))];
  return sources.length ? h("p.hint", {}, say("population_from", { source: sources.join("; ") })) : null;
}

function numberRows(model, { classes, unknown }) {
  const rows = classes.map(({ from, to, colour }) =>
    row(colour, from === null ? `< ${number(to)}` : to === null ? `≥ ${number(from)}` : `${number(from)} – ${number(to)}`));
  const figures = model.analysis.features.map((feature) => feature.properties).filter((p) => p.rho !== null);
  const strong = figures.filter((p) => p.p_value !== null && p.p_value < CHANCE).length;
  return [
    scope(model, { withCategory: false }),
    h("p.hint", {}, say("correlation_scale")),
    h("ul.swatches", {}, rows.reverse(), unknown ? row(null, say("too_few")) : null),
    figures.length ? h("p.hint", {}, say("correlation_count", { strong, all: figures.length, expected: number(figures.length * CHANCE, 1) })) : null,
    h("p.hint", {}, say("not_a_cause")),
  ];
}

function classRows(model, { classes, unknown }) {
  const isSurface = model.state.get("colour") === "surface";
  const present = classes.filter((each) => each.n);
  const rows = present.map(({ colour, label, n, value }) => row(colour, label, isSurface ? null : number(n), value === "none" ? "faint" : null));
  return [
    scope(model, { withCategory: model.state.get("colour") !== "bivariate" }),
    h("p.hint", {}, say(isSurface ? "classes_surface" : "classes_declared")),
    h("ul.swatches.named", {}, rows, unknown ? row(null, say("no_figure"), number(unknown)) : null),
    present.length ? null : h("p.hint", {}, say("no_reports_period")),
  ];
}

/** What the page filters by and this layer cannot: said, so that nobody takes its figures for filtered ones. */
function unheeded(model) {
  const id = model.state.get("colour");
  if (id === "none" || model.layers.get(id)?.saved) return null;
  const names = model.unheeded(id).map((name) => say(`filter_${name}`));
  return names.length ? h("p.hint.warning", {}, say("unheeded", { filters: names.join(", ") })) : null;
}

function row(colour, text, n = null, kind = null) {
  return h("li", {}, h(!colour ? "span.swatch.hatched" : kind ? `span.swatch.${kind}` : "span.swatch", { colour, "aria-hidden": "true" }), h("span", {}, text), n === null ? null : h("span.n", {}, n));
}

/** What the points mean: reports by their status and, from afar, by how many stand together; things by their domain; incidents. */
export function drawKeys(element, model, { scale = null, incidents = null } = {}) {
  show(element,
    model.state.shows("reports") ? reportKeys(model, scale) : null,
    model.state.shows("sensors") ? sensorKeys(model) : null,
    incidents?.classes.length ? incidentKeys(incidents) : null);
}

function key(name, text, colour) {
  return h("li", {}, h(`span.key.${name}`, { colour, "aria-hidden": "true" }), text);
}

function reportKeys(model, scale) {
  if (!scale) {
    const { colours, classes } = model.styles.reports;
    const closed = ["resolved", "rejected", "duplicate"];
    const declared = classes.map((values, i) => key(closed.includes(values[0]) ? "report-closed" : "report-open", say(`status_${values[0]}`), colours[i]));
    return [h("li.keys-title", {}, say("reports")), ...declared, key("report-open", say("status_others"), "#b9b9b9")];
  }
  const sizes = scale.steps.map(({ n, radius }) => {
    const dot = h("span.size", { "aria-hidden": "true" });
    dot.style.setProperty("--r", `${radius}px`);
    return h("li", {}, dot, number(n));
  });
  return [h("li.keys-title", {}, say("key_together")), ...sizes];
}

function sensorKeys(model) {
  const { colours, classes } = model.styles.sensors;
  const shown = [...model.things.values()].filter((thing) => thing.headline);
  const present = new Set(shown.map((thing) => thing.headline.domain));
  const late = shown.some((thing) => thing.headline.isLate);
  const things = classes.map((domain, i) => present.has(domain) && key("thing", say(`domain_${domain}`), colours[i]));
  return things.some(Boolean) ? [h("li.keys-title", {}, say("key_sensors")), ...things, late && key("thing-late", say("key_late"))] : null;
}

function incidentKeys({ classes }) {
  return [h("li.keys-title", {}, say("key_incidents")), ...classes.map(({ from, to, colour }) => key("incident", from === to ? number(from) : `${number(from)} – ${number(to)}`, colour))];
}

/** Folds the legend where it would be cut or push the map away: on a phone, and above an open table in a low window. */
export function foldLegend(fold, tables) {
  const narrow = window.matchMedia(tables ? "(max-width: 760px)" : "(max-width: 560px)");
  const low = window.matchMedia("(max-height: 760px)");
  // Its reader may open it again: it is folded when the room changes, and not kept so.
  const fit = () => (fold.open = !narrow.matches && !(low.matches && tables?.open));
  for (const media of [narrow, low]) media.addEventListener("change", fit);
  tables?.addEventListener("toggle", () => narrow.matches || fit());
  fit();
}
