// The map: areas as colours, reports as tiles, things as dots with a value. Knows MapLibre, no API.

import { boundsOf, middleOf } from "../shared/classes.js";
import { AttributionControl, graticule, HomeControl, NorthControl } from "./furniture.js";
import { CLUSTER_BELOW_ZOOM, hatch, mapLayers, radiusBy, roundScale, sizesOf, themeColours } from "./layers.js";

const NOTHING = [];
const SOURCES = ["graticule", "areas", "bounds", "labels", "city", "incidents", "things", "mark"];
const POINTS = ["things", "incidents", "reports", "clusters"];
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");
const LEGEND_PX = 250;
const PANEL_PX = 366;
const CONTROLS_PX = [110, 180];

function collection(features) {
  return { type: "FeatureCollection", features };
}

export class CityMap {
  /** Resolves when the map's style stands. `onPick(kind, key, place)` is called for a click on a thing that is known. */
  static async open(container, options) {
    const base = options.baseMap && import("./basemap.js").then(({ baseStyle }) => baseStyle(options.baseMap));
    const gl = await import("../../maplibre-gl/maplibre-gl.mjs");
    const map = new CityMap(gl, container, { ...options, base: await base });
    await map.gl.once("style.load"); // and not for its tiles: a base map may take its time
    map.gl.on("render", () => (document.documentElement.dataset.settled = "no"));
    map.gl.on("idle", () => {
      document.documentElement.dataset.settled = "yes";
      map.fitScale();
    });
    map.build();
    map.makeRoom({ isPanelOpen: false, duration: 0 });
    return map;
  }

  constructor(gl, container, { centre, words, styles, reportTiles, onPick, onMove, onHome, onScale, onResize, describe, base, baseMap, hasLegend = true }) {
    Object.assign(this, { lib: gl, styles, reportTiles, onPick, onScale, describe, hasLegend, hasBaseMap: Boolean(base) });
    this.colours = themeColours();
    this.isFitted = Boolean(centre);
    this.shown = {};
    this.scale = 5;
    this.marked = {};
    this.gl = new gl.Map({
      container,
      style: base ?? { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": this.colours.ground } }] },
      center: centre ? [centre.lon, centre.lat] : [107, -6.28],
      zoom: centre?.zoom ?? 10.5,
      minZoom: 7,
      maxZoom: 18,
      attributionControl: false,
      fadeDuration: STILL.matches ? 0 : 300,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      // Tiles are asked for anew when the data is another, and then the service is asked, not the browser's cache.
      refreshExpiredTiles: false,
      transformRequest: (url) => (url.startsWith(`${window.location.origin}/tiles/`) ? { url, cache: "no-cache" } : { url }),
      locale: words,
    });
    this.gl.touchZoomRotate.disableRotation();
    this.gl.addControl(new gl.NavigationControl({ showCompass: false }), "top-right");
    this.gl.addControl(new HomeControl(words["Home.Title"], onHome), "top-right");
    this.gl.addControl(new NorthControl(words["North.Letter"], words["North.Title"]), "top-right");
    this.gl.addControl(new gl.ScaleControl({ maxWidth: 90, unit: "metric" }), "bottom-right");
    if (base) this.gl.addControl(new AttributionControl(baseMap.attribution), "bottom-right");
    this.gl.on("moveend", (event) => {
      const { lng, lat } = this.gl.getCenter();
      if (event.originalEvent) onMove({ lon: lng, lat, zoom: this.gl.getZoom() });
      this.drawGraticule();
    });
    this.gl.on("resize", () => onResize());
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
  }

  build() {
    const { gl } = this;
    for (const id of SOURCES) gl.addSource(id, { type: "geojson", data: collection(NOTHING) });
    gl.addSource("reports", { type: "vector", tiles: [this.reportTiles], maxzoom: 16, promoteId: "id" });
    gl.addImage("hatch", hatch(this.colours.hatch), { pixelRatio: 2 });
    this.addLayers();
    this.listen();
    this.drawGraticule();
  }

  addLayers() {
    for (const layer of mapLayers(this.colours, { styles: this.styles, scale: this.scale, hasBaseMap: this.hasBaseMap })) this.gl.addLayer(layer);
  }

  /** Another theme: everything once more, in its colours. */
  repaint() {
    const c = (this.colours = themeColours());
    for (const { id } of mapLayers(c, this)) this.gl.removeLayer(id);
    this.gl.updateImage("hatch", hatch(c.hatch));
    if (this.gl.getLayer("ground")) this.gl.setPaintProperty("ground", "background-color", c.ground);
    this.addLayers();
    this.showReports(this.isReportsShown);
    this.labelThings(this.isLabelled);
    this.choose(this.marked);
  }

  listen() {
    const { gl } = this;
    this.popup = new this.lib.Popup({ closeButton: false, closeOnClick: false, offset: 10, maxWidth: "260px" });
    gl.on("mousemove", (event) => {
      const [top] = gl.queryRenderedFeatures(event.point, { layers: [...POINTS, "ground-areas"] });
      gl.getCanvas().style.cursor = top ? "pointer" : "";
      gl.setFilter("hovered", ["==", ["get", "code"], top?.layer.id === "ground-areas" ? top.properties.code : ""]);
      const card = top && this.describe(top.layer.id, top.properties);
      if (card) this.popup.setLngLat(event.lngLat).setDOMContent(card).addTo(gl);
      else this.popup.remove();
    });
    gl.getCanvas().addEventListener("mouseleave", () => this.popup.remove());
    gl.on("click", (event) => {
      // A finger is wider than a dot.
      const box = [[event.point.x - 6, event.point.y - 6], [event.point.x + 6, event.point.y + 6]];
      const [top] = [...gl.queryRenderedFeatures(box, { layers: POINTS }), ...gl.queryRenderedFeatures(event.point, { layers: ["ground-areas"] })];
      this.popup.remove();
      if (!top) return this.onPick(null);
      if (top.properties.point_count) return this.openCluster(top);
      const [kind, name] = { "ground-areas": ["area", "code"], things: ["thing", "thing"], incidents: ["report", "id"], reports: ["report", "id"], clusters: ["report", "id"] }[top.layer.id];
      return this.onPick(kind, top.properties[name]);
    });
  }

  openCluster(cluster) {
    const zoom = Math.min(this.gl.getZoom() + 2, CLUSTER_BELOW_ZOOM + 0.5);
    this.gl.easeTo({ center: cluster.geometry.coordinates, zoom, duration: STILL.matches ? 0 : 400 }, { originalEvent: true });
  }

  /** The coloured areas (with `colour`, `isUnknown`, `figure`), and the boundaries with their names; those decide what the map shows first. */
  setAreas(coloured, bounds) {
    // Setting the same again would make every label fade out and in.
    const sign = JSON.stringify([coloured, bounds].map((features) => features.map((feature) => feature.properties)));
    if (this.sign === sign) return;
    this.sign = sign;
    const figures = new Map(coloured.map(({ properties: p }) => [p.code, p.figure ?? ""]));
    this.set("areas", coloured);
    this.set("bounds", bounds);
    this.set("labels", bounds.map(({ properties: { name, code }, geometry }) => ({
      type: "Feature", properties: { name, figure: figures.get(code) ?? "" }, geometry: { type: "Point", coordinates: middleOf(geometry) },
    })));
    if (!this.isFitted) this.fit(bounds, 0);
  }

  setCity(features) {
    this.set("city", features);
  }

  /** The reports' tiles: another address after another choice; the same ones again when there is newer data. */
  setReports(tiles, { isShown, isNew }) {
    if (tiles !== this.reportTiles) {
      this.reportTiles = tiles;
      this.isScaleOld = true;
      this.gl.getSource("reports").setTiles([tiles]);
    } else if (isNew) {
      this.isScaleOld = true;
      this.gl.refreshTiles("reports");
    }
    if (isShown !== this.isReportsShown) this.showReports(isShown);
  }

  showReports(isShown) {
    this.isReportsShown = isShown;
    for (const id of ["clusters", "reports"]) this.gl.setLayoutProperty(id, "visibility", isShown ? "visible" : "none");
  }

  /** How many reports the largest dot stands for, by the tiles that are there. Told to the legend; null where each report is a dot. */
  fitScale() {
    const zoom = Math.floor(this.gl.getZoom());
    if (!this.isReportsShown || (zoom === this.scaleZoom && !this.isScaleOld)) return;
    Object.assign(this, { scaleZoom: zoom, isScaleOld: false });
    if (zoom >= CLUSTER_BELOW_ZOOM) return this.onScale(null);
    const counts = this.gl.queryRenderedFeatures({ layers: ["clusters"] }).map(({ properties: p }) => p.point_count ?? 1);
    const scale = roundScale(counts.reduce((most, n) => Math.max(most, n), 1));
    if (scale !== this.scale) {
      this.scale = scale;
      this.gl.setPaintProperty("clusters", "circle-radius", radiusBy(["coalesce", ["get", "point_count"], 1], scale));
    }
    return this.onScale(counts.length ? sizesOf(scale) : null);
  }

  /** Values stand beside the things from close by, and everywhere once one property was chosen. */
  setThings(features, { isLabelled }) {
    this.set("things", features);
    if (this.isLabelled !== isLabelled) this.labelThings(isLabelled);
  }

  labelThings(isLabelled) {
    this.isLabelled = isLabelled;
    this.gl.setLayerZoomRange("thing-values", isLabelled ? 0 : 12.5, 24);
    // What lies higher is placed first: a reading that was asked for gets its room before the areas' names.
    this.gl.moveLayer("thing-values", isLabelled ? undefined : "labels");
  }

  /** The same list again costs nothing. */
  set(source, features) {
    if (this.shown[source] === features) return;
    this.shown[source] = features;
    this.gl.getSource(source).setData(collection(features));
  }

  drawGraticule() {
    if (!this.gl.getSource("graticule") || this.hasBaseMap) return;
    const { clientWidth: width, clientHeight: height } = this.gl.getContainer();
    this.set("graticule", graticule(this.gl.getBounds().toArray().flat(), this.gl.getZoom(), { width, height, clear: CONTROLS_PX }));
  }

  /** Marks what is open: an area by its code, or the place of a point. */
  choose({ code = "", place = null }) {
    this.marked = { code, place };
    this.gl.setFilter("chosen", ["==", ["get", "code"], code]);
    this.set("mark", place ? [{ type: "Feature", properties: {}, geometry: place }] : NOTHING);
  }

  fit(features, duration) {
    const bounds = boundsOf(features);
    if (!bounds) return;
    this.isFitted = true;
    const padding = this.isSmall ? { top: 72, right: 28, bottom: 76, left: 28 } : { top: 24, right: 44, bottom: 40, left: 36 };
    this.gl.fitBounds(bounds, { padding, duration: STILL.matches ? 0 : duration });
  }

  get isSmall() {
    return this.gl.getContainer().clientWidth < 560;
  }

  /** Keeps the middle of the view clear of the legend and the open panel; fits `features` into what is left, if given. */
  makeRoom({ isPanelOpen, features = null, duration = 300 }) {
    const padding = { top: 0, bottom: 0, left: this.isSmall || !this.hasLegend ? 0 : LEGEND_PX, right: isPanelOpen && !this.isSmall ? PANEL_PX : 0 };
    if (!features) return this.gl.easeTo({ padding, duration: STILL.matches ? 0 : duration });
    this.gl.setPadding(padding);
    return this.fit(features, duration);
  }
}
