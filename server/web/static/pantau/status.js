// How current the page is, in words, every second; and a short notice when something came in.

import { ago, hourOf, say } from "./words.js";

const NOTICE_MS = 6_000;
const OLD_AFTER_MS = 20_000;

export class Status {
  constructor(pill, toast) {
    Object.assign(this, { pill, toast, touchedAt: null, lostAt: null, refusal: null, notice: null });
    this.words = pill.querySelector("[data-words]");
    setInterval(() => this.draw(), 1000);
  }

  touch() {
    if (this.lostAt) this.say(say("touch_again"));
    Object.assign(this, { touchedAt: Date.now(), lostAt: null, refusal: null });
    this.draw();
  }

  lose() {
    if (!this.lostAt) {
      this.lostAt = Date.now();
      this.say(say("lost_toast"));
    }
    this.draw();
  }

  refuse(detail) {
    this.refusal = detail;
    this.draw();
  }

  draw() {
    const isOld = this.touchedAt && Date.now() - this.touchedAt > OLD_AFTER_MS;
    const state = this.lostAt ? "lost" : this.refusal ? "refused" : !this.touchedAt ? "waiting" : isOld ? "old" : "live";
    this.pill.dataset.state = state;
    const text = {
      lost: () => (this.touchedAt ? say("lost_touch", { time: hourOf(this.touchedAt) }) : say("no_touch")),
      refused: () => say("refused", { detail: this.refusal }),
      waiting: () => say("loading"),
      old: () => say("checked", { ago: ago(this.touchedAt) }),
      live: () => say("live", { ago: ago(this.touchedAt) }),
    }[state]();
    if (this.words.textContent !== text) this.words.textContent = text;
  }

  say(text) {
    clearTimeout(this.notice);
    this.toast.textContent = text;
    this.toast.classList.add("shown");
    this.notice = setTimeout(() => this.toast.classList.remove("shown"), NOTICE_MS);
  }
}
