// The choices: period, category, how areas are coloured, which points are shown. They read and write the view's state.

import { byId, h, show } from "./dom.js";
import { datesOf, PRESETS, QLUE_LAUNCH } from "./period.js";
import { cityDay, nameOf, say } from "./words.js";

const INTERVALS = ["hour", "day", "week"];

export class Controls {
  constructor(state, model) {
    Object.assign(this, { state, model, hasQlue: false });
    this.bind();
  }

  bind() {
    for (const name of ["category", "measure", "level", "property", "interval", "reading"]) {
      byId(name).addEventListener("change", (event) => this.state.set({ [name]: event.target.value }));
    }
    for (const input of document.querySelectorAll("[name=colour]")) {
      input.addEventListener("change", () => this.state.set({ colour: input.value, ...this.proposal(input.value) }));
    }
    for (const input of document.querySelectorAll("[name=show]")) {
      input.addEventListener("change", () => {
        const shown = [...document.querySelectorAll("[name=show]:checked")].map((each) => each.value);
        this.state.set({ show: shown.join(",") });
      });
    }
    for (const id of ["from", "to"]) byId(id).addEventListener("change", () => this.takeDates());
  }

  /** Correlation with nothing chosen yet: floods against river levels, if the city knows both. */
  proposal(colour) {
    if (colour !== "correlation" || this.state.get("property")) return {};
    const codes = this.model.properties.map((each) => each.code);
    const property = ["river_level", "water_level", "rainfall", "pm25"].find((code) => codes.includes(code)) ?? codes[0] ?? "";
    const category = this.state.get("category") || (this.model.category("banjir") ? "banjir" : "");
    return { property, category };
  }

  takeDates() {
    const [from, to] = [byId("from"), byId("to")];
    const isBackwards = Boolean(from.value && to.value && from.value > to.value);
    to.setCustomValidity(isBackwards ? say("dates_backwards") : "");
    byId("dates-error").textContent = isBackwards ? say("dates_backwards") : "";
    if (from.value && to.value && !isBackwards) this.state.set({ period: `${from.value}..${to.value}` });
  }

  draw() {
    this.drawPeriods();
    this.drawCategories();
    this.drawProperties();
    this.drawCities();
    for (const name of ["category", "measure", "level", "property", "interval", "reading"]) byId(name).value = this.state.get(name);
    for (const input of document.querySelectorAll("[name=colour]")) input.checked = input.value === this.state.get("colour");
    for (const input of document.querySelectorAll("[name=show]")) input.checked = this.state.shows(input.value);
    const isCorrelation = this.state.get("colour") === "correlation";
    byId("density-choices").hidden = isCorrelation;
    byId("correlation-choices").hidden = !isCorrelation;
  }

  drawPeriods() {
    const period = this.state.get("period");
    const presets = this.hasQlue ? [...PRESETS, QLUE_LAUNCH] : PRESETS;
    const chips = presets.map((value) => {
      const words = value === QLUE_LAUNCH ? say("period_qlue") : say(`period_${value}`);
      const id = `period-${value.replaceAll(".", "_")}`;
      return h("span.chip", {}, h("input", { type: "radio", name: "period", id, value, checked: value === period, "data-key": id, onchange: () => this.state.set({ period: value }) }), h("label", { for: id }, words));
    });
    show(byId("presets"), chips);
    const dates = datesOf(period) ?? [cityDay(Number(period.replace("d", "") || 30) - 1), cityDay()];
    [byId("from").value, byId("to").value] = dates;
    byId("to").max = cityDay();
  }

  drawCategories() {
    const named = this.model.categories.map((each) => h("option", { value: each.slug }, `${"\u2003".repeat(each.depth)}${nameOf(each)}`));
    const options = [h("option", { value: "" }, say("all_categories")), ...named];
    show(byId("category"), keep(options, this.state.get("category")));
  }

  drawProperties() {
    const named = [...this.model.properties].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
    const options = () => named.map((each) => h("option", { value: each.code }, nameOf(each)));
    show(byId("property"), keep([h("option", { value: "" }, say("choose")), ...options()], this.state.get("property")));
    show(byId("reading"), keep([h("option", { value: "" }, say("main_reading")), ...options()], this.state.get("reading")));
    show(byId("interval"), h("option", { value: "" }, say("interval_auto", { interval: say(`interval_${this.model.interval()}`) })), INTERVALS.map((each) => h("option", { value: each }, say(`interval_${each}`))));
  }

  drawCities() {
    const field = byId("city-field");
    field.hidden = this.model.cities.length < 2;
    if (field.hidden) return;
    show(byId("city"), this.model.cities.map((each) => h("option", { value: each.slug }, each.name)));
    byId("city").value = this.state.get("city");
    byId("city").onchange = (event) => this.state.set({ city: event.target.value, open: "", map: "" });
  }
}

/** A choice from a link that no list knows stays visible, so that the page never filters by what it does not show. */
function keep(options, value) {
  const isKnown = !value || options.some((option) => option.value === value);
  return isKnown ? options : [...options, h("option", { value }, value)];
}
