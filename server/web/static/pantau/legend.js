// The legend, and the colours of the areas that it explains: one place, so that they cannot differ.

import { classOf, declaredClasses, sequentialClasses } from "./classes.js";
import { h, show } from "./dom.js";
import { periodWords } from "./period.js";
import { nameOf, number, say, within } from "./words.js";

export const CHANCE = 0.05;
const PALE = 0.35;
const SOLID = 0.85;

/** How the areas are coloured now: classes, the figure that stands on each, and what the legend says. */
export function paintDensity(model, measure) {
  const { features } = model.density;
  const style = model.styles.density;
  const classes = sequentialClasses(features.map((feature) => feature.properties[measure]), style.colours);
  const painted = features.map((feature) => {
    const value = feature.properties[measure];
    const isUnknown = value === null;
    return paint(feature, { colour: classOf(value, classes)?.colour ?? null, isUnknown, figure: isUnknown ? say("unknown") : number(value) });
  });
  return { features: painted, classes, unknown: painted.filter((each) => each.properties.isUnknown).length };
}

export function paintCorrelation(model) {
  const { features } = model.correlation;
  const style = model.styles.correlation;
  const classes = declaredClasses(style.classes, style.colours);
  const painted = features.map((feature) => {
    const { rho, p_value: p } = feature.properties;
    const isUnknown = rho === null;
    const opacity = isUnknown || (p !== null && p < CHANCE) ? SOLID : PALE;
    return paint(feature, { colour: classOf(rho, classes)?.colour ?? null, isUnknown, opacity, figure: isUnknown ? "–" : `ρ ${number(rho, 2)}` });
  });
  return { features: painted, classes, unknown: painted.filter((each) => each.properties.isUnknown).length };
}

function paint(feature, figures) {
  return { ...feature, properties: { code: feature.properties.code, name: feature.properties.name, ...figures } };
}

/** The title stays to be seen where the rest is folded. */
export function drawLegend(title, body, model, painted) {
  const isCorrelation = model.state.get("colour") === "correlation";
  const isChosen = !isCorrelation || model.correlation;
  title.textContent = !isChosen ? say("legend") : isCorrelation ? correlationTitle(model) : say(`measure_${model.state.get("measure")}`);
  if (!isChosen) return show(body, h("p.hint", {}, say("choose_property")));
  return show(body, ...(isCorrelation ? correlationLegend(model, painted) : densityLegend(model, painted)));
}

/** Folds the legend where it would be cut or push the map away: on a phone, and above an open table in a low window. */
export function foldLegend(fold, tables) {
  const narrow = window.matchMedia("(max-width: 760px)");
  const low = window.matchMedia("(max-height: 760px)");
  // Its reader may open it again: it is folded when the room changes, and not kept so.
  const fit = () => (fold.open = !narrow.matches && !(low.matches && tables.open));
  for (const media of [narrow, low]) media.addEventListener("change", fit);
  tables.addEventListener("toggle", () => narrow.matches || fit());
  fit();
}

function densityLegend(model, { classes, unknown, features }) {
  const measure = model.state.get("measure");
  const category = model.category(model.state.get("category"));
  const zero = features.filter((each) => !each.properties.isUnknown && each.properties.colour === null).length;
  const rows = classes.map(({ from, to, colour }) => row(colour, from === to ? number(from) : `${number(from)} – ${number(to)}`));
  return [
    h("p.hint", {}, [category ? nameOf(category) : null, periodWords(model.state.get("period"))].filter(Boolean).join(" · ")),
    classes.length ? h("p.hint", {}, say("quantile", { n: classes.length })) : h("p.hint", {}, say("no_reports_period")),
    h("ul.swatches", {}, zero ? row("var(--map-none)", say("none_reported")) : null, rows, unknown ? row(null, say("population_unknown")) : null),
    source(model, measure),
  ];
}

/** Every rate names whose count of people it stands on. */
function source(model, measure) {
  if (measure !== "reports_per_10000") return null;
  const known = model.density.features.filter((feature) => feature.properties.population_year);
  const sources = [...new Set(known.map(({ properties: p }) => `${p.population_source} (${p.population_year})`))];
  return sources.length ? h("p.hint", {}, say("population_from", { source: sources.join("; ") })) : null;
}

function correlationTitle(model) {
  const property = model.property(model.state.get("property"));
  const category = model.category(model.state.get("category"));
  return say("correlation_title", { category: category ? nameOf(category) : say("all_categories"), property: within(property ? nameOf(property) : model.state.get("property")) });
}

function correlationLegend(model, { classes, unknown }) {
  const rows = classes.map(({ from, to, colour }) =>
    row(colour, from === null ? `< ${number(to)}` : to === null ? `≥ ${number(from)}` : `${number(from)} – ${number(to)}`));
  const figures = model.correlation.features.map((feature) => feature.properties).filter((p) => p.rho !== null);
  const strong = figures.filter((p) => p.p_value !== null && p.p_value < CHANCE).length;
  return [
    h("p.hint", {}, periodWords(model.state.get("period"))),
    h("p.hint", {}, say("correlation_scale")),
    h("ul.swatches", {}, rows.reverse(), unknown ? row(null, say("too_few")) : null),
    figures.length ? h("p.hint", {}, say("correlation_count", { strong, all: figures.length, expected: number(figures.length * CHANCE, 1) })) : null,
    h("p.hint", {}, say("not_a_cause")),
  ];
}

function row(colour, text) {
  return h("li", {}, h(colour ? "span.swatch" : "span.swatch.hatched", { colour, "aria-hidden": "true" }), text);
}

/** What the points mean: reports by whether they are open, things by their domain. */
export function drawKeys(element, model) {
  const { colours, classes } = model.styles.sensors;
  const key = (name, text, colour) => h("li", {}, h(`span.key.${name}`, { colour, "aria-hidden": "true" }), text);
  const present = new Set((model.readings?.features ?? []).map((feature) => feature.properties.domain));
  const reports = model.state.shows("reports") ? [key("report-open", say("key_report_open")), key("report-closed", say("key_report_closed"))] : [];
  const things = classes.map((domain, i) => present.has(domain) && key("thing", say(`domain_${domain}`), colours[i]));
  const late = [...model.things.values()].some((thing) => thing.headline?.isLate) && key("thing-late", say("key_late"));
  show(element, ...reports, ...(model.state.shows("sensors") ? [...things, late] : []));
}
