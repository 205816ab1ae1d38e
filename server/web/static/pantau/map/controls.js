// The choices: period, filters, which points are shown, what colours the areas. They read and write the view's state.

import { getList } from "../shared/api.js";
import { byId, h, show, svg } from "../shared/dom.js";
import { datesOf, PRESETS, QLUE_LAUNCH } from "../shared/period.js";
import { cityDay, nameOf, say } from "../shared/words.js";

const INTERVALS = ["hour", "day", "week"];
const SELECTS = ["category", "channel", "status", "area", "property", "interval", "level"];
const FOLDED = ["channel", "status", "area", "property"];
const OPEN = "submitted,coordination,assigned,in_progress,waiting,reopened";
const CLOSED = "resolved,rejected,duplicate";
const POINTS = ["reports", "sensors", "incidents"];
// Boundaries are drawn in any case; these come first, the others are folded.
const PLAIN = ["cities", "districts", "subdistricts"];
const FIRST = ["density", "hotspots", "correlation"];

export class Controls {
  constructor(state, model, { onUse }) {
    Object.assign(this, { state, model, onUse, hasQlue: false, channels: null, areas: null });
    this.bind();
  }

  bind() {
    for (const name of SELECTS) field(name).addEventListener("change", (event) => this.state.set({ [name]: event.target.value }));
    for (const input of document.querySelectorAll("[name=show]")) {
      input.addEventListener("change", () => {
        const shown = [...document.querySelectorAll("[name=show]:checked")].map((each) => each.value);
        this.state.set({ show: shown.join(",") });
      });
    }
    for (const id of ["from", "to"]) byId(id).addEventListener("change", () => this.takeDates());
    byId("filters").addEventListener("toggle", () => this.loadChoices());
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    for (const id of POINTS) byId(`use-${id}`).addEventListener("click", () => this.onUse(id));
  }

  offerQlue(has) {
    this.hasQlue = has;
    this.drawPeriods();
  }

  /** Correlation with nothing chosen yet: floods against river levels, if the city knows both. */
  proposal(colour) {
    if (!this.model.layers.get(colour)?.parameters.some((each) => each.name === "property" && each.required) || this.state.get("property")) return {};
    const codes = this.model.properties.map((each) => each.code);
    const property = ["river_level", "water_level", "rainfall", "pm25"].find((code) => codes.includes(code)) ?? codes[0] ?? "";
    const category = this.state.get("category") || (this.model.category("banjir") ? "banjir" : "");
    return { property, category };
  }

  takeDates() {
    const [from, to] = [byId("from"), byId("to")];
    const isBackwards = Boolean(from.value && to.value && from.value > to.value);
    for (const field of [from, to]) field.setAttribute("aria-invalid", String(isBackwards));
    byId("dates-error").textContent = isBackwards ? say("dates_backwards") : "";
    if (from.value && to.value && !isBackwards) this.state.set({ period: `${from.value}..${to.value}`, frame: "" });
  }

  /** What only those need who open the further filters, or come with one of them chosen. */
  async loadChoices() {
    const isWanted = byId("filters").open || ["channel", "area"].some((name) => this.state.get(name));
    if (!isWanted || this.channels) return;
    const city = this.model.city ? `&city=${this.model.city}` : "";
    this.channels = [];
    [this.channels, this.areas] = await Promise.all([getList(`/api/channels/?${city.slice(1)}`), getList(`/api/areas/?level=kecamatan${city}`)]).catch(() => [null, null]);
    this.drawFilters();
    this.drawSummary();
  }

  draw() {
    this.drawPeriods();
    this.drawFilters();
    this.drawColours();
    this.drawCities();
    for (const input of document.querySelectorAll("[name=show]")) input.checked = this.state.shows(input.value);
    for (const id of POINTS) byId(`use-${id}`).title = say("use_layer", { layer: this.model.layers.get(id)?.title ?? id });
    this.drawSummary();
    this.loadChoices();
  }

  drawPeriods() {
    const period = this.state.get("period");
    const presets = this.hasQlue || period === QLUE_LAUNCH ? [...PRESETS, QLUE_LAUNCH] : PRESETS;
    const chips = presets.map((value) => {
      const words = value === QLUE_LAUNCH ? say("period_qlue") : say(`period_${value}`);
      const id = `period-${value.replaceAll(".", "_")}`;
      return h("span.chip", {}, h("input", { type: "radio", name: "period", id, value, checked: value === period, "data-key": id, onchange: () => this.state.set({ period: value, frame: "" }) }), h("label", { for: id }, words));
    });
    show(byId("presets"), chips);
    const dates = datesOf(period) ?? [cityDay(Number(period.replace("d", "") || 30) - 1), cityDay()];
    [byId("from").value, byId("to").value] = dates;
    byId("to").max = cityDay();
  }

  drawFilters() {
    const categories = this.model.categories.map((each) => [each.slug, `${"\u2003".repeat(each.depth)}${nameOf(each)}`]);
    const properties = [...this.model.properties].sort((a, b) => nameOf(a).localeCompare(nameOf(b))).map((each) => [each.code, nameOf(each)]);
    const statuses = [[OPEN, say("status_open")], [CLOSED, say("status_closed")], ...[...OPEN.split(","), ...CLOSED.split(",")].map((status) => [status, say(`status_${status}`)])];
    this.options("category", say("all_categories"), categories);
    this.options("channel", say("all_channels"), (this.channels ?? []).map((each) => [each.slug, each.name]));
    this.options("status", say("all_statuses"), statuses);
    this.options("area", say("whole_city"), (this.areas ?? []).map((each) => [each.code, each.name]));
    this.options("property", say("main_reading"), properties);
    this.options("interval", say("interval_auto", { interval: say(`interval_${this.model.interval()}`) }), INTERVALS.map((each) => [each, say(`interval_${each}`)]));
    byId("level").value = this.state.get("level");
  }

  /** A choice from a link that no list knows stays visible, so that the page never filters by what it does not show. */
  options(name, none, pairs) {
    const value = this.state.get(name);
    const isKnown = !value || pairs.some(([known]) => known === value);
    show(field(name), [["", none], ...pairs, ...(isKnown ? [] : [[value, value]])].map(([each, words]) => h("option", { value: each }, words)));
    field(name).value = value;
  }

  /** The filters that are set, as chips that take them away: also where their fields are folded. */
  drawSummary() {
    const chosen = FOLDED.filter((name) => this.state.get(name));
    byId("filters-count").textContent = chosen.length ? String(chosen.length) : "";
    show(byId("chosen-filters"), chosen.map((name) => {
      const words = field(name).selectedOptions[0]?.textContent.trim() ?? this.state.get(name);
      return h("li", {}, h("button.filter", { type: "button", "data-key": `clear-${name}`, "aria-label": say("clear_filter", { filter: `${say(`filter_${name}`)}: ${words}` }), onclick: () => this.state.set({ [name]: "" }) }, h("span", {}, words), h("span", { "aria-hidden": "true" }, "×")));
    }));
  }

  drawColours() {
    const layers = [...this.model.layers.values()].filter((layer) => layer.style.kind === "fill" && !PLAIN.includes(layer.id));
    const chosen = this.state.get("colour");
    const first = layers.filter((layer) => FIRST.includes(layer.id)).sort((a, b) => FIRST.indexOf(a.id) - FIRST.indexOf(b.id));
    const others = layers.filter((layer) => !FIRST.includes(layer.id));
    show(byId("colours"), first.map((layer) => this.colourRow(layer.id, layer.title)));
    show(byId("more-colours"), [...others.map((layer) => this.colourRow(layer.id, layer.title)), this.colourRow("none", say("no_colour"))]);
    if (!FIRST.includes(chosen)) byId("more-fold").open = true;
    byId("colour-about").textContent = firstSentence(this.model.layers.get(chosen)?.description ?? "");
    byId("interval-field").hidden = chosen !== "correlation";
  }

  colourRow(id, title) {
    const input = h("input", { type: "radio", name: "colour", id: `colour-${id}`, value: id, checked: this.state.get("colour") === id, "data-key": `colour-${id}`, onchange: () => this.state.set({ colour: id, ...this.proposal(id) }) });
    const use = id === "none" ? null : h("button.use", { type: "button", "data-key": `use-${id}`, title: say("use_layer", { layer: title }), "aria-label": say("use_layer", { layer: title }), onclick: () => this.onUse(id) }, useSign());
    return h("div.layer", {}, h("label", {}, input, h("span", {}, title)), use);
  }

  drawCities() {
    byId("city-field").hidden = this.model.cities.length < 2;
    if (this.model.cities.length < 2) return;
    show(byId("city"), this.model.cities.map((each) => h("option", { value: each.slug }, each.name)));
    byId("city").value = this.state.get("city");
    byId("city").onchange = (event) => this.state.set({ city: event.target.value, open: "", map: "", area: "" });
  }
}

/** What a layer is; the rest of its description is for those who ask for it by its address. */
function firstSentence(text) {
  return /^.*?[.?](?= |$)/s.exec(text)?.[0] ?? text;
}

/** The field of a choice; `status` alone is how current the page is. */
function field(name) {
  return byId(name === "status" ? "status-filter" : name);
}

function useSign() {
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: "M10 3v9m0 0 3.5-3.5M10 12 6.5 8.5M4 14v3h12v-3" }));
}
