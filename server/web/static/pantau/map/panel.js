// The panel of what was clicked: an area with its dossier, a thing with its readings, a report with its history.

import { say } from "../shared/words.js";
import { header, putSections } from "./panels/sections.js";

// Each is asked for by those who open one.
const KINDS = {
  __proto__: null, // what is opened is named by the address
  area: async () => (await import("./panels/area.js")).AreaPanel,
  thing: async () => (await import("./panels/thing.js")).ThingPanel,
  report: async () => (await import("./panels/report.js")).ReportPanel,
};

export class Panel {
  constructor(element, model, { onOpen, onClose }) {
    Object.assign(this, { element, model, onOpen, onClose, opened: "", content: null, isFailed: false });
    element.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && onClose());
  }

  /** Draws `kind:key` from what the page knows, and what it has to ask for as it comes; called again, it asks for what is new. */
  async draw(open, { isFresh = false } = {}) {
    const [kind, key] = split(open);
    this.element.hidden = !kind;
    if (this.opened !== open || this.isFailed) await this.begin(open, kind, key);
    if (!kind || this.opened !== open) return;
    this.paint();
    if (isFresh) this.element.querySelector("h2")?.focus({ preventScroll: false });
    const { content } = this;
    content?.load(() => this.content === content && this.paint()).catch((error) => console.error(error));
  }

  /** Takes over that these datastreams have new readings. */
  hear(datastreams) {
    const { content } = this;
    content?.hear?.(datastreams, () => this.content === content && this.paint());
  }

  async begin(open, kind, key) {
    this.content?.close?.();
    Object.assign(this, { opened: open, content: null, isFailed: false });
    this.element.replaceChildren();
    this.element.scrollTop = 0;
    const Content = await KINDS[kind]?.().catch(() => null);
    if (this.opened !== open) return;
    this.content = Content ? new Content(key, this) : null;
    this.isFailed = Boolean(KINDS[kind]) && !Content; // its module did not come: tried again with the next round
  }

  paint() {
    putSections(this.element, this.content?.sections() ?? this.missing());
  }

  missing() {
    const [title, words] = this.isFailed ? [say("loading"), say("no_touch")] : [say("not_found"), say("not_found_here")];
    return [{ key: "header", of: title, draw: () => header(title, words, [], this.onClose) }];
  }
}

export function split(open) {
  const at = open.indexOf(":");
  return at < 0 ? [null, null] : [open.slice(0, at), open.slice(at + 1)];
}
