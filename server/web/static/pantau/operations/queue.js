// The queue: tabs with their counts, and a list that never moves by itself. What is new is said, and shown when it is asked for.

import { getJson } from "../shared/api.js";
import { byId, h, show } from "../shared/dom.js";
import { ago, number, say } from "../shared/words.js";
import { dueBadge, marksOf, stateBadge, urgency } from "./due.js";
import { address } from "./me.js";

export const TABS = ["open", "due", "late", "reopened", "mine", "unassigned"];
const PAGE = 100;
const MOST = 500;

export class Queue {
  /** `on`: open(id), hover(id or null), rows(rows), chosen(ids). */
  constructor(choices, on) {
    Object.assign(this, { choices, on, rows: new Map(), gone: new Set(), selected: new Set(), limit: PAGE, latest: null, shownUrl: "", at: null });
    this.list = byId("rows");
    this.drawTabs();
    this.listen();
  }

  url() {
    const { tab, q, category, agency } = this.choices.values;
    return address("queue/", { tab, q, category, agency, limit: this.limit });
  }

  /** Reads the queue. True if it has changed. `takesAll` shows all of it at once, as after a step of one's own. */
  async refresh({ takesAll = false } = {}) {
    const url = this.url();
    if (url !== this.shownUrl) byId("queue").dataset.busy = "yes";
    const { body, isNew } = await getJson(url);
    if (url !== this.url()) return false; // chosen anew meanwhile: that question is under way
    delete byId("queue").dataset.busy;
    const isOther = url !== this.shownUrl;
    if (!isNew && !isOther && !takesAll) return false;
    this.latest = body;
    this.shownUrl = url;
    this.drawCounts(body.counts);
    if (isOther || takesAll || !this.rows.size) this.takeAll();
    else this.takeInPlace();
    return true;
  }

  takeAll() {
    if (!this.latest) return;
    this.rows = new Map(this.latest.results.map((row) => [row.id, row]));
    this.gone.clear();
    for (const id of [...this.selected]) if (!this.rows.has(id)) this.selected.delete(id);
    const index = this.indexOfFocus();
    show(this.list, [...this.rows.values()].map((row) => this.element(row)));
    if (index !== null && !this.list.contains(document.activeElement)) this.focusOn(Math.min(index, this.rows.size - 1));
    this.drawEnd();
    this.drawNews(0);
    this.on.rows([...this.rows.values()]);
    this.on.chosen();
  }

  /** Rows stay where they are: what is known of them is renewed, what has left says so, what is new waits. */
  takeInPlace() {
    const fresh = new Map(this.latest.results.map((row) => [row.id, row]));
    const lastDue = this.latest.next ? dueTime(this.latest.results.at(-1)) : Infinity;
    for (const [id, row] of this.rows) {
      const now = fresh.get(id);
      const isGone = !now && dueTime(row) < lastDue;
      if (now && (JSON.stringify(now) !== JSON.stringify(row) || this.gone.has(id))) this.renew(now, false);
      else if (isGone && !this.gone.has(id)) this.renew(row, true);
    }
    this.drawNews([...fresh.keys()].filter((id) => !this.rows.has(id)).length);
    this.on.rows([...this.rows.values()]);
  }

  renew(row, isGone) {
    this.rows.set(row.id, row);
    if (isGone) this.gone.add(row.id);
    else this.gone.delete(row.id);
    const old = this.find(row.id);
    const key = old?.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    old?.replaceWith(this.element(row));
    if (key) this.list.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }

  drawNews(n) {
    const box = byId("news");
    const parts = [n && say("news_new", { n }), this.gone.size && say("news_gone", { n: this.gone.size })].filter(Boolean);
    const text = parts.join(", ");
    if (box.dataset.text === text) return;
    box.dataset.text = text;
    box.hidden = !text;
    show(box, h("span", {}, text), h("button.link", { type: "button", "data-key": "news", onclick: () => this.takeAll() }, say("show_news")));
    byId("announce").textContent = text;
  }

  drawTabs() {
    const tabs = TABS.map((tab) =>
      h("button", { type: "button", role: "tab", id: `tab-${tab}`, "aria-controls": "queue", "data-tab": tab, onclick: () => this.choices.set({ tab }) }, say(`tab_${tab}`), " ", h("b", {}, "")),
    );
    byId("tabs").replaceChildren(...tabs);
    byId("tabs").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
    this.markTab();
  }

  markTab() {
    for (const tab of byId("tabs").children) {
      const isChosen = tab.dataset.tab === this.choices.get("tab");
      tab.setAttribute("aria-selected", isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen) byId("queue").setAttribute("aria-labelledby", tab.id);
    }
  }

  drawCounts(counts) {
    for (const tab of byId("tabs").children) {
      const shown = tab.querySelector("b");
      shown.textContent = number(counts[tab.dataset.tab]);
      shown.toggleAttribute("data-none", !counts[tab.dataset.tab]);
    }
    const total = document.querySelector("[data-count=queue]");
    if (total) total.textContent = number(counts.open);
  }

  element(row) {
    const isGone = this.gone.has(row.id);
    const name = `${row.category_name}, ${row.area_name ?? say("no_area")}`;
    const check = h("input", { type: "checkbox", "aria-label": say("select_report", { name, id: row.id }), "data-key": `check-${row.id}` });
    check.checked = this.selected.has(row.id);
    return h(
      `li.row${isGone ? ".gone" : ""}`,
      { "data-id": row.id, "data-tone": urgency(row).tone, "data-open": this.choices.get("open") === `report:${row.id}` },
      h("label.pick", {}, check),
      h(
        "button.open",
        { type: "button", "data-key": row.id },
        h("span.head", {}, h("span.name", {}, row.category_name), h("span.place", {}, row.area_name ?? say("no_area")), isGone ? h("span.due", {}, say("left_queue")) : dueBadge(row)),
        h("span.text", {}, row.description || say("no_text")),
        h("span.foot", {}, stateBadge(row.status, row.status_name), h("span.agency", {}, row.agency_name ?? say("no_agency")), h("span.age", {}, ago(row.reported_at))),
        h("span.marks", {}, marksOf(row)),
      ),
    );
  }

  drawEnd() {
    const { next, results } = this.latest;
    const { tab, q, category, agency } = this.choices.values;
    const end = byId("rows-end");
    if (!results.length) {
      const isFiltered = Boolean(q || category || agency);
      show(end, h("p.empty", {}, say(isFiltered ? "empty_filtered" : `empty_${tab}`)), isFiltered && h("button.button", { type: "button", onclick: () => this.choices.set({ q: "", category: "", agency: "" }) }, say("clear_filters")));
    } else if (next && this.limit < MOST) {
      show(end, h("button.button", { type: "button", "data-key": "more", onclick: () => this.more() }, say("show_more")));
    } else show(end, next ? h("p.hint", {}, say("too_many", { n: MOST })) : null);
  }

  async more() {
    this.limit = Math.min(this.limit + PAGE, MOST);
    await this.on.ask();
  }

  find(id) {
    return this.list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  indexOfFocus() {
    const row = this.list.contains(document.activeElement) ? document.activeElement.closest("li") : null;
    return row ? [...this.list.children].indexOf(row) : null;
  }

  focusOn(index) {
    this.list.children[index]?.querySelector(".open").focus();
  }

  /** The next row, or the one before; where none has the keyboard, the one that had it last, else the first. */
  move(step) {
    const index = this.indexOfFocus();
    if (index !== null) return this.focusOn(Math.max(0, Math.min(index + step, this.list.children.length - 1)));
    const last = this.at && this.find(this.at);
    return last ? last.querySelector(".open").focus() : this.focusOn(0);
  }

  /** The row that has the keyboard. */
  get current() {
    const index = this.indexOfFocus();
    return index === null ? null : this.rows.get(this.list.children[index].dataset.id);
  }

  /** Those that are selected, else the one that has the keyboard. */
  get meant() {
    const chosen = [...this.selected].map((id) => this.rows.get(id)).filter(Boolean);
    return chosen.length || !this.current ? chosen : [this.current];
  }

  select(ids, isChosen) {
    for (const id of ids) {
      if (isChosen) this.selected.add(id);
      else this.selected.delete(id);
      const box = this.find(id)?.querySelector("input");
      if (box) box.checked = isChosen;
    }
    this.on.chosen();
  }

  /** Marks the row whose report stands in the pane. */
  markOpen(id) {
    for (const row of this.list.querySelectorAll("[data-open]")) delete row.dataset.open;
    const row = id && this.find(id);
    if (row) row.dataset.open = "";
  }

  markHover(id) {
    for (const row of this.list.querySelectorAll(".hovered")) row.classList.remove("hovered");
    if (id) this.find(id)?.classList.add("hovered");
  }

  listen() {
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest(".open");
      if (button) this.on.open(button.closest("li").dataset.id);
    });
    this.list.addEventListener("change", (event) => this.select([event.target.closest("li").dataset.id], event.target.checked));
    this.list.addEventListener("focusin", (event) => (this.at = event.target.closest("li")?.dataset.id ?? this.at));
    this.list.addEventListener("mouseover", (event) => this.on.hover(event.target.closest("li")?.dataset.id ?? null));
    this.list.addEventListener("mouseleave", () => this.on.hover(null));
  }
}

function dueTime(row) {
  return row?.due_at ? Date.parse(row.due_at) : Infinity;
}
