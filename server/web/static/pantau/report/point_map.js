// The small map under a pin that stands still: what lies under its tip is the place. Works by touch, mouse and arrow keys alike.

import { baseStyle } from "../map/basemap.js";
import { boundsOf } from "../shared/classes.js";
import { byId, h, show, svg } from "../shared/dom.js";
import { say } from "../shared/words.js";

const FONT = ["Segoe UI", "Roboto", "Noto Sans", "Arial", "sans-serif"];
const STREET_ZOOM = 16;
// Who taps on the whole city goes on from there.
const TAPPED_ZOOM = 14.5;
const LIBRARY = new URL("../../maplibre-gl/", import.meta.url);

async function json(path) {
  const response = await fetch(path, { credentials: "omit" });
  if (!response.ok) throw new Error(path);
  return response.json();
}

export class PointMap {
  /** `onMove(lon, lat, area)` is told where the tip is, once somebody has moved it. */
  static async open(part, { point, area, onMove }) {
    await styled();
    const baseMap = JSON.parse(byId("basemap").textContent);
    const [gl, cities, base] = await Promise.all([import(`${LIBRARY}maplibre-gl.mjs`), json("/api/cities/"), baseMap && baseStyle(baseMap)]);
    const frame = h("div.map", { role: "group", "aria-label": say("map_label") });
    const pin = svg("svg.pin", { viewBox: "0 0 32 44", "aria-hidden": "true" },
      svg("path", { d: "M16 42C11 33 3 26 3 16a13 13 0 0 1 26 0c0 10-8 17-13 26Z" }), svg("circle", { cx: 16, cy: 16, r: 5 }));
    const under = h("p.under", { "aria-hidden": "true" });
    show(part, h("div.map-frame", {}, frame, pin, under, base && h("p.source", {}, baseMap.attribution)), h("p.hint", {}, say("map_hint")));
    const map = new PointMap(gl, frame, { cities: cities.results, base, under, onMove });
    await map.gl.once("load");
    map.build(cities.results);
    map.show(point, area);
    frame.querySelector("canvas").setAttribute("aria-label", say("map_label"));
    part.dataset.ready = "yes";
    return map;
  }

  constructor(gl, container, { cities, base, under, onMove }) {
    Object.assign(this, { under, onMove, hasBase: Boolean(base) });
    const read = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    this.colours = Object.fromEntries(["ground", "none", "line", "edge", "ink", "halo"].map((name) => [name, read(`--map-${name}`)]));
    const boxes = cities.map((city) => city.bbox).filter(Boolean);
    this.home = boxes.length ? [
      [Math.min(...boxes.map((box) => box[0])), Math.min(...boxes.map((box) => box[1]))],
      [Math.max(...boxes.map((box) => box[2])), Math.max(...boxes.map((box) => box[3]))],
    ] : [[95, -11], [141, 6]];
    this.gl = new gl.Map({
      container, bounds: this.home, fitBoundsOptions: { padding: 12 }, minZoom: 5, maxZoom: 19, attributionControl: false, dragRotate: false,
      pitchWithRotate: false, touchPitch: false, fadeDuration: 0,
      style: base ?? { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": this.colours.ground } }] },
      locale: { "NavigationControl.ZoomIn": say("zoom_in"), "NavigationControl.ZoomOut": say("zoom_out") },
    });
    this.gl.touchZoomRotate.disableRotation();
    this.gl.addControl(new gl.NavigationControl({ showCompass: false }), "top-right");
    this.gl.addControl(new gl.ScaleControl({ maxWidth: 90, unit: "metric" }), "bottom-left");
    this.gl.on("click", (event) => this.gl.easeTo({ center: event.lngLat, zoom: Math.max(TAPPED_ZOOM, this.gl.getZoom()) }, { isChosen: true }));
    // Only what a person moved is a choice: the first view is none.
    this.gl.on("moveend", (event) => (event.originalEvent || event.isChosen) && this.choose());
    this.gl.on("idle", () => (this.under.textContent = this.nameUnder()));
  }

  build(cities) {
    const c = this.colours;
    for (const { slug } of cities) {
      const url = `${window.location.origin}/tiles/subdistricts/{z}/{x}/{y}.mvt?city=${encodeURIComponent(slug)}`;
      this.gl.addSource(slug, { type: "vector", tiles: [url], maxzoom: 14 });
      const common = { source: slug, "source-layer": "subdistricts" };
      this.gl.addLayer({ id: `areas-${slug}`, type: "fill", ...common, paint: { "fill-color": c.none, "fill-opacity": this.hasBase ? 0.01 : 1 } });
      this.gl.addLayer({ id: `lines-${slug}`, type: "line", ...common, paint: { "line-color": c.line, "line-width": 1 } });
      this.gl.addLayer({ id: `names-${slug}`, type: "symbol", ...common, minzoom: 10.5, maxzoom: 14,
        layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 12, "text-max-width": 7, "text-padding": 24 },
        paint: { "text-color": c.ink, "text-halo-color": c.halo, "text-halo-width": 1.5 } });
    }
    this.fills = cities.map(({ slug }) => `areas-${slug}`);
  }

  choose() {
    const { lng, lat } = this.gl.getCenter();
    this.onMove(lng, lat, this.nameUnder());
  }

  /** The area under the tip. Its tiles may still be on their way. */
  nameUnder() {
    const layers = (this.fills ?? []).filter((id) => this.gl.getLayer(id));
    return this.gl.queryRenderedFeatures(this.gl.project(this.gl.getCenter()), { layers })[0]?.properties.name ?? "";
  }

  /** The view to begin with: the point, else the area, else the whole city. */
  show(point, area) {
    this.gl.resize();
    if (point) this.moveTo(point);
    else if (area) this.showArea(area);
  }

  moveTo({ lon, lat }) {
    this.gl.jumpTo({ center: [lon, lat], zoom: Math.max(STREET_ZOOM, this.gl.getZoom()) });
  }

  async showArea(code) {
    const { geometry } = await json(`/api/areas/${encodeURIComponent(code)}/`).catch(() => ({}));
    const bounds = geometry && boundsOf([{ geometry }]);
    if (bounds) this.gl.fitBounds(bounds, { padding: 16, animate: false });
  }
}

/** The library's style sheet, which the page does not carry until then. */
function styled() {
  const href = `${LIBRARY}maplibre-gl.css`;
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  return new Promise((resolve) => document.head.append(h("link", { rel: "stylesheet", href, onload: resolve, onerror: resolve })));
}
