// Where it is: the phone's position, a point on the map, or an area and words. The one that was chosen last holds.

import { AreaSearch } from "./area_search.js";
import { byId, h, show } from "../shared/dom.js";
import { number, say } from "../shared/words.js";

const LOCATE = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 };
// A position that is further off than this is shown on the map before it is believed.
const ROUGH_M = 100;
const DIGITS = 6;

export class Place {
  /** `onChange` is told when another place was chosen. */
  constructor(form, onChange) {
    Object.assign(this, { form, onChange, map: null, words: "" });
    byId("area-list").hidden = true;
    byId("ways").hidden = false;
    this.search = new AreaSearch(byId("search"), form.elements.area, (code, words) => this.takeArea(code, words));
    byId("locate").addEventListener("click", () => this.locate());
    byId("open-map").addEventListener("click", () => (byId("map-part").hidden ? this.openMap() : this.closeMap()));
    this.draw();
  }

  /** The point, or null. */
  get point() {
    const { lon, lat } = this.form.elements;
    return lon.value && lat.value ? { lon: Number(lon.value), lat: Number(lat.value) } : null;
  }

  get area() {
    return this.form.elements.area.value;
  }

  /** Shows what the form holds: after a reload, or when one that was refused is mended. */
  reread() {
    this.words = "";
    this.draw();
  }

  takePoint(lon, lat, words) {
    this.form.elements.lon.value = lon.toFixed(DIGITS);
    this.form.elements.lat.value = lat.toFixed(DIGITS);
    this.form.elements.area.value = "";
    this.settle(words);
  }

  takeArea(code, words) {
    this.form.elements.lon.value = this.form.elements.lat.value = "";
    this.form.elements.area.value = code;
    this.settle(words);
    this.map?.showArea(code);
    byId("landmark").focus();
  }

  clear() {
    for (const name of ["lon", "lat", "area"]) this.form.elements[name].value = "";
    this.closeMap();
    this.settle("");
  }

  settle(words) {
    this.words = words;
    byId("place-fault").textContent = "";
    byId("locating").textContent = "";
    this.draw();
    this.onChange();
  }

  draw() {
    const { point, area } = this;
    const words = this.words || (point ? say("pointed") : this.search.wordsOf(area));
    const at = point && `${number(point.lat, 5)}, ${number(point.lon, 5)}`;
    const change = h("button.link", { type: "button", onclick: () => this.change() }, say("change"));
    show(byId("chosen"), h("span", {}, h("b", {}, words), at && h("small", {}, at)), change);
    byId("chosen").hidden = !point && !area;
    byId("search").hidden = Boolean(point || area);
    byId("landmark-optional").hidden = !point;
  }

  change() {
    this.clear();
    byId("locate").focus();
  }

  locate() {
    byId("locating").textContent = say("locating");
    const found = ({ coords }) => {
      const n = Math.max(1, Math.round(coords.accuracy));
      const isRough = n > ROUGH_M;
      this.takePoint(coords.longitude, coords.latitude, say(isRough ? "located_roughly" : "located", { n }));
      if (isRough) this.openMap();
      else this.map?.moveTo(this.point);
    };
    const failed = (error) => (byId("locating").textContent = say(error.code === 1 ? "position_denied" : "no_position"));
    if (navigator.geolocation) navigator.geolocation.getCurrentPosition(found, failed, LOCATE);
    else failed({});
  }

  /** The map library weighs more than all the rest: it comes when somebody asks for it. */
  async openMap() {
    const part = byId("map-part");
    part.hidden = false;
    byId("open-map").setAttribute("aria-expanded", "true");
    if (this.map) return this.map.show(this.point, this.area);
    show(part, h("p.hint", { role: "status" }, say("loading_map")));
    try {
      const { PointMap } = await import("./point_map.js");
      this.map = await PointMap.open(part, { point: this.point, area: this.area, onMove: (lon, lat, name) => this.takePoint(lon, lat, name ? `${say("pointed")}, ${name}` : say("pointed")) });
    } catch (error) {
      console.info(`The map: ${error.message}`);
      show(part, h("p.error", { role: "alert" }, say("map_failed")));
    }
  }

  closeMap() {
    byId("map-part").hidden = true;
    byId("open-map").setAttribute("aria-expanded", "false");
  }
}
