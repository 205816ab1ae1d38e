// The side pane: one thing at a time, opened by the URL, with the keyboard's way in and back.

import { byId, h, show } from "../shared/dom.js";
import { say } from "../shared/words.js";
import { failure } from "./words.js";

// The key comes from the address, and so from whoever made the link; its id becomes part of what the API is asked.
const KEY = /^(report|incident|alert):([\w-]+)$/;

export class Pane {
  /** `sheets`: kind -> (id) => a sheet with `root`, `load(signal)`, `renew()`. `onClose` when the close button is pressed. */
  constructor(sheets, onClose) {
    Object.assign(this, { sheets, onClose, key: "", sheet: null, asking: new AbortController() });
    this.root = byId("pane");
    this.body = h("div.pane-body", {});
    this.title = h("h2", { tabindex: -1 });
    this.error = h("p.error", { role: "alert" });
    this.root.append(h("header.pane-top", {}, this.title, h("button.icon", { type: "button", title: say("close"), "aria-label": say("close"), onclick: onClose }, "×")), this.error, this.body);
  }

  /** Shows `kind:id`; empty closes. */
  async open(key) {
    if (key === this.key) return;
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.key = key;
    const [, kind, id] = KEY.exec(key) ?? [];
    this.sheet = kind ? this.sheets[kind](id) : null;
    this.root.hidden = !this.sheet;
    this.error.textContent = "";
    document.documentElement.toggleAttribute("data-pane", Boolean(this.sheet));
    if (!this.sheet) return;
    this.title.textContent = id;
    show(this.body, h("p.hint", {}, say("loading")));
    this.title.focus();
    const { sheet } = this;
    try {
      await sheet.load(signal);
      if (signal.aborted) return;
      this.title.textContent = sheet.title;
      show(this.body, sheet.root);
      this.body.scrollTop = 0;
    } catch (error) {
      if (signal.aborted) return;
      show(this.body);
      this.error.textContent = error.status === 404 ? say("gone") : failure(error) || error.message;
    }
  }

  /** Reads again what it shows; what is being typed is the sheet's to keep. */
  async renew() {
    if (!this.sheet?.root.firstChild) return;
    const { signal } = this.asking;
    try {
      await this.sheet.renew(signal);
    } catch (error) {
      if (!signal.aborted && error.status === 404) this.error.textContent = say("gone");
    }
  }
}
