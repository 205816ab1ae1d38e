// The embedded map: title, map and legend in a frame of another page; what is clicked opens in the whole map.

import { byId } from "../shared/dom.js";
import { language } from "../shared/words.js";
import { foldLegend, titleOf } from "./legend.js";
import { MapView } from "./view.js";

class Embedded extends MapView {
  constructor() {
    super();
    foldLegend(byId("legend-fold"), null);
  }

  drawAll() {
    super.drawAll();
    byId("embed-title").textContent = titleOf(this.model);
    byId("whole-map").href = this.whole();
  }

  whole(open = "") {
    const query = new URLSearchParams({ lang: language }).toString();
    const choices = [this.state.query(["open"]), open && `open=${open}`].filter(Boolean).join("&");
    return `/?${query}${choices ? `#${choices}` : ""}`;
  }

  pick(kind, key) {
    if (kind) window.open(this.whole(`${kind}:${key}`), "_blank", "noopener");
  }
}

new Embedded().start();
