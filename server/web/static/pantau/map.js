// The map: areas as colours, reports as points that cluster, things as dots with a value. Knows MapLibre, no API.

import { boundsOf, middleOf } from "./classes.js";

const NOTHING = [];
const EMPTY = { type: "FeatureCollection", features: NOTHING };
const FONT = ["Segoe UI", "Roboto", "Noto Sans", "Arial", "sans-serif"];
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");
const LEGEND_PX = 250;
const PANEL_PX = 366;

export function hasWebGl() {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
}

function themeColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    ground: read("--map-ground"), line: read("--map-line"), edge: read("--map-edge"), ink: read("--map-ink"),
    halo: read("--map-halo"), none: read("--map-none"), accent: read("--accent"), report: read("--map-report"),
    reportInk: read("--map-report-ink"), hatch: read("--map-hatch"),
  };
}

/** Diagonal lines on nothing: the sign of "not known", which no colour of a ramp can be taken for. */
function hatch(colour, size = 16) {
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

export class CityMap {
  /** Resolves when the map's style stands. `onPick(kind, key)` is called for a click on a thing that is known. */
  static async open(container, options) {
    const gl = await import("../maplibre-gl/maplibre-gl.mjs");
    const map = new CityMap(gl, container, options);
    await map.gl.once("load");
    map.gl.on("render", () => (document.documentElement.dataset.settled = "no"));
    map.gl.on("idle", () => (document.documentElement.dataset.settled = "yes"));
    map.build();
    map.makeRoom({ isPanelOpen: false, duration: 0 });
    return map;
  }

  constructor(gl, container, { centre, words, onPick, onMove, describe }) {
    this.lib = gl;
    this.onPick = onPick;
    this.describe = describe;
    this.colours = themeColours();
    this.isFitted = Boolean(centre);
    this.shown = {};
    this.gl = new gl.Map({
      container,
      style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": this.colours.ground } }] },
      center: centre ? [centre.lon, centre.lat] : [107, -6.28],
      zoom: centre?.zoom ?? 10.5,
      minZoom: 8,
      maxZoom: 18,
      attributionControl: false,
      fadeDuration: STILL.matches ? 0 : 300,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      cooperativeGestures: window.matchMedia("(max-width: 760px)").matches,
      locale: words,
    });
    this.gl.touchZoomRotate.disableRotation();
    this.gl.addControl(new gl.NavigationControl({ showCompass: false }), "top-right");
    this.gl.addControl(new gl.ScaleControl({ maxWidth: 90, unit: "metric" }), "bottom-right");
    this.gl.on("moveend", (event) => {
      const { lng, lat } = this.gl.getCenter();
      if (event.originalEvent) onMove({ lon: lng, lat, zoom: this.gl.getZoom() });
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
  }

  build() {
    const c = this.colours;
    const { gl } = this;
    for (const id of ["areas", "labels", "city", "things", "mark"]) gl.addSource(id, { type: "geojson", data: EMPTY });
    gl.addSource("reports", { type: "geojson", data: EMPTY, cluster: true, clusterRadius: 68, clusterMaxZoom: 14 });
    gl.addImage("hatch", hatch(c.hatch), { pixelRatio: 2 });
    gl.addLayer({ id: "areas", type: "fill", source: "areas", paint: { "fill-color": ["coalesce", ["get", "colour"], c.none], "fill-opacity": ["coalesce", ["get", "opacity"], 0.82] } });
    gl.addLayer({ id: "unknown", type: "fill", source: "areas", filter: ["==", ["get", "isUnknown"], true], paint: { "fill-pattern": "hatch" } });
    gl.addLayer({ id: "lines", type: "line", source: "areas", paint: { "line-color": c.line, "line-width": 1 } });
    gl.addLayer({ id: "city", type: "line", source: "city", paint: { "line-color": c.edge, "line-width": 1.8 } });
    gl.addLayer({ id: "hovered", type: "line", source: "areas", filter: ["==", ["get", "code"], ""], paint: { "line-color": c.edge, "line-width": 2 } });
    gl.addLayer({ id: "chosen", type: "line", source: "areas", filter: ["==", ["get", "code"], ""], paint: { "line-color": c.accent, "line-width": 3.5 } });
    this.buildThings(c);
    this.buildReports(c);
    gl.addLayer({ id: "mark", type: "circle", source: "mark", paint: { "circle-radius": 13, "circle-opacity": 0, "circle-stroke-color": c.accent, "circle-stroke-width": 3.5 } });
    this.buildLabels(c);
    this.buildObstacles();
    this.listen();
  }

  buildReports(c) {
    const { gl } = this;
    gl.addLayer({ id: "clusters", type: "circle", source: "reports", filter: ["has", "point_count"], paint: {
      "circle-color": c.report, "circle-opacity": 0.86, "circle-stroke-color": c.reportInk, "circle-stroke-width": 1.5,
      "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "point_count"]], 1, 9, 10, 13, 40, 20] } });
    gl.addLayer({ id: "cluster-counts", type: "symbol", source: "reports", filter: ["has", "point_count"],
      layout: { "text-field": ["get", "point_count_abbreviated"], "text-font": FONT, "text-size": 11.5, "text-allow-overlap": true },
      paint: { "text-color": c.reportInk } });
    const isOpen = ["!", ["in", ["get", "status"], ["literal", ["resolved", "rejected", "duplicate"]]]];
    gl.addLayer({ id: "reports", type: "circle", source: "reports", filter: ["!", ["has", "point_count"]], paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 4, 15, 7],
      "circle-color": ["case", isOpen, c.report, c.reportInk], "circle-stroke-color": ["case", isOpen, c.reportInk, c.report],
      "circle-stroke-width": ["case", isOpen, 1.5, 2] } });
  }

  buildThings(c) {
    const { gl } = this;
    gl.addLayer({ id: "things", type: "circle", source: "things", paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 3, 11, 4.5, 14, 8], "circle-color": ["case", ["get", "isLate"], "#ffffff", ["get", "colour"]],
      "circle-stroke-color": ["case", ["get", "isLate"], ["get", "colour"], "#ffffff"], "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 10, 1.2, 13, 2] } });
  }

  buildLabels(c) {
    this.gl.addLayer({ id: "thing-values", type: "symbol", source: "things", layout: {
      "text-field": ["get", "label"], "text-font": FONT, "text-size": 11.5, "text-anchor": "left", "text-offset": [0.9, 0],
      "text-optional": true, "text-justify": "left" }, paint: this.textPaint(c) });
    const aside = ["center", [0, 0], "top", [0, 0.8], "bottom", [0, -0.8], "left", [0.8, 0], "right", [-0.8, 0], "top", [0, 1.8], "bottom", [0, -1.8]];
    this.gl.addLayer({ id: "labels", type: "symbol", source: "labels", layout: {
      "text-field": ["format", ["get", "name"], { "font-scale": 1 }, "\n", {}, ["get", "figure"], { "font-scale": 0.92 }],
      "text-font": FONT, "text-size": ["interpolate", ["linear"], ["zoom"], 9, 10.5, 13, 14.5], "text-max-width": 9,
      "text-variable-anchor-offset": aside, "text-padding": 1 }, paint: this.textPaint(c) });
  }

  /** Circles are no obstacles to text; unseen squares of their size, placed before the labels, are. */
  buildObstacles() {
    const { gl } = this;
    gl.addImage("obstacle", { width: 20, height: 20, data: new Uint8Array(1600) });
    gl.addLayer({ id: "obstacles", type: "symbol", source: "reports", filter: ["has", "point_count"], layout: {
      "icon-image": "obstacle", "icon-size": ["interpolate", ["linear"], ["sqrt", ["get", "point_count"]], 1, 0.8, 10, 1.2, 40, 1.8],
      "icon-allow-overlap": true, "icon-padding": 0 } });
  }

  textPaint(c) {
    return { "text-color": c.ink, "text-halo-color": c.halo, "text-halo-width": 1.6 };
  }

  listen() {
    const { gl } = this;
    this.popup = new this.lib.Popup({ closeButton: false, closeOnClick: false, offset: 10, maxWidth: "260px" });
    const picks = ["things", "reports", "clusters", "areas"];
    gl.on("mousemove", (event) => {
      const [top] = gl.queryRenderedFeatures(event.point, { layers: picks });
      gl.getCanvas().style.cursor = top ? "pointer" : "";
      gl.setFilter("hovered", ["==", ["get", "code"], top?.layer.id === "areas" ? top.properties.code : ""]);
      const card = top && this.describe(top.layer.id, top.properties);
      if (card) this.popup.setLngLat(event.lngLat).setDOMContent(card).addTo(gl);
      else this.popup.remove();
    });
    gl.getCanvas().addEventListener("mouseleave", () => this.popup.remove());
    gl.on("click", async (event) => {
      // A finger is wider than a dot.
      const box = [[event.point.x - 6, event.point.y - 6], [event.point.x + 6, event.point.y + 6]];
      const [top] = [...gl.queryRenderedFeatures(box, { layers: picks.slice(0, 3) }), ...gl.queryRenderedFeatures(event.point, { layers: ["areas"] })];
      this.popup.remove();
      if (!top) return this.onPick(null);
      if (top.layer.id === "clusters") return this.openCluster(top);
      const kind = { areas: "area", things: "thing", reports: "report" }[top.layer.id];
      return this.onPick(kind, top.properties[{ area: "code", thing: "thing", report: "id" }[kind]]);
    });
  }

  async openCluster(cluster) {
    const zoom = await this.gl.getSource("reports").getClusterExpansionZoom(cluster.properties.cluster_id);
    this.gl.easeTo({ center: cluster.geometry.coordinates, zoom: Math.min(zoom, 17) }, { originalEvent: true });
  }

  /** Areas with `colour`, `isUnknown`, `figure` in their properties. The first ones decide what the map shows. */
  setAreas(features) {
    // Setting the same again would make every label fade out and in.
    const sign = JSON.stringify(features.map((feature) => feature.properties));
    if (this.sign === sign) return;
    this.sign = sign;
    this.gl.getSource("areas").setData({ type: "FeatureCollection", features });
    const points = features.map(({ properties, geometry }) => ({
      type: "Feature", properties, geometry: { type: "Point", coordinates: middleOf(geometry) },
    }));
    this.gl.getSource("labels").setData({ type: "FeatureCollection", features: points });
    if (!this.isFitted) this.fit(features, 0);
  }

  setCity(features) {
    this.set("city", features);
  }

  setReports(features) {
    this.set("reports", features);
  }

  /** Values stand beside the things from close by, and everywhere once one property was chosen. */
  setThings(features, { isLabelled }) {
    this.set("things", features);
    if (this.isLabelled === isLabelled) return;
    this.isLabelled = isLabelled;
    this.gl.setLayerZoomRange("thing-values", isLabelled ? 0 : 12.5, 24);
    // What lies higher is placed first: a reading that was asked for gets its room before the areas' names.
    this.gl.moveLayer("thing-values", isLabelled ? undefined : "labels");
  }

  /** The same list again costs nothing: clusters are computed anew only for new rows. */
  set(source, features) {
    if (this.shown[source] === features) return;
    this.shown[source] = features;
    this.gl.getSource(source).setData({ type: "FeatureCollection", features });
  }

  /** Marks what is open: an area by its code, or the place of a point. */
  choose({ code = "", place = null }) {
    this.gl.setFilter("chosen", ["==", ["get", "code"], code]);
    this.set("mark", place ? [{ type: "Feature", properties: {}, geometry: place }] : NOTHING);
  }

  fit(features, duration) {
    const bounds = boundsOf(features);
    if (!bounds) return;
    this.isFitted = true;
    const padding = this.isSmall ? { top: 44, right: 14, bottom: 70, left: 14 } : { top: 24, right: 40, bottom: 44, left: 36 };
    this.gl.fitBounds(bounds, { padding, duration });
  }

  get isSmall() {
    return this.gl.getContainer().clientWidth < 700;
  }

  /** Keeps the middle of the view clear of the legend and the open panel; fits `features` into what is left, if given. */
  makeRoom({ isPanelOpen, features = null, duration = 300 }) {
    const padding = { top: 0, bottom: 0, left: this.isSmall ? 0 : LEGEND_PX, right: isPanelOpen && !this.isSmall ? PANEL_PX : 0 };
    if (!features) return this.gl.easeTo({ padding, duration: STILL.matches ? 0 : duration });
    this.gl.setPadding(padding);
    return this.fit(features, STILL.matches ? 0 : duration);
  }

  repaint() {
    const c = (this.colours = themeColours());
    const { gl } = this;
    const paint = {
      ground: { "background-color": c.ground }, areas: { "fill-color": ["coalesce", ["get", "colour"], c.none] },
      lines: { "line-color": c.line }, city: { "line-color": c.edge }, hovered: { "line-color": c.edge }, chosen: { "line-color": c.accent }, mark: { "circle-stroke-color": c.accent },
      labels: this.textPaint(c), "thing-values": this.textPaint(c),
    };
    for (const [layer, values] of Object.entries(paint)) {
      for (const [name, value] of Object.entries(values)) gl.setPaintProperty(layer, name, value);
    }
    gl.updateImage("hatch", hatch(c.hatch));
    for (const id of ["clusters", "cluster-counts", "reports"]) gl.removeLayer(id);
    this.buildReports(c);
    for (const id of ["mark", "thing-values", "labels", "obstacles"]) gl.moveLayer(id);
  }
}
