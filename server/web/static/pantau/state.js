// What is chosen, kept in the URL's fragment: every view is a link, and the browser's Back button steps through choices.

const DEFAULTS = {
  city: "",
  period: "", // 7d, 30d, … or 2015-11-11..2016-03-03; empty: the page chooses one that has data
  category: "",
  colour: "density", // density or correlation
  measure: "reports_per_km2",
  level: "kecamatan",
  property: "",
  interval: "",
  show: "reports,sensors",
  reading: "", // the observed property whose values stand beside the sensors
  open: "", // area:32.75.01, thing:slug or report:id
  tab: "areas",
  map: "", // zoom/lat/lon
};

export class ViewState extends EventTarget {
  constructor(location_, history_) {
    super();
    this.location = location_;
    this.history = history_;
    this.values = this.read();
    window.addEventListener("popstate", () => this.reread());
    window.addEventListener("hashchange", () => this.reread());
  }

  read() {
    const given = new URLSearchParams(this.location.hash.slice(1));
    return Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, given.get(name) ?? value]));
  }

  reread() {
    const before = this.values;
    this.values = this.read();
    const changed = Object.keys(DEFAULTS).filter((name) => before[name] !== this.values[name]);
    if (changed.length) this.announce(changed);
  }

  get(name) {
    return this.values[name];
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
    const given = new URLSearchParams();
    for (const [name, value] of Object.entries(this.values)) if (value !== DEFAULTS[name]) given.set(name, value);
    // Commas and slashes are legal in a fragment and read better as themselves.
    const text = given.toString().replaceAll("%2F", "/").replaceAll("%2C", ",").replaceAll("%3A", ":");
    return text ? `#${text}` : "";
  }

  announce(changed) {
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(changed) }));
  }
}
