// The board: reads queue, incidents and alerts every few seconds, keeps list and map in step, and opens what is worked on.

import { ApiError, getJson, getList } from "../shared/api.js";
import { byId, h, show } from "../shared/dom.js";
import { Live, Status } from "../shared/live.js";
import { nameOf, number, say, useZone } from "../shared/words.js";
import { AlertSheet, alertsUrl, drawAlerts, propertyNames } from "./alerts.js";
import { Choices } from "./choices.js";
import { assign, keepIncident, merge } from "./dialogs.js";
import { drawFigures } from "./figures.js";
import { drawIncidents, IncidentSheet, incidentsUrl } from "./incidents.js";
import { Keys } from "./keys.js";
import { address, me } from "./me.js";
import { Pane } from "./pane.js";
import { Queue, TABS } from "./queue.js";
import { ReportSheet } from "./report_sheet.js";
import { send } from "./send.js";
import { drawSession } from "./session.js";
import { hasDrafts } from "./step_form.js";
import { openMap, Places, pointsOf } from "./surroundings.js";
import { failure } from "./words.js";

const EVERY_MS = 5_000;
const OTHERS_EVERY = 3; // rounds between two readings of alerts and incidents
const TYPING_MS = 300;

class Board {
  constructor() {
    useZone(me.zone);
    this.choices = new Choices();
    this.status = new Status(byId("status"), byId("toast"));
    this.places = new Places();
    Object.assign(this, { agencies: [], alerts: [], incidents: [], names: new Map(), map: null, round: 0, title: document.title });
    this.queue = new Queue(this.choices, {
      open: (id) => this.open("report", id),
      hover: (id) => this.map?.hover(id),
      rows: () => this.drawPoints(),
      chosen: () => this.drawChosen(),
      ask: () => this.live.now(),
    });
    this.pane = new Pane(
      { report: (id) => new ReportSheet(id, this), incident: (id) => new IncidentSheet(id, this), alert: (id) => new AlertSheet(id, this) },
      () => this.close(),
    );
    this.live = new Live(() => this.refresh(), EVERY_MS);
  }

  async start() {
    this.bind();
    this.choices.addEventListener("change", (event) => this.changed(event.detail));
    const map = openMap(byId("map"), { pick: (kind, id) => this.open(kind, id), hover: (id) => this.queue.markHover(id) });
    await Promise.all([this.learn(), this.live.now()]);
    await this.drawOpen();
    this.map = await map;
    this.drawPoints();
    this.drawView();
    document.documentElement.dataset.ready = "yes";
  }

  /** What the choices are made from. It does not change while people work; without it they work on. */
  async learn() {
    try {
      const [agencies, categories, names] = await Promise.all([getList(address("agencies/")), getList(address("categories/")), propertyNames()]);
      this.agencies.push(...agencies);
      this.names = names;
      show(byId("category"), h("option", { value: "" }, say("all_categories")), flat(categories).map(({ slug, name, depth }) => h("option", { value: slug }, `${"\u00a0\u00a0".repeat(depth)}${name}`)));
      show(byId("agency"), h("option", { value: "" }, say("all_agencies")), h("option", { value: "none" }, say("no_agency")), agencies.map((one) => h("option", { value: one.slug }, nameOf(one))));
      this.drawFilters();
    } catch (error) {
      this.fail(error);
    }
  }

  async refresh() {
    try {
      const isNew = await this.queue.refresh();
      if (this.round % OTHERS_EVERY === 0) await this.readOthers();
      this.round += 1;
      this.status.touch();
      drawSession(false);
      if (isNew) await Promise.all([this.pane.renew(), this.choices.get("view") === "figures" && drawFigures(byId("view-figures"))]);
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  async readOthers() {
    const [alerts, incidents] = await Promise.all([getList(alertsUrl()), getList(incidentsUrl())]);
    Object.assign(this, { alerts, incidents });
    await this.places.look(alerts.map((alert) => alert.thing));
    const waiting = alerts.filter((alert) => !alert.is_acknowledged).length;
    document.querySelector("[data-count=alerts]").textContent = number(alerts.length);
    document.querySelector("[data-count=alerts]").dataset.tone = waiting ? "late" : "calm";
    document.querySelector("[data-count=incidents]").textContent = number(incidents.length);
    this.drawPoints();
    this.drawView();
  }

  fail(error) {
    if (!(error instanceof ApiError)) throw error;
    if ([401, 403].includes(error.status)) drawSession(true);
    else if (error.isLostTouch) this.status.lose();
    else this.status.refuse(error.message);
  }

  /** After a change of one's own: all of it is read, and the list takes it at once. */
  async settle() {
    this.round = 0;
    await this.queue.refresh({ takesAll: true }).catch((error) => this.fail(error));
    await this.live.now();
  }

  toast(text) {
    this.status.say(text);
  }

  selected() {
    return this.queue.meant;
  }

  placeOf(thing) {
    return this.places.get(thing);
  }

  mark(place) {
    this.map?.mark(place);
  }

  open(kind, id) {
    this.choices.set({ open: `${kind}:${id}` });
  }

  close() {
    this.choices.set({ open: "" });
  }

  merge(reports) {
    merge(reports, this.asked());
  }

  asked() {
    return { agencies: this.agencies, toast: (text) => this.toast(text), open: (kind, id) => this.open(kind, id), then: () => Promise.all([this.settle(), this.pane.renew()]) };
  }

  /** The same act by key and by button; says why where it cannot be. */
  act(name) {
    const { meant } = this.queue;
    const least = { assign: 1, merge: 2, incident: 1 }[name];
    if (meant.length < least) return this.toast(say(`needs_${name}`));
    if (name === "incident" && !me.dispatches) return this.toast(say("dispatchers_only"));
    return { assign, merge, incident: keepIncident }[name](meant, this.asked());
  }

  changed(names) {
    if (names.has("open")) {
      const before = this.pane.key;
      this.drawOpen();
      if (!this.choices.get("open") && before) this.giveBack(before);
    }
    if (names.has("view")) this.drawView();
    if (["tab", "q", "category", "agency"].some((name) => names.has(name))) {
      this.queue.limit = 100;
      this.queue.markTab();
      this.drawFilters();
      this.live.now();
    }
  }

  async drawOpen() {
    const key = this.choices.get("open");
    this.queue.markOpen(key.startsWith("report:") ? key.slice(7) : null);
    if (!key) {
      this.mark(null);
      document.title = this.title;
    }
    await this.pane.open(key);
  }

  /** The keyboard returns to the row from which something was opened. */
  giveBack(key) {
    const row = document.querySelector(`.row [data-key="${CSS.escape(key.slice(key.indexOf(":") + 1))}"]`);
    (row ?? byId("list-side")).focus();
  }

  drawPoints() {
    this.map?.setReports(pointsOf([...this.queue.rows.values()].filter((row) => !this.queue.gone.has(row.id)), this.queue.selected));
    this.map?.setAlerts(this.places.points(this.alerts));
  }

  drawChosen() {
    const { queue } = this;
    const n = queue.selected.size;
    const all = h("input", { type: "checkbox", "aria-label": say("select_all"), "data-key": "all", onchange: (event) => queue.select([...queue.rows.keys()], event.target.checked) });
    all.checked = n > 0 && n === queue.rows.size;
    all.indeterminate = n > 0 && n < queue.rows.size;
    const act = (name, key) => h("button.button.small", { type: "button", "data-key": name, onclick: () => this.act(name) }, say(`act_${name}`), h("kbd", { "aria-hidden": "true" }, key));
    show(byId("bulk"),
      h("label.pick", {}, all),
      n ? [h("span.count", {}, say("selected_n", { n })), act("assign", "a"), n > 1 && act("merge", "m"), me.dispatches && act("incident", "i"), h("button.link", { type: "button", "data-key": "none", onclick: () => queue.select([...queue.selected], false) }, say("select_none"))]
        : [h("span.count", {}, say(queue.latest?.next ? "first_n" : "reports_n", { n: queue.rows.size })), h("span.hint", {}, say("keys_hint"))]);
    this.drawPoints();
  }

  drawFilters() {
    const { q, category, agency } = this.choices.values;
    if (document.activeElement !== byId("q")) byId("q").value = q;
    byId("category").value = category;
    byId("agency").value = agency;
  }

  drawView() {
    const view = this.choices.get("view");
    for (const button of byId("views").children) {
      if (button.dataset.view === view) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
    for (const part of ["queue", "incidents", "alerts", "figures"]) byId(`view-${part}`).hidden = part !== view;
    const openKey = this.choices.get("open");
    const onOpen = (kind, id) => this.open(kind, id);
    if (view === "incidents") drawIncidents(byId("view-incidents"), this.incidents, { onOpen, openKey });
    if (view === "alerts") drawAlerts(byId("view-alerts"), this.alerts, { onOpen, openKey, names: this.names, onSeen: (alert) => this.acknowledge(alert) });
    if (view === "figures") drawFigures(byId("view-figures")).catch((error) => this.fail(error));
  }

  async acknowledge(alert) {
    try {
      await send(`/api/alerts/${alert.id}/acknowledge/`, {});
      this.toast(say("alert_done_acknowledge"));
    } catch (error) {
      this.toast(failure(error) || error.message);
    }
    await this.settle();
  }

  bind() {
    const { choices, queue } = this;
    for (const button of byId("views").children) button.addEventListener("click", () => choices.set({ view: button.dataset.view }));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    let typing = null;
    byId("q").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => choices.set({ q: byId("q").value.trim() }, { isStep: false }), TYPING_MS);
    });
    for (const name of ["category", "agency"]) byId(name).addEventListener("change", (event) => choices.set({ [name]: event.target.value }));
    for (const link of document.querySelectorAll("[data-keeps-view]")) link.addEventListener("click", () => (link.href = `${link.href.split("#")[0]}${window.location.hash}`));
    document.addEventListener("click", (event) => {
      if (!byId("account").contains(event.target)) byId("account").open = false;
    });
    window.addEventListener("beforeunload", (event) => hasDrafts() && event.preventDefault());
    show(byId("keys"), ["late", "due", "calm"].map((tone) => h("li", {}, h("span.dot", { "data-tone": tone, "aria-hidden": "true" }), say(`key_${tone}`))), h("li", {}, h("span.triangle", { "aria-hidden": "true" }), say("key_alert")));
    this.keys = new Keys({
      j: () => queue.move(1), k: () => queue.move(-1), x: () => this.toggle(), a: () => this.act("assign"), m: () => this.act("merge"), i: () => this.act("incident"),
      r: () => queue.takeAll(), "/": () => byId("q").focus(), Escape: (event) => this.escape(event),
      ...Object.fromEntries(TABS.map((tab, i) => [String(i + 1), () => choices.set({ view: "queue", tab })])),
    });
    byId("help").addEventListener("click", () => this.keys.help());
  }

  toggle() {
    const { current } = this.queue;
    if (current) this.queue.select([current.id], !this.queue.selected.has(current.id));
  }

  /** Out of a field first, then out of the pane. */
  escape(event) {
    if (event.target.matches("#q")) return this.queue.move(0);
    if (byId("account").open) return (byId("account").open = false);
    return this.pane.key ? this.close() : null;
  }
}

function flat(categories, depth = 0) {
  return categories.flatMap((one) => [{ slug: one.slug, name: nameOf(one), depth }, ...flat(one.children ?? [], depth + 1)]);
}

new Board().start();
