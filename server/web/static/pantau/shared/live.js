// How a page stays current, and how it says so: rounds of a task, the stream of readings, and the pill that tells how old it is.

import { ago, hourOf, say } from "./words.js";

/** Keeps a task going while the page is seen: again a few seconds after it ended, more slowly while it fails. */
export class Live {
  constructor(task, everyMs) {
    this.task = task;
    this.everyMs = everyMs;
    this.failures = 0;
    this.timer = null;
    this.round = 0;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.now()));
    window.addEventListener("online", () => this.now());
  }

  /** Runs at once; a round that was under way no longer plans the next one. */
  async now() {
    this.stop();
    const round = (this.round += 1);
    const isWell = await this.task().catch((error) => console.error(error));
    this.failures = isWell ? 0 : this.failures + 1;
    if (round !== this.round || document.hidden) return;
    this.timer = setTimeout(() => this.now(), Math.min(this.everyMs * 2 ** this.failures, 60_000));
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}

const STREAM = "/api/observations/stream";
const TELL_EVERY_MS = 1_000;
const FIRST_RETRY_MS = 3_000;
const LAST_RETRY_MS = 120_000;

/**
 * New readings as they are stored: `onReadings` hears them in batches, once a second at most, each {kind, datastream, thing,
 * observed_property, unit, phenomenon_time, result, quality, recorded_at}; kind is observation, changed or deleted. After a break
 * it goes on behind the last one that was heard. Where there is no stream the page's polling is all there is.
 */
export class ReadingStream {
  constructor(onReadings) {
    Object.assign(this, { onReadings, source: null, lastId: "", waiting: [], telling: null, retry: null, failures: 0 });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.open()));
    window.addEventListener("online", () => this.open());
    if (!document.hidden) this.open();
  }

  get isOpen() {
    return this.source?.readyState === EventSource.OPEN;
  }

  open() {
    this.close();
    const source = new EventSource(this.lastId ? `${STREAM}?last_event_id=${encodeURIComponent(this.lastId)}` : STREAM);
    this.source = source;
    source.addEventListener("open", () => {
      this.failures = 0;
      this.note("open");
    });
    for (const kind of ["observation", "changed", "deleted"]) source.addEventListener(kind, (event) => this.hear(kind, event));
    // The browser's own way back would ask the page's address with a header that does not survive the way to another port.
    source.addEventListener("error", () => this.source === source && this.fail());
  }

  hear(kind, event) {
    this.lastId = event.lastEventId;
    this.waiting.push({ kind, ...JSON.parse(event.data) });
    this.telling ??= setTimeout(() => this.tell(), TELL_EVERY_MS);
  }

  tell() {
    const heard = this.waiting;
    Object.assign(this, { waiting: [], telling: null });
    this.onReadings(heard);
  }

  fail() {
    this.close();
    this.note("away");
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.failures, LAST_RETRY_MS);
    this.failures += 1;
    if (!document.hidden) this.retry = setTimeout(() => this.open(), delay);
  }

  rest() {
    this.close();
    this.note("resting");
  }

  close() {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }

  note(state) {
    document.documentElement.dataset.stream = state;
  }
}

const NOTICE_MS = 6_000;
const OLD_AFTER_MS = 20_000;

/** How current the page is, in words, every second; and a short notice when something came in. */
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
