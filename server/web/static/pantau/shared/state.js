// What is chosen, kept in the URL: every view is a link, and the browser's Back button steps through choices.
// A page opened with choices in its query (`/?category=banjir`, `/embed?…`) takes them as well; what is changed goes into the fragment.

import { isPeriod } from "./period.js";

export const DEFAULTS = {
  city: "",
  period: "", // 7d, 30d, … or 2015-11-11..2016-03-03; empty: the page chooses one that has data
  category: "",
  channel: "",
  status: "", // comma separated
  area: "", // the code of an area: what lies in it or under it
  property: "", // the observed property: its values stand beside the sensors, and analyses against readings take it
  colour: "density", // what colours the areas: the id of a layer of areas, or none
  measure: "reports_per_km2",
  level: "kecamatan",
  interval: "",
  show: "reports,sensors", // the layers of points that are drawn
  step: "", // how long a frame of the time slider is: hour, day or week; empty: by the period
  frame: "", // 2026-03-01 or 2026-03-01T05: the points of this day or hour alone
  open: "", // area:32.75.01, thing:slug or report:id
  tab: "areas",
  map: "", // zoom/lat/lon
};
// Of the earlier page, whose links still work.
const RENAMED = { reading: "property" };

export class ViewState extends EventTarget {
  constructor(location_, history_) {
    super();
    this.location = location_;
    this.history = history_;
    this.base = { ...DEFAULTS, ...known(this.location.search.slice(1)) };
    this.values = this.read();
    window.addEventListener("popstate", () => this.reread());
    window.addEventListener("hashchange", () => this.reread());
  }

  read() {
    return { ...this.base, ...known(this.location.hash.slice(1)) };
  }

  reread() {
    const before = this.values;
    this.values = this.read();
    // A link into an open page that names no period, or none that can be read, is about what is shown.
    if (!isPeriod(this.values.period)) this.values.period = before.period;
    const changed = Object.keys(DEFAULTS).filter((name) => before[name] !== this.values[name]);
    if (changed.length) this.announce(changed);
  }

  get(name) {
    return this.values[name];
  }

  /** What is open, as ["area", "32.75.01"], or [null, null]. */
  get opened() {
    const at = this.values.open.indexOf(":");
    return at < 0 ? [null, null] : [this.values.open.slice(0, at), this.values.open.slice(at + 1)];
  }

  shows(name) {
    return this.values.show.split(",").includes(name);
  }

  /** Takes the choices over. `isStep` makes one that Back returns from; moving the map, for instance, is none. */
  set(choices, { isStep = true } = {}) {
    const changed = Object.keys(choices).filter((name) => this.values[name] !== choices[name]);
    if (!changed.length) return;
    this.values = { ...this.values, ...choices };
    const url = `${this.location.pathname}${this.location.search}${this.fragment()}`;
    if (isStep) this.history.pushState(null, "", url);
    else this.history.replaceState(null, "", url);
    this.announce(changed);
  }

  fragment() {
    const text = readable(Object.entries(this.values).filter(([name, value]) => value !== this.base[name]));
    return text ? `#${text}` : "";
  }

  /** All that differs from the usual, as the query of another page (`/embed?…`); `left` names what it has no use for. */
  query(left = []) {
    return readable(Object.entries(this.values).filter(([name, value]) => value !== DEFAULTS[name] && !left.includes(name)));
  }

  announce(changed) {
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(changed) }));
  }
}

function known(text) {
  const given = new URLSearchParams(text);
  for (const [before, name] of Object.entries(RENAMED)) if (given.has(before) && !given.has(name)) given.set(name, given.get(before));
  return Object.fromEntries([...given].filter(([name]) => name in DEFAULTS));
}

/** Commas, colons and slashes are legal in a query and a fragment, and read better as themselves. */
function readable(entries) {
  return new URLSearchParams(entries).toString().replaceAll("%2F", "/").replaceAll("%2C", ",").replaceAll("%3A", ":");
}
