// What is chosen on the board, in the URL's fragment: every view is a link, and Back steps through what was opened.

const DEFAULTS = {
  view: "queue", // queue, incidents, alerts or figures
  tab: "open", // of the queue
  q: "",
  category: "",
  agency: "",
  open: "", // report:id, incident:id or alert:id
};

export class Choices extends EventTarget {
  constructor() {
    super();
    this.values = this.read();
    for (const name of ["popstate", "hashchange"]) window.addEventListener(name, () => this.take(this.read()));
  }

  read() {
    const given = new URLSearchParams(window.location.hash.slice(1));
    return Object.fromEntries(Object.entries(DEFAULTS).map(([name, usual]) => [name, given.get(name) ?? usual]));
  }

  get(name) {
    return this.values[name];
  }

  /** `isStep` makes one that Back returns from. */
  set(choices, { isStep = true } = {}) {
    const values = { ...this.values, ...choices };
    const given = Object.entries(values).filter(([name, value]) => value !== DEFAULTS[name]);
    const text = new URLSearchParams(given).toString().replaceAll("%3A", ":");
    const url = `${window.location.pathname}${window.location.search}${text ? `#${text}` : ""}`;
    if (isStep) window.history.pushState(null, "", url);
    else window.history.replaceState(null, "", url);
    this.take(values);
  }

  take(values) {
    const changed = Object.keys(DEFAULTS).filter((name) => this.values[name] !== values[name]);
    this.values = values;
    if (changed.length) this.dispatchEvent(new CustomEvent("change", { detail: new Set(changed) }));
  }
}
