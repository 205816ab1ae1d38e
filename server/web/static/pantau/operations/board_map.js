// The map of the board and of the wall: areas as outlines, reports as dots by urgency, alerts as signs. Knows MapLibre, no API.

import { boundsOf } from "../shared/classes.js";

const EMPTY = { type: "FeatureCollection", features: [] };
const FONT = ["Segoe UI", "Roboto", "Noto Sans", "Arial", "sans-serif"];
const SOURCES = ["areas", "reports", "alerts", "mark"];
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    ground: read("--map-ground"), land: read("--map-none"), line: read("--map-line"), ink: read("--map-ink"), halo: read("--map-halo"),
    late: read("--bad"), due: read("--warn"), calm: read("--accent"), surface: read("--surface"), edge: read("--map-edge"),
  };
}

/** A triangle with an exclamation mark: filled while nobody has seen the alert, hollow afterwards. */
function sign(fill, ink, edge, size = 44) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(size / 2, 5);
  pen.lineTo(size - 4, size - 6);
  pen.lineTo(4, size - 6);
  pen.closePath();
  pen.lineWidth = 5;
  pen.strokeStyle = edge;
  pen.stroke();
  pen.fillStyle = fill;
  pen.fill();
  pen.fillStyle = ink;
  pen.fillRect(size / 2 - 2.5, 17, 5, 12);
  pen.fillRect(size / 2 - 2.5, 31.5, 5, 4.5);
  return pen.getImageData(0, 0, size, size);
}

export class BoardMap {
  /** The map once its style stands; throws where it cannot be drawn. `on`: pick(kind, id), hover(id or null). */
  static async open(container, { words, on, scale = 1 }) {
    const gl = await import("../../maplibre-gl/maplibre-gl.mjs");
    const board = new BoardMap(gl, container, { words, on, scale });
    await board.gl.once("load");
    board.build();
    return board;
  }

  constructor(lib, container, { words, on, scale }) {
    Object.assign(this, { on, scale, shown: {}, isFitted: false, colours: colours() });
    this.gl = new lib.Map({
      container,
      style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": this.colours.ground } }] },
      center: [107, -6.28], zoom: 10.5, minZoom: 7, maxZoom: 18, attributionControl: false, fadeDuration: 0,
      dragRotate: false, pitchWithRotate: false, touchPitch: false, locale: words,
    });
    this.gl.touchZoomRotate.disableRotation();
    this.gl.addControl(new lib.NavigationControl({ showCompass: false }), "top-right");
    this.gl.addControl(new lib.ScaleControl({ maxWidth: 90, unit: "metric" }), "bottom-right");
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
  }

  build() {
    for (const id of SOURCES) this.gl.addSource(id, { type: "geojson", data: EMPTY });
    this.gl.addSource("names", { type: "geojson", data: EMPTY });
    this.paint();
    this.listen();
  }

  paint() {
    const { gl, colours: c, scale: k } = this;
    for (const [id, image] of [["waiting", sign(c.late, c.surface, c.surface)], ["seen", sign(c.surface, c.due, c.due)]]) {
      if (gl.hasImage(id)) gl.updateImage(id, image);
      else gl.addImage(id, image, { pixelRatio: 2 });
    }
    const tone = ["match", ["get", "tone"], "late", c.late, "due", c.due, c.calm];
    const text = { "text-color": c.ink, "text-halo-color": c.halo, "text-halo-width": 1.5 };
    for (const layer of [
      { id: "areas", type: "fill", source: "areas", paint: { "fill-color": c.land } },
      { id: "lines", type: "line", source: "areas", paint: { "line-color": c.line, "line-width": 1 } },
      { id: "reports", type: "circle", source: "reports", paint: { "circle-radius": ["case", ["get", "isSelected"], 8, 6 * k], "circle-color": tone, "circle-stroke-color": ["case", ["get", "isSelected"], c.edge, c.surface], "circle-stroke-width": ["case", ["get", "isSelected"], 3, 1.5] } },
      { id: "hovered", type: "circle", source: "reports", filter: ["==", ["get", "id"], ""], paint: { "circle-radius": 10, "circle-color": tone, "circle-stroke-color": c.edge, "circle-stroke-width": 2.5 } },
      { id: "mark", type: "circle", source: "mark", paint: { "circle-radius": 14, "circle-opacity": 0, "circle-stroke-color": c.edge, "circle-stroke-width": 3 } },
      { id: "names", type: "symbol", source: "names", layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 11.5 * k, "text-max-width": 8 }, paint: text },
      { id: "alerts", type: "symbol", source: "alerts", layout: { "icon-image": ["case", ["get", "isWaiting"], "waiting", "seen"], "icon-size": k, "icon-allow-overlap": true, "text-field": ["get", "label"], "text-font": FONT, "text-size": 12 * k, "text-anchor": "top", "text-offset": [0, 1], "text-optional": true }, paint: text },
    ]) gl.addLayer(layer);
  }

  /** The same layers in the colours of the other theme. */
  repaint() {
    this.colours = colours();
    this.gl.setPaintProperty("ground", "background-color", this.colours.ground);
    for (const { id } of this.gl.getStyle().layers) if (id !== "ground") this.gl.removeLayer(id);
    this.paint();
  }

  listen() {
    const { gl } = this;
    const picks = ["alerts", "reports"];
    const around = ({ x, y }, by) => [[x - by, y - by], [x + by, y + by]];
    gl.on("mousemove", (event) => {
      const [top] = gl.queryRenderedFeatures(event.point, { layers: picks });
      gl.getCanvas().style.cursor = top ? "pointer" : "";
      this.on.hover?.(top?.layer.id === "reports" ? top.properties.id : null);
    });
    gl.on("click", (event) => {
      // A finger is wider than a dot.
      const [top] = gl.queryRenderedFeatures(around(event.point, 6), { layers: picks });
      if (top) this.on.pick?.(top.layer.id === "alerts" ? "alert" : "report", top.properties.id);
    });
  }

  /** Outlines of the city's parts, with their names: [{ feature, middle }]. The first ones decide what the map shows. */
  setAreas(features, middles) {
    this.set("areas", features);
    this.set("names", middles);
    if (!this.isFitted) this.fit(features);
  }

  setReports(features) {
    this.set("reports", features);
  }

  setAlerts(features) {
    this.set("alerts", features);
  }

  /** The place of what is open, brought into view where it is not. */
  mark(place) {
    this.set("mark", place ? [{ type: "Feature", properties: {}, geometry: place }] : []);
    if (place && !this.gl.getBounds().contains(place.coordinates)) this.gl.easeTo({ center: place.coordinates, duration: STILL.matches ? 0 : 300 });
  }

  hover(id) {
    if (this.hovered === id) return;
    this.hovered = id;
    this.gl.setFilter("hovered", ["==", ["get", "id"], id ?? ""]);
  }

  fit(features) {
    const bounds = boundsOf(features);
    if (!bounds) return;
    this.isFitted = true;
    this.areas = features;
    this.gl.fitBounds(bounds, { padding: { top: 28, right: 28, bottom: 64, left: 28 }, duration: 0 });
  }

  /** Sets a source, unless it holds the same: a screen that hangs for weeks must not build what nobody would see change. */
  set(source, features) {
    const text = JSON.stringify(features);
    if (this.shown[source] === text) return;
    this.shown[source] = text;
    this.gl.getSource(source).setData({ type: "FeatureCollection", features });
  }
}
