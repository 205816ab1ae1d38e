// The reports that this phone keeps: those that wait, those that were refused, and those that were sent since.

import { byId, h, show } from "../shared/dom.js";
import { language, moment, say } from "../shared/words.js";

const AGAIN_MS = 30_000;

export class Kept {
  /** `onMend(item)` puts one that was refused back into the form. */
  constructor({ mine, onMend }) {
    Object.assign(this, { mine, onMend, items: [], part: byId("queue"), isSending: false });
    reportQueue.news?.addEventListener("message", () => this.reread());
    window.addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => document.hidden || this.flush());
    // For browsers that do not send in the background.
    setInterval(() => document.hidden || this.flush(), AGAIN_MS);
  }

  async start() {
    await this.reread();
    await this.flush();
  }

  async reread() {
    this.items = await reportQueue.list().catch(() => []);
    this.draw();
  }

  get waiting() {
    return this.items.filter((item) => item.state === "waiting");
  }

  async flush() {
    if (this.isSending || !this.waiting.length || !navigator.onLine) return;
    this.isSending = true;
    await reportQueue.flush().catch(() => false);
    this.isSending = false;
    await this.reread();
  }

  /** One that could not be sent just now; the browser is asked to send it in the background, where it can. */
  async keep(why) {
    await this.reread();
    byId("queue-why").textContent = why;
    this.part.querySelector("h2").focus();
    const worker = await navigator.serviceWorker?.getRegistration();
    await worker?.sync?.register("pantau-report").catch(() => {});
  }

  draw() {
    this.part.hidden = !this.items.length;
    const why = byId("queue-why")?.textContent ?? "";
    show(this.part, this.items.length ? [
      h("h2", { tabindex: -1 }, say(this.waiting.length ? "kept_title" : "queue")),
      h("p", { id: "queue-why" }, this.waiting.length ? why || say("kept_offline") : ""),
      h("ul", {}, this.items.map((item) => this.line(item))),
      this.waiting.length ? h("p.hint", {}, say("kept_open")) : null,
    ] : []);
  }

  line(item) {
    const told = { waiting: () => say("waiting"), refused: () => say("queue_refused", { detail: item.detail }), sent: () => say("queue_sent", { id: item.id }) }[item.state]();
    const button = (name, act, primary) => h(primary ? "button.button.primary" : "button.button", { type: "button", "data-key": `${name}-${item.key}`, onclick: act }, say(name));
    return h("li", { "data-state": item.state }, h("p", {}, h("b", {}, item.title), " ", h("span", {}, told)), h("p.hint", {}, say("written_at", { time: moment(item.writtenAt) })),
      h("div.buttons", {},
        item.state === "waiting" && button("send_now", () => this.flush(), true),
        item.state === "refused" && button("mend", () => this.mend(item), true),
        item.state === "sent" && item.link && h("a.button.primary", { href: `${this.mine}?lang=${language}#${item.link}` }, say("open_link")),
        item.state === "sent" ? button("forget", () => this.drop(item)) : button("delete", () => window.confirm(say("confirm_delete")) && this.drop(item))));
  }

  async mend(item) {
    await this.drop(item);
    this.onMend(item);
  }

  async drop(item) {
    await reportQueue.remove(item.key);
    await this.reread();
  }
}
