// "Use this layer": every address of a layer with the page's present filters in it, to copy into another program.

import { h } from "../shared/dom.js";
import { say } from "../shared/words.js";
import { copyLine, openDialog } from "./dialog.js";

export function openUse(model, id) {
  const layer = model.layers.get(id);
  const params = model.paramsOf(id);
  const query = new URLSearchParams(params).toString();
  const asked = query ? `?${query}` : "";
  const at = (path) => `${window.location.origin}${path}`;
  const missing = layer.parameters.filter((each) => each.required && !params[each.name]).map((each) => each.name);
  openDialog(say("use_layer", { layer: layer.title }),
    h("p", {}, layer.description),
    h("p.hint", {}, say(query ? "use_filters" : "use_all")),
    missing.length ? h("p.warning", {}, say("use_missing", { parameters: missing.join(", ") })) : null,
    copyLine("GeoJSON", at(`/layers/${id}.geojson${asked}`), { about: say("use_geojson") }),
    copyLine("OGC API - Features", at(`/ogc/collections/${id}/items${asked}`), { about: say("use_ogc") }),
    copyLine(say("use_tiles_name"), at(`/tiles/${id}.json${asked}`), { about: say("use_tiles") }),
    copyLine("CSV", at(`/layers/${id}.csv${asked}`), { about: say("use_csv"), href: `/layers/${id}.csv${asked}` }),
    copyLine("GeoPackage", at(`/layers/${id}.gpkg${asked}`), { about: say("use_gpkg"), href: `/layers/${id}.gpkg${asked}` }),
    h("p.dialog-links", {},
      h("a.button.primary", { href: `/qgis/pantau.qgs${model.city ? `?city=${model.city}` : ""}`, download: "pantau.qgs" }, say("use_qgis")),
      h("a.button", { href: `/layers/${id}.qlr${asked}`, download: `pantau-${id}.qlr` }, say("use_qlr")),
      h("a", { href: `/layers/?f=html#${id}` }, say("use_more"))));
}
