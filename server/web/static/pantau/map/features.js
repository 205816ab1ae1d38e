// The small map of a page of features: what the page already holds as JSON, and nothing else.

import { hasWebGl } from "../shared/dom.js";

function points(coordinates, found = []) {
  if (typeof coordinates[0] === "number") found.push(coordinates);
  else for (const part of coordinates) points(part, found);
  return found;
}

async function show(container, collection) {
  const features = (collection.features ?? [collection])
    .filter((feature) => feature.geometry)
    .map((feature) => ({ ...feature, properties: { fid: feature.id } }));
  const all = features.flatMap((feature) => points(feature.geometry.coordinates));
  if (!all.length || !hasWebGl()) return;
  container.hidden = false;
  const gl = await import("../../maplibre-gl/maplibre-gl.mjs");
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const bounds = new gl.LngLatBounds();
  for (const point of all) bounds.extend(point);
  const map = new gl.Map({
    container,
    style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": read("--map-ground") } }] },
    bounds,
    fitBoundsOptions: { padding: 30, maxZoom: 15 },
    attributionControl: false,
    renderWorldCopies: false,
  });
  map.addControl(new gl.NavigationControl({ showCompass: false }));
  await map.once("load");
  map.addSource("features", { type: "geojson", data: { type: "FeatureCollection", features } });
  const colour = read("--accent");
  map.addLayer({ id: "fill", type: "fill", source: "features", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour, "fill-opacity": 0.25, "fill-outline-color": read("--map-edge") } });
  map.addLayer({ id: "dot", type: "circle", source: "features", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": colour, "circle-radius": 5, "circle-stroke-width": 1, "circle-stroke-color": read("--surface") } });
  if (collection.features) {
    for (const layer of ["fill", "dot"]) {
      map.on("mouseenter", layer, () => (map.getCanvas().style.cursor = "pointer"));
      map.on("mouseleave", layer, () => (map.getCanvas().style.cursor = ""));
      map.on("click", layer, ({ features: [feature] }) => document.getElementById(`f-${feature.properties.fid}`)?.querySelector("a").click());
    }
  }
  await map.once("idle");
  document.documentElement.dataset.ready = "yes";
}

show(document.getElementById("map"), JSON.parse(document.getElementById("features").textContent));
