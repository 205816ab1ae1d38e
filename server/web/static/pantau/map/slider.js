// The time slider: how many reports each hour, day or week has, and one of them at a time on the map; it plays the period.

import { h, show, svg } from "../shared/dom.js";
import { frameWords, stepsOf } from "../shared/period.js";
import { number, say } from "../shared/words.js";

const FRAME_MS = 700;
const TILES_MS = 4_000;
const AGAIN_MS = 10_000;
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");
const RELOADS = ["period", "category", "channel", "status", "area", "step"];

export class Slider {
  /** `map()` gives the map, if there is one; `onCounts()` hears that there are other counts. */
  constructor(element, model, { map, onCounts }) {
    Object.assign(this, { element, model, map, onCounts, asking: null, loadedAt: 0, isPlaying: false });
    this.state = model.state;
    this.build();
    STILL.addEventListener("change", () => this.draw());
  }

  build() {
    this.play = h("button.round", { type: "button", onclick: () => (this.isPlaying ? this.stop() : this.start()) });
    this.back = h("button.round.step", { type: "button", "aria-label": say("frame_before"), title: say("frame_before"), onclick: () => this.move(-1) }, icon("M12 4 6 10l6 6"));
    this.next = h("button.round.step", { type: "button", "aria-label": say("frame_after"), title: say("frame_after"), onclick: () => this.move(1) }, icon("m8 4 6 6-6 6"));
    this.range = h("input", { type: "range", min: 0, max: 1, step: 1, "aria-label": say("frame_shown"), oninput: () => this.take(Number(this.range.value)) });
    this.track = h("div.track", {}, this.range);
    this.words = h("p.frame-words", { "aria-live": "off" });
    this.whole = h("button.link", { type: "button", onclick: () => this.showWhole() }, say("frame_whole"));
    this.steps = h("select", { "aria-label": say("frame_length"), onchange: () => this.state.set({ step: this.steps.value, frame: "" }) });
    show(this.element, h("div.slider-buttons", {}, this.play, this.back, this.next), h("div.slider-middle", {}, h("div.slider-words", {}, this.words, this.whole), this.track), this.steps);
  }

  /** The counts behind it. While reports keep coming in they are asked for now and then, after another choice at once. */
  async load({ isForced = false } = {}) {
    if (!isForced && Date.now() - this.loadedAt < AGAIN_MS) return;
    this.loadedAt = Date.now();
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      await this.model.loadCounts(this.asking.signal);
      this.draw();
      this.onCounts();
    } catch {
      // The page says by itself when it has lost touch; what was drawn stays.
    }
  }

  changed(names) {
    if (RELOADS.some((name) => names.has(name))) this.load({ isForced: true });
    else if (names.has("frame")) this.draw();
  }

  get at() {
    return this.model.counts.findIndex(({ frame }) => frame === this.state.get("frame"));
  }

  draw() {
    const { counts, step } = this.model;
    this.element.hidden = counts.length < 2;
    if (this.element.hidden) return;
    const { at } = this;
    const total = counts.reduce((sum, { n }) => sum + n, 0);
    this.range.max = String(counts.length - 1);
    this.range.value = String(at < 0 ? counts.length - 1 : at);
    const text = at < 0 ? say("frame_all", { n: total }) : say("frame_one", { frame: frameWords(counts[at].frame, step), n: counts[at].n });
    this.range.setAttribute("aria-valuetext", text);
    this.words.textContent = text;
    this.whole.hidden = !this.state.get("frame");
    this.track.dataset.chosen = String(at >= 0);
    this.track.style.setProperty("--n", counts.length);
    this.track.querySelector("svg")?.remove();
    this.track.prepend(bars(counts));
    this.drawButtons(at);
    const steps = stepsOf(this.state.get("period"));
    this.steps.hidden = steps.length < 2;
    show(this.steps, steps.map((each) => h("option", { value: each }, say(`frame_${each}`))));
    this.steps.value = step;
  }

  drawButtons(at) {
    this.play.hidden = STILL.matches;
    this.play.setAttribute("aria-label", say(this.isPlaying ? "pause" : "play"));
    this.play.title = say(this.isPlaying ? "pause" : "play");
    show(this.play, icon(this.isPlaying ? "M7 4v12M13 4v12" : "M6 4l10 6-10 6Z", this.isPlaying ? null : "solid"));
    this.back.disabled = at === 0;
    this.next.disabled = at === this.model.counts.length - 1;
  }

  /** A frame by its number; nothing that Back steps through. */
  take(at) {
    this.state.set({ frame: this.model.counts[at].frame }, { isStep: false });
  }

  move(by) {
    this.stop();
    const { at } = this;
    const last = this.model.counts.length - 1;
    this.take(at < 0 ? (by < 0 ? last : 0) : Math.min(last, Math.max(0, at + by)));
  }

  showWhole() {
    this.stop();
    this.state.set({ frame: "" }, { isStep: false });
    this.range.focus();
  }

  /** From the chosen frame, or from the first one, to the last; each stays until its tiles are there. */
  async start() {
    this.isPlaying = true;
    const last = this.model.counts.length - 1;
    if (this.at < 0 || this.at === last) this.take(0);
    else this.draw();
    while (this.isPlaying && !document.hidden) {
      await Promise.all([pause(FRAME_MS), this.drawn()]);
      if (!this.isPlaying || this.at < 0 || this.at >= this.model.counts.length - 1) break;
      this.take(this.at + 1);
    }
    this.stop();
  }

  stop() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.draw();
  }

  drawn() {
    const map = this.map();
    return map ? Promise.race([map.gl.once("idle"), pause(TILES_MS)]) : null;
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function icon(d, kind = null) {
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", class: kind }, svg("path", { d }));
}

/** A bar for each frame, the highest as high as there is room; the figures stand in the table. */
function bars(counts) {
  const most = Math.max(...counts.map(({ n }) => n), 1);
  const gap = counts.length > 120 ? 0 : 0.16;
  const d = counts.map(({ n }, i) => (n ? `M${i + gap / 2} 100V${(100 - Math.max(3, (n / most) * 100)).toFixed(1)}h${1 - gap}V100Z` : "")).join("");
  return svg("svg", { viewBox: `0 0 ${counts.length} 100`, preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d }));
}
