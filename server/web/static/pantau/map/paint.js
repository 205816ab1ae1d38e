// Colours by a layer's declared style: what the map fills, what stands on each area, the classes of the legend, and the things' dots.

import { classOf, declaredClasses, sequentialClasses } from "../shared/classes.js";
import { digitsOf, measured, nameOf, number, say } from "../shared/words.js";

export const CHANCE = 0.05;
const PALE = 0.35;
const SOLID = 0.85;
const NOTHING_FOUND = 0.5; // the class of those that nothing was found of: there, but not to be looked at

/** {features, classes, unknown, none}: the features with their colour; how many areas have no value, and how many have zero. */
export function paintAreas(model) {
  const id = model.state.get("colour");
  if (id === "none") return { kind: "none", features: model.areasShown().map((each) => paint(each, {})), classes: [], unknown: 0, none: 0 };
  if (id === "density") return paintDensity(model, model.state.get("measure"));
  if (!model.analysis || model.analysis.id !== id) return { kind: "waiting", features: [], classes: [], unknown: 0, none: 0 };
  return typeof model.styles[id].classes[0] === "number" ? paintNumber(model, id) : paintClasses(model, id);
}

function paintDensity(model, measure) {
  const features = model.areasShown();
  const style = model.styles.density;
  const values = features.map((feature) => feature.properties[measure]);
  const classes = sequentialClasses(values, style.colours);
  const digits = digitsOf(values.filter((value) => value !== null));
  const painted = features.map((feature) => {
    const value = feature.properties[measure];
    const isUnknown = value === null;
    return paint(feature, { colour: classOf(value, classes)?.colour ?? null, isUnknown, figure: isUnknown ? say("unknown") : number(value, digits, digits) });
  });
  return found("density", painted, classes);
}

/** A number against declared classes; pale where chance may well have made it. */
function paintNumber(model, id) {
  const style = model.styles[id];
  const classes = declaredClasses(style.classes, style.colours);
  const painted = shownOf(model, model.analysis.features).map((feature) => {
    const { [style.property]: value, p_value: p } = feature.properties;
    const isUnknown = value === null;
    const opacity = isUnknown || p === undefined || (p !== null && p < CHANCE) ? SOLID : PALE;
    const sign = style.property === "rho" ? "ρ " : "";
    return paint(feature, { colour: classOf(value, classes)?.colour ?? null, isUnknown, opacity, figure: isUnknown ? "–" : `${sign}${number(value, 2, 2)}` });
  });
  return found("number", painted, classes);
}

/** A class in words: those that are there, in the order of the declaration, with how many areas each has. */
function paintClasses(model, id) {
  const { property, colours, classes: declared } = model.styles[id];
  const colourOf = new Map(declared.map((value, i) => [value, colours[i]]));
  const painted = shownOf(model, model.analysis.features).map((feature) => {
    const value = feature.properties[property];
    return paint(feature, { colour: colourOf.get(value) ?? null, isUnknown: value === null, figure: "", value, opacity: value === "none" ? NOTHING_FOUND : SOLID });
  });
  const classes = declared.map((value, i) => ({
    value, colour: colours[i], label: model.analysis.words.get(colours[i]) ?? value, n: painted.filter((each) => each.properties.value === value).length,
  }));
  return found("classes", painted, classes);
}

/** The area filter also leaves out what an analysis says of other areas; what has no code (a surface) stays whole. */
function shownOf(model, features) {
  if (!model.state.get("area")) return features;
  const codes = new Set(model.areasShown().map((each) => each.properties.code));
  const inside = features.filter((feature) => !feature.properties.code || codes.has(feature.properties.code));
  return inside.length ? inside : features;
}

function found(kind, features, classes) {
  const unknown = features.filter((each) => each.properties.isUnknown).length;
  return { kind, features, classes, unknown, none: features.filter((each) => !each.properties.isUnknown && each.properties.colour === null).length };
}

function paint(feature, figures) {
  const { code = "", name = "" } = feature.properties;
  return { ...feature, properties: { code, name, colour: null, ...figures } };
}

/** Incidents by how many reports they have, with classes from the data as the style leaves them to it. */
export function paintIncidents(model) {
  const features = model.incidents?.features ?? [];
  const { property, colours } = model.styles.incidents;
  const classes = sequentialClasses(features.map((feature) => feature.properties[property]), colours);
  const painted = features.map((feature) => ({ ...feature, properties: { ...feature.properties, incident: feature.properties.id, colour: classOf(feature.properties[property], classes)?.colour ?? colours[0] } }));
  return { features: painted, classes };
}

/** The things that have the chosen property, as points with their colour and their reading in words. */
export function thingFeatures(model) {
  const { colours, classes } = model.styles.sensors;
  return [...model.things.values()].filter((thing) => thing.headline).map((thing) => {
    const stream = thing.headline;
    const value = measured(stream.result, stream.unit_ucum);
    const colour = colours[classes.indexOf(stream.domain)] ?? colours[0];
    const properties = { thing: thing.slug, name: thing.name, colour, isLate: stream.isLate, label: stream.result === null ? "" : value, reading: `${nameOf(stream, "property_name")}: ${value}`, when: stream.phenomenon_time };
    return { type: "Feature", geometry: thing.geometry, properties };
  });
}
