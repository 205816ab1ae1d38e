// How everything on the map looks: MapLibre's layers from the page's colours, in their order from the ground up. Pure but for the theme.

export const FONT = ["Segoe UI", "Roboto", "Noto Sans", "Arial", "sans-serif"];
// Below this zoom the tiles hold clusters, with how many reports stand together.
export const CLUSTER_BELOW_ZOOM = 14;
// What a style's `match` gives to a value that it does not name: the service's own grey.
export const OTHERS = "#b9b9b9";
const LARGEST_PX = 8;
const LEAST_PX = 2;
const CLOSED = ["resolved", "rejected", "duplicate"];

export function themeColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    ground: read("--map-ground"), line: read("--map-line"), edge: read("--map-edge"), ink: read("--map-ink"),
    halo: read("--map-halo"), none: read("--map-none"), accent: read("--accent"), report: read("--map-report"),
    reportInk: read("--map-report-ink"), hatch: read("--map-hatch"), faint: read("--ink-3"),
  };
}

/** Diagonal lines on nothing: the sign of "not known", which no colour of a ramp can be taken for. */
export function hatch(colour, size = 16) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return pen.getImageData(0, 0, size, size);
}

/** All layers, the lowest first. `styles` are the declared ones; `scale` is how many reports the largest dot stands for. */
export function mapLayers(c, { styles, scale, hasBaseMap }) {
  return [
    { id: "graticule", type: "line", source: "graticule", filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": c.faint, "line-opacity": 0.35, "line-width": 0.7 } },
    { id: "graticule-words", type: "symbol", source: "graticule", filter: ["==", ["geometry-type"], "Point"], layout: { "text-field": ["get", "words"], "text-font": FONT, "text-size": 10.5, "text-anchor": ["get", "anchor"], "text-offset": ["match", ["get", "anchor"], "top-left", ["literal", [0.4, 0.3]], ["literal", [-0.4, -0.1]]] }, paint: { "text-color": c.faint, "text-halo-color": c.ground, "text-halo-width": 1.2 } },
    ...areaLayers(c, hasBaseMap),
    ...reportLayers(c, styles.reports, scale),
    { id: "incidents", type: "circle", source: "incidents", paint: {
      "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "reports"]], 1, 6, 10, 16], "circle-color": ["get", "colour"], "circle-opacity": 0.75,
      "circle-stroke-color": c.edge, "circle-stroke-width": 1.5 } },
    { id: "things", type: "circle", source: "things", paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 3.5, 11, 5, 14, 8], "circle-color": ["case", ["get", "isLate"], "#ffffff", ["get", "colour"]],
      "circle-stroke-color": ["case", ["get", "isLate"], ["get", "colour"], "#ffffff"], "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 10, 1.4, 13, 2] } },
    { id: "mark", type: "circle", source: "mark", paint: { "circle-radius": 13, "circle-opacity": 0, "circle-stroke-color": c.accent, "circle-stroke-width": 3.5 } },
    { id: "thing-values", type: "symbol", source: "things", layout: {
      "text-field": ["get", "label"], "text-font": FONT, "text-size": 11.5, "text-anchor": "left", "text-offset": [0.9, 0], "text-optional": true, "text-justify": "left" }, paint: textPaint(c) },
    { id: "labels", type: "symbol", source: "labels", layout: {
      "text-field": ["format", ["get", "name"], { "font-scale": 1 }, "\n", {}, ["get", "figure"], { "font-scale": 0.92 }],
      "text-font": FONT, "text-size": ["interpolate", ["linear"], ["zoom"], 9, 10.5, 13, 14.5], "text-max-width": 8, "text-padding": 1,
      "text-variable-anchor-offset": ["center", [0, 0], "top", [0, 0.8], "bottom", [0, -0.8], "left", [0.8, 0], "right", [-0.8, 0]] }, paint: textPaint(c) },
  ];
}

function areaLayers(c, hasBaseMap) {
  const fade = hasBaseMap ? 0.7 : 1;
  return [
    { id: "areas", type: "fill", source: "areas", paint: { "fill-color": ["coalesce", ["get", "colour"], c.none], "fill-opacity": ["*", fade, ["coalesce", ["get", "opacity"], 0.82]] } },
    { id: "unknown", type: "fill", source: "areas", filter: ["==", ["get", "isUnknown"], true], paint: { "fill-pattern": "hatch" } },
    // Unseen, to be pointed at: the areas themselves, whatever colours them.
    { id: "ground-areas", type: "fill", source: "bounds", paint: { "fill-opacity": 0 } },
    { id: "lines", type: "line", source: "bounds", paint: { "line-color": c.line, "line-width": 1 } },
    { id: "city", type: "line", source: "city", paint: { "line-color": c.edge, "line-width": 1.8 } },
    { id: "hovered", type: "line", source: "bounds", filter: ["==", ["get", "code"], ""], paint: { "line-color": c.edge, "line-width": 2 } },
    { id: "chosen", type: "line", source: "bounds", filter: ["==", ["get", "code"], ""], paint: { "line-color": c.accent, "line-width": 3.5 } },
  ];
}

/** From afar dots whose surface is the number of reports; from near each report by its status, closed ones hollow. */
function reportLayers(c, style, scale) {
  const common = { type: "circle", source: "reports", "source-layer": "reports" };
  const n = ["coalesce", ["get", "point_count"], 1];
  const colour = ["match", ["get", style.property], ...style.classes.flatMap((values, i) => [values, style.colours[i]]), OTHERS];
  const isClosed = ["in", ["get", "status"], ["literal", CLOSED]];
  return [
    { id: "clusters", ...common, maxzoom: CLUSTER_BELOW_ZOOM, layout: { "circle-sort-key": ["-", 0, n] }, paint: {
      "circle-color": c.report, "circle-opacity": 0.6, "circle-stroke-color": c.reportInk, "circle-stroke-width": 0.8, "circle-stroke-opacity": 0.8, "circle-radius": radiusBy(n, scale) } },
    { id: "reports", ...common, minzoom: CLUSTER_BELOW_ZOOM, paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 14, 5, 17, 8],
      "circle-color": ["case", isClosed, "#ffffff", colour], "circle-stroke-color": ["case", isClosed, colour, "#ffffff"],
      "circle-stroke-width": ["case", isClosed, 2.5, 1.5] } },
  ];
}

export function radiusBy(n, scale) {
  return ["max", LEAST_PX, ["*", LARGEST_PX, ["sqrt", ["min", 1, ["/", n, scale]]]]];
}

/** What the sizes mean: the largest dot, and two smaller ones that can be told from it. */
export function sizesOf(scale) {
  const steps = [...new Set([scale, Math.max(1, Math.round(scale / 5)), 1])];
  return { scale, steps: steps.map((n) => ({ n, radius: Math.max(LEAST_PX, LARGEST_PX * Math.sqrt(Math.min(1, n / scale))) })) };
}

/** 1, 2 or 5 times a power of ten, at least as large: a scale that a legend can say, and that does not change with each report. */
export function roundScale(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return Math.max(5, [1, 2, 5, 10].map((step) => step * power).find((value) => value >= most));
}

function textPaint(c) {
  return { "text-color": c.ink, "text-halo-color": c.halo, "text-halo-width": 1.9 };
}
